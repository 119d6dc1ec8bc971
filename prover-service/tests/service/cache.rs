//! The caches of proofs on disk and in Redis.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use bauta_dev_servers::Redis;
use redis::Commands;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{Running, cache, request};

pub const KEY: &str = "5151515151515151515151515151515151515151515151515151515151515151";

/// Creates a cache folder for one test, with a copy of the tables of the shared folder.
pub fn folder() -> TempDir {
    // The first service computes the tables.
    drop(Running::start(&[]));
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(cache().path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    folder
}

/// Starts a service that caches proofs in this folder, with further environment variables.
pub fn start(folder: &TempDir, variables: &[(&str, &str)]) -> Running {
    let mut environment = vec![("CACHE_DIR", folder.path().to_str().unwrap()), ("CACHE_KEY", KEY)];
    environment.extend(variables);
    Running::start(&environment)
}

pub async fn prove(service: &Running, request: &Value) -> Value {
    let (status, answer) = service.post("/prove", request).await;
    assert_eq!(status, 200, "{answer}");
    let form =
        json!({"proof": answer["proof"]["proof"], "circuitId": "ownership-v1", "public": answer["public"]});
    let (_, verdict) = service.post("/verify", &form).await;
    assert_eq!(verdict["valid"], true, "{verdict}");
    answer
}

/// Returns the number of proofs made, without proofs from caches.
pub async fn proofs_generated(service: &Running) -> Value {
    service.get("/health").await.1["proofs_generated"].clone()
}

/// Returns the number of accesses to a cache with this outcome.
pub async fn count(service: &Running, cache: &str, outcome: &str) -> u64 {
    let name = format!(r#"bauta_prover_cache_total{{cache="{cache}",outcome="{outcome}"}} "#);
    let metrics = service.metrics().await;
    let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
    line.unwrap_or_else(|| panic!("{name} isn't in: {metrics}"))
        .parse()
        .unwrap()
}

/// Returns the files of cached proofs.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(folder.join("proofs")).unwrap();
    let mut files: Vec<PathBuf> = folders
        .flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .collect();
    files.sort_unstable();
    files
}

pub fn connect(redis: &Redis) -> redis::Connection {
    redis::Client::open(redis.url())
        .unwrap()
        .get_connection()
        .unwrap()
}

#[tokio::test]
async fn equal_inputs_are_proved_once_and_no_two_responses_contain_the_same_proof() {
    let folder = folder();
    let service = start(&folder, &[]);
    let mut proofs = HashSet::new();
    for _ in 0..4 {
        let answer = prove(&service, &request(3)).await;
        let proof = answer["proof"]["proof"].as_str().unwrap().to_owned();
        // All three points differ from those of earlier proofs.
        for point in [&proof[..130], &proof[130..386], &proof[386..]] {
            assert!(
                proofs.insert(point.to_owned()),
                "a response can be linked to another"
            );
        }
    }
    assert_eq!(proofs_generated(&service).await, 1);
    assert_eq!(count(&service, "proofs_disk", "hit").await, 3);
    assert_eq!(count(&service, "proofs_disk", "miss").await, 1);
    drop(service);
    // The key is part of the configuration, so a restart finds the entries. Another key finds none.
    let service = start(&folder, &[]);
    prove(&service, &request(3)).await;
    assert_eq!(proofs_generated(&service).await, 0);
    drop(service);
    let service = start(&folder, &[("CACHE_KEY", &KEY.replace('5', "6"))]);
    prove(&service, &request(3)).await;
    assert_eq!(proofs_generated(&service).await, 1);
}

#[tokio::test]
async fn a_cached_proof_is_used_only_for_exactly_the_same_inputs() {
    let folder = folder();
    let service = start(&folder, &[]);
    prove(&service, &request(3)).await;
    // Another member, the same member in another scope, and for another recipient.
    let mut requests = vec![request(4), request(3), request(3)];
    requests[1]["public"]["scope"] = json!(format!("0x{:064x}", 77));
    requests[2]["public"]["context"] = json!(format!("0x{:064x}", 77));
    for (before, request) in (1..).zip(&requests) {
        assert_eq!(proofs_generated(&service).await, before);
        let answer = prove(&service, request).await;
        for name in ["scope", "context"] {
            assert_eq!(answer["public"][name], request["public"][name]);
        }
    }
    assert_eq!(proofs_generated(&service).await, 4);
    // A wrong secret is refused as without a cache, although all other inputs are the same.
    let mut wrong = request(3);
    wrong["private"]["secret"] = request(4)["private"]["secret"].clone();
    assert_eq!(service.post("/prove", &wrong).await.0, 400);
}

#[tokio::test]
async fn a_damaged_or_forged_entry_on_disk_is_a_miss() {
    let folder = folder();
    let service = start(&folder, &[]);
    prove(&service, &request(3)).await;
    let third = entries(folder.path()).remove(0);
    prove(&service, &request(4)).await;
    let fourth = entries(folder.path())
        .into_iter()
        .find(|file| *file != third)
        .unwrap();
    let good = fs::read(&third).unwrap();
    let mut flipped = good.clone();
    flipped[100] ^= 1;
    let forgeries = [
        flipped,
        good[..50].to_vec(),
        vec![],
        vec![0; 10_000],
        fs::read(fourth).unwrap(),
    ];
    for (times, forged) in (1..).zip(forgeries) {
        fs::write(&third, forged).unwrap();
        prove(&service, &request(3)).await;
        assert_eq!(count(&service, "proofs_disk", "damaged").await, times);
    }
    assert_eq!(proofs_generated(&service).await, 7);
    prove(&service, &request(3)).await;
    assert_eq!(proofs_generated(&service).await, 7, "the new proof is cached");
}

#[tokio::test]
async fn the_caches_are_bounded_and_keep_the_most_recently_used_entries() {
    let folder = folder();
    let redis = Redis::start().unwrap();
    let service = start(
        &folder,
        &[("PROOF_CACHE_ENTRIES", "3"), ("REDIS_URL", redis.url())],
    );
    for index in 0..6 {
        prove(&service, &request(0)).await;
        prove(&service, &request(index)).await;
    }
    assert_eq!(entries(folder.path()).len(), 3);
    assert_eq!(
        proofs_generated(&service).await,
        6,
        "the first entry was used every time"
    );
    let mut connection = connect(&redis);
    let kept: Vec<String> = connection.keys("bauta:proof:*").unwrap();
    assert_eq!(kept.len(), 3, "{kept:?}");
    let listed: usize = connection.zcard(connection_list(&mut connect(&redis))).unwrap();
    assert_eq!(listed, 3);
    for key in kept {
        let seconds: i64 = connection.ttl(key).unwrap();
        assert!(seconds > 0, "an entry never expires");
    }
}

fn connection_list(connection: &mut redis::Connection) -> String {
    let lists: Vec<String> = connection.keys("bauta:proofs:*").unwrap();
    assert_eq!(lists.len(), 1, "{lists:?}");
    lists.into_iter().next().unwrap()
}

#[tokio::test]
async fn entries_of_a_circuits_former_key_are_deleted() {
    const FORMER: &str = "ownership-v1-depth10-0000000000000000";
    const OTHER: &str = "ownership-v1-depth16-0000000000000000";
    let folder = folder();
    for name in [FORMER, OTHER] {
        let former = folder.path().join("proofs").join(name);
        fs::create_dir_all(&former).unwrap();
        fs::write(former.join("00"), "an entry").unwrap();
    }
    let redis = Redis::start().unwrap();
    let mut connection = connect(&redis);
    let former = format!("bauta:proof:{FORMER}:00");
    let () = connection
        .set("bauta:circuit:ownership-v1-depth10", FORMER)
        .unwrap();
    let () = connection
        .zadd(format!("bauta:proofs:{FORMER}"), "00", 1)
        .unwrap();
    let () = connection.set(&former, "an entry").unwrap();
    let _service = start(&folder, &[("REDIS_URL", redis.url())]);
    assert!(!folder.path().join("proofs").join(FORMER).exists());
    assert!(
        folder.path().join("proofs").join(OTHER).exists(),
        "another instance may have this circuit"
    );
    assert!(!connection.exists::<_, bool>(&former).unwrap());
    assert!(
        !connection
            .exists::<_, bool>(format!("bauta:proofs:{FORMER}"))
            .unwrap()
    );
}

#[tokio::test]
async fn without_a_writable_folder_proving_works_and_errors_are_counted() {
    let folder = folder();
    let service = start(&folder, &[]);
    let proofs = folder.path().join("proofs");
    fs::remove_dir_all(&proofs).unwrap();
    fs::write(&proofs, "no folder").unwrap();
    prove(&service, &request(3)).await;
    prove(&service, &request(3)).await;
    assert_eq!(proofs_generated(&service).await, 2);
    assert!(count(&service, "proofs_disk", "error").await >= 2);
}

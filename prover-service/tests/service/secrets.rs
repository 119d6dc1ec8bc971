//! The secret of a member is only in the member's request.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    path::{Path, PathBuf},
};

use ark_ff::PrimeField;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use bauta_dev_servers::Redis;
use bauta_store::testing::TestDatabase;

use redis::Commands as _;

use crate::{
    cache::KEY,
    common::{Running, cache, request, secret, with_jobs},
};

/// Returns the encodings in which a secret could be stored.
pub fn encodings(secret: [u8; 32]) -> Vec<Vec<u8>> {
    let reversed: Vec<u8> = secret.iter().rev().copied().collect();
    let decimal = num_bigint::BigUint::from_bytes_be(&secret).to_string();
    let mut encodings = vec![
        secret.to_vec(),
        hex::encode(secret).into_bytes(),
        hex::encode_upper(secret).into_bytes(),
        hex::encode(&reversed).into_bytes(),
        reversed,
        decimal.into_bytes(),
        bs58::encode(secret).into_vec(),
    ];
    // Base64 of a longer text that contains the secret. The secret can start at three positions of
    // a group. The characters that depend on neighbouring bytes are left out.
    for before in 0..3 {
        let text = [&vec![0; before][..], &secret].concat();
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&text);
            let inner = &encoded[(8 * before).div_ceil(6)..8 * text.len() / 6];
            encodings.push(inner.as_bytes().to_vec());
        }
    }
    // The representation of arkworks in memory.
    let element = ark_bn254::Fr::from_be_bytes_mod_order(&secret);
    encodings.push(element.0.0.iter().flat_map(|limb| limb.to_le_bytes()).collect());
    let list: Vec<String> = secret.iter().map(u8::to_string).collect();
    encodings.push(list.join(",").into_bytes());
    encodings.push(list.join(", ").into_bytes());
    encodings
}

/// Fails if the text contains the secret in any encoding.
pub fn assert_absent(source: &str, text: &[u8], secret: [u8; 32]) {
    for encoding in encodings(secret) {
        let found = text.windows(encoding.len()).any(|window| window == encoding);
        assert!(
            !found,
            "{source} contains the secret as {}",
            String::from_utf8_lossy(&encoding)
        );
    }
}

#[test]
fn the_search_finds_base64_at_every_offset() {
    for before in 0..6 {
        let text = [&vec![7; before][..], &secret(3), &[9; 5]].concat();
        let encoded = STANDARD_NO_PAD.encode(text);
        let found = encodings(secret(3))
            .iter()
            .any(|encoding| memchr::memmem::find(encoded.as_bytes(), encoding).is_some());
        assert!(found, "after {before} bytes");
    }
}

#[tokio::test]
async fn a_secret_is_in_no_response_log_or_metric() {
    let service = Running::start(&[("RUST_LOG", "trace")]);
    let good = request(3);
    let mut unsatisfying = good.clone();
    unsatisfying["private"]["index"] = 5.into();
    let mut mistyped = good.clone();
    let secret_text = good["private"]["secret"].clone();
    mistyped["private"]["entry_id"] = serde_json::json!([secret_text]);
    for (request, status) in [(&good, 200), (&unsatisfying, 400), (&mistyped, 400)] {
        let (found, answer) = service.post("/prove", request).await;
        assert_eq!(found, status, "{answer}");
        assert_absent("the answer", answer.to_string().as_bytes(), secret(3));
    }
    assert_absent("/metrics", service.metrics().await.as_bytes(), secret(3));
    let log = service.log_with("proof_generated").await;
    assert_absent("the log", log.as_bytes(), secret(3));
}

/// Returns every file in a folder and its subfolders.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // Postgres deletes files while it runs.
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                _ => found.push(entry.path()),
            }
        }
    }
    found
}

/// Returns the first file in a folder that contains the secret in any encoding.
fn find(folder: &Path, secret: [u8; 32]) -> Option<PathBuf> {
    let encodings = encodings(secret);
    files(folder).into_iter().find(|file| {
        let bytes = fs::read(file).unwrap_or_default();
        encodings
            .iter()
            .any(|encoding| memchr::memmem::find(&bytes, encoding).is_some())
    })
}

/// Returns a file that is in a folder with this name.
fn find_named(folder: &Path, name: &str) -> Option<PathBuf> {
    let is_in_folder = |file: &PathBuf| file.components().any(|part| part.as_os_str() == name);
    files(folder).into_iter().find(is_in_folder)
}

/// The commands that Redis receives.
struct Commands(BufReader<TcpStream>);

/// Records all commands that Redis receives.
fn monitor(redis: &Redis) -> Commands {
    let (user, address) = redis.url().split_once('@').unwrap();
    let password = user.rsplit(':').next().unwrap();
    let mut stream = TcpStream::connect(address.trim_end_matches('/')).unwrap();
    write!(stream, "AUTH {password}\r\nMONITOR\r\n").unwrap();
    let mut commands = Commands(BufReader::new(stream));
    for _ in 0..2 {
        let mut line = String::new();
        commands.0.read_line(&mut line).unwrap();
        assert_eq!(line, "+OK\r\n");
    }
    commands
}

impl Commands {
    /// Returns all commands up to the first one that contains the text.
    fn read_until(mut self, text: &str) -> String {
        let mut commands = String::new();
        while !commands.contains(text) {
            assert_ne!(self.0.read_line(&mut commands).unwrap(), 0);
        }
        commands
    }
}

/// Reverses the escape sequences of MONITOR, such as `\x1e`.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let escaped = more.strip_prefix(b"x").and_then(|digits| digits.get(..2));
        match (first, escaped.and_then(|digits| hex::decode(digits).ok())) {
            (b'\\', Some(byte)) => {
                bytes.extend(byte);
                rest = &more[3..];
            }
            (b'\\', None) => {
                let (letter, more) = more.split_first().unwrap();
                bytes.push(match letter {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'a' => 7,
                    b'b' => 8,
                    other => *other,
                });
                rest = more;
            }
            (other, _) => {
                bytes.push(*other);
                rest = more;
            }
        }
    }
    bytes
}

#[tokio::test]
async fn the_secret_of_a_job_is_on_no_disk_in_no_cache_in_no_log_and_in_no_metric() {
    let postgres = bauta_dev_servers::Postgres::start().unwrap();
    let database = TestDatabase::on(postgres.url()).await.unwrap();
    database.store.migrate().await.unwrap();
    let url = database.url().unwrap();
    let redis = Redis::start().unwrap();
    let caches = [
        ("RUST_LOG", "trace"),
        ("CACHE_KEY", KEY),
        ("REDIS_URL", redis.url()),
    ];
    let service = Running::start(&with_jobs(
        &url,
        &[&caches[..], &[("RUN_JOBS", "false")]].concat(),
    ));
    // All commands that are sent to Redis, even if the data doesn't stay there.
    let sent = monitor(&redis);
    let id = service.enqueue(&request(3), None).await;
    // Searches the tables and the write-ahead log on disk. Another secret, which is stored on
    // purpose, shows that the search works.
    sqlx::query("CREATE TABLE planted AS SELECT $1::text AS text")
        .bind(hex::encode(secret(5)))
        .execute(database.pool())
        .await
        .unwrap();
    sqlx::query("CHECKPOINT").execute(database.pool()).await.unwrap();
    assert!(find(postgres.folder(), secret(5)).is_some());
    assert_eq!(
        find(postgres.folder(), secret(3)),
        None,
        "while the job is queued"
    );

    let worker = Running::worker(&with_jobs(&url, &caches));
    let job = service.result(&id).await;
    assert_eq!(job["state"], "succeeded", "{job}");
    // The same proof, from the cache, and its verification.
    let (status, answer) = service.post("/prove", &request(3)).await;
    assert_eq!(status, 200, "{answer}");
    let form = serde_json::json!({"proof": answer["proof"]["proof"], "circuitId": "ownership-v1", "public": answer["public"]});
    assert_eq!(service.post("/verify", &form).await.1["valid"], true);
    let mut connection = redis::Client::open(redis.url())
        .unwrap()
        .get_connection()
        .unwrap();
    let () = connection.set("planted", hex::encode(secret(5))).unwrap();
    let sent = sent.read_until("planted");
    assert!(sent.contains(&hex::encode(secret(5))), "the search works");
    for kind in [
        "bauta:proof:",
        "bauta:proofs:",
        "bauta:verification:",
        "bauta:verifying_key:",
    ] {
        assert!(sent.contains(kind), "{kind} was not sent: {sent}");
    }
    assert_absent("Redis", &unescaped(&sent), secret(3));
    sqlx::query("CHECKPOINT").execute(database.pool()).await.unwrap();
    assert_eq!(find(postgres.folder(), secret(3)), None, "after the job");
    assert!(find_named(cache().path(), "proofs").is_some());
    assert_eq!(find(cache().path(), secret(3)), None, "in CACHE_DIR");
    assert_absent("the job", job.to_string().as_bytes(), secret(3));
    for process in [&service, &worker] {
        assert_absent("the log", process.log().as_bytes(), secret(3));
        assert_absent("/metrics", process.metrics().await.as_bytes(), secret(3));
    }
}

#[tokio::test]
async fn core_dumps_are_disabled() {
    let service = Running::start(&[]);
    let limits = fs::read_to_string(format!("/proc/{}/limits", service.id())).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    let limits: Vec<&str> = line.split_whitespace().skip(4).take(2).collect();
    assert_eq!(limits, ["1", "1"], "{line}");
}

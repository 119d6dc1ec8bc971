//! Memory at full load.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use bauta_store::testing::TestDatabase;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::{
    access::api_key,
    common::{Running, request, with_jobs},
};

/// Largest resident memory under attack.
const MAX_ATTACKED_MB: f64 = 250.0;

/// Largest growth of the memory between the first third of the time and its end. It allows for
/// fragmentation, but not for a leak of 1 kB per proof.
const MAX_GROWTH_MB: f64 = 12.0;

/// Returns the duration: 9 s, or the duration that `cargo xtask drill service` sets.
fn duration() -> Duration {
    let seconds = env::var("BAUTA_DRILL_SECONDS").map_or(9, |seconds| {
        seconds.parse().expect("BAUTA_DRILL_SECONDS is a number")
    });
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn memory_stays_constant_at_full_load() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUST_LOG", "info")]));
    let (started, mut number) = (Instant::now(), 0_u64);
    let (mut after_a_third, mut proofs) = (None, 0);
    while started.elapsed() < duration() {
        let requests = (0..8).map(|client| {
            number += 1;
            let mut body = request(client);
            // All requests differ, so no proof comes from the cache. Every fourth is a job.
            body["public"]["context"] = format!("0x{number:064x}").into();
            body["wait"] = (client % 4 != 0).into();
            body
        });
        let requests: Vec<_> = requests.collect();
        for (status, answer) in join_all(requests.iter().map(|body| service.post("/prove", body))).await {
            assert!([200, 202].contains(&status), "{answer}");
            proofs += 1;
        }
        if after_a_third.is_none() && started.elapsed() > duration() / 3 {
            after_a_third = Some(service.memory_mb());
        }
    }
    let (before, after) = (after_a_third.unwrap(), service.memory_mb());
    println!("{proofs} proofs: {before:.1} MB after a third of the time, {after:.1} MB at the end");
    assert!(
        after - before < MAX_GROWTH_MB,
        "memory grew from {before} MB to {after} MB"
    );
}

/// Returns a JSON body of about this size that is as expensive to read as possible.
fn worst_bodies(size: usize) -> [String; 5] {
    let filled = |start: &str, item: &str, end: &str| {
        let items = (size - start.len() - end.len()) / item.len() - 1;
        format!("{start}{}{}{end}", item.repeat(items), item.trim_end_matches(','))
    };
    [
        filled("{\"requests\":[", "{},", "]}"),
        filled("{\"inputs\":[", "1,", "]}"),
        filled("{\"private\":{\"path\":[", "[\"0x\"],", "]}}"),
        filled("{\"", "x", "\":1}"),
        filled("[", "[", ""),
    ]
}

/// Returns every route that the service describes. A route with a parameter has an id of no job.
async fn described_routes(service: &Running) -> Vec<(Method, String)> {
    let (_, document) = service.get("/openapi.json").await;
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.replace("{id}", "00000000-0000-7000-8000-000000000000");
        for method in [Method::GET, Method::POST, Method::DELETE] {
            if item.get(method.as_str().to_lowercase()).is_some() {
                routes.push((method, path.clone()));
            }
        }
    }
    routes
}

const QUIET: (&str, &str) = ("RUST_LOG", "warn,bauta_service_common::service=info");
const STREAMS: (&str, &str) = ("MAX_STREAMS_PER_CLIENT", "100");

#[tokio::test]
async fn the_worst_bodies_on_every_route_from_100_connections_keep_memory_below_250_mb() {
    let (key, line) = api_key("prove,admin");
    let service = Running::start(&[("API_KEYS", &line), QUIET, STREAMS]);
    attack_every_route(&service, &key).await;
}

#[tokio::test]
async fn with_a_database_and_a_cache_the_worst_bodies_keep_memory_below_250_mb() {
    let (key, line) = api_key("prove,admin");
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    // The queue has no room for a batch, so the batches below are refused after all their work.
    let full = ("MAX_QUEUED_JOBS", "1");
    let cache = (
        "CACHE_KEY",
        "5555555555555555555555555555555555555555555555555555555555555555",
    );
    let settings = with_jobs(&url, &[("API_KEYS", &line), QUIET, STREAMS, full, cache]);
    let service = Running::start(&settings);
    attack_every_route(&service, &key).await;

    // The largest valid batches, with idempotency keys.
    let requests: Vec<_> = (0..64).map(|index| request(index % 20)).collect();
    let batch = json!({ "requests": requests }).to_string();
    let body = format!("{batch}{}", " ".repeat(520_000 - batch.len()));
    let client = reqwest::Client::new();
    join_all((0..100).map(|index: u32| {
        let request = client.post(format!("http://{}/prove/batch", service.address));
        let request = request
            .bearer_auth(&key)
            .header("content-type", "application/json")
            .header("idempotency-key", index.to_string())
            .body(body.clone());
        async move {
            // The service may close the connection before the client has sent everything. Requests
            // beyond the memory for bodies, or beyond the timeout, are refused.
            if let Ok(response) = request.send().await {
                let status = response.status().as_u16();
                assert!([408, 429, 503, 504].contains(&status), "{status}");
            }
        }
    }))
    .await;
    let peak = service.peak_memory_mb();
    assert!(peak < MAX_ATTACKED_MB, "valid batches: {peak} MB");
    println!("{peak} MB at most, with a database");
}

/// Sends the worst bodies to every route, from 100 connections. Checks the memory after each route.
async fn attack_every_route(service: &Running, key: &str) {
    let client = reqwest::Client::new();
    let routes = described_routes(service).await;
    assert!(routes.iter().any(|(_, path)| path == "/tickets"), "{routes:?}");
    for (method, path) in routes {
        // A route that reads no body gets only one.
        let (sizes, kinds) = if method == Method::POST { (3, 5) } else { (1, 1) };
        for size in [1 << 20, 500_000, 31_000].into_iter().take(sizes) {
            for body in worst_bodies(size).into_iter().take(kinds) {
                join_all((0..100).map(|_| async {
                    let request = client.request(method.clone(), format!("http://{}{path}", service.address));
                    let request = request
                        .bearer_auth(key)
                        .header("content-type", "application/json");
                    // The service may close the connection before the client has sent everything.
                    if let Ok(response) = request.body(body.clone()).send().await {
                        let status = response.status().as_u16();
                        let is_expected = match method {
                            // 503: other requests use the memory for large bodies.
                            Method::POST => matches!(status, 400..=499 | 501 | 503),
                            _ => status != 500,
                        };
                        assert!(is_expected, "{method} {path}: {status}");
                    }
                }))
                .await;
            }
        }
        let peak = service.peak_memory_mb();
        assert!(peak < MAX_ATTACKED_MB, "{method} {path}: {peak} MB");
    }
    println!("{} MB at most", service.peak_memory_mb());
}

/// A cgroup of version 1 or 2. Dropping it removes it.
struct Group(PathBuf);

impl Group {
    /// Creates a group with a limit. `None` if this process may not.
    fn create(limit: u64) -> Option<Self> {
        let name = format!("bauta-drill-{}", std::process::id());
        for (root, file) in [
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            ("/sys/fs/cgroup", "memory.max"),
        ] {
            let group = Self(Path::new(root).join(&name));
            if fs::create_dir(&group.0).is_ok() && fs::write(group.0.join(file), limit.to_string()).is_ok() {
                return Some(group);
            }
        }
        None
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// `cargo xtask drill service --cgroup` sets `BAUTA_DRILL_CGROUP`. The test needs the permission to
/// create a cgroup.
#[tokio::test]
async fn in_a_container_without_room_for_a_proof_requests_get_503_and_nothing_is_killed() {
    if env::var_os("BAUTA_DRILL_CGROUP").is_none() {
        return;
    }
    let service = Running::start(&[]);
    assert_eq!(service.post("/prove", &request(3)).await.0, 200);
    // Memory that the process has already isn't charged to its new group, and a proof needs 100 MB.
    let group = Group::create(60_000_000).expect("this process can create a cgroup");
    fs::write(group.0.join("cgroup.procs"), service.id().to_string()).unwrap();
    for index in 0..8 {
        let (status, problem) = service.post("/prove", &request(index)).await;
        assert_eq!(
            (status, &problem["code"]),
            (503, &json!("out_of_memory")),
            "{problem}"
        );
    }
    assert_eq!(service.get("/health").await.0, 200);
    drop(service);
    drop(group);
}

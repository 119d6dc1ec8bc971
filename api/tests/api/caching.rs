//! Headers for caches and compression.

use std::{
    io::Read as _,
    time::{Duration, Instant},
};

use bauta_store::{RegistryKind, ScopeMode};
use reqwest::header::HeaderMap;

use crate::common::{Chain, Running, address, nullifier};

/// The longest wait for a condition.
const DEADLINE: Duration = Duration::from_secs(30);

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

async fn with_registry() -> (Chain, Running) {
    let mut chain = Chain::new().await;
    chain.create(address("registry"), RegistryKind::Managed);
    chain.append(address("registry"), 5);
    chain.scope(address("scope"), address("registry"), ScopeMode::Live);
    chain.apply().await;
    let service = Running::start(&chain.database, &[]);
    (chain, service)
}

#[tokio::test]
async fn what_never_changes_is_cached_for_a_year_and_everything_else_for_a_second() {
    let (mut chain, service) = with_registry().await;
    let (registry, root) = (address("registry"), chain.root(address("registry")));
    for path in [
        format!("/v1/tiles/{root}"),
        format!("/v1/registries/{registry}/roots/{root}/leaves"),
    ] {
        let response = service.response(&path).await;
        let headers = response.headers();
        assert_eq!(
            text(headers, "cache-control"),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(text(headers, "etag"), format!("\"{root}\""));
    }
    let path = format!("/v1/registries/{registry}/roots");
    let response = service.response(&path).await;
    let headers = response.headers();
    assert_eq!(
        text(headers, "cache-control"),
        "public, max-age=1, stale-while-revalidate=5"
    );
    assert!(text(headers, "vary").contains("Bauta-Min-Slot"), "{headers:?}");
    let tag = text(headers, "etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    let unchanged = service.get_with(&path, "if-none-match", &tag).await;
    assert_eq!(unchanged.status(), 304);
    assert_eq!(text(unchanged.headers(), "etag"), tag);
    assert!(unchanged.bytes().await.unwrap().is_empty());
    chain.append(registry, 1);
    chain.apply().await;
    let changed = async { while service.get_with(&path, "if-none-match", &tag).await.status() == 304 {} };
    tokio::time::timeout(DEADLINE, changed).await.unwrap();
    let tile = service
        .get_with(
            &format!("/v1/tiles/{root}"),
            "if-none-match",
            &format!("\"{root}\""),
        )
        .await;
    assert_eq!(tile.status(), 304);
    // The URLs of these requests show which member sends them.
    let used = nullifier(1);
    for path in [
        format!("/v1/registries/{registry}/paths/0"),
        format!("/v1/scopes/{}/nullifiers/{used}", address("scope")),
    ] {
        let response = service.response(&path).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(text(response.headers(), "cache-control"), "no-store", "{path}");
    }
    // A tile that is missing now may exist later.
    let missing = format!("/v1/tiles/0x{}", "07".repeat(32));
    let response = service.get_with(&missing, "if-none-match", "*").await;
    assert_eq!(
        (
            response.status().as_u16(),
            text(response.headers(), "cache-control")
        ),
        (404, "no-store")
    );
}

#[tokio::test]
async fn json_is_compressed_and_hashes_are_not() {
    let (mut chain, service) = with_registry().await;
    let root = chain.root(address("registry"));
    let path = "/v1/scopes";
    let plain = service.bytes(path).await;
    let response = service.get_with(path, "accept-encoding", "gzip").await;
    let headers = response.headers();
    assert_eq!(text(headers, "content-encoding"), "gzip");
    let vary: Vec<_> = headers.get_all("vary").iter().collect();
    assert!(vary.contains(&&"accept-encoding".parse().unwrap()), "{vary:?}");
    let compressed = response.bytes().await.unwrap();
    assert!(compressed.len() < plain.len());
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(&compressed[..])
        .read_to_end(&mut bytes)
        .unwrap();
    assert_eq!(bytes, plain);
    let response = service.get_with(path, "accept-encoding", "gzip, zstd").await;
    assert_eq!(text(response.headers(), "content-encoding"), "zstd");
    let compressed = response.bytes().await.unwrap();
    assert_eq!(zstd::decode_all(&compressed[..]).unwrap(), plain);
    // The response with another encoding is still in memory.
    assert_eq!(service.bytes(path).await, plain);
    let tile = service
        .get_with(&format!("/v1/tiles/{root}"), "accept-encoding", "gzip, zstd")
        .await;
    assert_eq!(text(tile.headers(), "content-encoding"), "");
}

/// Returns a counter of the service.
async fn count(service: &Running, series: &str) -> u64 {
    let metrics = service.metrics().await;
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in {metrics}"))
        .parse()
        .unwrap()
}

#[tokio::test]
async fn a_response_comes_from_memory_until_the_database_changes() {
    let (mut chain, service) = with_registry().await;
    let registry = address("registry");
    let path = format!("/v1/registries/{registry}/roots");
    let hits = "bauta_api_response_cache_total{outcome=\"hit\"}";
    // A second may pass between two requests.
    let from_memory = async {
        while count(&service, hits).await == 0 {
            service.read(&path).await;
        }
    };
    tokio::time::timeout(DEADLINE, from_memory).await.unwrap();
    let before = service.read(&path).await;
    chain.append(registry, 1);
    chain.apply().await;
    // The request says what it needs, so nothing older answers it.
    let after = service.read_from(chain.slot - 1, &path).await;
    assert_ne!(before, after);
    let replaced = async { while service.read(&path).await != after {} };
    tokio::time::timeout(DEADLINE, replaced).await.unwrap();
    chain
        .database
        .store
        .roll_back_to(bauta_store::Slot::new(chain.slot - 2))
        .await
        .unwrap();
    let restored = async { while service.read(&path).await != before {} };
    tokio::time::timeout(DEADLINE, restored).await.unwrap();
}

#[tokio::test]
async fn a_request_that_shows_the_member_leaves_nothing_in_memory() {
    let (_chain, service) = with_registry().await;
    let (registry, scope) = (address("registry"), address("scope"));
    for path in [
        format!("/v1/registries/{registry}/paths/1"),
        format!("/v1/scopes/{scope}/nullifiers/0x{}", "00".repeat(32)),
    ] {
        for _ in 0..2 {
            service.read(&path).await;
        }
    }
    for outcome in ["hit", "miss"] {
        let series = format!("bauta_api_response_cache_total{{outcome=\"{outcome}\"}}");
        assert_eq!(count(&service, &series).await, 0, "{outcome}");
    }
}

#[tokio::test]
async fn a_tile_is_read_from_the_database_once() {
    let (mut chain, service) = with_registry().await;
    let root = chain.root(address("registry"));
    let path = format!("/v1/tiles/{root}");
    let first = service.bytes(&path).await;
    for _ in 0..3 {
        assert_eq!(service.bytes(&path).await, first);
    }
    assert_eq!(count(&service, "bauta_api_cached_tiles_total").await, 3);
    let without = Running::start(&chain.database, &[("TILE_CACHE_MB", "0")]);
    for _ in 0..2 {
        assert_eq!(without.bytes(&path).await, first);
    }
    assert_eq!(count(&without, "bauta_api_cached_tiles_total").await, 0);
}

#[tokio::test]
async fn clients_that_send_the_same_request_at_the_same_time_wait_for_one_response() {
    let (_chain, service) = with_registry().await;
    let before = Instant::now();
    let requests = (0..50).map(|_| service.read("/v1/registries"));
    let responses = futures_util::future::join_all(requests).await;
    assert!(responses.iter().all(|response| response == &responses[0]));
    let misses = count(&service, "bauta_api_response_cache_total{outcome=\"miss\"}").await;
    // A response is used for a second.
    let most = 2 + 2 * before.elapsed().as_secs();
    assert!(
        (1..=most).contains(&misses),
        "{misses} of 50 requests computed the response"
    );
}

#[tokio::test]
async fn the_description_of_the_routes_has_an_entity_tag() {
    let (_chain, service) = with_registry().await;
    let response = service.response("/openapi.json").await;
    let tag = text(response.headers(), "etag").to_owned();
    assert!(response.json::<serde_json::Value>().await.unwrap()["paths"].is_object());
    let unchanged = service.get_with("/openapi.json", "if-none-match", &tag).await;
    assert_eq!(unchanged.status(), 304);
}

//! Trees as an independent client reads them. The client knows the protocol and trusts only the
//! root of the chain. Its hashes come from light-poseidon.

use bauta_store::RegistryKind;
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{Chain, Running, address, poseidon, poseidon_tree};

fn hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn bytes(text: &Value) -> [u8; 32] {
    let digits = text.as_str().unwrap().trim_start_matches("0x");
    hex::decode(digits).unwrap().try_into().unwrap()
}

/// The content of a tile: the level of its entries, and the entries.
fn check(hash: [u8; 32], tile: &[u8]) -> (usize, Vec<[u8; 32]>) {
    let (level, levels) = match tile[0] {
        10 => (8, 2),
        root => (usize::from(root) - 4, 4),
    };
    let entries: Vec<[u8; 32]> = tile[1..]
        .chunks(32)
        .map(|entry| entry.try_into().unwrap())
        .collect();
    assert!(entries.len() <= 1 << (2 * levels));
    assert_eq!(poseidon_tree(&entries, level, levels), hash, "{}", hex(&hash));
    (level, entries)
}

/// Reads all leaves below a root, tile by tile. Leaves at the end may be missing if they are empty.
async fn walk(service: &Running, root: [u8; 32]) -> Vec<[u8; 32]> {
    let mut leaves = Vec::new();
    let mut open = vec![(root, 0)];
    while let Some((hash, first)) = open.pop() {
        let tile = service.bytes(&format!("/v1/tiles/{}", hex(&hash))).await;
        let (level, entries) = check(hash, &tile);
        if level == 0 {
            leaves.resize(leaves.len().max(first + entries.len()), [0; 32]);
            leaves[first..first + entries.len()].copy_from_slice(&entries);
            continue;
        }
        let below = entries.into_iter().enumerate();
        open.extend(below.map(|(number, entry)| (entry, first + (number << (2 * level)))));
    }
    leaves
}

async fn with_leaves(count: u64) -> (Chain, Running) {
    let mut chain = Chain::new().await;
    chain.create(address("registry"), RegistryKind::Managed);
    if count > 0 {
        chain.append(address("registry"), count);
    }
    chain.apply().await;
    let service = Running::start(&chain.database, &[]);
    (chain, service)
}

#[tokio::test]
async fn tiles_fetched_over_http_hash_up_to_the_root_that_the_chain_has() {
    let (mut chain, service) = with_leaves(300).await;
    let registry = address("registry");
    let old_root = chain.root(registry).to_bytes();
    let old_leaves = chain.leaves(registry);
    assert_eq!(walk(&service, old_root).await, old_leaves);
    // A tile changes, and there is a new one.
    chain.append(registry, 220);
    chain.apply().await;
    let root = chain.root(registry).to_bytes();
    assert_ne!(root, old_root);
    assert_eq!(walk(&service, root).await, chain.leaves(registry));
    // The replaced root is still valid.
    assert_eq!(walk(&service, old_root).await, old_leaves);
    let listed = service.read(&format!("/v1/registries/{registry}/roots")).await;
    let roots: Vec<[u8; 32]> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|root| bytes(&root["root"]))
        .collect();
    assert_eq!(roots[..2], [root, old_root]);
    assert_eq!(listed["data"][0]["state"], "current");
    assert_eq!(listed["data"][1]["state"], "kept");
}

#[tokio::test]
async fn an_empty_tree_has_an_empty_top_tile_and_no_leaves() {
    let (_chain, service) = with_leaves(0).await;
    let root = poseidon_tree(&[], 0, 10);
    let tile = service.bytes(&format!("/v1/tiles/{}", hex(&root))).await;
    assert_eq!(tile, [10]);
    assert_eq!(check(root, &tile), (8, Vec::new()));
    let registry = address("registry");
    let path = format!("/v1/registries/{registry}/roots/{}/leaves", hex(&root));
    assert!(service.bytes(&path).await.is_empty());
    assert_eq!(service.get_with(&path, "range", "bytes=0-").await.status(), 416);
}

#[tokio::test]
async fn several_tiles_come_in_one_response_and_a_missing_one_is_empty() {
    let (mut chain, service) = with_leaves(300).await;
    let root = chain.root(address("registry")).to_bytes();
    let top = service.bytes(&format!("/v1/tiles/{}", hex(&root))).await;
    let child: [u8; 32] = top[1..33].try_into().unwrap();
    let send = async |hashes: &Value| {
        let request = service
            .request(Method::POST, "/v1/tiles")
            .json(&json!({"hashes": hashes}));
        request.send().await.unwrap()
    };
    let missing = [7; 32];
    let response = send(&json!([hex(&child), hex(&missing), hex(&root)])).await;
    assert_eq!(response.status(), 200);
    let list = response.bytes().await.unwrap();
    let (mut rest, mut tiles) = (&list[..], Vec::new());
    while let Some((length, tail)) = rest.split_first_chunk() {
        let (tile, tail) = tail.split_at(usize::from(u16::from_be_bytes(*length)));
        tiles.push(tile);
        rest = tail;
    }
    assert_eq!(tiles.len(), 3);
    check(child, tiles[0]);
    assert!(tiles[1].is_empty());
    assert_eq!(tiles[2], top);
    for (hashes, field) in [
        (json!([]), "hashes"),
        (json!(vec![hex(&root); 65]), "hashes"),
        (json!([hex(&root), "0x00"]), "hashes[1]"),
        (json!([1]), "hashes[0]"),
        (json!("x"), "hashes"),
    ] {
        let response = send(&hashes).await;
        assert_eq!(response.status(), 400);
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["field"], field, "{problem}");
    }
    let metrics = service.metrics().await;
    assert!(
        metrics.contains("bauta_api_tiles_total{outcome=\"missing\"} 1"),
        "{metrics}"
    );
}

#[tokio::test]
async fn all_leaves_of_a_tree_come_in_one_response_or_in_ranges() {
    // More than one chunk of tiles.
    let (mut chain, service) = with_leaves(16_500).await;
    let registry = address("registry");
    let root = chain.root(registry).to_bytes();
    let expected = chain.leaves(registry).concat();
    let path = format!("/v1/registries/{registry}/roots/{}/leaves", hex(&root));
    let response = service.response(&path).await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.headers()["content-length"],
        expected.len().to_string().as_str()
    );
    assert_eq!(response.headers()["accept-ranges"], "bytes");
    assert_eq!(response.bytes().await.unwrap(), expected);
    for (range, part) in [
        ("bytes=0-31", 0..32),
        ("bytes=524000-525000", 524_000..525_001),
        ("bytes=527000-", 527_000..expected.len()),
        ("bytes=-33", expected.len() - 33..expected.len()),
    ] {
        let response = service.get_with(&path, "range", range).await;
        assert_eq!(response.status(), 206);
        let described = format!("bytes {}-{}/{}", part.start, part.end - 1, expected.len());
        assert_eq!(response.headers()["content-range"], described.as_str());
        assert_eq!(response.bytes().await.unwrap(), expected[part], "{range}");
    }
    let response = service.get_with(&path, "range", "bytes=999999-").await;
    assert_eq!(response.status(), 416);
    let described = format!("bytes */{}", expected.len());
    assert_eq!(response.headers()["content-range"], described.as_str());
    let other = format!("/v1/registries/{registry}/roots/{}/leaves", hex(&[7; 32]));
    let (status, problem) = service.get(&other).await;
    assert_eq!(
        (status, &problem["code"]),
        (404, &json!("unknown_root")),
        "{problem}"
    );
}

#[tokio::test]
async fn the_tiles_of_a_tree_are_listed_once_and_its_root_is_checked_for_each_request() {
    let (mut chain, service) = with_leaves(300).await;
    let (registry, other) = (address("registry"), address("other"));
    chain.create(other, RegistryKind::Managed);
    chain.apply().await;
    let root = hex(&chain.root(registry).to_bytes());
    let path = |registry| format!("/v1/registries/{registry}/roots/{root}/leaves");
    let first_byte = async || {
        let response = service.get_with(&path(registry), "range", "bytes=0-0").await;
        assert_eq!(response.status(), 206);
        assert_eq!(response.headers()["content-range"], "bytes 0-0/9600");
        response.bytes().await.unwrap()
    };
    assert_eq!(first_byte().await, chain.leaves(registry)[0][..1]);
    // A list that is read again would be empty.
    sqlx::query("DELETE FROM tiles WHERE level = 0")
        .execute(chain.database.pool())
        .await
        .unwrap();
    assert_eq!(first_byte().await, chain.leaves(registry)[0][..1]);
    // The root is not one of the other registry.
    let (status, problem) = service.get(&path(other)).await;
    assert_eq!(
        (status, &problem["code"]),
        (404, &json!("unknown_root")),
        "{problem}"
    );
}

#[tokio::test]
async fn a_path_leads_from_its_leaf_to_the_root() {
    let (mut chain, service) = with_leaves(21).await;
    let registry = address("registry");
    let root = chain.root(registry).to_bytes();
    for index in [0_usize, 5, 20, 21] {
        let path = format!("/v1/registries/{registry}/paths/{index}?root={}", hex(&root));
        let answer = service.read(&path).await;
        let leaf = chain.leaves(registry).get(index).copied().unwrap_or_default();
        assert_eq!(bytes(&answer["leaf"]), leaf);
        let levels = answer["siblings"].as_array().unwrap();
        assert_eq!(levels.len(), 10);
        let reached = levels.iter().enumerate().fold(leaf, |node, (level, siblings)| {
            let mut children: Vec<[u8; 32]> = siblings.as_array().unwrap().iter().map(bytes).collect();
            children.insert((index >> (2 * level)) & 3, node);
            poseidon(&children)
        });
        assert_eq!(reached, root);
    }
    let default = service.read(&format!("/v1/registries/{registry}/paths/3")).await;
    assert_eq!(bytes(&default["root"]), root);
    for (query, field) in [
        ("1048576", "index"),
        ("3?root=0x00", "root"),
        ("3?other=1", "query"),
        ("-1", "path"),
    ] {
        let (status, problem) = service
            .get(&format!("/v1/registries/{registry}/paths/{query}"))
            .await;
        assert_eq!((status, &problem["field"]), (400, &json!(field)), "{problem}");
    }
}

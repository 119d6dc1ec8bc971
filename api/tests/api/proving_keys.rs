//! Tests of the web keys, which the service reads from a folder at start.

use std::fs;

use sha2::{Digest, Sha256};

use crate::common::{Chain, Running, command, text};

#[tokio::test]
async fn a_proving_key_is_served_under_its_digest_and_can_be_kept_for_ever() {
    let (chain, folder) = (Chain::new().await, tempfile::tempdir().unwrap());
    let key: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let digest = hex::encode(Sha256::digest(&key));
    fs::write(folder.path().join(&digest), &key).unwrap();
    // Only names that are digests are keys.
    fs::write(folder.path().join("README"), "not a key").unwrap();
    fs::write(folder.path().join(digest.to_uppercase()), "not a key").unwrap();
    let settings = [("PROVING_KEYS_DIR", folder.path().to_str().unwrap())];
    let service = Running::start(&chain.database, &settings);
    // The file is read at start only.
    fs::write(folder.path().join(&digest), "changed").unwrap();
    let path = format!("/v1/proving-keys/{digest}");
    let response = service.response(&path).await;
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("etag"), format!("\"{digest}\""));
    assert_eq!(header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(header("content-type"), "application/octet-stream");
    assert_eq!(header("access-control-allow-origin"), "*");
    assert_eq!(response.bytes().await.unwrap(), key);
    let known = service
        .get_with(&path, "if-none-match", &format!("\"{digest}\""))
        .await;
    assert_eq!(known.status(), 304);
    for (name, status, code) in [
        ("0a".repeat(32), 404, "unknown_proving_key"),
        (digest.to_uppercase(), 400, "invalid_input"),
        (format!("0x{digest}"), 400, "invalid_input"),
        ("README".to_owned(), 400, "invalid_input"),
        ("..%2F..%2Fetc%2Fpasswd".to_owned(), 400, "invalid_input"),
    ] {
        let (found, problem) = service.get(&format!("/v1/proving-keys/{name}")).await;
        assert_eq!(
            (found, problem["code"].as_str()),
            (status, Some(code)),
            "{name}: {problem}"
        );
    }
}

#[tokio::test]
async fn the_service_does_not_start_with_a_proving_key_that_has_another_digest() {
    let (chain, folder) = (Chain::new().await, tempfile::tempdir().unwrap());
    let url = chain.database.url().unwrap();
    let settings = [("PROVING_KEYS_DIR", folder.path().to_str().unwrap())];
    let name = "0a".repeat(32);
    fs::write(folder.path().join(&name), "a key").unwrap();
    let printed = text(&command(&url, &settings).output().unwrap());
    let found = hex::encode(Sha256::digest("a key"));
    assert!(
        printed.contains("PROVING_KEYS_DIR") && printed.contains(&name) && printed.contains(&found),
        "{printed}"
    );
    let missing = [("PROVING_KEYS_DIR", "/nonexistent/keys")];
    let printed = text(&command(&url, &missing).output().unwrap());
    assert!(printed.contains("can't read /nonexistent/keys"), "{printed}");
}

#[tokio::test]
async fn a_proving_key_counts_as_ten_requests() {
    let (chain, folder) = (Chain::new().await, tempfile::tempdir().unwrap());
    let digest = hex::encode(Sha256::digest("a key"));
    fs::write(folder.path().join(&digest), "a key").unwrap();
    let settings = [
        ("PROVING_KEYS_DIR", folder.path().to_str().unwrap()),
        ("ANONYMOUS_REQUESTS_PER_MINUTE", "15"),
    ];
    let service = Running::start(&chain.database, &settings);
    let path = format!("/v1/proving-keys/{digest}");
    assert_eq!(service.bytes(&path).await, b"a key");
    assert_eq!(service.response(&path).await.status(), 429);
}

//! Pages of lists, their cursors, and prefixes.

use std::collections::BTreeSet;

use bauta::state::CollectionKind;
use bauta_store::{RegistryKind, ScopeMode};
use serde_json::{Value, json};

use crate::common::{Chain, Running, address};

/// Reads all pages of a list, and checks that each but the last has `limit` elements.
async fn all(service: &Running, path: &str, limit: usize) -> Vec<Value> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let first = format!("{path}{separator}limit={limit}");
    let (mut elements, mut next) = (Vec::new(), first.clone());
    loop {
        let page = service.read(&next).await;
        let data = page["data"].as_array().unwrap();
        elements.extend(data.iter().cloned());
        match page["next"].as_str() {
            Some(cursor) => {
                assert_eq!(data.len(), limit);
                next = format!("{first}&cursor={cursor}");
            }
            None => return elements,
        }
    }
}

#[tokio::test]
async fn pages_together_have_each_element_once_and_in_order() {
    let mut chain = Chain::new().await;
    let names: Vec<String> = (0..5).map(|number| format!("registry {number}")).collect();
    for name in &names {
        chain.create(address(name), RegistryKind::Holders);
        chain.collection(address(&names[0]), address(name), CollectionKind::Asset);
        chain.scope(
            address(&format!("scope {name}")),
            address(&names[0]),
            ScopeMode::Live,
        );
    }
    for _ in 0..5 {
        chain.verify(address("scope registry 0"), address(&names[0]), 7);
    }
    for number in 0..4 {
        chain.register(
            address(&names[0]),
            address(&format!("mint {number}")),
            address("ann"),
            7,
        );
    }
    chain.apply().await;
    let service = Running::start(&chain.database, &[]);
    let (registry, scope) = (address(&names[0]), address("scope registry 0"));
    for (path, key, count) in [
        ("/v1/registries".to_owned(), "address", 5),
        (format!("/v1/registries/{registry}/collections"), "key", 5),
        (format!("/v1/registries/{registry}/roots"), "root", 5),
        (format!("/v1/registries/{registry}/holdings"), "asset", 4),
        ("/v1/scopes".to_owned(), "address", 5),
        (format!("/v1/scopes?registry={registry}"), "address", 5),
        (format!("/v1/scopes/{scope}/nullifiers"), "", 5),
        (format!("/v1/scopes/{scope}/verifications"), "id", 5),
    ] {
        for limit in [1, 2, 4, 5, 6] {
            let elements = all(&service, &path, limit).await;
            let key = |element: &Value| {
                if key.is_empty() {
                    element.clone()
                } else {
                    element[key].clone()
                }
            };
            let keys: Vec<String> = elements.iter().map(|element| key(element).to_string()).collect();
            let distinct: BTreeSet<&String> = keys.iter().collect();
            assert_eq!((keys.len(), distinct.len()), (count, count), "{path} {limit}");
        }
    }
    let verifications = all(&service, &format!("/v1/scopes/{scope}/verifications"), 2).await;
    let ids: Vec<&str> = verifications
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["5", "4", "3", "2", "1"]);

    // A cursor belongs to its list and its filters.
    let page = service
        .read(&format!("/v1/scopes?registry={registry}&limit=2"))
        .await;
    let cursor = page["next"].as_str().unwrap();
    for path in [
        format!("/v1/scopes?cursor={cursor}"),
        format!("/v1/registries?cursor={cursor}"),
        format!("/v1/scopes?registry={registry}&cursor=x"),
        format!("/v1/scopes?registry={registry}&cursor={}", "A".repeat(5_000)),
    ] {
        let (status, problem) = service.get(&path).await;
        assert_eq!((status, &problem["field"]), (400, &json!("cursor")), "{problem}");
    }
    for limit in ["0", "101", "65536", "-1", "x"] {
        let (status, problem) = service.get(&format!("/v1/registries?limit={limit}")).await;
        let field = if ["0", "101"].contains(&limit) {
            "limit"
        } else {
            "query"
        };
        assert_eq!((status, &problem["field"]), (400, &json!(field)), "{problem}");
    }
}

#[tokio::test]
async fn a_prefix_selects_about_256_tokens_and_a_longer_one_is_refused() {
    let mut chain = Chain::new().await;
    let registry = address("registry");
    chain.create(registry, RegistryKind::Holders);
    chain.register(registry, address("mint"), address("ann"), 7);
    chain.apply().await;
    // Further tokens, without their leaves: the list doesn't read leaves.
    for statement in [
        "INSERT INTO holdings SELECT registry_id, sha256(i::text::bytea), owner, commitment, i, track_id, live,
             last_change_at FROM holdings, generate_series(1, 1023) i",
        "UPDATE registries SET next_index = 1024",
    ] {
        sqlx::raw_sql(statement).execute(chain.database.pool()).await.unwrap();
    }
    let service = Running::start(&chain.database, &[]);
    let path = format!("/v1/registries/{registry}/holdings");
    let everything = all(&service, &path, 1_000).await;
    assert_eq!(everything.len(), 1_024);
    let mut found = Vec::new();
    for prefix in ["0/2", "4/2", "8/2", "c/2"] {
        let page = service.read(&format!("{path}?prefix={prefix}")).await;
        assert_eq!((&page["prefix_bits"], &page["next"]), (&json!(2), &json!(null)));
        let data = page["data"].as_array().unwrap();
        assert!((150..400).contains(&data.len()), "{prefix}: {}", data.len());
        found.extend(data.iter().cloned());
        let pages = all(&service, &format!("{path}?prefix={prefix}"), 100).await;
        assert_eq!(&pages, data);
    }
    assert_eq!(found, everything);
    for prefix in ["0/3", "a4f/12", "x/2", "0"] {
        let (status, problem) = service.get(&format!("{path}?prefix={prefix}")).await;
        assert_eq!((status, &problem["field"]), (400, &json!("prefix")), "{problem}");
    }
    let (status, problem) = service.get(&format!("{path}?limit=1025")).await;
    assert_eq!((status, &problem["field"]), (400, &json!("limit")), "{problem}");
}

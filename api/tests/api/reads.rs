//! The values that the routes return.

use bauta::state::CollectionKind;
use bauta_store::{Event, RegistryKind, ScopeMode};
use serde_json::json;

use crate::common::{Chain, PROGRAM, Running, address, nullifier};

/// Creates a chain with a registry of holders, a live scope and a snapshot.
async fn with_scopes() -> Chain {
    let mut chain = Chain::new().await;
    let registry = address("registry");
    chain.create(registry, RegistryKind::Holders);
    for (name, kind, rules) in [
        ("mint", CollectionKind::Asset, 0),
        ("group", CollectionKind::Group, 0),
        ("metadata", CollectionKind::TokenMetadata, 1 | 2 | 16),
        ("core", CollectionKind::Core, 4 | 8 | 16),
        ("master", CollectionKind::Prints, 1),
    ] {
        chain.collection_with_rules(registry, address(name), kind, rules);
    }
    chain.register(registry, address("mint 1"), address("ann"), 7);
    chain.register(registry, address("mint 2"), address("ben"), 7);
    chain.scope(address("live"), registry, ScopeMode::Live);
    chain.scope(address("snapshot"), registry, ScopeMode::Snapshot);
    chain.verify(address("live"), registry, 7);
    chain.apply().await;
    chain
}

#[tokio::test]
async fn the_configuration_and_the_circuits_are_those_of_the_chain() {
    let chain = with_scopes().await;
    let service = Running::start(&chain.database, &[]);
    let config = json!({
        "cluster": "solana:localnet",
        "cluster_tag": format!("0x{}", "07".repeat(32)),
        "program": PROGRAM,
        "paused": false,
        "k": 10,
    });
    assert_eq!(service.read("/v1/config").await, config);
    assert_eq!(service.read("/v1/clusters").await, json!({"data": [config]}));
    let circuits = service.read("/v1/circuits").await;
    let circuit = &circuits["data"][0];
    assert_eq!(circuit["statement"], "ownership");
    assert_eq!(circuit["depth"], 10);
    assert_eq!(circuit["provenance"], "development");
    assert_eq!(circuit["vk_hash"], format!("0x{}", "01".repeat(32)));
    assert_eq!(circuit["retires_at"], json!(null));
    let health = json!({"status": "healthy", "circuits": "loaded", "database": "connected"});
    assert_eq!(service.read("/health").await, health);
}

#[tokio::test]
async fn a_database_without_a_configuration_has_no_cluster() {
    let database = bauta_store::testing::TestDatabase::create().await.unwrap();
    let service = Running::start(&database, &[]);
    let (status, problem) = service.get("/v1/config").await;
    assert_eq!((status, &problem["code"]), (404, &json!("not_initialised")));
    assert_eq!(service.read("/v1/clusters").await, json!({"data": []}));
    let response = service.response("/v1/registries").await;
    assert!(response.headers().get("bauta-slot").is_none());
}

#[tokio::test]
async fn a_registry_has_its_collections_holdings_and_anonymity_sets() {
    let mut chain = with_scopes().await;
    let service = Running::start(&chain.database, &[]);
    let registry = format!("/v1/registries/{}", address("registry"));
    let found = service.read(&registry).await;
    assert_eq!(found["kind"], "holders");
    assert_eq!((&found["depth"], &found["sealed"]), (&json!(10), &json!(false)));
    assert_eq!(
        (&found["leaves"], &found["prefix_bits"]),
        (&json!("2"), &json!(0))
    );
    let list = service.read("/v1/registries").await;
    assert_eq!(list, json!({"data": [found], "next": null}));
    let collections = service.read(&format!("{registry}/collections")).await;
    let document = |name: &str, kind: &str, rules: &[&str]| {
        json!({
            "key": address(name).to_string(), "kind": kind, "rules": rules, "track": u64::MAX.to_string(),
        })
    };
    let expected = [
        document("core", "core", &["compressed", "issuer_moves", "leaving"]),
        document("group", "group", &[]),
        document("master", "prints", &["locked"]),
        document("metadata", "token_metadata", &["locked", "prints", "leaving"]),
        document("mint", "mint", &[]),
    ];
    assert_eq!(collections["data"], json!(expected));
    chain.now += 60;
    chain.evict(address("registry"), address("mint 2"));
    chain.apply().await;
    let holdings = service.read(&format!("{registry}/holdings")).await;
    assert_eq!(holdings["prefix_bits"], 0);
    let data = holdings["data"].as_array().unwrap();
    let live: Vec<_> = data
        .iter()
        .map(|held| (&held["asset"], &held["index"], &held["live"]))
        .collect();
    let (first, second) = (
        json!(address("mint 1").to_string()),
        json!(address("mint 2").to_string()),
    );
    assert_eq!(
        live,
        [
            (&first, &json!("0"), &json!(true)),
            (&second, &json!("1"), &json!(false))
        ]
    );
    // The owner of a token is on chain, but no client needs it here.
    assert!(!holdings.to_string().contains(&address("ann").to_string()));
    assert_eq!(
        service.read(&format!("{registry}/anonymity?track=7")).await,
        json!({"owners": 1})
    );
    assert_eq!(
        service.read(&format!("{registry}/anonymity?track=8")).await,
        json!({"owners": 0})
    );
    let (status, problem) = service.get(&format!("/v1/registries/{}", address("other"))).await;
    assert_eq!((status, &problem["code"]), (404, &json!("unknown_registry")));
}

#[tokio::test]
async fn a_scope_has_its_nullifiers_and_verifications() {
    let mut chain = with_scopes().await;
    let service = Running::start(&chain.database, &[]);
    let scope = format!("/v1/scopes/{}", address("live"));
    let found = service.read(&scope).await;
    assert_eq!(
        (&found["mode"], &found["status"]),
        (&json!("live"), &json!("open"))
    );
    assert_eq!((&found["root"], &found["gate"]), (&json!(null), &json!(null)));
    let snapshot = service.read(&format!("/v1/scopes/{}", address("snapshot"))).await;
    assert_eq!(snapshot["root"], chain.root(address("registry")).to_string());
    let listed = service
        .read(&format!("/v1/scopes?registry={}", address("registry")))
        .await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
    let (status, problem) = service
        .get(&format!("/v1/scopes?registry={}", address("other")))
        .await;
    assert_eq!((status, &problem["code"]), (404, &json!("unknown_registry")));
    chain.emit(Event::ScopeClosed {
        scope: address("snapshot"),
    });
    chain.apply().await;
    let snapshot = format!("/v1/scopes/{}", address("snapshot"));
    let closed = service.read_from(chain.slot - 1, &snapshot).await;
    assert_eq!(closed["status"], "closed");

    let used = nullifier(1).to_string();
    let nullifiers = service.read(&format!("{scope}/nullifiers?prefix=/0")).await;
    assert_eq!(
        nullifiers,
        json!({"prefix_bits": 0, "data": [used], "next": null})
    );
    let exact = service.read(&format!("{scope}/nullifiers/{used}")).await;
    assert_eq!(
        (&exact["used"], &exact["used_at"]),
        (&json!(true), &json!(chain.now))
    );
    assert!(exact["signature"].as_str().unwrap().len() > 60);
    let unused = service
        .read(&format!("{scope}/nullifiers/{}", nullifier(2)))
        .await;
    assert_eq!(unused, json!({"used": false, "used_at": null, "signature": null}));
    let verifications = service.read(&format!("{scope}/verifications")).await;
    let expected = json!([{"id": "1", "track": "7", "timestamp": chain.now, "anonymity_set": null}]);
    assert_eq!(verifications["data"], expected);
    for path in ["", "/nullifiers", "/verifications", "/analytics"] {
        let (status, problem) = service
            .get(&format!("/v1/scopes/{}{path}", address("other")))
            .await;
        assert_eq!(
            (status, &problem["code"]),
            (404, &json!("unknown_scope")),
            "{path}"
        );
        let (status, problem) = service.get(&format!("/v1/scopes/0{path}")).await;
        assert_eq!((status, &problem["field"]), (400, &json!("scope")), "{path}");
    }
}

//! What the service learns: each route states it, the documentation lists it, and the log has none
//! of it.

use std::{env, fmt::Write as _, fs, path::PathBuf};

use bauta_service_common::{NewApiKey, Quota};
use bauta_store::{RegistryKind, ScopeMode};
use serde_json::{Value, json};
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer as _;

use crate::{
    common::{Chain, Running, address, nullifier},
    openapi::{WRITE, document, routes},
    relay::KEY,
};

/// The line before the generated table in docs/api-service.md.
const BEGIN: &str = "<!-- This table is generated from the routes. -->\n";
/// The line after it.
const END: &str = "<!-- End of the generated table. -->\n";

/// Returns the routes that don't say what a request shows and what is kept of it.
fn without_disclosure(document: &Value) -> Vec<String> {
    let says = |operation: &Value, what: &str| {
        let text = operation["x-discloses"][what].as_str().unwrap_or_default();
        !text.trim().is_empty()
    };
    routes(document)
        .filter(|(_, operation)| !says(operation, "sees") || !says(operation, "keeps"))
        .map(|(route, _)| route)
        .collect()
}

#[test]
fn every_route_says_what_a_request_shows_and_what_the_service_keeps() {
    let mut document = document();
    assert_eq!(without_disclosure(&document), [""; 0]);
    let operation = &mut document["paths"]["/v1/scopes"]["get"];
    operation["x-discloses"] = json!({"sees": "network address", "keeps": " "});
    assert_eq!(without_disclosure(&document), ["GET /v1/scopes"]);
}

#[test]
fn the_documentation_has_the_table_of_what_the_service_learns() {
    let file: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "docs", "api-service.md"]
        .iter()
        .collect();
    let page = fs::read_to_string(&file).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    let mut table = String::from("\n| route | answer | sees | keeps |\n|---|---|---|---|\n");
    for (route, operation) in routes(&document()) {
        let discloses = &operation["x-discloses"];
        let cell = |text: &Value| text.as_str().unwrap().trim_end_matches('.').to_owned();
        let (summary, sees, keeps) = (
            cell(&operation["summary"]),
            cell(&discloses["sees"]),
            cell(&discloses["keeps"]),
        );
        writeln!(table, "| `{route}` | {summary} | {sees} | {keeps} |").unwrap();
    }
    table += "\n";
    if env::var_os(WRITE).is_some() {
        fs::write(file, [before, BEGIN, &table, END, after].concat()).unwrap();
        return;
    }
    assert!(
        found == table,
        "docs/api-service.md is out of date; generate it with\n\
         {WRITE}=1 cargo test --workspace --test api privacy::"
    );
}

/// Returns requests with bodies that the log must not have.
fn bodies(registry: Address, scope: Address, relayer: &str) -> [(String, Value); 4] {
    let element = format!("0x{}", "0b1e".repeat(16));
    let address_of = |name: &str| address(name).to_string();
    [
        (
            format!("/v1/registries/{registry}/registrations"),
            json!({"owner": address_of("wallet"), "asset": address_of("asset"), "commitment": element}),
        ),
        (
            "/v1/zkp/verify".to_owned(),
            json!({"proof": format!("0x{}", "7e".repeat(256)), "circuitId": "ownership-v1", "public": {
                "root": element, "nullifier": element, "scope": element, "claim": element, "context": element,
            }}),
        ),
        (
            "/v1/relay".to_owned(),
            json!({
                "scope": scope.to_string(), "proof": format!("0x{}", "7e".repeat(256)), "root": element,
                "nullifier": element, "claim": element, "recipient": address_of("recipient"),
                "relayer": relayer, "expiry": i64::MAX, "payload": "0x7e7e7e7e",
                "fee": "sponsored",
            }),
        ),
        (
            "/v1/zkp/generate".to_owned(),
            json!({
                "pid": address_of("asset"), "pattern": "membership", "registry": registry.to_string(),
                "scope": element, "context": element,
                "private": {"key_id": "k", "encapsulated_key": element, "ciphertext": "0x7e7e7e7e"},
            }),
        ),
    ]
}

#[tokio::test]
async fn the_log_has_patterns_of_routes_and_nothing_of_a_request() {
    let mut chain = Chain::new().await;
    let registry = address("registry");
    chain.create(registry, RegistryKind::Holders);
    chain.register(registry, address("mint"), address("ann"), 7_654_321);
    chain.scope(address("scope"), registry, ScopeMode::Live);
    chain.verify(address("scope"), registry, 7_654_321);
    chain.apply().await;
    let new = NewApiKey::random(&["prove", "trees"], u64::MAX, Quota::default());
    let folder = tempfile::tempdir().unwrap();
    let wallet = folder.path().join("wallet.json").display().to_string();
    let relayer = Keypair::new();
    fs::write(&wallet, format!("{:?}", relayer.to_bytes())).unwrap();
    let settings = [
        ("TRUSTED_PROXIES", "127.0.0.0/8"),
        ("API_KEYS", &new.line),
        ("RELAY_PAYERS", &wallet),
        ("RELAY_SPONSORED", "any=1000000000"),
        ("RELAY_KEY", KEY),
        // The relay needs a node, and logs that it has none.
        ("SOLANA_RPC_URL", "http://127.0.0.1:1"),
    ];
    let service = Running::start(&chain.database, &settings);
    let (root, scope, used) = (chain.root(registry), address("scope"), nullifier(1));
    for path in [
        format!("/v1/registries/{registry}/paths/0?root={root}"),
        format!("/v1/registries/{registry}/holdings?prefix=/0"),
        format!("/v1/registries/{registry}/anonymity?track=7654321"),
        format!("/v1/tiles/{root}"),
        format!("/v1/registries/{registry}/roots/{root}/leaves"),
        format!("/v1/scopes/{scope}/nullifiers/{used}"),
        format!("/v1/scopes/{scope}/nullifiers?prefix=zzz/12"),
        format!("/v1/registries/{}", address("unknown")),
    ] {
        service.get_with(&path, "x-forwarded-for", "192.0.2.77").await;
    }
    for query in [
        format!("scope={scope}&registry={registry}"),
        format!("scope={scope}&after=zzz&types=zzz"),
        "ticket=7f7f7f7f".to_owned(),
    ] {
        service.response(&format!("/v1/events?{query}")).await;
    }
    let body = json!({"hashes": [root.to_string()]});
    let request = service.request(reqwest::Method::POST, "/v1/tiles").json(&body);
    request.send().await.unwrap();
    let path = format!("/v1/registries/{registry}/eligibility");
    let body = json!({"owner": address("wallet").to_string()});
    let request = service.request(reqwest::Method::POST, &path).json(&body);
    request.send().await.unwrap();
    for (path, body) in bodies(registry, scope, &relayer.pubkey().to_string()) {
        let request = service.request(reqwest::Method::POST, &path).json(&body);
        let request = request.bearer_auth(&*new.key);
        request.send().await.unwrap();
    }
    let path = format!("/v1/registries/{registry}/roots/{root}/leaves");
    let request = service
        .request(reqwest::Method::PUT, &path)
        .bearer_auth(&*new.key);
    request.body(vec![0x7e; 32]).send().await.unwrap();
    service
        .response(&format!("/v1/relay/{}/events", "7f".repeat(16)))
        .await;
    let path = format!("/v1/zkp/jobs/{}", "7f".repeat(32));
    service.response(&path).await;
    let path = format!("/v1/relay/{}", "7f".repeat(16));
    service.get_with(&path, "x-forwarded-for", "192.0.2.77").await;
    let pattern = "/v1/scopes/{scope}/nullifiers/{nullifier}";
    let logged = async {
        while !service.log().contains(pattern) || service.log().matches("\"event\":\"request\"").count() < 20
        {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_mins(2), logged)
        .await
        .unwrap();
    let (log, metrics) = (service.log(), service.metrics().await);
    for secret in [
        registry.to_string(),
        scope.to_string(),
        address("unknown").to_string(),
        address("wallet").to_string(),
        address("asset").to_string(),
        address("recipient").to_string(),
        "0b1e0b1e".to_owned(),
        "7e7e7e7e".to_owned(),
        new.key.rsplit('_').next().unwrap().to_owned(),
        root.to_string(),
        used.to_string(),
        "zzz".to_owned(),
        "7f7f7f7f".to_owned(),
        "7654321".to_owned(),
        "192.0.2.77".to_owned(),
    ] {
        for text in [&log, &metrics] {
            assert!(!text.contains(&secret), "{secret} is in:\n{text}");
        }
    }
}

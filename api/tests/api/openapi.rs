//! The description of the routes at `/openapi.json`: a copy is checked in, it is valid, and the
//! service behaves as it says.

use std::{collections::BTreeSet, env, fs, path::PathBuf, process::Command};

use axum::{Json, Router, routing::get};
use bauta_service_common::{NewApiKey, Quota};
use bauta_store::{RegistryKind, ScopeMode};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    common::{Chain, Running, address},
    relay::TrapdoorKey,
    schemathesis,
    verifying_keys::node,
    zkp::change_circuit,
};

/// If this variable is set, the tests write the files instead of comparing them.
pub const WRITE: &str = "BAUTA_WRITE_DOCS";

fn file() -> PathBuf {
    [
        env!("CARGO_MANIFEST_DIR"),
        "..",
        "docs",
        "api",
        "api-service.openapi.json",
    ]
    .iter()
    .collect()
}

/// Returns the checked-in description.
pub fn document() -> Value {
    serde_json::from_str(&fs::read_to_string(file()).unwrap()).unwrap()
}

/// Returns each route (`GET /path`) and its description.
pub fn routes(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let operations = item.as_object().into_iter().flatten();
        operations.map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation))
    })
}

#[tokio::test]
async fn the_checked_in_description_matches_the_service() {
    let chain = Chain::new().await;
    let service = Running::start(&chain.database, &[]);
    let text = format!("{:#}\n", service.read("/openapi.json").await);
    if env::var_os(WRITE).is_some() {
        fs::write(file(), text).unwrap();
        return;
    }
    let found = fs::read_to_string(file()).unwrap_or_default();
    assert!(
        found == text,
        "docs/api/api-service.openapi.json is out of date; generate it with\n\
         {WRITE}=1 cargo test --workspace --test api openapi::the_checked_in"
    );
}

#[tokio::test]
async fn the_description_is_valid_openapi_and_complete() {
    let python = tokio::task::spawn_blocking(schemathesis::install).await.unwrap();
    let validator = python.with_file_name("openapi-spec-validator");
    let output = Command::new(validator).arg(file()).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let (document, mut ids) = (document(), BTreeSet::new());
    for (route, operation) in routes(&document) {
        let id = operation["operationId"].as_str().unwrap_or_default();
        assert!(!id.is_empty() && ids.insert(id.to_owned()), "{id} is not unique");
        for text in ["summary", "description"] {
            let prose = operation[text].as_str().unwrap_or_default();
            assert!(prose.ends_with('.'), "{route} has no {text}");
        }
        let body = &operation["requestBody"]["content"]["application/json"];
        assert!(
            body.is_null() || body["example"].is_object(),
            "the body of {route} has no example"
        );
    }
    assert!(ids.len() >= 23, "{ids:?}");
}

/// Creates a chain with something for each route.
async fn example() -> Chain {
    let mut chain = Chain::new().await;
    let registry = address("registry");
    chain.create(registry, RegistryKind::Holders);
    chain.register(registry, address("mint"), address("ann"), 7);
    chain.scope(address("scope"), registry, ScopeMode::Live);
    chain.verify(address("scope"), registry, 7);
    chain.apply().await;
    chain
}

#[tokio::test]
async fn every_described_route_exists_and_the_example_of_a_body_is_accepted() {
    let mut chain = example().await;
    let new = NewApiKey::random(&["prove", "trees"], u64::MAX, Quota::default());
    let service = Running::start(&chain.database, &[("API_KEYS", &new.line)]);
    let root = chain.root(address("registry")).to_string();
    for (route, operation) in routes(&document()) {
        let (method, path) = route.split_once(' ').unwrap();
        let path = path
            .replace("{registry}", &address("registry").to_string())
            .replace("{scope}", &address("scope").to_string())
            .replace("{root}", &root)
            .replace("{hash}", &root)
            .replace("{nullifier}", &root)
            .replace("{vk_hash}", &format!("0x{}", "02".repeat(32)))
            .replace("{sha256}", &"02".repeat(32))
            .replace("{index}", "0")
            .replace("{id}", "7")
            .replace("{relay}", &"0a".repeat(16))
            .replace("{job}", &"0a".repeat(32));
        let needs_track = path.ends_with("/anonymity") || path.ends_with("/growth");
        let path = if needs_track {
            format!("{path}?track=7")
        } else {
            path
        };
        let mut request = service.request(method.parse::<Method>().unwrap(), &path);
        if operation["security"].is_array() {
            request = request.bearer_auth(&*new.key);
        }
        if method == "PUT" {
            request = request.header("content-type", "application/octet-stream");
        }
        let example = &operation["requestBody"]["content"]["application/json"]["example"];
        if example.is_object() {
            request = request.json(example);
        }
        let status = request.send().await.unwrap().status().as_u16();
        let expected = match path.rsplit('/').next() {
            _ if path.contains("verifying-keys") => 404,
            _ if path.contains("proving-keys") => 503,
            // The service has no node, no wallet, no prover service, and accepts no trees.
            Some("eligibility" | "registrations" | "verify" | "sealing-key") => 503,
            // The example has no registry that exists.
            Some("generate") => 404,
            _ if method == "PUT" => 503,
            _ if path.starts_with("/v1/relay") || path.starts_with("/v1/zkp/jobs") => 503,
            _ => 200,
        };
        assert_eq!(status, expected, "{route}");
        assert!(
            operation["responses"][status.to_string()].is_object(),
            "{route} answers {status}"
        );
    }
}

/// Starts a stand-in of the prover service that only has a sealing key.
async fn start_prover() -> String {
    let sealing_key = json!({
        "key_id": "k", "public_key": format!("0x{}", "00".repeat(32)), "kem": "a", "kdf": "b", "aead": "c",
        "info": "d",
    });
    let router = Router::new().route("/v1/sealing-key", get(|| async { Json(sealing_key) }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Schemathesis generates valid, unusual and invalid requests from the description, and compares
/// every response with it.
#[tokio::test]
async fn every_response_to_thousands_of_generated_requests_is_as_described() {
    let program = tokio::task::spawn_blocking(schemathesis::install).await.unwrap();
    let (mut chain, key) = (example().await, TrapdoorKey::new(1));
    // The example of a verification names the first active circuit.
    change_circuit(&mut chain, "circuit", true, None);
    chain.circuit(address("key"), Sha256::digest(key.verifying_key()).into());
    chain.apply().await;
    let (node, _) = node(key.verifying_key()).await;
    let prover = start_prover().await;
    let url = chain.database.url().unwrap();
    let quota = Quota {
        requests_per_minute: Some(0),
        proofs_per_minute: Some(0),
    };
    let new = NewApiKey::random(&["prove", "trees"], u64::MAX, quota);
    let service = Running::start(
        &chain.database,
        &[
            ("RUST_LOG", "info"),
            ("API_KEYS", &new.line),
            ("SOLANA_RPC_URL", &node),
            ("PROVER_URL", &prover),
            ("UPLOAD_DATABASE_URL", &url),
        ],
    );
    let folder = tempfile::tempdir().unwrap();
    // Existing values. Generated ones would not match any. A request for a later slot than the
    // database's gets 503, as described.
    let settings = format!(
        "[parameters]\n\"path.registry\" = \"{}\"\n\"path.scope\" = \"{}\"\n\"path.root\" = \"{root}\"\n\n\
         [checks.not_a_server_error]\nexpected-statuses = [\"2xx\", \"3xx\", \"4xx\", \"501\", \"503\"]\n",
        address("registry"),
        address("scope"),
        root = chain.root(address("registry")),
    );
    fs::write(folder.path().join("schemathesis.toml"), settings).unwrap();
    let (address, current) = (service.address, folder.path().to_owned());
    let run = move || {
        Command::new(program)
            .current_dir(current)
            .args(["run", &format!("http://{address}/openapi.json")])
            .args(["--header", &format!("Authorization: Bearer {}", *new.key)])
            .args([
                "--phases",
                "examples,coverage,fuzzing,stateful",
                "--max-examples",
                "25",
            ])
            // A prefix may be longer than the registry allows, and a cursor belongs to its list.
            .args(["--exclude-checks", "positive_data_acceptance"])
            .args(["--max-response-time", "10", "--request-timeout", "30"])
            // With two, Python 3.11 fails at random: "AST constructor recursion depth mismatch".
            .args(["--workers", "1", "--seed", "1", "--continue-on-failure"])
            .output()
            .unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{report}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    println!("{report}");
    // Each of these routes has succeeded at least once.
    let metrics = service.metrics().await;
    for route in ["/v1/zkp/verify", "/v1/zkp/sealing-key"] {
        let labels = format!("route=\"{route}\",status=\"200\"");
        assert!(metrics.contains(&labels), "{labels}: {metrics}");
    }
    // The stand-in of the node answers only questions for circuits.
    let log = service.log();
    let mut errors = log.lines().filter(|line| line.contains("\"level\":\"ERROR\""));
    assert!(errors.all(|line| line.contains("node_unavailable")), "{log}");
}

//! A proof from the client's secret to its verification, with the real prover service. The secret
//! is sealed by an implementation of HPKE that shares no code with the services.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use bauta_circuits::{Ownership, load_or_setup_development};
use bauta_dev_servers::Service;
use bauta_primitives::{Attributes, Claim, Context, EntryId, FieldElement, Scope, tree::Depth};
use bauta_service_common::{NewApiKey, Quota};
use bauta_store::RegistryKind;
use reqwest::Method;
use serde_json::{Value, json};
use solana_address::Address;

use crate::{
    common::{Chain, Running, address, number_bytes},
    verifying_keys::node,
};

const TRACK: u64 = 7;
/// The member's secret, and the last byte of its mint.
const SECRET: u8 = 9;

/// Returns the command of the prover service, which cargo builds with the workspace.
fn prover_service(url: &str, key: &str) -> Command {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_bauta-api")).with_file_name("prover-service");
    assert!(
        program.is_file(),
        "build the program with cargo build --bin prover-service"
    );
    let mut command = Command::new(program);
    command
        .env("HOST", "127.0.0.1")
        .env("METRICS_HOST", "127.0.0.1")
        .env("METRICS_PORT", "0")
        .env("DATABASE_URL", url)
        .env("DATABASE_CONNECTIONS", "4")
        .env("WITNESS_KEYS", format!("test:{}", "42".repeat(32)))
        .env("ALLOW_DEVELOPMENT_KEYS", "true")
        .env("RUN_JOBS", "false")
        .env("API_KEYS", key);
    command
}

/// Runs the script that the tests of the prover service use.
fn seal(message: &Value) -> Value {
    let script: PathBuf = [
        env!("CARGO_MANIFEST_DIR"),
        "..",
        "prover-service",
        "tests",
        "service",
        "seal.mjs",
    ]
    .iter()
    .collect();
    let mut node = Command::new("node")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = node.stdin.take().unwrap();
    input.write_all(message.to_string().as_bytes()).unwrap();
    drop(input);
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_gets_a_valid_proof_and_the_api_service_never_has_the_secret() {
    let circuit = load_or_setup_development(&Ownership::new(Depth::Ten)).unwrap();
    let (mut chain, registry) = (Chain::new().await, address("registry"));
    let mut mint = address("mint").to_bytes();
    mint[31] = SECRET;
    let mint = Address::from(mint);
    chain.circuit(address("development"), circuit.verifying_key().hash());
    chain.create(registry, RegistryKind::Holders);
    chain.register(registry, address("another"), address("ben"), TRACK);
    chain.register(registry, mint, address("ann"), TRACK);
    chain.apply().await;
    let url = chain.database.url().unwrap();
    let cache = tempfile::tempdir().unwrap();
    let of_api = NewApiKey::random(&["prove"], u64::MAX, Quota::default());
    let migrated = prover_service(&url, "").arg("migrate").status().unwrap();
    assert!(migrated.success());
    let prover = Service::start("prover-service", 0, |port| {
        let mut command = prover_service(&url, &of_api.line);
        command
            .env("PORT", port.to_string())
            .env("CACHE_DIR", cache.path());
        command
    });
    let prover = prover.unwrap();
    let of_client = NewApiKey::random(&["prove"], u64::MAX, Quota::default());
    let (solana, _) = node(circuit.verifying_key().to_bytes()).await;
    let settings = [
        ("PROVER_URL", prover.url()),
        ("PROVER_API_KEY", of_api.key.as_str()),
        ("API_KEYS", of_client.line.as_str()),
        ("SOLANA_RPC_URL", solana.as_str()),
    ];
    let service = Running::start(&chain.database, &settings);

    let (scope, context) = (
        Scope::new(FieldElement::from_u64(11)),
        Context::new(FieldElement::from_u64(12)),
    );
    let key = service.read("/v1/zkp/sealing-key").await;
    let private = json!({
        "secret": format!("0x{}", hex::encode(number_bytes(SECRET.into()))),
        "entry_id": EntryId::of_mint(mint.as_array()),
        "attributes": Attributes::of_track(TRACK),
    });
    let associated = [
        &scope.to_bytes()[..],
        &Claim::of_track(TRACK).to_bytes(),
        &context.to_bytes(),
        b"ownership",
    ]
    .concat();
    let sealed = seal(&json!({
        "public_key": key["public_key"].as_str().unwrap().trim_start_matches("0x"),
        "info": hex::encode(key["info"].as_str().unwrap()),
        "aad": hex::encode(associated),
        "plaintext": hex::encode(private.to_string()),
    }));
    let field = |name: &str| format!("0x{}", sealed[name].as_str().unwrap());
    let mut body = json!({
        "pid": mint.to_string(), "pattern": "membership", "registry": registry.to_string(),
        "scope": scope, "context": context,
        "private": {
            "key_id": key["key_id"], "encapsulated_key": field("encapsulated_key"),
            "ciphertext": field("ciphertext"),
        },
    });
    let generate = async |body: &Value| {
        let request = service.request(Method::POST, "/v1/zkp/generate").json(body);
        let response = request.bearer_auth(&*of_client.key).send().await.unwrap();
        (
            response.status().as_u16(),
            response.json::<Value>().await.unwrap(),
        )
    };
    let (status, made) = generate(&body).await;
    assert_eq!(status, 200, "{made}");
    assert_eq!(made["public"]["context"], json!(context));
    let proof = json!({"proof": made["proof"], "circuitId": made["vk_hash"], "public": made["public"]});
    let request = service.request(Method::POST, "/v1/zkp/verify").json(&proof);
    let verdict: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(verdict["valid"], true, "{verdict}");

    // With another recipient, what the client sealed can't be opened.
    body["context"] = json!(Context::new(FieldElement::from_u64(13)));
    let (status, problem) = generate(&body).await;
    assert_eq!(
        (status, &problem["field"]),
        (400, &json!("private.ciphertext")),
        "{problem}"
    );
    // The prover service refuses the client's own key, which only this service knows.
    let settings = [
        ("PROVER_URL", prover.url()),
        ("PROVER_API_KEY", of_client.key.as_str()),
        ("API_KEYS", of_client.line.as_str()),
    ];
    let misconfigured = Running::start(&chain.database, &settings);
    let request = misconfigured
        .request(Method::POST, "/v1/zkp/generate")
        .json(&body);
    let response = request.bearer_auth(&*of_client.key).send().await.unwrap();
    assert_eq!(response.status(), 503);
}

//! Proofs: verified by the service itself, and made by a prover service that is a stand-in here.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::Request,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::any,
};
use bauta_primitives::{Claim, Context, FieldElement, Nullifier, PublicInputs, Root, Scope};
use bauta_service_common::{NewApiKey, Quota};
use bauta_store::{Event, RegistryKind, event::CircuitStatusChanged};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    common::{Chain, DAY, Running, address},
    relay::TrapdoorKey,
    verifying_keys::node,
};

pub fn public(number: u64) -> PublicInputs {
    let element = FieldElement::from_u64;
    PublicInputs {
        root: Root::new(element(number)),
        nullifier: Nullifier::new(element(2)),
        scope: Scope::new(element(3)),
        claim: Claim::of_track(7),
        context: Context::new(element(5)),
    }
}

fn body(proof: &[u8], circuit_id: &str, public: &PublicInputs) -> Value {
    json!({"proof": format!("0x{}", hex::encode(proof)), "circuitId": circuit_id, "public": public})
}

async fn post(service: &Running, path: &str, key: Option<&str>, body: &Value) -> (u16, Value) {
    let mut request = service.request(Method::POST, path).json(body);
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn a_proof_is_verified_here_and_its_verdict_is_kept() {
    let key = TrapdoorKey::new(1);
    let mut chain = Chain::new().await;
    // The first circuit of the chain has another key.
    change_circuit(&mut chain, "circuit", true, None);
    let vk_hash: [u8; 32] = Sha256::digest(key.verifying_key()).into();
    chain.circuit(address("key"), vk_hash);
    chain.apply().await;
    let (url, requests) = node(key.verifying_key()).await;
    let service = Running::start(&chain.database, &[("SOLANA_RPC_URL", &url)]);
    let verify = async |body: &Value| post(&service, "/v1/zkp/verify", None, body).await;
    let proof = key.prove(public(1).digest());
    for _ in 0..2 {
        let (status, verdict) = verify(&body(&proof, "ownership-v1", &public(1))).await;
        assert_eq!((status, &verdict["valid"]), (200, &json!(true)), "{verdict}");
        assert!(verdict["verification_time_ms"].is_number());
        assert_eq!(verdict["vk_hash"], format!("0x{}", hex::encode(vk_hash)));
        assert_eq!(verdict["provenance"], "development");
    }
    // Another proof of the same values, and the same proof for other values.
    let other = key.prove_with(public(1).digest(), 8);
    let (_, verdict) = verify(&body(&other, "ownership-v1-depth10", &public(1))).await;
    assert_eq!(verdict["valid"], true, "{verdict}");
    let (_, verdict) = verify(&body(&proof, "ownership-v1", &public(9))).await;
    assert_eq!(verdict["valid"], false, "{verdict}");
    assert!(verdict["reason"].is_string(), "{verdict}");
    let (_, verdict) = verify(&body(&[0xff; 256], "ownership-v1", &public(1))).await;
    assert_eq!(verdict["valid"], false, "{verdict}");
    assert_eq!(requests.load(std::sync::atomic::Ordering::Relaxed), 1);
    let metrics = service.metrics().await;
    for line in [
        "bauta_api_verifications_total{outcome=\"valid\"} 2",
        "bauta_api_verifications_total{outcome=\"invalid\"} 2",
        "bauta_api_verifications_total{outcome=\"cached\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    for (id, status, code) in [
        ("membership-v1", 404, "unknown_circuit"),
        ("structure-v1", 404, "unknown_circuit"),
        ("ownership-v2", 404, "unknown_circuit"),
        ("", 400, "invalid_input"),
    ] {
        let (found, problem) = verify(&body(&proof, id, &public(1))).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)), "{problem}");
    }
    let broken = json!({"proof": "0x", "circuitId": "x", "public": {
        "root": format!("0x{}", "ff".repeat(32)), "nullifier": "", "scope": "", "claim": "", "context": "",
    }});
    let (status, problem) = verify(&broken).await;
    assert_eq!(
        (status, problem["errors"].as_array().unwrap().len()),
        (400, 6),
        "{problem}"
    );
    let health = service.read("/health").await;
    assert_eq!(
        health,
        json!({"status": "healthy", "circuits": "loaded", "database": "connected"})
    );
}

/// Suspends or retires a circuit.
pub fn change_circuit(chain: &mut Chain, name: &str, suspended: bool, retires_at: Option<i64>) {
    chain.emit(Event::CircuitStatusChanged(CircuitStatusChanged {
        circuit: address(name),
        suspended,
        retires_at,
    }));
}

#[tokio::test]
async fn proofs_of_a_circuit_that_is_suspended_or_retired_are_not_called_valid() {
    let key = TrapdoorKey::new(1);
    let (mut chain, vk_hash) = (Chain::new().await, Sha256::digest(key.verifying_key()).into());
    chain.circuit(address("key"), vk_hash);
    chain.apply().await;
    let (url, _) = node(key.verifying_key()).await;
    let service = Running::start(&chain.database, &[("SOLANA_RPC_URL", &url)]);
    let by_hash = format!("0x{}", hex::encode(vk_hash));
    let request = body(&key.prove(public(1).digest()), &by_hash, &public(1));
    let verify = async || post(&service, "/v1/zkp/verify", None, &request).await;
    assert_eq!(verify().await.1["valid"], true);
    // The verdict is known, but the circuit is not active any more.
    let (long_ago, later) = (chain.now - 1, chain.now + 1_000 * DAY);
    for (suspended, retires_at, status) in [
        (true, None, 422),
        (false, None, 200),
        (false, Some(long_ago), 422),
        (false, Some(later), 200),
    ] {
        change_circuit(&mut chain, "key", suspended, retires_at);
        chain.apply().await;
        let (found, answer) = verify().await;
        assert_eq!(found, status, "{answer}");
        if status == 422 {
            assert_eq!(answer["code"], "circuit_inactive", "{answer}");
        }
    }
}

#[tokio::test]
async fn without_a_node_proofs_are_not_verified() {
    let chain = Chain::new().await;
    let service = Running::start(&chain.database, &[]);
    let request = body(&[0; 256], "ownership-v1", &public(1));
    let (status, problem) = post(&service, "/v1/zkp/verify", None, &request).await;
    assert_eq!(
        (status, &problem["code"]),
        (503, &json!("feature_disabled")),
        "{problem}"
    );
}

/// What the prover service received last, and what it answers.
#[derive(Default)]
pub struct Prover {
    pub requests: usize,
    pub path: String,
    pub authorization: String,
    pub idempotency_key: String,
    pub body: Value,
    pub status: u16,
    pub answer: Value,
    /// The answer to requests for proofs that do not become jobs, if it is another one.
    pub to_proofs: ToProofs,
}

#[derive(Clone, Default)]
pub enum ToProofs {
    #[default]
    Same,
    Other(u16, Value),
    Never,
}

async fn start_prover(prover: Arc<Mutex<Prover>>) -> String {
    let answer = move |request: Request| {
        let prover = prover.clone();
        async move {
            let (parts, body) = request.into_parts();
            let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
            let text = |name: &str| {
                let value = parts.headers.get(name);
                value.map_or("", |value| value.to_str().unwrap()).to_owned()
            };
            let (status, answer) = {
                let mut prover = prover.lock().unwrap();
                prover.requests += 1;
                parts.uri.path().clone_into(&mut prover.path);
                prover.authorization = text("authorization");
                prover.idempotency_key = text("idempotency-key");
                prover.body = serde_json::from_slice(&bytes).unwrap_or_default();
                let is_proof = prover.path.ends_with("/prove") && prover.body["wait"] != false;
                match prover.to_proofs.clone() {
                    ToProofs::Other(status, answer) if is_proof => (status, Some(answer)),
                    ToProofs::Never if is_proof => (0, None),
                    _ => (prover.status, Some(prover.answer.clone())),
                }
            };
            let Some(answer) = answer else {
                return std::future::pending().await;
            };
            let status = StatusCode::from_u16(status).unwrap();
            (status, [(header::RETRY_AFTER, "7")], axum::Json(answer)).into_response()
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(any(answer))).await });
    url
}

/// The response of the prover service to a request.
pub fn proved(public: &PublicInputs) -> Value {
    json!({
        "success": true, "public": public, "generation_time_ms": 30.5,
        "proof": {
            "proof": format!("0x{}", "0a".repeat(256)), "proof_hash": "0x", "timestamp": 1,
            "metadata": {"circuit_id": "ownership-v1-depth10", "model_hash": format!("0x{}", "0b".repeat(32))},
        },
    })
}

pub fn request() -> Value {
    json!({
        "pid": address("mint").to_string(), "pattern": "membership",
        "registry": address("registry").to_string(),
        "scope": public(1).scope, "context": public(1).context,
        "private": {
            "key_id": "test", "encapsulated_key": format!("0x{}", "0c".repeat(32)),
            "ciphertext": format!("0x{}", "0d".repeat(99)),
        },
    })
}

/// A service with an API key and a prover service.
pub struct Setup {
    pub prover: Arc<Mutex<Prover>>,
    pub service: Running,
    pub key: String,
    _chain: Chain,
}

impl Setup {
    pub async fn new(environment: &[(&str, &str)]) -> Self {
        let mut chain = Chain::new().await;
        let registry = address("registry");
        chain.create(registry, RegistryKind::Holders);
        chain.register(registry, address("other"), address("ben"), 8);
        chain.register(registry, address("mint"), address("ann"), 7);
        chain.register(registry, address("evicted"), address("cat"), 7);
        chain.evict(registry, address("evicted"));
        chain.apply().await;
        let prover = Arc::new(Mutex::new(Prover {
            status: 200,
            answer: proved(&public(1)),
            ..Prover::default()
        }));
        let url = format!("{}/base", start_prover(prover.clone()).await);
        let new = NewApiKey::random(&["prove"], u64::MAX, Quota::default());
        let mut all = vec![
            ("PROVER_URL", url.as_str()),
            ("PROVER_API_KEY", "bauta_00000000_of-the-api"),
            ("API_KEYS", new.line.as_str()),
            ("PROOFS_PER_MINUTE", "0"),
        ];
        // An empty value removes a variable.
        all.retain(|(name, _)| !environment.iter().any(|(other, _)| other == name));
        all.extend(environment.iter().filter(|(_, value)| !value.is_empty()));
        Self {
            service: Running::start(&chain.database, &all),
            prover,
            key: new.key.to_string(),
            _chain: chain,
        }
    }

    pub async fn generate(&self, body: &Value) -> (u16, Value) {
        post(&self.service, "/v1/zkp/generate", Some(&self.key), body).await
    }
}

#[tokio::test]
async fn a_proof_of_ownership_is_made_from_what_the_client_sealed_and_what_the_registry_says() {
    let setup = Setup::new(&[]).await;
    let (status, made) = setup.generate(&request()).await;
    assert_eq!(status, 200, "{made}");
    let expected = json!({
        "success": true, "proof": format!("0x{}", "0a".repeat(256)), "public": public(1),
        "circuitId": "ownership-v1-depth10", "vk_hash": format!("0x{}", "0b".repeat(32)),
    });
    assert_eq!(made, expected);
    {
        let prover = setup.prover.lock().unwrap();
        assert_eq!(prover.path, "/base/v1/prove");
        // The key of the service, and not that of its client.
        assert_eq!(prover.authorization, "Bearer bauta_00000000_of-the-api");
        let expected = json!({
            "statement": "ownership",
            "public": {"scope": public(1).scope, "claim": public(1).claim, "context": public(1).context},
            "registry": {"address": address("registry").to_string(), "index": 1},
            "sealed": request()["private"],
        });
        assert_eq!(prover.body, expected);
    }
    let log = setup.service.log();
    for secret in [
        &"0d".repeat(9),
        &"0c".repeat(9),
        &address("mint").to_string(),
        "of-the-api",
    ] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
    // An answer of the prover service for other values is refused.
    setup.prover.lock().unwrap().answer = proved(&PublicInputs {
        context: Context::new(FieldElement::from_u64(6)),
        ..public(1)
    });
    let (status, problem) = setup.generate(&request()).await;
    assert_eq!(
        (status, &problem["code"]),
        (503, &json!("prover_unavailable")),
        "{problem}"
    );
}

#[tokio::test]
async fn requests_that_can_not_be_proved_are_refused_here() {
    let setup = Setup::new(&[]).await;
    for (field, value, status, code) in [
        ("pid", json!("age-over-18"), 501, "statement_not_built"),
        ("pattern", json!("structure"), 501, "statement_not_built"),
        ("pid", json!(address("unknown").to_string()), 404, "unknown_asset"),
        ("pid", json!(address("evicted").to_string()), 404, "unknown_asset"),
        (
            "registry",
            json!(address("unknown").to_string()),
            404,
            "unknown_registry",
        ),
        ("scope", json!("0x"), 400, "invalid_input"),
        ("private", json!({}), 400, "invalid_input"),
        ("secret", json!("0x"), 400, "invalid_input"),
    ] {
        let mut body = request();
        body[field] = value;
        let (found, problem) = setup.generate(&body).await;
        assert_eq!(
            (found, &problem["code"]),
            (status, &json!(code)),
            "{field}: {problem}"
        );
    }
    assert_eq!(setup.prover.lock().unwrap().path, "");
    let (status, problem) = post(&setup.service, "/v1/zkp/generate", None, &request()).await;
    assert_eq!((status, &problem["code"]), (401, &json!("missing_api_key")));
}

#[tokio::test]
async fn errors_of_the_prover_service_are_passed_on_unless_they_are_the_operators() {
    let setup = Setup::new(&[]).await;
    let answer = |status: u16, answer: Value| {
        let mut prover = setup.prover.lock().unwrap();
        (prover.status, prover.answer) = (status, answer);
    };
    let errors = json!([{"field": "sealed.ciphertext", "rule": "must be sealed"}]);
    answer(
        400,
        json!({"code": "invalid_input", "detail": "x", "errors": errors}),
    );
    let (status, problem) = setup.generate(&request()).await;
    assert_eq!(
        (status, &problem["field"]),
        (400, &json!("private.ciphertext")),
        "{problem}"
    );
    answer(
        409,
        json!({"code": "unknown_sealing_key", "detail": "seal again", "request_id": "theirs"}),
    );
    let (status, problem) = setup.generate(&request()).await;
    assert_eq!(
        (status, &problem["code"]),
        (409, &json!("unknown_sealing_key")),
        "{problem}"
    );
    assert_eq!(problem["detail"], "seal again");
    assert_ne!(problem["request_id"], "theirs");
    for (status, code) in [(401, "unknown_api_key"), (500, "internal"), (200, "")] {
        answer(status, json!({"code": code, "detail": "of the operator"}));
        let (status, problem) = setup.generate(&request()).await;
        assert_eq!(
            (status, &problem["code"]),
            (503, &json!("prover_unavailable")),
            "{problem}"
        );
        assert!(!problem.to_string().contains("of the operator"));
    }
    answer(200, json!({"padding": "x".repeat(70_000)}));
    assert_eq!(setup.generate(&request()).await.0, 503);
    // The route returns the key of the prover service. Without a prover service, it is disabled.
    let key = json!({
        "key_id": "k", "public_key": "0x00", "kem": "a", "kdf": "b", "aead": "c", "info": "d",
        "valid_until": 1_790_000_000,
    });
    answer(200, key.clone());
    assert_eq!(setup.service.read("/v1/zkp/sealing-key").await, key);
    let unavailable = Setup::new(&[("PROVER_URL", "http://127.0.0.1:1")]).await;
    assert_eq!(
        unavailable.generate(&request()).await.1["code"],
        "prover_unavailable"
    );
    let metrics = unavailable.service.metrics().await;
    let counted = "bauta_api_problems_total{code=\"prover_unavailable\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
    let without = Setup::new(&[("PROVER_URL", "")]).await;
    assert_eq!(without.generate(&request()).await.1["code"], "feature_disabled");
}

#[tokio::test]
async fn each_key_has_a_limit_of_proofs() {
    let keys = [(); 2].map(|()| NewApiKey::random(&["prove"], u64::MAX, Quota::default()));
    let lines = keys.each_ref().map(|new| new.line.clone()).join(",");
    let setup = Setup::new(&[("PROOFS_PER_MINUTE", "2"), ("API_KEYS", &lines)]).await;
    for key in &keys {
        for expected in [200, 200, 429] {
            let (status, answer) = post(&setup.service, "/v1/zkp/generate", Some(&key.key), &request()).await;
            assert_eq!(status, expected, "{answer}");
        }
    }
}

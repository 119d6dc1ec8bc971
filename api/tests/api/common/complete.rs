//! A service that has everything that a route can need. The node and the prover service are
//! stand-ins.

use axum::{
    Json, Router,
    http::StatusCode,
    routing::{get, post},
};
use bauta_service_common::{NewApiKey, Quota};
use bauta_store::{RegistryKind, ScopeMode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use solana_address::Address;
use solana_keypair::Keypair;
use tempfile::TempDir;

use super::{
    Chain, Running, address, number_bytes,
    wallets::{ACCOUNTS, access_token, grant},
};
use crate::{
    relay::{KEY, TrapdoorKey},
    verifying_keys::node,
    zkp::{change_circuit, proved, public},
};

/// A service with a node, a prover service, a wallet, uploads, and something in its database for
/// each route.
pub struct Complete {
    pub chain: Chain,
    pub service: Running,
    /// An API key with all permissions.
    pub key: String,
    /// The access token of a wallet that is owner, operator, developer and auditor.
    pub token: String,
    /// The hash of the verifying key of the only active circuit.
    pub vk_hash: [u8; 32],
    _folder: TempDir,
}

/// The registry and the asset of the examples in the description of the routes.
pub fn of_examples() -> Address {
    Address::default()
}

/// The leaves of the registry `attested`.
pub fn leaves() -> Vec<[u8; 32]> {
    (1..=3).map(number_bytes).collect()
}

impl Complete {
    pub async fn start(environment: &[(&str, &str)]) -> Self {
        let verifying_key = TrapdoorKey::new(1).verifying_key();
        let vk_hash = Sha256::digest(verifying_key).into();
        let chain = chain(vk_hash).await;
        let folder = tempfile::tempdir().unwrap();
        let wallet = folder.path().join("wallet.json");
        std::fs::write(&wallet, format!("{:?}", Keypair::new().to_bytes())).unwrap();
        let quota = Quota {
            requests_per_minute: Some(0),
            proofs_per_minute: Some(0),
        };
        let new = NewApiKey::random(&["prove", "read", "trees"], u64::MAX, quota);
        let (url, prover) = (chain.database.url().unwrap(), start_willing_prover().await);
        let (solana, _) = node(verifying_key).await;
        let wallet = wallet.display().to_string();
        let mut all = vec![
            ("SOLANA_RPC_URL", solana.as_str()),
            ("PROVER_URL", prover.as_str()),
            ("UPLOAD_DATABASE_URL", url.as_str()),
            ("RELAY_PAYERS", wallet.as_str()),
            ("RELAY_SPONSORED", "any=1000000000"),
            ("RELAY_KEY", KEY),
            ("RELAY_REQUESTS_PER_MINUTE", "0"),
            ("WEBHOOK_KEY", KEY),
            ("OHTTP_KEY", KEY),
            ("API_KEYS", new.line.as_str()),
        ];
        all.extend(ACCOUNTS);
        all.extend_from_slice(environment);
        let service = Running::start(&chain.database, &all);
        let wallet = Keypair::new();
        for role in ["owner", "operator", "developer", "auditor"] {
            grant(&url, &wallet, role);
        }
        Self {
            token: access_token(&service, &wallet).await,
            service,
            chain,
            key: new.key.to_string(),
            vk_hash,
            _folder: folder,
        }
    }
}

async fn chain(vk_hash: [u8; 32]) -> Chain {
    let mut chain = Chain::new().await;
    change_circuit(&mut chain, "circuit", true, None);
    chain.circuit(address("active"), vk_hash);
    for (registry, mint) in [
        (address("registry"), address("mint")),
        (of_examples(), of_examples()),
    ] {
        chain.create(registry, RegistryKind::Holders);
        chain.register(registry, mint, address("ann"), 7);
    }
    chain.create(address("attested"), RegistryKind::Attested);
    chain.publish(address("attested"), leaves());
    chain.scope(address("scope"), address("registry"), ScopeMode::Live);
    chain.verify(address("scope"), address("registry"), 7);
    chain.apply().await;
    chain
}

/// Starts a stand-in of the prover service that makes every requested proof.
async fn start_willing_prover() -> String {
    let prove = |Json(request): Json<Value>| async move {
        if request["wait"] == false {
            let job = json!({"job_id": "0198a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"});
            return (StatusCode::ACCEPTED, Json(job));
        }
        let mut public = request["public"].clone();
        let zero = format!("0x{}", "00".repeat(32));
        (public["root"], public["nullifier"]) = (zero.clone().into(), zero.into());
        (
            StatusCode::OK,
            Json(proved(&serde_json::from_value(public).unwrap())),
        )
    };
    let job = json!({
        "state": "succeeded", "created_at": 1, "ended_at": 2, "answer": proved(&public(1)),
    });
    let sealing_key = json!({
        "key_id": "k", "public_key": format!("0x{}", "00".repeat(32)), "kem": "a", "kdf": "b", "aead": "c", "valid_until": 1_790_000_000,
        "info": "d",
    });
    let router = Router::new()
        .route("/v1/prove", post(prove))
        .route("/v1/jobs/{id}", get(|| async { Json(job) }))
        .route("/v1/sealing-key", get(|| async { Json(sealing_key) }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

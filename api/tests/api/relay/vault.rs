//! A wallet whose key is in Vault. The server here has the two routes of Vault's transit engine
//! that the service uses, over HTTP, with the forms of Vault's responses.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use solana_keypair::Keypair;
use solana_signer::Signer;

use super::{Relayed, reach, submit};

const TOKEN: &str = "hvs.0123456789abcdef";

/// A Vault server with one key.
struct Vault {
    key: Keypair,
    /// The key that signs.
    signs: Mutex<Arc<Keypair>>,
    signed: Mutex<usize>,
}

type Answer = (StatusCode, Json<Value>);

fn refused() -> Answer {
    let errors = json!({"errors": ["permission denied"]});
    (StatusCode::FORBIDDEN, Json(errors))
}

fn is_allowed(headers: &HeaderMap, name: &str) -> bool {
    name == "relay" && headers.get("x-vault-token").is_some_and(|token| token == TOKEN)
}

async fn sign(
    State(vault): State<Arc<Vault>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Answer {
    if !is_allowed(&headers, &name) {
        return refused();
    }
    let message = STANDARD.decode(body["input"].as_str().unwrap()).unwrap();
    let signature = vault.signs.lock().unwrap().sign_message(&message);
    *vault.signed.lock().unwrap() += 1;
    let signature = format!("vault:v1:{}", STANDARD.encode(signature.as_ref()));
    (
        StatusCode::OK,
        Json(json!({"data": {"key_version": 1, "signature": signature}})),
    )
}

async fn key(State(vault): State<Arc<Vault>>, Path(name): Path<String>, headers: HeaderMap) -> Answer {
    if !is_allowed(&headers, &name) {
        return refused();
    }
    let public = STANDARD.encode(vault.key.pubkey().as_ref());
    let data = json!({
        "type": "ed25519", "supports_signing": true, "latest_version": 1, "keys": {"1": {"public_key": public}},
    });
    (StatusCode::OK, Json(json!({"data": data})))
}

impl Vault {
    /// Starts a server with a key. Returns its URL.
    async fn start(key: &Keypair) -> (Arc<Self>, String) {
        let vault = Arc::new(Self {
            key: key.insecure_clone(),
            signs: Mutex::new(Arc::new(key.insecure_clone())),
            signed: Mutex::default(),
        });
        let router = Router::new()
            .route("/v1/transit/sign/{name}", post(sign))
            .route("/v1/transit/keys/{name}", get(self::key))
            .with_state(vault.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (vault, url)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_whose_key_is_in_vault_pays_and_a_false_signature_is_never_sent() {
    let relayed = Relayed::start().await;
    let (vault, url) = Vault::start(&relayed.chain.wallet).await;
    let payer = format!("vault:relay:{}", relayed.chain.wallet.pubkey());
    let settings = [
        ("RELAY_PAYERS", payer.as_str()),
        ("RELAY_VAULT_URL", url.as_str()),
        ("RELAY_VAULT_TOKEN", TOKEN),
    ];
    let service = relayed.service(&settings).await;
    let id = submit(&service, &relayed.chain.prove(relayed.scope, 1)).await;
    reach(&service, &id, &["finalized"]).await;
    let signed = *vault.signed.lock().unwrap();
    assert!(signed >= 1);

    // Vault signs with another key. The relay waits, and continues when Vault is correct again.
    *vault.signs.lock().unwrap() = Arc::new(Keypair::new());
    let id = submit(&service, &relayed.chain.prove(relayed.scope, 2)).await;
    let refused = async {
        while *vault.signed.lock().unwrap() == signed || !service.log().contains("relay_not_sent") {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_mins(1), refused)
        .await
        .unwrap();
    let waiting = service.read(&format!("/v1/relay/{id}")).await;
    assert_eq!(
        (&waiting["state"], &waiting["attempts"]),
        (&json!("queued"), &json!(0))
    );
    *vault.signs.lock().unwrap() = Arc::new(relayed.chain.wallet.insecure_clone());
    reach(&service, &id, &["finalized"]).await;
    assert!(!service.log().contains(TOKEN), "{}", service.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_access_to_vault_the_service_starts_and_says_so() {
    let relayed = Relayed::start().await;
    let (_vault, url) = Vault::start(&relayed.chain.wallet).await;
    let payer = format!("vault:relay:{}", relayed.chain.wallet.pubkey());
    let settings = [
        ("RELAY_PAYERS", payer.as_str()),
        ("RELAY_VAULT_URL", url.as_str()),
        ("RELAY_VAULT_TOKEN", "hvs.other"),
    ];
    let service = relayed.service(&settings).await;
    let log = service.log();
    assert!(
        log.contains("key_store_unavailable") && !log.contains("hvs.other"),
        "{log}"
    );
}

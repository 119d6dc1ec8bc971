//! Tokens for the visitors of the page. The local chain has no other way to get one.

use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use axum::{Json, Router, extract::DefaultBodyLimit, extract::State, http::StatusCode, routing::post};
use serde::Deserialize;
use serde_json::{Value, json};
use solana_address::Address;
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;

use crate::{
    chain::Chain,
    tokens::{Collection, Tokens},
};

/// The lamports with which a wallet pays for its registrations.
const LAMPORTS: u64 = 100_000_000;
/// The longest accepted request in bytes.
const MAX_BODY: usize = 1_024;

/// Creates tokens of the collections that members register.
pub struct Faucet {
    pub chain: Chain,
    pub tokens: Tokens,
    /// The collections with the names of their kinds.
    pub collections: Vec<(&'static str, Collection)>,
}

/// A request for a token.
#[derive(Deserialize)]
struct Request {
    owner: String,
    kind: String,
}

/// Returns the route of the faucet. Pages of other origins can't send JSON to it.
pub fn routes(faucet: Arc<Faucet>) -> Router {
    Router::new()
        .route("/faucet", post(give))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(faucet)
}

async fn give(
    State(faucet): State<Arc<Faucet>>,
    Json(request): Json<Request>,
) -> Result<Json<Value>, (StatusCode, String)> {
    let owner = request.owner.parse().map_err(|_| {
        let text = "the owner must be an address in base58".to_owned();
        (StatusCode::BAD_REQUEST, text)
    })?;
    match faucet.give(&owner, &request.kind).await {
        Ok(asset) => Ok(Json(json!({ "asset": asset.to_string() }))),
        Err(error) => Err((StatusCode::BAD_GATEWAY, format!("{error:#}"))),
    }
}

impl Faucet {
    /// Creates a token of a kind, and pays the owner for the registration.
    async fn give(&self, owner: &Address, kind: &str) -> Result<Address> {
        let found = self.collections.iter().find(|(name, _)| *name == kind);
        let (_, collection) = found.ok_or_else(|| {
            let names: Vec<_> = self.collections.iter().map(|(name, _)| *name).collect();
            anyhow!("there is no kind {kind:?}; the kinds are {}", names.join(", "))
        })?;
        let payment = transfer(&self.chain.payer.pubkey(), owner, LAMPORTS);
        let paid = self.chain.send(&[payment], &[]).await;
        paid.map_err(anyhow::Error::from)
            .context("the payment to the wallet")?;
        let (asset, _) = self.tokens.mint_for(&self.chain, collection, owner).await?;
        Ok(asset)
    }
}

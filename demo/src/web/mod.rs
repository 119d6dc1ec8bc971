//! `bauta-demo web`: prepares a local chain for the demo page, and serves the page.
//!
//! ```text
//!   admin ──circuit, registry, collections, members, scope──> node
//!   browser ──page, settings──> this server
//!           ──a token for a wallet──> this server ──> node
//! ```
//!
//! `cargo xtask up` starts it. The page sends everything else to the API and to the node by itself.

mod faucet;
mod site;

use std::{net::Ipv4Addr, path::Path, sync::Arc};

use anyhow::{Context, Result};
use bauta::state::{CollectionKind, ScopeMode};
use bauta_client::ClusterTag;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use solana_keypair::Keypair;
use tokio::net::TcpListener;

use self::{faucet::Faucet, site::Site};
use crate::{
    chain::{Chain, variable},
    protocol::{Circuit, Member, Registry},
    tokens::{Collection, Tokens},
};

/// The number of members among whom the visitor of the page is anonymous.
const MEMBERS: usize = 48;
/// The track of all collections, so that all members make the same claim.
const TRACK: u64 = 1;
/// Number of concurrent transactions.
const CONCURRENCY: usize = 16;
/// The kinds of the collections, with the names that the page uses.
const KINDS: [(&str, CollectionKind); 3] = [
    ("token-metadata", CollectionKind::TokenMetadata),
    ("core", CollectionKind::Core),
    ("token-2022", CollectionKind::Group),
];
/// The largest number of tokens of the group.
const GROUP_SIZE: u64 = 1_000_000;

/// Prepares the chain, and serves the page until the process is ended.
pub async fn run() -> Result<()> {
    let chain = Chain::from_environment()?;
    let tokens = Tokens::new(&chain).await?;
    let circuit = Circuit::register(&chain).await?;
    // The chain may be stored, so each start has its own registry.
    let nonce = chain.time().await?.unsigned_abs();
    let registry = Registry::create(&chain, nonce).await?;
    let mut collections = Vec::new();
    for (name, kind) in KINDS {
        let collection = tokens.create_collection(&chain, kind, GROUP_SIZE).await?;
        registry.add_collection(&chain, &collection, TRACK).await?;
        collections.push((name, collection));
    }
    register_members(&chain, &tokens, &registry, &collections).await?;
    let (scope, _) = registry
        .create_scope(&chain, &circuit, nonce, ScopeMode::Live, None)
        .await?;

    let (api, node) = (variable("BAUTA_API_URL")?, variable("SOLANA_RPC_URL")?);
    let settings = json!({
        "tag": hex::encode(ClusterTag::LOCAL.to_bytes()),
        "chain": "solana:localnet",
        "rpc": [node],
        "api": api,
        "registry": registry.address.to_string(),
        "scope": scope.address.to_string(),
        "key": { "sha256": variable("BAUTA_WEB_KEY")? },
        "faucet": "/faucet",
    });
    let mut site = Site::new(&[&api, &node]);
    site.add_folder("", Path::new(&variable("BAUTA_WEB_SITE")?))?;
    site.add("config.json".to_owned(), settings.to_string().into_bytes());
    let faucet = Arc::new(Faucet {
        chain,
        tokens,
        collections,
    });

    let port = variable("PORT")?.parse().context("PORT must be a port")?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let routes = site.routes().merge(faucet::routes(faucet));
    Ok(axum::serve(listener, routes).await?)
}

/// Registers members, each with a token of one of the collections.
async fn register_members(
    chain: &Chain,
    tokens: &Tokens,
    registry: &Registry,
    collections: &[(&str, Collection)],
) -> Result<()> {
    let registering = (0..MEMBERS).map(|number| async move {
        let (_, collection) = &collections[number % collections.len()];
        let nft = tokens.mint(chain, collection, Keypair::new()).await?;
        let member = Member::new(registry, nft, TRACK);
        registry.register(chain, &member, None).await?;
        anyhow::Ok(())
    });
    let registering = stream::iter(registering).buffer_unordered(CONCURRENCY);
    registering
        .try_collect::<Vec<()>>()
        .await
        .context("register_holder")?;
    Ok(())
}

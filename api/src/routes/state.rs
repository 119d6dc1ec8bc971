use std::{convert::Infallible, ops::Deref, sync::Arc};

use axum::{extract::FromRequestParts, http::request::Parts};
use bauta_service_common::TrustedProxies;
use bauta_store::Store;

use super::response_cache::ResponseCache;
use crate::{
    databases::Databases, eligibility::Eligibility, limits::Limits, relay::Relay, tiles::Tiles,
    verifying_keys::VerifyingKeys,
};

/// The state that all routes share.
pub struct AppState {
    /// The databases, and the slots up to which they follow the chain.
    pub databases: Databases,
    /// The tiles that are kept in memory.
    pub tiles: Tiles,
    /// The responses that are kept in memory.
    pub responses: ResponseCache,
    /// The verifying keys of circuits.
    pub verifying_keys: VerifyingKeys,
    /// Which tokens of a wallet can register.
    pub eligibility: Eligibility,
    /// The relay, if this service pays for verifications.
    pub relay: Option<Arc<Relay>>,
    /// The rate limits.
    pub limits: Limits,
    /// The proxies that clients' addresses are accepted from.
    pub trusted_proxies: TrustedProxies,
    /// Analytics hide counts below this number.
    pub k: u64,
}

/// The database that was chosen for a request.
#[derive(Clone)]
pub struct ChosenStore(pub Store);

/// The state of a request: the shared state, and the database that was chosen for the request.
pub struct Reads {
    /// The database.
    pub store: Store,
    shared: Arc<AppState>,
}

impl Deref for Reads {
    type Target = AppState;

    fn deref(&self) -> &AppState {
        &self.shared
    }
}

/// Outside the layer that chooses a database, it is the primary.
impl FromRequestParts<Arc<AppState>> for Reads {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, Infallible> {
        let chosen = parts.extensions.get::<ChosenStore>();
        let store = chosen.map_or_else(|| state.databases.primary(), |ChosenStore(store)| store);
        Ok(Self {
            store: store.clone(),
            shared: state.clone(),
        })
    }
}

//! Keeps JSON responses in memory, compressed, until the database changes or for a second.
//!
//! A response is kept only if it is a document that says so in its headers. The responses of routes
//! whose requests show which member sends them do not. No key has anything of a client: it has the
//! URL and the encodings that the client accepts.

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{Method, header},
    middleware::Next,
    response::Response,
};

use super::{respond::MIN_SLOT, state::AppState};
use crate::metrics;

/// Longer URLs and lists of encodings are not kept.
const MAX_KEY_BYTES: usize = 512;
/// The routes whose requests show which member sends them, or whose responses may not be cached.
/// Their requests do not wait for each other.
const NOT_KEPT: [&str; 24] = [
    "/v1/account",
    "/v1/accounts",
    "/v1/audit",
    "/v1/audit/checkpoint",
    "/v1/audit/seals",
    "/v1/events",
    "/v1/keys",
    "/v1/ledger",
    "/v1/ledger/{wallet}",
    "/v1/operator/jobs",
    "/v1/operator/metrics",
    "/v1/operator/queue",
    "/v1/operator/sponsorship",
    "/v1/operator/workers",
    "/v1/registries/{registry}/paths/{index}",
    "/v1/relay",
    "/v1/relay/{relay}",
    "/v1/relay/{relay}/events",
    "/v1/scopes/{scope}/nullifiers/{nullifier}",
    "/v1/webhooks",
    "/v1/webhooks/{webhook}/deliveries",
    "/v1/ws",
    "/v1/zkp/jobs/{job}",
    "/v1/zkp/sealing-key",
];

/// Answers from the cache, or keeps the response. After a change of the database, many clients send
/// the same request. One computes the response.
pub async fn cached(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let Some(key) = key(&request) else {
        return next.run(request).await;
    };
    let version = || state.databases.version();
    let (response, is_known) = state.responses.once(key, version, next.run(request)).await;
    metrics::record_cached(is_known);
    response
}

/// Returns the key of a request whose response can be kept.
fn key(request: &Request) -> Option<String> {
    let route = request.extensions().get::<MatchedPath>()?.as_str();
    let is_kept = (route.starts_with("/v1/") && !NOT_KEPT.contains(&route)) || route == "/openapi.json";
    if request.method() != Method::GET || !is_kept || request.headers().contains_key(MIN_SLOT) {
        return None;
    }
    let mut key = String::new();
    for encodings in request.headers().get_all(header::ACCEPT_ENCODING) {
        key += encodings.to_str().ok()?;
        key.push(',');
    }
    key.push(' ');
    key += request.uri().path_and_query()?.as_str();
    (key.len() <= MAX_KEY_BYTES).then_some(key)
}

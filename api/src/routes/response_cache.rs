//! Keeps JSON responses in memory, compressed, until the database changes or for a second.
//!
//! The responses of routes that show which member asks are not kept. No key has anything of a
//! client: it has the URL and the encodings that the client accepts.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bauta_service_common::Problem;

use super::{problems::Failure, respond::MIN_SLOT, state::AppState};
use crate::{cache::Cache, metrics};

/// The longest time for which a response is used. Roots and scopes expire without a change of the
/// database.
pub const MAX_AGE: Duration = Duration::from_secs(1);
/// Bytes of all responses.
const MAX_BYTES: usize = 16 << 20;
/// No page is larger.
const MAX_RESPONSE_BYTES: usize = 4 << 20;
/// Longer URLs and lists of encodings are not kept.
const MAX_KEY_BYTES: usize = 512;
/// The routes whose requests show which member asks, or whose responses may not be cached.
const NOT_KEPT: [&str; 7] = [
    "/v1/registries/{registry}/paths/{index}",
    "/v1/relay",
    "/v1/relay/{relay}",
    "/v1/relay/{relay}/events",
    "/v1/scopes/{scope}/nullifiers/{nullifier}",
    "/v1/zkp/jobs/{job}",
    "/v1/zkp/sealing-key",
];

/// The responses that are kept.
pub struct ResponseCache(Cache<String, Arc<Entry>>);

/// A response, and the version of the database before it was computed.
struct Entry {
    headers: HeaderMap,
    body: Bytes,
    version: u64,
    at: Instant,
}

impl Default for ResponseCache {
    fn default() -> Self {
        Self(Cache::new(MAX_BYTES))
    }
}

impl ResponseCache {
    /// Drops the responses that are too old. Call it once in [`MAX_AGE`].
    pub fn age(&self) {
        self.0.age();
    }
}

/// Answers from the cache, or keeps the response.
pub async fn cached(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let Some(key) = key(&request) else {
        return next.run(request).await;
    };
    let version = state.databases.version();
    let known = state.responses.0.get(&key);
    if let Some(entry) = known.filter(|entry| entry.version == version && entry.at.elapsed() < MAX_AGE) {
        metrics::record_cached(true);
        return (entry.headers.clone(), Body::from(entry.body.clone())).into_response();
    }
    metrics::record_cached(false);
    let at = Instant::now();
    let response = next.run(request).await;
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/json");
    if response.status() != StatusCode::OK || !is_json {
        return response;
    }
    let (parts, body) = response.into_parts();
    let body = match to_bytes(body, MAX_RESPONSE_BYTES).await {
        Ok(body) => body,
        Err(error) => return Failure::from(Problem::internal(&error)).into_response(),
    };
    let bytes = key.len() + body.len() + 512;
    let entry = Entry {
        headers: parts.headers.clone(),
        body: body.clone(),
        version,
        at,
    };
    state.responses.0.insert(key, Arc::new(entry), bytes);
    Response::from_parts(parts, Body::from(body))
}

/// Returns the key of a request whose response can be kept.
fn key(request: &Request) -> Option<String> {
    let route = request.extensions().get::<MatchedPath>()?.as_str();
    let is_kept = route.starts_with("/v1/") && !NOT_KEPT.contains(&route);
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

//! Keeps JSON responses in memory, compressed, until the database changes or for a second.
//!
//! A response is kept only if it is a document that says so in its headers. The responses of routes
//! whose requests show which member sends them do not. No key has anything of a client: it has the
//! URL and the encodings that the client accepts.

use std::{sync::Arc, time::Instant};

use axum::{
    body::{Body, to_bytes},
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bauta_service_common::Problem;

use super::{
    problems::Failure,
    respond::{MIN_SLOT, SHORT},
    responses::{Entry, MAX_AGE},
    state::AppState,
};
use crate::metrics;

/// No page is larger.
const MAX_RESPONSE_BYTES: usize = 4 << 20;
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

/// Answers from the cache, or keeps the response.
pub async fn cached(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let Some(key) = key(&request) else {
        return next.run(request).await;
    };
    if let Some(known) = state.responses.fresh(&key, state.databases.version()) {
        metrics::record_cached(true);
        return known;
    }
    // After a change of the database, many clients send the same request. One computes the
    // response.
    let computation = state.responses.compute(&key);
    let _turn = tokio::time::timeout(MAX_AGE, computation.turn.lock()).await;
    let version = state.databases.version();
    if let Some(known) = state.responses.fresh(&key, version) {
        metrics::record_cached(true);
        return known;
    }
    metrics::record_cached(false);
    let at = Instant::now();
    let response = next.run(request).await;
    if !may_be_kept(&response) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let body = match to_bytes(body, MAX_RESPONSE_BYTES).await {
        Ok(body) => body,
        Err(error) => return Failure::from(Problem::internal(&error)).into_response(),
    };
    let entry = Entry {
        headers: parts.headers.clone(),
        body: body.clone(),
        version,
        at,
    };
    state.responses.insert(key, entry);
    Response::from_parts(parts, Body::from(body))
}

/// Returns whether a response is a document that caches may keep for a second.
fn may_be_kept(response: &Response) -> bool {
    let has = |name: HeaderName, value: HeaderValue| response.headers().get(name) == Some(&value);
    let is_json = has(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.status() == StatusCode::OK && is_json && has(header::CACHE_CONTROL, SHORT)
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

#[cfg(test)]
mod tests {
    use axum::Json;

    use super::{
        super::respond::{Document, immutable, uncached},
        *,
    };

    #[test]
    fn a_response_is_kept_only_if_it_is_a_document_that_caches_may_keep() {
        assert!(may_be_kept(&Document(1).into_response()));
        // A route that says nothing about caches can be a private one.
        assert!(!may_be_kept(&Json(1).into_response()));
        assert!(!may_be_kept(&uncached(Json(1))));
        assert!(!may_be_kept(&uncached(Document(1))));
        assert!(!may_be_kept(&immutable("{}", "name")));
        let missing = (StatusCode::NOT_FOUND, Document(1)).into_response();
        assert!(!may_be_kept(&missing));
    }
}

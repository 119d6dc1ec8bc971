//! The layers around the routes: rate limits, compression, conditional requests and freshness.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    body::Body,
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Version, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bauta_service_common::{AUDIT, InvalidField, Problem, address_key};
use bauta_store::Slot;
use tower_http::compression::{
    CompressionLayer, Predicate,
    predicate::{And, SizeAbove},
};

use super::{
    problems::{self, Failure},
    respond::{FINALIZED_SLOT, MIN_SLOT, SLOT},
    state::{AppState, ChosenStore, has_access_token},
};
use crate::{
    limits::{Client, Kind},
    metrics,
};

/// The path without a limit. Monitoring requests it often.
pub const UNLIMITED_PATH: &str = "/health";
/// Smaller responses are not compressed.
const MIN_COMPRESSED_BYTES: u64 = 256;

/// The routes of relays and proofs begin with one of these.
const PRIVATE: [&str; 2] = ["/v1/relay", "/v1/zkp"];

/// The type of a condition on responses.
type Condition = fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool;

/// Returns the layer that compresses JSON. Hashes can't be compressed.
pub fn compression() -> CompressionLayer<And<SizeAbove, Condition>> {
    let is_json: Condition = |_, _, headers, _| {
        let kind = headers.get(header::CONTENT_TYPE);
        kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
    };
    CompressionLayer::new().compress_when(SizeAbove::new(MIN_COMPRESSED_BYTES).and(is_json))
}

/// Counts the request, and refuses it if a limit is exceeded.
pub async fn limit(
    State(state): State<Arc<AppState>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let (headers, path) = (request.headers(), request.uri().path());
    let kind = kind(request.method(), path);
    let has_credential = kind == Kind::Other && headers.contains_key(header::AUTHORIZATION);
    let caller = if has_credential {
        state.api_keys.caller(headers).await
    } else {
        None
    };
    let address = address_key(state.trusted_proxies.client(peer.ip(), headers));
    let client = match &caller {
        Some(caller) => state.limits.with_key(address, caller),
        None if has_credential => match state.account_with_role(headers).await {
            Some(account) => state.limits.with_token(address, account),
            None => state.limits.anonymous(address),
        },
        None => state.limits.anonymous(address),
    };
    if path != UNLIMITED_PATH
        && let Err(error) = state.limits.take(&client, kind).await
    {
        let owner = caller.as_ref().map_or("", |caller| caller.owner.as_str());
        state.refusals.record(&client.name, owner);
        return Failure::from(error).into_response();
    }
    request.extensions_mut().insert(client);
    next.run(request).await
}

fn kind(method: &Method, path: &str) -> Kind {
    if path.starts_with("/v1/tiles") || (path.ends_with("/leaves") && method != Method::PUT) {
        Kind::Tile
    } else {
        Kind::Other
    }
}

/// Refuses access tokens of wallets on the routes of relays and proofs, whether valid or not: a
/// wallet that logs in there would be joined to its proof.
pub async fn refuse_wallets(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let is_private = route.is_some_and(|route| PRIVATE.iter().any(|start| route.starts_with(start)));
    if is_private && has_access_token(request.headers()) {
        let problem = problems::wallet_not_accepted();
        tracing::info!(target: AUDIT, event = "token_refused", code = problem.code());
        let client = request.extensions().get::<Client>();
        let client = client.map_or("", |client| &client.name);
        state.audit.refused("token_refused", problem.code(), None, client);
        return problem.into_response();
    }
    next.run(request).await
}

/// Counts error responses by their code, without those that no client reads.
pub async fn problems(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if let Some(problem) = response.extensions().get::<Problem>()
        && !problem.is_of_lost_client()
    {
        metrics::record_problem(problem.code());
    }
    response
}

/// Answers 304 to a client that has the content already.
pub async fn conditional(request: Request, next: Next) -> Response {
    let is_read = request.method() == Method::GET || request.method() == Method::HEAD;
    let known: Vec<HeaderValue> = request
        .headers()
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .cloned()
        .collect();
    let mut response = next.run(request).await;
    let is_known = |tag: &HeaderValue| known.iter().any(|list| contains(list, tag));
    if is_read && response.status().is_success() && response.headers().get(header::ETAG).is_some_and(is_known)
    {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        for name in [
            header::CONTENT_TYPE,
            header::CONTENT_LENGTH,
            header::CONTENT_RANGE,
        ] {
            response.headers_mut().remove(name);
        }
    }
    response
}

/// Returns whether a list of entity tags contains a tag, by the weak comparison of RFC 9110.
fn contains(list: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(list), Ok(tag)) = (list.to_str(), tag.to_str()) else {
        return false;
    };
    let strong = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    list.trim() == "*" || list.split(',').any(|known| strong(known) == strong(tag))
}

/// Chooses the database for a request, and adds its slots to the response. Refuses a request that
/// needs a later slot than all databases have.
pub async fn freshness(State(state): State<Arc<AppState>>, mut request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with("/v1/") {
        return next.run(request).await;
    }
    // The slots are read before the data, so the data is at least as new.
    let chosen = match needed_slot(request.headers()) {
        Ok(needed) => state.databases.choose(needed).await.map_err(Failure::from),
        Err(error) => Err(error.into()),
    };
    let (store, freshness) = match chosen {
        Ok(chosen) => chosen,
        Err(failure) => return failure.into_response(),
    };
    request.extensions_mut().insert(ChosenStore(store));
    let mut response = next.run(request).await;
    for (name, slot) in [(SLOT, freshness.slot), (FINALIZED_SLOT, freshness.finalized_slot)] {
        if let Some(slot) = slot {
            response.headers_mut().insert(name, slot.get().into());
        }
    }
    response
}

fn needed_slot(headers: &HeaderMap) -> Result<Option<Slot>, InvalidField> {
    let Some(value) = headers.get(MIN_SLOT) else {
        return Ok(None);
    };
    let slot = value.to_str().ok().and_then(|text| text.parse().ok());
    slot.map(|slot| Some(Slot::new(slot)))
        .ok_or_else(|| InvalidField::new("Bauta-Min-Slot", "must be the number of a slot"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_tag_is_found_in_a_list_and_by_the_weak_comparison() {
        let contains = |list: &'static str, tag: &'static str| {
            contains(&HeaderValue::from_static(list), &HeaderValue::from_static(tag))
        };
        for list in ["\"a\"", "W/\"a\"", "\"b\", W/\"a\"", "*"] {
            assert!(contains(list, "\"a\"") && contains(list, "W/\"a\""), "{list}");
        }
        assert!(!contains("\"b\"", "\"a\"") && !contains("", "\"a\""));
    }

    #[test]
    fn tiles_and_leaves_have_their_own_limit() {
        let leaves = "/v1/registries/a/roots/b/leaves";
        assert_eq!(kind(&Method::GET, "/v1/tiles/0x00"), Kind::Tile);
        assert_eq!(kind(&Method::POST, "/v1/tiles"), Kind::Tile);
        assert_eq!(kind(&Method::GET, leaves), Kind::Tile);
        assert_eq!(kind(&Method::PUT, leaves), Kind::Other);
        assert_eq!(kind(&Method::GET, "/v1/registries/a/paths/1"), Kind::Other);
    }
}

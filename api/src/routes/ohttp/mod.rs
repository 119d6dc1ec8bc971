//! The gateway for Oblivious HTTP (RFC 9458).
//!
//! ```text
//!   client --> relay --> rate limits --> decrypt --> the same routes, as the client of the relay
//!                                                      |
//!   client <-- relay <-- encrypt <-- pad to a class <--+
//! ```

mod large;
mod message;

use axum::{
    Extension, Router,
    body::{Body, Bytes, HttpBody as _, to_bytes},
    extract::{MatchedPath, OriginalUri, Request},
    http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use bauta_service_common::{Problem, UnreadBody};
use tower_service::Service as _;

use super::{
    problems::{self, Failure, ProblemDocument},
    respond::uncached,
    state::Reads,
};
use crate::{
    limits::Client,
    metrics,
    ohttp::{Gateway, OhttpError},
    time::unix_seconds,
};

/// The type of key configurations.
const KEYS: HeaderValue = HeaderValue::from_static("application/ohttp-keys");
/// The type of a request.
const REQUEST: &str = "message/ohttp-req";
/// The type of a response.
const RESPONSE: HeaderValue = HeaderValue::from_static("message/ohttp-res");
/// Largest encapsulated request in bytes. No route of the gateway has a larger body.
const MAX_REQUEST_BYTES: usize = 80 << 10;

/// The routes that clients reach through the gateway: reads, relay and proofs. A `*` is a segment
/// of the path. A tree is served whole if it fits into a response. Streams have no bounded length,
/// and a client that logs in is known.
const ROUTES: [(Method, &str); 35] = [
    (Method::GET, "/feature-flags"),
    (Method::GET, "/v1/circuits"),
    (Method::GET, "/v1/clusters"),
    (Method::GET, "/v1/config"),
    (Method::GET, "/v1/registries"),
    (Method::GET, "/v1/registries/*"),
    (Method::GET, "/v1/registries/*/anonymity"),
    (Method::GET, "/v1/registries/*/collections"),
    (Method::POST, "/v1/registries/*/eligibility"),
    (Method::GET, "/v1/registries/*/growth"),
    (Method::GET, "/v1/registries/*/holdings"),
    (Method::GET, "/v1/registries/*/paths/*"),
    (Method::POST, "/v1/registries/*/registrations"),
    (Method::GET, "/v1/registries/*/roots"),
    (Method::GET, "/v1/registries/*/roots/*/leaves"),
    (Method::GET, "/v1/relay"),
    (Method::POST, "/v1/relay"),
    (Method::GET, "/v1/relay/*"),
    (Method::GET, "/v1/scopes"),
    (Method::GET, "/v1/scopes/*"),
    (Method::GET, "/v1/scopes/*/analytics"),
    (Method::GET, "/v1/scopes/*/nullifiers"),
    (Method::GET, "/v1/scopes/*/nullifiers/*"),
    (Method::GET, "/v1/scopes/*/verifications"),
    (Method::POST, "/v1/tiles"),
    (Method::GET, "/v1/tiles/*"),
    (Method::GET, "/v1/tracks/*/analytics"),
    (Method::GET, "/v1/verifying-keys/*"),
    (Method::POST, "/v1/zkp/generate"),
    (Method::GET, "/v1/zkp/jobs/*"),
    (Method::GET, "/v1/zkp/sealing-key"),
    (Method::POST, "/v1/zkp/verify"),
    (Method::HEAD, "/v1/tiles/*"),
    (Method::HEAD, "/v1/scopes/*"),
    (Method::HEAD, "/v1/registries/*"),
];

/// Marks a request of the gateway. The response must fit into [`message::MAX_RESPONSE_BYTES`].
#[derive(Clone, Copy)]
pub struct Encapsulated;

impl Encapsulated {
    /// Fails if a response of this length does not fit. A route calls this before it reads the
    /// content and counts it.
    pub fn check(bytes: u64) -> Result<(), Failure> {
        let fits = usize::try_from(bytes).is_ok_and(|bytes| bytes <= message::MAX_RESPONSE_BYTES);
        fits.then_some(()).ok_or_else(|| too_large().into())
    }
}

/// The routes behind the gateway. They have no rate limits of addresses.
#[derive(Clone)]
pub struct Routes(pub Router);

/// Returns the key to which clients encapsulate requests.
///
/// The key changes each day. The gateway accepts the key of the day before as well.
#[utoipa::path(
    get,
    path = "/.well-known/ohttp-gateway",
    tag = "operations",
    responses((status = 200, body = [u8], content_type = "application/ohttp-keys", description = "Key configurations (RFC 9458, section 3)")),
    extensions(("x-discloses" = json!({"sees": "network address", "keeps": "nothing"})))
)]
pub async fn ohttp_keys(state: Reads) -> Result<Response, Failure> {
    let (keys, seconds) = gateway(&state)?.keys(unix_seconds());
    let caching = format!("public, max-age={}", seconds.min(3_600));
    let headers = [
        (header::CONTENT_TYPE, KEYS),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_str(&caching).expect("digits are visible ASCII"),
        ),
    ];
    Ok((headers, keys).into_response())
}

/// Answers an encapsulated request (Oblivious HTTP, RFC 9458).
///
/// The request is one of Binary HTTP (RFC 9292) for a read, a relay or a proof. The response is
/// padded to 1 KiB or a power of two times it. Do not send a request twice: an instance refuses one that
/// it remembers, the last 50,000 to 100,000. One for a key that the gateway
/// does not have gets 422 with the type `ohttp-key` (RFC 9458, section 5.3): read the keys again. A
/// client can have 16 open responses of 64 KiB or more, and must read 64 KiB per second. The rate limits are those of
/// the sender, which is the relay: its API key in `Authorization`, or its address. Errors of the
/// inner request are in the encapsulated response.
#[utoipa::path(
    post,
    path = "/.well-known/ohttp-gateway",
    tag = "operations",
    security((), ("api_key" = ["read"])),
    request_body(content = [u8], content_type = "message/ohttp-req"),
    responses(
        (status = 200, body = [u8], content_type = "message/ohttp-res", description = "An encapsulated response"),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address of the relay; its API key; what the inner request shows, except the client's network address",
        "keeps": "what the inner route keeps; until a restart, that the request was used"
    })))
)]
pub async fn ohttp_gateway(
    state: Reads,
    Extension(Routes(routes)): Extension<Routes>,
    Extension(client): Extension<Client>,
    extensions: Extensions,
    body: UnreadBody,
) -> Result<Response, Failure> {
    let gateway = gateway(&state)?;
    let encapsulated = body.read_as(REQUEST, MAX_REQUEST_BYTES).await?;
    // After the body was read, and until the response is written: so slow clients keep no one out.
    let permit = state.ohttp_requests.try_acquire();
    let _permit = permit.map_err(|_| problems::ohttp_busy())?;
    let opened = gateway.open(&encapsulated, unix_seconds());
    let (inner, reply) = opened.inspect_err(|_| metrics::record_ohttp("refused"))?;
    let response = answer(routes, &inner, extensions).await;
    // Waits for the memory of the copies below. A response that is read later has its own bound.
    let memory = state.ohttp_memory.acquire_many(memory_kib(response.body())).await;
    let memory = memory.map_err(|_| OhttpError::Internal)?;
    let (status, headers, body) = read(response).await;
    metrics::record_ohttp("answered");
    let padded = message::response(status, &headers, &body).map_err(|_| OhttpError::Internal)?;
    drop(body);
    let sealed = reply.seal(&padded)?;
    drop((padded, memory));
    let headers = [
        (header::CONTENT_TYPE, RESPONSE),
        (header::CONTENT_LENGTH, HeaderValue::from(sealed.len())),
    ];
    let body = if sealed.len() < large::LARGE_BYTES {
        Body::from(sealed)
    } else {
        large::body(sealed, state.ohttp_large.open(&client.name)?)
    };
    Ok(uncached((headers, body)))
}

/// Answers the inner request. Its errors are responses as well, so that only the client sees them.
async fn answer(routes: Router, inner: &[u8], extensions: Extensions) -> Response {
    match message::request(inner) {
        Err(error) => {
            let status = StatusCode::BAD_REQUEST;
            Problem::new(status, "invalid_ohttp_request", error.to_string()).into_response()
        }
        Ok(request) if !is_served(request.method(), request.uri().path()) => Problem::new(
            StatusCode::FORBIDDEN,
            "not_through_ohttp",
            "the gateway serves reads of bounded length, relays and proofs; send other requests directly",
        )
        .into_response(),
        Ok(request) => call(routes, request, extensions).await,
    }
}

/// Returns the KiB that the copies of a response take: the body, its message, the padded message and
/// the encrypted one, of which at most four times the body exist at the same time.
fn memory_kib(body: &Body) -> u32 {
    let most = message::MAX_RESPONSE_BYTES as u64;
    let bytes = body.size_hint().upper().unwrap_or(most).min(most);
    u32::try_from(4 * (bytes / 1_024 + 1)).unwrap_or(u32::MAX)
}

/// Reads a response.
async fn read(response: Response) -> (StatusCode, HeaderMap, Bytes) {
    let (parts, body) = response.into_parts();
    if let Ok(body) = to_bytes(body, message::MAX_RESPONSE_BYTES).await {
        return (parts.status, parts.headers, body);
    }
    let (parts, body) = too_large().into_response().into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    (parts.status, parts.headers, body)
}

/// Calls a route as the client that has sent the encapsulated request.
async fn call(mut routes: Router, mut request: Request, mut extensions: Extensions) -> Response {
    extensions.remove::<MatchedPath>();
    extensions.remove::<OriginalUri>();
    extensions.insert(Encapsulated);
    *request.extensions_mut() = extensions;
    let Ok(response) = routes.call(request).await;
    response
}

fn too_large() -> Problem {
    let detail = format!(
        "the response is larger than {} bytes; request less at a time",
        message::MAX_RESPONSE_BYTES
    );
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    Problem::new(status, "ohttp_response_too_large", detail)
}

/// Returns whether clients reach a route through the gateway.
fn is_served(method: &Method, path: &str) -> bool {
    ROUTES
        .iter()
        .any(|(served, pattern)| served == method && matches(pattern, path))
}

fn matches(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some("*"), Some(segment)) if !segment.is_empty() => {}
            (Some(expected), Some(segment)) if expected == segment => {}
            _ => return false,
        }
    }
}

fn gateway(state: &Reads) -> Result<&Gateway, Failure> {
    state.ohttp.as_ref().ok_or_else(problems::no_ohttp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_a_response_follows_from_its_length_and_is_the_largest_if_that_is_unknown() {
        assert_eq!(memory_kib(&Body::empty()), 4);
        assert_eq!(memory_kib(&Body::from(vec![0; 10 << 10])), 44);
        let most = 4 * 1_025;
        let unknown = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        for body in [Body::from(vec![0; 5 << 20]), unknown] {
            assert_eq!(memory_kib(&body), most);
        }
        assert!(usize::try_from(most).unwrap() <= crate::MAX_OHTTP_KIB);
    }

    #[test]
    fn a_tree_fits_into_a_response_up_to_its_largest_length() {
        let code = |bytes| {
            Encapsulated::check(bytes)
                .err()
                .map(|failure| failure.problem().code())
        };
        let most = 32_768 * 32;
        assert_eq!((code(0), code(most)), (None, None));
        for bytes in [most + 1, most + 32, u64::MAX] {
            assert_eq!(code(bytes), Some("ohttp_response_too_large"));
        }
    }
}

//! The layers around every route: request id, span, metrics, panic handler and limits.

use std::{
    any::Any,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    HttpSettings, Problem, body_memory::BodyMemory, metrics, origins::cors, spans, telemetry::AUDIT,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The status in metrics of a request whose client disconnected before the response. nginx uses the
/// same number.
const CLIENT_CLOSED_REQUEST: u16 = 499;
/// Largest length of an id that a client may send, in bytes.
const MAX_ID_LENGTH: usize = 64;

/// The id of a request. It is the client's `x-request-id` if that has 1 to 64 letters, digits, `-`,
/// `_` or `.`, and otherwise a new UUID. Handlers find it in the request's extensions, clients in
/// the response's header, and operators in the log.
#[derive(Debug, Clone)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// What [`Self::is_valid`] demands, for error messages.
    pub const RULE: &str = "must have 1 to 64 letters, digits, -, _ or .";

    /// Returns whether a client may use this id.
    #[must_use]
    pub fn is_valid(id: &[u8]) -> bool {
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        (1..=MAX_ID_LENGTH).contains(&id.len()) && id.iter().all(allowed)
    }

    fn from_request(request: &Request) -> Self {
        let given = request.headers().get(&REQUEST_ID);
        let given = given.filter(|id| Self::is_valid(id.as_bytes()));
        Self(given.cloned().unwrap_or_else(|| {
            HeaderValue::from_str(&Uuid::now_v7().to_string()).expect("a UUID is visible ASCII")
        }))
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // The constructor accepts only ASCII.
        self.0.to_str().unwrap_or_default()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

struct Limits {
    requests: Semaphore,
    timeout: Duration,
}

/// Adds the responses to unknown routes and to methods that a route does not support. A service
/// calls this before it adds layers of its own, so that its rate limits also apply to these
/// responses.
pub fn with_fallbacks(routes: Router) -> Router {
    routes
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "no_such_route", "there is no such route") })
}

/// Adds the layers that every service has to its routes.
pub(crate) fn with_layers(routes: Router, settings: &HttpSettings) -> Router {
    let limits = Arc::new(Limits {
        requests: Semaphore::new(settings.max_concurrent_requests),
        timeout: Duration::from_millis(settings.request_timeout_ms),
    });
    let routes = routes
        .layer(DefaultBodyLimit::max(settings.max_body_bytes))
        .layer(Extension(BodyLimits {
            bytes: settings.max_body_bytes,
            timeout: Duration::from_millis(settings.client_timeout_ms),
            memory: BodyMemory::new(settings.max_body_bytes),
        }))
        .layer(from_fn_with_state(limits, limit))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(observe));
    if settings.allowed_origins.is_empty() {
        return routes;
    }
    // Outside of all other layers, so that a page can also read errors.
    routes.layer(cors(&settings.allowed_origins))
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    // The message may contain a secret, so it is dropped. The panic hook logs the location.
    drop(panic);
    Problem::internal(&"a handler panicked").into_response()
}

async fn limit(State(limits): State<Arc<Limits>>, request: Request, next: Next) -> Response {
    let Ok(_permit) = limits.requests.try_acquire() else {
        return Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "overloaded",
            "too many requests are in progress (MAX_CONCURRENT_REQUESTS); retry later",
        )
        .retry_after(Duration::from_secs(1))
        .into_response();
    };
    match tokio::time::timeout(limits.timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            "timeout",
            format!(
                "the request took longer than {} ms (REQUEST_TIMEOUT_MS)",
                limits.timeout.as_millis()
            ),
        )
        .into_response(),
    }
}

/// Limits of a request's body.
#[derive(Clone)]
pub(crate) struct BodyLimits {
    /// Largest body in bytes.
    pub(crate) bytes: usize,
    /// Maximum time for the body to arrive.
    pub(crate) timeout: Duration,
    /// Memory for the large bodies of all requests.
    pub(crate) memory: BodyMemory,
}

/// The limits of a router without the layers of this module.
impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            bytes: 1 << 20,
            timeout: Duration::from_secs(10),
            memory: BodyMemory::new(1 << 20),
        }
    }
}

/// Records the metrics of one request. When it is dropped, the request has ended, even if it was
/// cancelled without a response.
struct Observed {
    started: Instant,
    method: &'static str,
    route: String,
    /// The response's status. `None` if the client disconnected before the response.
    status: Option<StatusCode>,
}

impl Observed {
    fn begin(method: &'static str, route: String) -> Self {
        ::metrics::gauge!(metrics::HTTP_ACTIVE).increment(1);
        Self {
            started: Instant::now(),
            method,
            route,
            status: None,
        }
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        ::metrics::gauge!(metrics::HTTP_ACTIVE).decrement(1);
        let (method, route) = (self.method, std::mem::take(&mut self.route));
        if self.status.is_some() {
            ::metrics::histogram!(metrics::HTTP_DURATION, "method" => method, "route" => route.clone())
                .record(self.started.elapsed());
        }
        let status = self
            .status
            .map_or(CLIENT_CLOSED_REQUEST, |status| status.as_u16())
            .to_string();
        ::metrics::counter!(metrics::HTTP_REQUESTS, "method" => method, "route" => route, "status" => status)
            .increment(1);
    }
}

async fn observe(mut request: Request, next: Next) -> Response {
    let id = RequestId::from_request(&request);
    let method = request.method().clone();
    // The route's pattern and not the path: paths contain ids, and each id would create a time
    // series.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    // The target of the audit records, so that they have the request id with every log filter.
    let span = tracing::info_span!(target: AUDIT, "request", request_id = %id, %method, route);
    spans::set_parent_from_headers(&span, request.headers());
    request.extensions_mut().insert(id.clone());

    let mut observed = Observed::begin(label(&method), route);
    let mut response = next.run(request).instrument(span.clone()).await;

    let mut is_lost = false;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        is_lost = problem.is_of_lost_client();
        if let Some(cause) = problem.cause() {
            tracing::error!(parent: &span, event = "request_failed", code = problem.code(), cause);
        }
        // The headers that the layers of the service added, for example for CORS, stay.
        let added = std::mem::take(response.headers_mut());
        response = problem.response(Some(id.as_str()));
        for (name, value) in &added {
            if *name != header::CONTENT_LENGTH && !response.headers().contains_key(name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
    }
    observed.status = (!is_lost).then_some(response.status());
    tracing::debug!(
        parent: &span,
        event = "request",
        status = response.status().as_u16(),
        duration_ms = u64::try_from(observed.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    );
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id.0);
    // Responses must not be cached, and browsers must not guess their type.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// Returns the label of a method. Clients can send any method, but the number of labels must stay
/// small.
fn label(method: &axum::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        "PATCH" => "PATCH",
        _ => "other",
    }
}

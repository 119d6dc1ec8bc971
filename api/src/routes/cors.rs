//! Which web pages may send requests, and read the responses (CORS).
//!
//! Pages of every origin may use the routes that need no API key: such a page reads nothing that
//! its server could not read. Only pages of `ALLOWED_ORIGINS` may send an API key or an access
//! token, and read the responses of requests with one and of routes that need one. A page of
//! another origin may send the publishable keys of its origin, and reads the responses to those.
//! Cookies are never used.

use std::{collections::HashSet, sync::Arc};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bauta_service_common::Origin;
use utoipa::openapi::{OpenApi, path::Operation, security::SecurityRequirement};

use super::state::AppState;

/// Seconds for which a browser remembers that it may send requests.
const PREFLIGHT_SECONDS: HeaderValue = HeaderValue::from_static("86400");
/// The methods of the routes that need no key.
const METHODS: &str = "GET, HEAD, POST";
const METHODS_WITH_KEY: &str = "GET, HEAD, POST, PUT, DELETE";
const HEADERS: &str = "bauta-min-slot, bauta-rollout, content-type, idempotency-key, if-none-match, \
                       last-event-id, range, traceparent, x-request-id";
const HEADERS_WITH_KEY: &str = "authorization, bauta-min-slot, bauta-rollout, content-type, idempotency-key, \
                                if-none-match, last-event-id, range, traceparent, x-request-id";
const EXPOSED: &str =
    "bauta-slot, bauta-finalized-slot, content-range, etag, location, retry-after, x-request-id";

/// The pages that may send API keys, and the routes that need one.
pub struct Pages {
    state: Arc<AppState>,
    origins: Vec<Origin>,
    /// Methods and patterns.
    with_key: HashSet<(Method, String)>,
}

impl Pages {
    /// Finds the routes that need an API key in the description of the routes.
    pub fn new(state: Arc<AppState>, origins: Vec<Origin>, document: &OpenApi) -> Self {
        let mut with_key = HashSet::new();
        for (path, item) in &document.paths.paths {
            for (method, operation) in [
                (Method::GET, &item.get),
                (Method::HEAD, &item.get),
                (Method::POST, &item.post),
                (Method::PUT, &item.put),
                (Method::DELETE, &item.delete),
            ] {
                if operation.as_ref().is_some_and(requires_key) {
                    with_key.insert((method, path.clone()));
                }
            }
        }
        Self {
            state,
            origins,
            with_key,
        }
    }

    /// Returns whether pages of an origin may send this request with a key, and read the response.
    /// A preflight has no key, so some publishable key must have the origin.
    async fn allow_key(&self, origin: &HeaderValue, headers: &HeaderMap, is_preflight: bool) -> bool {
        if self.origins.iter().any(|listed| listed.is(origin)) {
            return true;
        }
        let keys = &self.state.api_keys;
        if is_preflight {
            keys.page_has_key(origin).await
        } else {
            keys.is_from_page_of_key(headers).await
        }
    }

    fn needs_key(&self, method: &Method, route: Option<&MatchedPath>) -> bool {
        route.is_some_and(|route| {
            self.with_key
                .contains(&(method.clone(), route.as_str().to_owned()))
        })
    }
}

/// Returns whether an operation has no form without a key. An empty requirement stands for such a
/// form.
fn requires_key(operation: &Operation) -> bool {
    let requirements = operation.security.as_ref();
    requirements.is_some_and(|all| !all.contains(&SecurityRequirement::default()))
}

/// Returns whether a request has a key, or a preflight announces one.
fn sends_key(headers: &HeaderMap, is_preflight: bool) -> bool {
    if !is_preflight {
        return headers.contains_key(header::AUTHORIZATION);
    }
    let announced = headers.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let mut names = announced
        .filter_map(|names| names.to_str().ok())
        .flat_map(|names| names.split(','));
    names.any(|name| name.trim().eq_ignore_ascii_case(header::AUTHORIZATION.as_str()))
}

/// Answers preflights, and adds the headers that let pages read the responses.
pub async fn cors(State(pages): State<Arc<Pages>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let origin = headers.get(header::ORIGIN).cloned();
    let preflight = headers
        .get(header::ACCESS_CONTROL_REQUEST_METHOD)
        .filter(|_| request.method() == Method::OPTIONS)
        .map(|method| Method::from_bytes(method.as_bytes()).unwrap_or_default());
    let is_preflight = preflight.is_some();
    let method = preflight.unwrap_or_else(|| request.method().clone());
    let needs_key = sends_key(headers, is_preflight) || pages.needs_key(&method, request.extensions().get());
    let is_allowed = match &origin {
        Some(origin) if needs_key => pages.allow_key(origin, headers, is_preflight).await,
        _ => false,
    };

    let mut response = if is_preflight {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    if needs_key || is_preflight {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
    let origin = match origin {
        Some(origin) if needs_key && is_allowed => origin,
        _ if needs_key => return response,
        _ => HeaderValue::from_static("*"),
    };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    if is_preflight {
        let (methods, names) = if is_allowed {
            (METHODS_WITH_KEY, HEADERS_WITH_KEY)
        } else {
            (METHODS, HEADERS)
        };
        set(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        set(header::ACCESS_CONTROL_ALLOW_HEADERS, names);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS);
    } else {
        set(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    response
}

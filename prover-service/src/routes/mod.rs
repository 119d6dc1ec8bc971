//! The HTTP routes. Each file has the routes of one resource.
//!
//! Routes check permissions and limits, call the domain code, and convert its errors to responses
//! (`problems`). The domain code doesn't know HTTP.

mod admission;
mod batch;
mod circuits;
mod events;
mod health;
mod jobs;
mod limits;
mod models;
mod openapi;
mod problems;
mod profiling;
mod prove;
mod queue;
mod reputation;
mod sealing;
mod snapshot;
mod state;
mod tickets;
mod verify;
mod websocket;
mod workers;

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::OriginalUri,
    http::header,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use bauta_service_common::with_fallbacks;
use utoipa::OpenApi as _;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use self::{
    limits::Limits,
    state::{AppState, PERMISSIONS, PROVE},
};

/// The prefix of the routes of this version. The routes of earlier systems have none, so each route
/// has two paths.
pub const VERSION_PREFIX: &str = "/v1";

/// Returns whether the path of a request has the prefix of this version.
fn is_versioned(uri: &OriginalUri) -> bool {
    uri.0.path().starts_with(VERSION_PREFIX)
}

/// Returns the routes of a service that only verifies, or all routes.
pub fn of(is_verifier: bool, state: Arc<AppState>, operations: Router) -> Router {
    if is_verifier {
        verifier(state, operations)
    } else {
        all(state, operations)
    }
}

/// Returns all routes, including their description at `/openapi.json`, and `operations`, routes
/// that the rate limits also apply to.
fn all(state: Arc<AppState>, operations: Router) -> Router {
    let (described, document) = OpenApiRouter::with_openapi(openapi::Document::openapi())
        .routes(routes!(health::health))
        .routes(routes!(circuits::circuits))
        .routes(routes!(models::models))
        .routes(routes!(prove::prove))
        .routes(routes!(sealing::sealing_key))
        .routes(routes!(batch::batch))
        .routes(routes!(reputation::generate))
        .routes(routes!(verify::verify))
        .routes(routes!(jobs::jobs))
        .routes(routes!(tickets::ticket))
        .routes(routes!(jobs::job, jobs::cancel))
        .routes(routes!(events::job_events))
        .routes(routes!(events::request_events))
        .routes(routes!(queue::queue_stats))
        .routes(routes!(queue::failed))
        .routes(routes!(snapshot::snapshot))
        .routes(routes!(snapshot::export))
        .routes(routes!(profiling::profile))
        .routes(routes!(workers::worker_stats))
        .routes(routes!(workers::register))
        .split_for_parts();
    // All clients share one copy, even those that read slowly.
    let document = serde_json::to_vec(&openapi::complete(document)).expect("a document of strings");
    let document = Bytes::from(document);
    let document = async move || ([(header::CONTENT_TYPE, "application/json")], document);
    let routes = described
        .route("/openapi.json", get(document))
        // OpenAPI can't describe websockets.
        .route("/ws", get(websocket::websocket));
    let contract = Router::new()
        .route("/", get(websocket::websocket))
        .with_state(state.clone());
    limited(routes, state, operations.merge(contract))
}

/// Returns the routes of a verifier: those that need no database and no secret.
fn verifier(state: Arc<AppState>, operations: Router) -> Router {
    let routes = Router::new()
        .route("/health", get(health::health))
        .route("/circuits", get(circuits::circuits))
        .route("/verify", post(verify::verify));
    limited(routes, state, operations)
}

/// Adds the paths with the prefix of the version, and the rate limits, which also apply to
/// `operations`.
fn limited(routes: Router<Arc<AppState>>, state: Arc<AppState>, operations: Router) -> Router {
    let routes = Router::new()
        .nest(VERSION_PREFIX, routes.clone())
        .merge(routes)
        .with_state(state.clone())
        .merge(operations);
    with_fallbacks(routes).layer(from_fn_with_state(state, admission::limit))
}

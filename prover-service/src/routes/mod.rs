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
mod snapshot;
mod state;
mod streams;
mod verify;
mod websocket;
mod workers;

use std::sync::Arc;

use axum::{Router, middleware::from_fn_with_state, routing::get};
use utoipa::OpenApi as _;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use self::{
    limits::Limits,
    state::{AppState, PERMISSIONS, PROVE},
    streams::Streams,
};

/// Returns all routes, including their description at `/openapi.json`, and `operations`, routes that
/// the rate limits also apply to.
pub fn all(state: Arc<AppState>, operations: Router) -> Router {
    let (described, document) = OpenApiRouter::with_openapi(openapi::Document::openapi())
        .routes(routes!(health::health))
        .routes(routes!(circuits::circuits))
        .routes(routes!(models::models))
        .routes(routes!(prove::prove))
        .routes(routes!(batch::batch))
        .routes(routes!(reputation::generate))
        .routes(routes!(verify::verify))
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
    let document = Arc::new(openapi::complete(document));
    described
        .route("/openapi.json", get(async move || axum::Json(document)))
        // OpenAPI can't describe websockets.
        .route("/", get(websocket::websocket))
        .route("/ws", get(websocket::websocket))
        .with_state(state.clone())
        .merge(operations)
        .layer(from_fn_with_state(state, admission::limit))
}

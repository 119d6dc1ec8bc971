//! The routes of the operations port: `/metrics`, `/ready` and `/health`.

use std::time::Instant;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{Check, Health, Json, metrics::Metrics, with_fallbacks};

/// The state of the routes.
#[derive(Clone)]
pub(crate) struct Operations {
    pub(crate) health: Health,
    pub(crate) metrics: Metrics,
    pub(crate) shutdown: CancellationToken,
    pub(crate) version: &'static str,
    pub(crate) started: Instant,
}

/// Returns the route `/metrics`.
pub(crate) fn metrics_route(operations: Operations) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .with_state(operations)
}

/// Returns all routes of the operations port.
pub(crate) fn routes(operations: Operations) -> Router {
    let checks = Router::new()
        .route("/ready", get(ready))
        .route("/health", get(live))
        .with_state(operations.clone());
    with_fallbacks(metrics_route(operations).merge(checks))
}

async fn metrics(State(operations): State<Operations>) -> Response {
    // Updates the gauges of the checks.
    operations.health.report().await;
    let content_type = (header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    ([content_type], operations.metrics.render()).into_response()
}

async fn ready(State(operations): State<Operations>) -> Response {
    let mut report = operations.health.report().await;
    if operations.shutdown.is_cancelled() {
        report.status = "not_ready";
        let reason = "the service is shutting down".to_owned();
        report.checks.insert("shutdown", Check::Failed { reason });
    }
    let status = if report.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(report)).into_response()
}

async fn live(State(operations): State<Operations>) -> Response {
    Json(json!({
        "status": "healthy",
        "version": operations.version,
        "uptime_seconds": operations.started.elapsed().as_secs(),
    }))
    .into_response()
}

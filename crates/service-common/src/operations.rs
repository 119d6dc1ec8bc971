//! Routes for operators.

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

use crate::{Check, Health, Json, metrics::Metrics};

/// What the routes show.
#[derive(Clone)]
pub(crate) struct Operations {
    pub(crate) health: Health,
    pub(crate) metrics: Metrics,
    pub(crate) shutdown: CancellationToken,
    pub(crate) version: &'static str,
    pub(crate) started: Instant,
}

/// `/metrics` and `/ready`.
pub(crate) fn shared(operations: Operations) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/ready", get(ready))
        .with_state(operations)
}

/// The same and `/health`, for the port of their own.
pub(crate) fn all(operations: Operations) -> Router {
    let live = Router::new()
        .route("/health", get(live))
        .with_state(operations.clone());
    shared(operations).merge(live)
}

async fn metrics(State(operations): State<Operations>) -> Response {
    // So that the gauges of the checks are of now.
    operations.health.report().await;
    let content_type = (header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    ([content_type], operations.metrics.render()).into_response()
}

async fn ready(State(operations): State<Operations>) -> Response {
    let mut report = operations.health.report().await;
    if operations.shutdown.is_cancelled() {
        report.status = "not_ready";
        let reason = "the service was told to end".to_owned();
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

use axum::{extract::State as Extract, http::HeaderMap};
use bauta_service::{Json, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ADMIN, State, openapi::ProblemDocument};
use crate::queue::{Queue, QueueError};

/// Jobs by state; ended ones until they are forgotten.
#[derive(Serialize, ToSchema)]
pub struct QueueStats {
    #[serde(rename = "totalQueued")]
    queued: u64,
    #[serde(rename = "totalProcessing")]
    processing: u64,
    #[serde(rename = "totalCompleted")]
    completed: u64,
    #[serde(rename = "totalFailed")]
    failed: u64,
    #[serde(rename = "totalCancelled")]
    cancelled: u64,
}

impl QueueStats {
    /// Of a queue.
    pub async fn of(queue: &Queue) -> Result<Self, QueueError> {
        let counts = queue.store().job_counts().await?;
        Ok(Self {
            queued: counts.queued,
            processing: counts.running,
            completed: counts.succeeded,
            failed: counts.failed,
            cancelled: counts.cancelled,
        })
    }
}

/// `GET /api/queue/stats`
#[utoipa::path(
    get,
    path = "/api/queue/stats",
    tag = "operations",
    responses(
        (status = 200, body = QueueStats),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn stats(Extract(state): Extract<State>, headers: HeaderMap) -> Result<Json<QueueStats>, Problem> {
    state.authorise(&headers, ADMIN)?;
    Ok(Json(QueueStats::of(&state.jobs()?.queue).await?))
}

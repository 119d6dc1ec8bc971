use axum::{extract::State as Extract, http::HeaderMap};
use bauta_service_common::{Json, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ADMIN, State, jobs::document, openapi::ProblemDocument};
use crate::{
    events::JobDocument,
    queue::{Queue, QueueError},
};

/// Failed jobs that are shown at once.
const MOST_SHOWN: u32 = 100;

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

/// A job that failed.
#[derive(Serialize, ToSchema)]
pub struct FailedJob {
    /// Prefix of the API key that asked.
    owner: String,
    /// The job.
    #[serde(flatten)]
    job: JobDocument,
}

/// Jobs that failed.
#[derive(Serialize, ToSchema)]
pub struct FailedJobs {
    /// At most 100, the newest first.
    jobs: Vec<FailedJob>,
}

/// `GET /api/queue/failed`: jobs that failed for good, until they are forgotten. Their witnesses are gone.
#[utoipa::path(
    get,
    path = "/api/queue/failed",
    tag = "operations",
    security((), ("api_key" = ["admin"])),
    responses(
        (status = 200, body = FailedJobs),
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn failed(Extract(state): Extract<State>, headers: HeaderMap) -> Result<Json<FailedJobs>, Problem> {
    state.authorise(&headers, ADMIN)?;
    let jobs = state.queue()?.store().failed_jobs(MOST_SHOWN).await;
    let jobs = jobs.map_err(QueueError::from)?.into_iter().map(|job| {
        Ok(FailedJob {
            owner: job.owner.clone(),
            job: document(job)?,
        })
    });
    Ok(Json(FailedJobs {
        jobs: jobs.collect::<Result<_, Problem>>()?,
    }))
}

/// `GET /api/queue/stats`
#[utoipa::path(
    get,
    path = "/api/queue/stats",
    tag = "operations",
    security((), ("api_key" = ["admin"])),
    responses(
        (status = 200, body = QueueStats),
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn stats(Extract(state): Extract<State>, headers: HeaderMap) -> Result<Json<QueueStats>, Problem> {
    state.authorise(&headers, ADMIN)?;
    Ok(Json(QueueStats::of(state.queue()?).await?))
}

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap};
use bauta_service_common::{Json, Problem};
use bauta_wire::prover::{FailedJob, FailedJobs, QueueStats};

use super::{
    jobs::job_document,
    problems::ProblemDocument,
    state::{ADMIN, AppState},
};
use crate::queue::{Queue, QueueError};

/// Largest number of failed jobs in a response.
const MAX_FAILED_JOBS: u32 = 100;

/// Counts the jobs of a queue.
pub async fn read_stats(queue: &Queue) -> Result<QueueStats, QueueError> {
    let counts = queue.store().job_counts().await?;
    Ok(QueueStats {
        queued: counts.queued,
        processing: counts.running,
        completed: counts.succeeded,
        failed: counts.failed,
        cancelled: counts.cancelled,
    })
}

/// Lists the failed jobs.
///
/// Returns jobs that failed permanently, until they are deleted. Their witnesses are deleted
/// already.
#[utoipa::path(
    get,
    path = "/api/queue/failed",
    tag = "operations",
    security(("api_key" = ["admin"])),
    responses(
        (status = 200, body = FailedJobs),
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn failed(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
) -> Result<Json<FailedJobs>, Problem> {
    state.authorise(&headers, ADMIN).await?;
    let jobs = state.queue()?.store().failed_jobs(MAX_FAILED_JOBS).await;
    let jobs = jobs.map_err(QueueError::from)?.into_iter().map(|job| {
        Ok(FailedJob {
            owner: job.owner.clone(),
            job: job_document(job)?,
        })
    });
    Ok(Json(FailedJobs {
        jobs: jobs.collect::<Result<_, Problem>>()?,
    }))
}

/// Counts the jobs by state.
///
/// Ended jobs count until they are deleted.
#[utoipa::path(
    get,
    path = "/api/queue/stats",
    tag = "operations",
    security(("api_key" = ["admin"])),
    responses(
        (status = 200, body = QueueStats),
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn queue_stats(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
) -> Result<Json<QueueStats>, Problem> {
    state.authorise(&headers, ADMIN).await?;
    Ok(Json(read_stats(state.queue()?).await?))
}

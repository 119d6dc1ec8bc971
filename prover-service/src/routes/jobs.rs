use std::sync::Arc;

use axum::{extract::State, http::HeaderMap};
use bauta_service_common::{Caller, Json, Path, Problem};
use bauta_store::Job;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    problems::{self, ProblemDocument},
    state::{AppState, PROVE},
};
use crate::{audit, events::JobDocument, queue::QueueError};

/// The response to a request that became a job.
#[derive(Serialize, ToSchema)]
pub struct Accepted {
    /// The job's id.
    pub job_id: String,
    /// The URL of the job.
    pub status_url: String,
    /// The URL of the job's events.
    pub events_url: String,
    /// The URL of the websocket, which also sends the job's events.
    pub websocket_url: String,
}

impl Accepted {
    /// Creates the response for a job's id.
    pub fn new(job_id: String, websocket_url: &str) -> Self {
        Self {
            websocket_url: websocket_url.to_owned(),
            status_url: format!("/jobs/{job_id}"),
            events_url: format!("/jobs/{job_id}/events"),
            job_id,
        }
    }
}

/// Returns a job.
///
/// A job that ended is available until `JOB_RETENTION_SECONDS` have passed.
#[utoipa::path(
    get,
    path = "/jobs/{id}",
    tag = "jobs",
    security((), ("api_key" = ["prove"])),
    params(("id" = Uuid, Path, description = "The job's id")),
    responses(
        (status = 200, body = JobDocument),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn job(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<Json<JobDocument>, Problem> {
    let caller = state.authorise(&headers, PROVE)?;
    Ok(Json(job_document(own_job(&state, &caller, id).await?)?))
}

/// Cancels a job.
///
/// Returns the cancelled job. A job that has ended can't be cancelled.
#[utoipa::path(
    delete,
    path = "/jobs/{id}",
    tag = "jobs",
    security((), ("api_key" = ["prove"])),
    params(("id" = Uuid, Path, description = "The job's id")),
    responses(
        (status = 200, body = JobDocument),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn cancel(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<Json<JobDocument>, Problem> {
    let caller = state.authorise(&headers, PROVE)?;
    own_job(&state, &caller, id).await?;
    let is_cancelled = state.queue()?.cancel(&id.to_string()).await?;
    let job = own_job(&state, &caller, id).await?;
    if !is_cancelled {
        return Err(problems::job_ended(job.state.as_str()));
    }
    audit::job_ended(&job.id, &job.owner, "cancelled", None);
    Ok(Json(job_document(job)?))
}

/// Returns a job of the caller. The job of another owner is reported as unknown.
pub async fn own_job(state: &AppState, caller: &Caller, id: Uuid) -> Result<Job, Problem> {
    let job = state.queue()?.store().job(&id.to_string()).await;
    let job = job.map_err(QueueError::from)?;
    job.filter(|job| job.owner == caller.prefix)
        .ok_or_else(problems::unknown_job)
}

/// Creates the document of a stored job.
pub fn job_document(job: Job) -> Result<JobDocument, Problem> {
    JobDocument::from_job(job).map_err(|error| Problem::internal(&error))
}

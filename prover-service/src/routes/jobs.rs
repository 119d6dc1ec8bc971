use axum::{
    extract::State as Extract,
    http::{HeaderMap, StatusCode},
};
use bauta_service_common::{Caller, Json, Path, Problem};
use bauta_store::Job;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{PROVE, State, openapi::ProblemDocument};
use crate::{audit, events::JobDocument, queue::QueueError};

/// That a job was taken.
#[derive(Serialize, ToSchema)]
pub struct Accepted {
    /// The job's id.
    pub job_id: String,
    /// Where its state is.
    pub status_url: String,
    /// Where its events are.
    pub events_url: String,
    /// The websocket that tells of it, too.
    pub websocket_url: String,
}

impl Accepted {
    /// Of a job's id.
    pub fn of(job_id: String, websocket_url: &str) -> Self {
        Self {
            websocket_url: websocket_url.to_owned(),
            status_url: format!("/jobs/{job_id}"),
            events_url: format!("/jobs/{job_id}/events"),
            job_id,
        }
    }
}

/// `GET /jobs/{id}`
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
    Extract(state): Extract<State>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<Json<JobDocument>, Problem> {
    let caller = state.authorise(&headers, PROVE)?;
    Ok(Json(document(own_job(&state, &caller, id).await?)?))
}

/// `DELETE /jobs/{id}`
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
    Extract(state): Extract<State>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<Json<JobDocument>, Problem> {
    let caller = state.authorise(&headers, PROVE)?;
    own_job(&state, &caller, id).await?;
    let cancelled = state.queue()?.cancel(&id.to_string()).await?;
    let job = own_job(&state, &caller, id).await?;
    if cancelled {
        audit::job_ended(&job.id, &job.owner, "cancelled", None);
    } else {
        let detail = format!("the job has ended already: it {}", job.state.as_str());
        return Err(Problem::new(StatusCode::CONFLICT, "job_ended", detail));
    }
    Ok(Json(document(job)?))
}

/// The caller's job. Another's is as unknown as none.
pub async fn own_job(state: &State, caller: &Caller, id: Uuid) -> Result<Job, Problem> {
    let job = state.queue()?.store().job(&id.to_string()).await;
    let job = job.map_err(QueueError::from)?;
    job.filter(|job| job.owner == caller.prefix).ok_or_else(unknown)
}

/// A row as clients see it.
pub fn document(job: Job) -> Result<JobDocument, Problem> {
    JobDocument::of(job).map_err(|error| Problem::internal(&error))
}

fn unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_job",
        "there is no job with that id: there never was, or it ended long ago",
    )
}

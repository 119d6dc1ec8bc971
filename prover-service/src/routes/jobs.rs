use std::sync::Arc;

use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bauta_service_common::{Caller, Json, Path, Problem, Query};
use bauta_store::{Job, JobState};
use bauta_wire::prover::{Accepted, JobDocument, JobPage};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    VERSION_PREFIX, is_versioned,
    problems::{self, ProblemDocument},
    state::{AppState, PROVE},
};
use crate::{audit, events, queue::QueueError, settings::DEFAULT_WEBSOCKET_URL};

/// Returns status 202, with the job's URL in the header `Location`. The URLs have the prefix of the
/// request's URL.
pub fn accepted(job_id: String, request: &OriginalUri, websocket_url: &str) -> Response {
    let prefix = if is_versioned(request) { VERSION_PREFIX } else { "" };
    let status_url = format!("{prefix}/jobs/{job_id}");
    let is_default = websocket_url == DEFAULT_WEBSOCKET_URL;
    let location = [(header::LOCATION, status_url.clone())];
    let document = Accepted {
        websocket_url: format!("{}{websocket_url}", if is_default { prefix } else { "" }),
        events_url: format!("{status_url}/events"),
        status_url,
        job_id,
    };
    (StatusCode::ACCEPTED, location, Json(document)).into_response()
}

/// Largest number of jobs in a page.
const MAX_PAGE: u32 = 100;
/// Number of jobs in a page by default.
const DEFAULT_PAGE: u32 = 20;

/// Query parameters of the list of jobs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    /// Number of jobs in the page, from 1 to 100. By default 20.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the previous page.
    cursor: Option<Uuid>,
    /// Only jobs in this state.
    state: Option<StateFilter>,
}

/// The state of a job.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StateFilter {
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl From<StateFilter> for JobState {
    fn from(state: StateFilter) -> Self {
        match state {
            StateFilter::Queued => Self::Queued,
            StateFilter::Running => Self::Running,
            StateFilter::Succeeded => Self::Succeeded,
            StateFilter::Failed => Self::Failed,
            StateFilter::Cancelled => Self::Cancelled,
        }
    }
}

/// Lists the jobs of the caller.
///
/// Returns a page of jobs, the newest first. Jobs of requests without an API key are not listed.
#[utoipa::path(
    get,
    path = "/jobs",
    tag = "jobs",
    security(("api_key" = ["prove"])),
    params(ListParameters),
    responses(
        (status = 200, body = JobPage),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn jobs(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    parameters: Result<Query<ListParameters>, Problem>,
) -> Result<Json<JobPage>, Problem> {
    let caller = state.identify(&headers, PROVE).await?;
    let Query(parameters) = parameters?;
    let limit = parameters.limit.unwrap_or(DEFAULT_PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Problem::invalid("limit", "must be from 1 to 100"));
    }
    let cursor = parameters.cursor.map(|cursor| cursor.to_string());
    let job_state = parameters.state.map(JobState::from);
    // One job more than the page shows whether there is another page.
    let store = state.queue()?.store();
    let jobs = store.jobs_of_owner(&caller.owner, cursor.as_deref(), job_state, limit + 1);
    let mut jobs = jobs.await.map_err(QueueError::from)?;
    let page_length = limit as usize;
    let has_more = jobs.len() > page_length;
    jobs.truncate(page_length);
    let next_cursor = jobs.last().filter(|_| has_more).map(|job| job.id.clone());
    Ok(Json(JobPage {
        jobs: jobs.into_iter().map(job_document).collect::<Result<_, _>>()?,
        next_cursor,
    }))
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
    let caller = state.authorise(&headers, PROVE).await?;
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
    let caller = state.authorise(&headers, PROVE).await?;
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
    job.filter(|job| job.owner == caller.owner)
        .ok_or_else(problems::unknown_job)
}

/// Creates the document of a stored job.
pub fn job_document(job: Job) -> Result<JobDocument, Problem> {
    events::job_document(job).map_err(|error| Problem::internal(&error))
}

//! The queue of the prover service, for operators.

use axum::{http::HeaderMap, response::Response};
use bauta_primitives::sha256;
use bauta_service_common::{Json, Process, Query};
use bauta_store::{JobList, JobState, JobSummary, JobsOfPriority, Role, Workload};
use bauta_wire::api::{
    JobFilter, JobListDocument, OperatorJobDocument, PriorityDocument, QueueDocument, WorkersDocument,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{problems::Failure, respond::uncached, state::Reads};
use crate::proof_queue::Progress;

/// The roles that read the state of the deployment.
pub const ROLES: [Role; 2] = [Role::Operator, Role::Auditor];
/// Largest number of jobs in a list.
const MAX_JOBS: u32 = 100;

/// The parameters of the list of jobs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JobParameters {
    /// Which jobs are listed. The default is `open`.
    #[serde(default)]
    #[param(inline)]
    state: JobFilter,
}

/// Counts the jobs of the queue by state and priority.
///
/// The numbers are those of the database of this service. A prover service with another database
/// has its own routes. Proofs of requests that wait for the answer are no jobs.
#[utoipa::path(
    get,
    path = "/v1/operator/queue",
    tag = "operations",
    security(("wallet" = ["operator"]), ("wallet" = ["auditor"])),
    responses((status = 200, body = QueueDocument)),
    extensions(("x-discloses" = json!({"sees": "network address; account", "keeps": "nothing"})))
)]
pub async fn operator_queue(state: Reads, headers: HeaderMap) -> Result<Response, Failure> {
    state.with_role(&headers, &ROLES).await?;
    let store = state.databases.primary();
    let counts = store.job_counts().await?;
    let by_priority = store.jobs_by_priority().await?;
    Ok(uncached(Json(QueueDocument {
        queued: counts.queued,
        running: counts.running,
        succeeded: counts.succeeded,
        failed: counts.failed,
        cancelled: counts.cancelled,
        by_priority: by_priority.into_iter().map(priority_document).collect(),
    })))
}

/// Lists the open jobs, or those that failed.
///
/// A job has no id, owner, request or answer. Progress is known a moment after the first request,
/// because an instance follows it only while operators read it.
#[utoipa::path(
    get,
    path = "/v1/operator/jobs",
    tag = "operations",
    security(("wallet" = ["operator"]), ("wallet" = ["auditor"])),
    params(JobParameters),
    responses((status = 200, body = JobListDocument)),
    extensions(("x-discloses" = json!({"sees": "network address; account", "keeps": "nothing"})))
)]
pub async fn operator_jobs(
    state: Reads,
    headers: HeaderMap,
    Query(parameters): Query<JobParameters>,
) -> Result<Response, Failure> {
    state.with_role(&headers, &ROLES).await?;
    let list = match parameters.state {
        JobFilter::Open => JobList::Open,
        JobFilter::Failed => JobList::Failed,
    };
    let workload = state.proof_queue.workload();
    let jobs = state.databases.primary().job_summaries(list, MAX_JOBS).await?;
    let data = jobs.into_iter().map(|job| {
        let progress = state.proof_queue.progress(&job.id);
        job_document(job, progress, workload)
    });
    Ok(uncached(Json(JobListDocument { data: data.collect() })))
}

/// Returns the workers and the recommended number of workers.
///
/// The numbers are known a moment after the first request, because an instance follows them only
/// while operators read them.
#[utoipa::path(
    get,
    path = "/v1/operator/workers",
    tag = "operations",
    security(("wallet" = ["operator"]), ("wallet" = ["auditor"])),
    responses((status = 200, body = WorkersDocument)),
    extensions(("x-discloses" = json!({"sees": "network address; account", "keeps": "nothing"})))
)]
pub async fn operator_workers(state: Reads, headers: HeaderMap) -> Result<Response, Failure> {
    state.with_role(&headers, &ROLES).await?;
    let worker = Process::Worker.as_str();
    let instances = state.databases.primary().instances(&[worker]).await?;
    let names = instances.named().map(|instance| instance.name.clone());
    let workload = state.proof_queue.workload();
    Ok(uncached(Json(WorkersDocument {
        active: workload.map(|workload| workload.workers),
        advised: workload.map(|workload| workload.recommended),
        parallel_jobs: workload.map(|workload| workload.parallel_jobs),
        arrivals_per_second: workload.map(|workload| workload.rates.arrivals_per_second),
        service_time_ms: workload.map(|workload| 1e3 * workload.rates.service_seconds),
        names: names.collect(),
    })))
}

fn job_document(
    job: JobSummary,
    progress: Option<Progress>,
    workload: Option<Workload>,
) -> OperatorJobDocument {
    let is_running = job.state == JobState::Running;
    let progress = progress.filter(|_| is_running);
    let expected = || {
        let workload = workload.filter(|_| !job.state.has_ended())?;
        let expected = workload.expected(job.state)?;
        u64::try_from(expected.as_millis()).ok()
    };
    OperatorJobDocument {
        eta_ms: match &progress {
            Some(progress) => progress.eta_ms,
            None => expected(),
        },
        label: hex::encode(&sha256(job.id.as_bytes())[..4]),
        circuit: job.circuit,
        priority: job.priority,
        state: job.state.as_str().into(),
        attempts: job.attempts,
        stage: progress.as_ref().map(|progress| progress.stage.clone()),
        progress: progress.map(|progress| progress.fraction),
        error: job.error,
        created_at: job.created_at,
        started_at: job.started_at,
        ended_at: job.ended_at,
    }
}

fn priority_document(jobs: JobsOfPriority) -> PriorityDocument {
    PriorityDocument {
        priority: jobs.priority,
        queued: jobs.queued,
        running: jobs.running,
        oldest_seconds: jobs.oldest_seconds,
    }
}

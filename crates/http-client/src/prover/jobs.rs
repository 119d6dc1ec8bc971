//! Jobs of the key's owner, and the progress of proofs.

use std::fmt;

use bauta_wire::prover::{JobDocument, JobPage, TicketAnswer, TicketRequest};

use super::ProverService;
use crate::{EventStream, HttpError, transport::Request};

/// The longest id of a job in characters.
const MAX_JOB_LENGTH: usize = 36;
/// The longest id that a client gives a request, in characters.
const MAX_REQUEST_LENGTH: usize = 64;

/// The state of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It waits for a worker.
    Queued,
    /// A worker makes its proof.
    Running,
    /// Its proof was made.
    Succeeded,
    /// Its proof can't be made.
    Failed,
    /// Its owner cancelled it.
    Cancelled,
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        })
    }
}

impl ProverService {
    /// Returns a page of the jobs of the key's owner, the newest first, optionally only of those in
    /// a state. `cursor` is the `next_cursor` of the previous page.
    pub async fn jobs(
        &self,
        limit: Option<u32>,
        cursor: Option<&str>,
        state: Option<JobState>,
    ) -> Result<JobPage, HttpError> {
        let request = Request::get("jobs")
            .query("limit", limit)
            .query("cursor", cursor)
            .query("state", state);
        self.0.document(&request.keyed()).await
    }

    /// Returns a job of the key's owner.
    pub async fn job(&self, id: &str) -> Result<JobDocument, HttpError> {
        let request = Request::get(job_path(id)?).keyed();
        self.0.document(&request).await
    }

    /// Cancels a job of the key's owner. A job that has ended can't be cancelled.
    pub async fn cancel(&self, id: &str) -> Result<JobDocument, HttpError> {
        let request = Request::delete(job_path(id)?).keyed().once();
        self.0.document(&request).await
    }

    /// Streams the progress of a job. The data of an event `progress` is a
    /// [`Progress`](crate::wire::prover::Progress), and that of the last one, `result`, a
    /// [`JobDocument`].
    pub async fn job_events(&self, id: &str) -> Result<EventStream, HttpError> {
        self.progress(&format!("{}/events", job_path(id)?)).await
    }

    /// Streams the progress of a request by the id that the client gave it
    /// ([`ProveBody::request_id`](crate::wire::prover::ProveBody)). The stream can be opened before
    /// the request is sent.
    pub async fn request_events(&self, id: &str) -> Result<EventStream, HttpError> {
        let is_valid = id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        // A segment of dots would change the path.
        let is_dots = id.bytes().all(|byte| byte == b'.');
        if !is_valid || is_dots || id.len() > MAX_REQUEST_LENGTH {
            return Err(HttpError::InvalidParameter {
                parameter: "request",
                rule: "must have 1 to 64 letters, digits, -, _ or ., and not only dots",
            });
        }
        self.progress(&format!("requests/{id}/events")).await
    }

    /// Creates a ticket with which a web page follows a job or a request.
    pub async fn ticket(&self, body: &TicketRequest) -> Result<TicketAnswer, HttpError> {
        self.0.document(&Request::post("tickets", body)?.keyed()).await
    }

    async fn progress(&self, path: &str) -> Result<EventStream, HttpError> {
        let stream = self.0.stream(&Request::get(path).keyed()).await?;
        stream.ok_or_else(|| self.0.malformed("the stream of events is absent"))
    }
}

/// Checks an id that becomes a part of a URL.
fn job_path(id: &str) -> Result<String, HttpError> {
    let is_uuid = id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if is_uuid && (1..=MAX_JOB_LENGTH).contains(&id.len()) {
        return Ok(format!("jobs/{id}"));
    }
    Err(HttpError::InvalidParameter {
        parameter: "job",
        rule: "must be an id of a job, as in the response that names it",
    })
}

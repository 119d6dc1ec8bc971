//! The routes of the prover service.

use std::fmt;

use bauta_wire::prover::{
    CircuitList, Health, JobDocument, JobPage, SealingKeyAnswer, VerifyAnswer, VerifyRequest,
};

use crate::{
    HttpError, Settings,
    transport::{Request, Transport},
};

/// The longest id of a job in characters.
const MAX_ID_LENGTH: usize = 36;

/// The prover service, which makes proofs for members who delegate proving.
#[derive(Clone, Debug)]
pub struct ProverService(Transport);

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
    /// Uses the prover service at a URL without a key. Does not connect.
    pub fn new(url: &str) -> Result<Self, HttpError> {
        Self::with(url, Settings::default())
    }

    /// Uses the prover service at a URL. Does not connect.
    ///
    /// # Errors
    /// If the URL has another form, or if there is a key and the URL is neither `https` nor that of
    /// this machine.
    pub fn with(url: &str, settings: Settings) -> Result<Self, HttpError> {
        Transport::new(url, settings).map(Self)
    }

    /// Returns scheme, host and port of the URL. Its path may contain a key.
    #[must_use]
    pub fn host(&self) -> String {
        self.0.host()
    }

    /// Returns the state of the process.
    pub async fn health(&self) -> Result<Health, HttpError> {
        self.0.document(&Request::get("health")).await
    }

    /// Returns the circuits that the service has keys for.
    pub async fn circuits(&self) -> Result<CircuitList, HttpError> {
        self.0.document(&Request::get("circuits")).await
    }

    /// Returns the key that private inputs are sealed to.
    pub async fn sealing_key(&self) -> Result<SealingKeyAnswer, HttpError> {
        self.0.document(&Request::get("sealing-key")).await
    }

    /// Verifies a proof. An invalid proof is not an error.
    pub async fn verify(&self, body: &VerifyRequest) -> Result<VerifyAnswer, HttpError> {
        self.0.document(&Request::post("verify", body)?).await
    }

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
}

/// Checks an id that becomes a part of a URL.
fn job_path(id: &str) -> Result<String, HttpError> {
    let is_uuid = id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if is_uuid && (1..=MAX_ID_LENGTH).contains(&id.len()) {
        return Ok(format!("jobs/{id}"));
    }
    Err(HttpError::InvalidParameter {
        parameter: "job",
        rule: "must be an id of a job, as in the response that names it",
    })
}

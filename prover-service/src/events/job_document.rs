//! Jobs in responses.

use bauta_store::Job;
use bauta_wire::prover::{JobDocument, JobError};

/// Creates the document of a stored job.
pub fn job_document(job: Job) -> Result<JobDocument, serde_json::Error> {
    Ok(JobDocument {
        job_id: job.id,
        state: job.state.as_str().into(),
        circuit_id: job.circuit,
        priority: job.priority,
        attempts: job.attempts,
        created_at: job.created_at_ms,
        ended_at: job.ended_at_ms,
        answer: job
            .answer
            .map(|answer| serde_json::from_str(&answer))
            .transpose()?,
        error: job
            .error
            .map(|bauta_store::JobError { code, detail }| JobError { code, detail }),
    })
}

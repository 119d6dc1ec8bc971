//! How many jobs there are, and how fast they come and go.

use sqlx::Row;

use super::JobState;
use crate::values::unsigned;
use crate::{Store, StoreError};

/// Jobs that haven't ended.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct OpenJobs {
    /// Waiting.
    pub queued: u64,
    /// With a worker.
    pub running: u64,
}

/// Jobs by state.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct JobCounts {
    /// Waiting.
    pub queued: u64,
    /// With a worker.
    pub running: u64,
    /// Ended with an answer, and not yet forgotten.
    pub succeeded: u64,
    /// Ended with an error, and not yet forgotten.
    pub failed: u64,
    /// Taken back, and not yet forgotten.
    pub cancelled: u64,
}

/// How jobs came and went of late.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub struct JobFlow {
    /// Jobs that came, per second.
    pub arrivals_per_s: f64,
    /// Mean seconds from a job's (last) begin to its success; 0 if none succeeded.
    pub service_s: f64,
}

impl Store {
    /// Arrivals and service times of the last `seconds`.
    pub async fn job_flow(&self, seconds: u32) -> Result<JobFlow, StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM jobs WHERE created_at > now() - $1::bigint * interval '1 second')::float8
                        / $1::float8 AS arrivals_per_s,
                    (SELECT coalesce(avg(extract(epoch FROM ended_at - started_at)), 0) FROM jobs
                     WHERE state = 'succeeded' AND ended_at > now() - $1::bigint * interval '1 second')::float8 AS service_s",
        )
        .bind(i64::from(seconds))
        .fetch_one(&self.pool)
        .await?;
        Ok(JobFlow {
            arrivals_per_s: row.get("arrivals_per_s"),
            service_s: row.get("service_s"),
        })
    }

    /// Jobs that wait, and jobs with a worker. An index knows them, however many ended ones there are.
    pub async fn open_jobs(&self) -> Result<OpenJobs, StoreError> {
        let row = sqlx::query(
            "SELECT count(*) FILTER (WHERE state = 'queued') AS queued, count(*) FILTER (WHERE state = 'running') AS running
             FROM jobs WHERE state IN ('queued', 'running')",
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(OpenJobs {
            queued: unsigned(row.get("queued"))?,
            running: unsigned(row.get("running"))?,
        })
    }

    /// Jobs by state: as much work as there are jobs that aren't forgotten yet.
    pub async fn job_counts(&self) -> Result<JobCounts, StoreError> {
        let mut counts = JobCounts::default();
        let rows = sqlx::query("SELECT state::text AS state, count(*) AS jobs FROM jobs GROUP BY state")
            .fetch_all(&self.pool);
        for row in rows.await? {
            let jobs = unsigned(row.get("jobs"))?;
            match JobState::parse(row.get("state"))? {
                JobState::Queued => counts.queued = jobs,
                JobState::Running => counts.running = jobs,
                JobState::Succeeded => counts.succeeded = jobs,
                JobState::Failed => counts.failed = jobs,
                JobState::Cancelled => counts.cancelled = jobs,
            }
        }
        Ok(counts)
    }
}

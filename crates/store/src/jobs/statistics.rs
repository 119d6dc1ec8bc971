//! Numbers of jobs, and the rates at which they arrive and complete.

use sqlx::Row;

use super::JobState;
use crate::values::unsigned;
use crate::{Store, StoreError};

/// Numbers of jobs that have not ended.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct OpenJobs {
    /// Jobs that wait for a worker.
    pub queued: u64,
    /// Jobs that a worker runs.
    pub running: u64,
}

/// Numbers of jobs by state. Ended jobs count until they are deleted.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct JobCounts {
    /// Jobs that wait for a worker.
    pub queued: u64,
    /// Jobs that a worker runs.
    pub running: u64,
    /// Jobs that ended with an answer.
    pub succeeded: u64,
    /// Jobs that ended with an error.
    pub failed: u64,
    /// Jobs that their owner cancelled.
    pub cancelled: u64,
}

/// Rates of a recent period.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub struct JobRates {
    /// Jobs created per second.
    pub arrivals_per_second: f64,
    /// Mean time in seconds from the start of a job's last attempt to its success. 0 if no job
    /// succeeded in the period.
    pub service_seconds: f64,
}

impl Store {
    /// Returns the rates of the last `seconds`.
    pub async fn job_rates(&self, seconds: u32) -> Result<JobRates, StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM jobs WHERE created_at > now() - $1::bigint * interval '1 second')::float8
                        / $1::float8 AS arrivals_per_second,
                    (SELECT coalesce(avg(extract(epoch FROM ended_at - started_at)), 0) FROM jobs
                     WHERE state = 'succeeded' AND ended_at > now() - $1::bigint * interval '1 second')::float8
                        AS service_seconds",
        )
        .bind(i64::from(seconds))
        .fetch_one(&self.pool)
        .await?;
        Ok(JobRates {
            arrivals_per_second: row.get("arrivals_per_second"),
            service_seconds: row.get("service_seconds"),
        })
    }

    /// Returns the numbers of queued and running jobs. An index covers the query, so its cost
    /// doesn't depend on the number of ended jobs.
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

    /// Returns those of the jobs with these ids that have not ended. Each id must be a UUID.
    pub async fn open_jobs_among(&self, ids: &[String]) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query(
            "SELECT id::text AS id FROM jobs
             WHERE id = ANY($1::text[]::uuid[]) AND state IN ('queued', 'running')",
        )
        .bind(ids)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(|row| row.get("id")).collect())
    }

    /// Returns the numbers of jobs by state. The cost grows with the number of rows, including
    /// ended jobs.
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

//! The queue as operators see it: no witness, no answer, and no owner.

use sqlx::{AssertSqlSafe, Row};

use super::{JobState, count};
use crate::values::unsigned;
use crate::{Store, StoreError};

/// The open jobs of a priority.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JobsOfPriority {
    /// 1 (most urgent) to 10.
    pub priority: u8,
    /// Jobs that wait for a worker.
    pub queued: u64,
    /// Jobs that a worker runs.
    pub running: u64,
    /// Seconds since the oldest queued job was created. 0 if none is queued.
    pub oldest_seconds: u64,
}

/// A job without its request, its answer and its owner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobSummary {
    /// A UUID. With it, a client without an API key can read the answer.
    pub id: String,
    /// The circuit's id.
    pub circuit: String,
    /// 1 (most urgent) to 10.
    pub priority: u8,
    /// The job's state.
    pub state: JobState,
    /// Number of attempts that have started.
    pub attempts: u16,
    /// The code of the error of a failed job.
    pub error: Option<String>,
    /// Time of creation in Unix seconds.
    pub created_at: i64,
    /// Time of the start of the last attempt in Unix seconds.
    pub started_at: Option<i64>,
    /// Time of the end in Unix seconds.
    pub ended_at: Option<i64>,
}

/// Which jobs a list has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JobList {
    /// The jobs that have not ended, the running ones first, then the oldest.
    Open,
    /// The jobs that failed, the newest first.
    Failed,
}

/// The jobs that ended in a recent period. Times are from the request to the end.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct EndedJobs {
    /// Jobs that succeeded.
    pub succeeded: u64,
    /// Jobs that failed.
    pub failed: u64,
    /// Median time of those that succeeded, in milliseconds. `None` if none did.
    pub p50_ms: Option<u64>,
    /// The 95th percentile.
    pub p95_ms: Option<u64>,
    /// The 99th percentile.
    pub p99_ms: Option<u64>,
}

impl Store {
    /// Returns the open jobs by priority, the most urgent first.
    pub async fn jobs_by_priority(&self) -> Result<Vec<JobsOfPriority>, StoreError> {
        let rows = sqlx::query(
            "SELECT priority, count(*) FILTER (WHERE state = 'queued') AS queued,
                    count(*) FILTER (WHERE state = 'running') AS running,
                    greatest(extract(epoch FROM now() - min(created_at) FILTER (WHERE state = 'queued'))::bigint, 0)
                        AS oldest
             FROM jobs WHERE state IN ('queued', 'running') GROUP BY priority ORDER BY priority",
        )
        .fetch_all(&self.pool)
        .await?;
        let row = |row: &sqlx::postgres::PgRow| {
            Ok(JobsOfPriority {
                priority: u8::try_from(count(row, "priority")?).unwrap_or(u8::MAX),
                queued: unsigned(row.get("queued"))?,
                running: unsigned(row.get("running"))?,
                oldest_seconds: unsigned(row.get::<Option<i64>, _>("oldest").unwrap_or(0))?,
            })
        };
        rows.iter().map(row).collect()
    }

    /// Returns at most `limit` jobs of a list.
    pub async fn job_summaries(&self, list: JobList, limit: u32) -> Result<Vec<JobSummary>, StoreError> {
        let conditions = match list {
            JobList::Open => {
                "state IN ('queued', 'running') ORDER BY state = 'running' DESC, created_at, jobs.id"
            }
            JobList::Failed => "state = 'failed' ORDER BY ended_at DESC, jobs.id DESC",
        };
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT id::text AS id, circuit, priority, state::text AS state, attempts, error_code,
                    extract(epoch FROM created_at)::bigint AS created_at,
                    extract(epoch FROM started_at)::bigint AS started_at,
                    extract(epoch FROM ended_at)::bigint AS ended_at
             FROM jobs WHERE {conditions} LIMIT $1"
        )))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        let summary = |row: &sqlx::postgres::PgRow| {
            Ok(JobSummary {
                id: row.get("id"),
                circuit: row.get("circuit"),
                priority: u8::try_from(count(row, "priority")?).unwrap_or(u8::MAX),
                state: JobState::parse(row.get("state"))?,
                attempts: count(row, "attempts")?,
                error: row.get("error_code"),
                created_at: row.get("created_at"),
                started_at: row.get("started_at"),
                ended_at: row.get("ended_at"),
            })
        };
        rows.iter().map(summary).collect()
    }

    /// Counts the jobs that ended in the last `seconds`.
    pub async fn ended_jobs(&self, seconds: u32) -> Result<EndedJobs, StoreError> {
        let row = sqlx::query(
            "SELECT count(*) FILTER (WHERE state = 'succeeded') AS succeeded,
                    count(*) FILTER (WHERE state = 'failed') AS failed,
                    percentile_disc(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP
                        (ORDER BY (extract(epoch FROM ended_at - created_at) * 1000)::bigint)
                        FILTER (WHERE state = 'succeeded') AS percentiles
             FROM jobs WHERE ended_at > now() - $1::bigint * interval '1 second'",
        )
        .bind(i64::from(seconds))
        .fetch_one(&self.pool)
        .await?;
        let percentiles: Option<Vec<Option<i64>>> = row.get("percentiles");
        let percentile = |index: usize| {
            let value = percentiles.as_ref().and_then(|all| *all.get(index)?);
            value.map(|time| unsigned(time.max(0))).transpose()
        };
        Ok(EndedJobs {
            succeeded: unsigned(row.get("succeeded"))?,
            failed: unsigned(row.get("failed"))?,
            p50_ms: percentile(0)?,
            p95_ms: percentile(1)?,
            p99_ms: percentile(2)?,
        })
    }
}

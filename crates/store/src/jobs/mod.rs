//! Jobs of the prover: what was asked, how far it is, how it ended.
//!
//! Every change is announced on [`JOB_CHANNEL`] as JSON with `id`, `state` and, for progress, `stage`, `progress` and `eta_ms`.

mod figures;

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

pub use self::figures::{JobCounts, JobFlow, OpenJobs};
use crate::values::{text_enum, unsigned};
use crate::{Store, StoreError};

/// The channel of Postgres's NOTIFY.
pub const JOB_CHANNEL: &str = "bauta_jobs";
/// The channel on which the queue engine tells its workers that there is a job.
const WORK_CHANNEL: &str = "jobs:insert";

text_enum! {
    /// How far a job is.
    JobState {
        /// It waits for a worker.
        Queued = "queued",
        /// A worker has it.
        Running = "running",
        /// It ended with an answer.
        Succeeded = "succeeded",
        /// It ended without one.
        Failed = "failed",
        /// It was taken back before it ended.
        Cancelled = "cancelled",
    }
}

impl JobState {
    /// Whether nothing changes any more.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// A job to enqueue.
pub struct NewJob<'a> {
    /// A UUID.
    pub id: &'a str,
    /// Who asks: the API key's prefix.
    pub owner: &'a str,
    /// Under this, the owner gets the same job again.
    pub idempotency_key: Option<&'a str>,
    /// What is asked for, hashed: the same for the same request.
    pub request_hash: [u8; 32],
    /// The circuit.
    pub circuit: &'a str,
    /// 1 (urgent) to 10.
    pub priority: u8,
    /// The request, encrypted.
    pub witness: &'a [u8],
    /// Milliseconds until it fails.
    pub deadline_ms: i64,
    /// How many jobs may wait at most, this one included.
    pub most_waiting: u64,
    /// How many of its owner's.
    pub most_of_owner: u64,
}

/// What became of a job to enqueue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Enqueued {
    /// It is in the table; the smaller its turn, the earlier it should be begun.
    New {
        /// Its turn.
        turn: u64,
    },
    /// Its owner had one with that idempotency key.
    Known {
        /// That job.
        id: String,
    },
    /// Its owner had one with that idempotency key, for another request.
    Another,
    /// As many wait already as may, of all or of its owner.
    Full,
}

/// A job as its owner sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Job {
    /// A UUID.
    pub id: String,
    /// Who asked.
    pub owner: String,
    /// The circuit.
    pub circuit: String,
    /// 1 (urgent) to 10.
    pub priority: u8,
    /// How far it is.
    pub state: JobState,
    /// How often a worker began it.
    pub attempts: u16,
    /// What it ended with.
    pub answer: Option<String>,
    /// Code and words of the error that it ended with.
    pub error: Option<(String, String)>,
    /// When it was asked for, Unix milliseconds.
    pub created_at_ms: i64,
    /// When it ended, Unix milliseconds.
    pub ended_at_ms: Option<i64>,
}

/// A job that a worker has begun.
pub struct Begun {
    /// Who asked.
    pub owner: String,
    /// The circuit.
    pub circuit: String,
    /// The request, encrypted.
    pub witness: Vec<u8>,
    /// How often a worker began it, this time included.
    pub attempts: u16,
    /// Milliseconds that it waited.
    pub waited_ms: i64,
}

/// How a job ends.
pub enum End<'a> {
    /// With an answer.
    Succeeded(&'a str),
    /// With an error's code and words.
    Failed(&'a str, &'a str),
    /// Taken back by its owner.
    Cancelled,
}

impl Store {
    /// Puts a job into the table, in the caller's transaction: the queue engine's own entry belongs into the same.
    ///
    /// Its turn is that of start-time fair queueing. A flow is an owner's jobs of one priority; each has its turn `priority` after the one
    /// before it in its flow, but not before the newest job that was begun. So an owner with a thousand jobs doesn't
    /// keep another's first one waiting, urgent jobs go ten times as often as the least urgent, and none waits for ever. Jobs that ended
    /// without having been begun had no turn.
    ///
    /// How many wait is counted without a lock: requests that come in the same moment may go over the bounds by as many as they are.
    pub async fn enqueue_job(
        connection: &mut PgConnection,
        job: &NewJob<'_>,
    ) -> Result<Enqueued, StoreError> {
        let row = sqlx::query(
            "INSERT INTO jobs (id, owner, idempotency_key, circuit, priority, witness, deadline, request_hash, turn)
             SELECT $1::text::uuid, $2, $3, $4, $5, $6, now() + $7::bigint * interval '1 millisecond', $8,
                    greatest((SELECT max(turn) + $5 FROM jobs
                              WHERE owner = $2 AND priority = $5 AND (state = 'queued' OR attempts > 0)),
                             (SELECT max(turn) FROM jobs WHERE attempts > 0), 0)
             WHERE (SELECT count(*) FROM jobs WHERE state = 'queued') < $9
               AND (SELECT count(*) FROM jobs WHERE state = 'queued' AND owner = $2) < $10
             ON CONFLICT (owner, idempotency_key) DO NOTHING
             RETURNING turn",
        )
        .bind(job.id)
        .bind(job.owner)
        .bind(job.idempotency_key)
        .bind(job.circuit)
        .bind(i16::from(job.priority))
        .bind(job.witness)
        .bind(job.deadline_ms)
        .bind(job.request_hash.as_slice())
        .bind(i64::try_from(job.most_waiting).unwrap_or(i64::MAX))
        .bind(i64::try_from(job.most_of_owner).unwrap_or(i64::MAX))
        .fetch_optional(&mut *connection)
        .await?;
        if let Some(row) = row {
            return Ok(Enqueued::New {
                turn: unsigned(row.get("turn"))?,
            });
        }
        let row = sqlx::query(
            "SELECT id::text AS id, coalesce(request_hash = $3, true) AS same
             FROM jobs WHERE owner = $1 AND idempotency_key = $2",
        )
        .bind(job.owner)
        .bind(job.idempotency_key)
        .bind(job.request_hash.as_slice())
        .fetch_optional(connection)
        .await?;
        Ok(match row {
            Some(row) if row.get("same") => Enqueued::Known { id: row.get("id") },
            Some(_) => Enqueued::Another,
            None => Enqueued::Full,
        })
    }

    /// A worker begins a job. None if it has ended: cancelled, past its deadline, or done by another worker.
    pub async fn begin_job(&self, id: &str) -> Result<Option<Begun>, StoreError> {
        let row = sqlx::query(
            "WITH begun AS (
                 UPDATE jobs SET state = 'running', attempts = attempts + 1, started_at = now()
                 WHERE id = $1::text::uuid AND state IN ('queued', 'running') AND deadline > now()
                 RETURNING id, owner, circuit, witness, attempts, (extract(epoch FROM now() - created_at) * 1000)::bigint AS waited_ms)
             SELECT owner, circuit, witness::bytea AS witness, attempts, waited_ms,
                    pg_notify($2, json_build_object('id', id, 'state', 'running')::text)::text AS told
             FROM begun",
        )
        .bind(id)
        .bind(JOB_CHANNEL)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            Ok(Begun {
                owner: row.get("owner"),
                circuit: row.get("circuit"),
                witness: row.get("witness"),
                attempts: count(&row, "attempts")?,
                waited_ms: row.get("waited_ms"),
            })
        })
        .transpose()
    }

    /// A worker gives a job back, to be begun again.
    pub async fn return_job(&self, id: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE jobs SET state = 'queued' WHERE id = $1::text::uuid AND state = 'running'")
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Ends a job, and forgets its witness. False if it had ended before: the first end stays.
    pub async fn end_job(&self, id: &str, end: &End<'_>) -> Result<bool, StoreError> {
        let (state, answer, error) = match end {
            End::Succeeded(answer) => (JobState::Succeeded, Some(*answer), None),
            End::Failed(code, detail) => (JobState::Failed, None, Some((*code, *detail))),
            End::Cancelled => (JobState::Cancelled, None, None),
        };
        let ended = sqlx::query(
            "WITH ended AS (
                 UPDATE jobs SET state = $2, answer = $3, error_code = $4, error_detail = $5, ended_at = now(), witness = NULL
                 WHERE id = $1::text::uuid AND state IN ('queued', 'running')
                 RETURNING id)
             SELECT pg_notify($6, json_build_object('id', id, 'state', $2::text)::text)::text FROM ended",
        )
        .bind(id)
        .bind(state.as_str())
        .bind(answer)
        .bind(error.map(|(code, _)| code))
        .bind(error.map(|(_, detail)| detail))
        .bind(JOB_CHANNEL)
        .fetch_optional(&self.pool)
        .await?;
        Ok(ended.is_some())
    }

    /// Tells workers that a job waits, if one does. The engine takes one job for each message and free worker, and then waits for
    /// the next message, or for its timer.
    pub async fn wake_workers(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT pg_notify($1, '')::text WHERE EXISTS (SELECT FROM jobs WHERE state = 'queued')")
            .bind(WORK_CHANNEL)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Tells whoever listens how far a running job is, and how many milliseconds it should still take. Nothing is written.
    pub async fn announce_progress(
        &self,
        id: &str,
        stage: &str,
        progress: f64,
        eta_ms: Option<u64>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "SELECT pg_notify($1, json_build_object('id', $2::text, 'state', 'running', 'stage', $3::text,
                                                    'progress', $4::float8, 'eta_ms', $5::bigint)::text)::text",
        )
        .bind(JOB_CHANNEL)
        .bind(id)
        .bind(stage)
        .bind(progress)
        .bind(eta_ms.and_then(|milliseconds| i64::try_from(milliseconds).ok()))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// One job.
    pub async fn job(&self, id: &str) -> Result<Option<Job>, StoreError> {
        let row = sqlx::query(
            "SELECT id::text AS id, owner, circuit, priority, state::text AS state, attempts, answer, error_code, error_detail,
                    (extract(epoch FROM created_at) * 1000)::bigint AS created_at_ms,
                    (extract(epoch FROM ended_at) * 1000)::bigint AS ended_at_ms
             FROM jobs WHERE id = $1::text::uuid",
        )
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| job(&row)).transpose()
    }

    /// Jobs that failed, and aren't forgotten yet: at most so many, the newest first.
    pub async fn failed_jobs(&self, most: u32) -> Result<Vec<Job>, StoreError> {
        let rows = sqlx::query(
            "SELECT id::text AS id, owner, circuit, priority, state::text AS state, attempts, answer, error_code, error_detail,
                    (extract(epoch FROM created_at) * 1000)::bigint AS created_at_ms,
                    (extract(epoch FROM ended_at) * 1000)::bigint AS ended_at_ms
             FROM jobs WHERE state = 'failed' ORDER BY ended_at DESC, id DESC LIMIT $1",
        )
        .bind(i64::from(most))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(job).collect()
    }

    /// Fails every job whose deadline is over, whoever has it. Returns ids and owners.
    pub async fn expire_jobs(&self, code: &str, detail: &str) -> Result<Vec<(String, String)>, StoreError> {
        let expired = sqlx::query(
            "WITH ended AS (
                 UPDATE jobs SET state = 'failed', error_code = $1, error_detail = $2, ended_at = now(), witness = NULL
                 WHERE state IN ('queued', 'running') AND deadline <= now()
                 RETURNING id, owner)
             SELECT id::text AS id, owner, pg_notify($3, json_build_object('id', id, 'state', 'failed')::text)::text AS told
             FROM ended",
        )
        .bind(code)
        .bind(detail)
        .bind(JOB_CHANNEL)
        .fetch_all(&self.pool)
        .await?;
        Ok(expired
            .iter()
            .map(|row| (row.get("id"), row.get("owner")))
            .collect())
    }

    /// Deletes jobs that ended so many seconds ago. Returns how many.
    pub async fn forget_jobs(&self, seconds: i64) -> Result<u64, StoreError> {
        let deleted =
            sqlx::query("DELETE FROM jobs WHERE ended_at < now() - $1::bigint * interval '1 second'")
                .bind(seconds)
                .execute(&self.pool)
                .await?;
        Ok(deleted.rows_affected())
    }
}

fn job(row: &PgRow) -> Result<Job, StoreError> {
    let error: Option<String> = row.get("error_code");
    Ok(Job {
        id: row.get("id"),
        owner: row.get("owner"),
        circuit: row.get("circuit"),
        priority: u8::try_from(count(row, "priority")?).unwrap_or(u8::MAX),
        state: JobState::parse(row.get("state"))?,
        attempts: count(row, "attempts")?,
        answer: row.get("answer"),
        error: error.zip(row.get("error_detail")),
        created_at_ms: row.get("created_at_ms"),
        ended_at_ms: row.get("ended_at_ms"),
    })
}

fn count(row: &PgRow, column: &str) -> Result<u16, StoreError> {
    u16::try_from(row.get::<i16, _>(column)).map_err(|_| StoreError::Damaged(format!("{column} is negative")))
}

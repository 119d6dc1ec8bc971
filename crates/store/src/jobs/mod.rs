//! Jobs of the prover service: the request, the state and the result of each.
//!
//! ```text
//!                      requeue_job
//!                  +----------------+
//!                  v                |
//!   enqueue_job: queued --start_job--> running --finish_job--> succeeded, failed
//!                  |                    |
//!                  +--------------------+--finish_job, expire_jobs--> failed, cancelled
//! ```
//!
//! Which worker runs which job, and when, is decided by the queue engine, which has its own schema.
//! This module doesn't know the engine.
//!
//! Every change of a state except `requeue_job` is announced on Postgres's channel `bauta_jobs`.
//! The payload is JSON with `id` and `state`, and for progress also `stage`, `progress` and
//! `eta_ms`.

mod engine;
mod notifications;
mod overview;
mod statistics;
mod workload;

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, Row, Transaction};

use self::notifications::JOB_CHANNEL;
pub use self::notifications::JobListener;
pub use self::overview::{EndedJobs, JobList, JobSummary, JobsOfPriority};
pub use self::statistics::{JobCounts, JobRates, OpenJobs};
pub use self::workload::{QueueListener, QueueNotice, Workload};
use crate::values::{text_enum, unsigned};
use crate::{Store, StoreError};

text_enum! {
    /// The state of a job.
    JobState {
        /// The job waits for a worker.
        Queued = "queued",
        /// A worker runs the job.
        Running = "running",
        /// The job ended with an answer.
        Succeeded = "succeeded",
        /// The job ended with an error.
        Failed = "failed",
        /// The job's owner cancelled it.
        Cancelled = "cancelled",
    }
}

impl JobState {
    /// Returns whether the state is final.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// A job to enqueue.
pub struct NewJob<'a> {
    /// A UUID.
    pub id: &'a str,
    /// The prefix of the owner's API key. Empty if no key is required.
    pub owner: &'a str,
    /// A repeated request of the owner with this key returns the first job.
    pub idempotency_key: Option<&'a str>,
    /// A hash of the request. Equal requests have equal hashes.
    pub request_hash: [u8; 32],
    /// The circuit's id.
    pub circuit: &'a str,
    /// 1 (most urgent) to 10.
    pub priority: u8,
    /// The encrypted request.
    pub witness: &'a [u8],
    /// Milliseconds until the job fails.
    pub deadline_ms: i64,
    /// Largest number of queued jobs, including this one.
    pub max_queued: u64,
    /// Largest number of queued jobs of the owner, including this one.
    pub max_queued_by_owner: u64,
}

/// The result of enqueuing a job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Enqueued {
    /// The job was added.
    New {
        /// The job's turn. Jobs with a smaller turn should start earlier.
        turn: u64,
    },
    /// The owner has a job with this idempotency key and the same request.
    Existing {
        /// The id of that job.
        id: String,
    },
    /// The owner has a job with this idempotency key and another request.
    KeyReused,
    /// The largest number of queued jobs, of all or of the owner, is reached.
    Full,
}

/// A job as its owner sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Job {
    /// A UUID.
    pub id: String,
    /// The prefix of the owner's API key. Empty if no key is required.
    pub owner: String,
    /// The circuit's id.
    pub circuit: String,
    /// 1 (most urgent) to 10.
    pub priority: u8,
    /// The job's state.
    pub state: JobState,
    /// Number of attempts that have started.
    pub attempts: u16,
    /// The answer of a succeeded job.
    pub answer: Option<String>,
    /// The error of a failed job.
    pub error: Option<JobError>,
    /// Time of creation in Unix milliseconds.
    pub created_at_ms: i64,
    /// Time of the end in Unix milliseconds.
    pub ended_at_ms: Option<i64>,
}

/// The error of a failed job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobError {
    /// A stable code.
    pub code: String,
    /// A description for people.
    pub detail: String,
}

/// A job whose attempt has started.
pub struct StartedJob {
    /// The prefix of the owner's API key. Empty if no key is required.
    pub owner: String,
    /// The circuit's id.
    pub circuit: String,
    /// The encrypted request.
    pub witness: Vec<u8>,
    /// Number of attempts, including this one.
    pub attempts: u16,
    /// Milliseconds since the job was created.
    pub waited_ms: i64,
}

/// A job whose deadline has passed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExpiredJob {
    /// A UUID.
    pub id: String,
    /// The prefix of the owner's API key. Empty if no key is required.
    pub owner: String,
}

/// The final result of a job.
pub enum JobResult<'a> {
    /// The answer.
    Succeeded(&'a str),
    /// The error.
    Failed {
        /// A stable code.
        code: &'a str,
        /// A description for people.
        detail: &'a str,
    },
    /// The owner cancelled the job.
    Cancelled,
}

/// The connection of a transaction that changes both the `jobs` table and the queue engine's
/// tables.
pub type JobConnection = PgConnection;

/// The columns of a [`Job`], followed by the conditions of a query.
macro_rules! select_jobs {
    ($conditions:literal) => {
        concat!(
            "SELECT id::text AS id, owner, circuit, priority, state::text AS state, attempts, answer, error_code,
                    error_detail, (extract(epoch FROM created_at) * 1000)::bigint AS created_at_ms,
                    (extract(epoch FROM ended_at) * 1000)::bigint AS ended_at_ms
             FROM jobs ",
            $conditions
        )
    };
}

impl Store {
    /// Begins a transaction that changes both the `jobs` table and the queue engine's tables.
    pub async fn begin_job_change(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        Ok(self.pool.begin().await?)
    }

    /// Adds a job to the table, in the caller's transaction. The queue engine's own entry belongs
    /// into the same transaction.
    ///
    /// The job's turn is its start tag in start-time fair queueing. A flow is the jobs of one owner
    /// with one priority. A job's turn is the turn of the previous job of its flow plus `priority`,
    /// but at least the largest turn of a started job. The effects are:
    ///
    /// - A burst of one owner does not delay the jobs of other owners.
    /// - Jobs of priority 1 start ten times as often as jobs of priority 10, and no job waits for
    ///   ever.
    /// - Jobs that ended without having started do not count.
    ///
    /// The limits are checked without a lock: requests that arrive at the same time can exceed them
    /// by their number.
    pub async fn enqueue_job(
        connection: &mut JobConnection,
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
        .bind(i64::try_from(job.max_queued).unwrap_or(i64::MAX))
        .bind(i64::try_from(job.max_queued_by_owner).unwrap_or(i64::MAX))
        .fetch_optional(&mut *connection)
        .await?;
        if let Some(row) = row {
            return Ok(Enqueued::New {
                turn: unsigned(row.get("turn"))?,
            });
        }
        let repeated = find_repeated(connection, job.owner, job.idempotency_key, &job.request_hash).await?;
        Ok(repeated.unwrap_or(Enqueued::Full))
    }

    /// Returns the owner's jobs with these idempotency keys, in the order of the keys. Each is
    /// [`Enqueued::Existing`], or [`Enqueued::KeyReused`] if the hash of its request is another
    /// one. `None` stands for a key without a job.
    pub async fn repeated_jobs(
        &self,
        owner: &str,
        keys: &[String],
        request_hashes: &[[u8; 32]],
    ) -> Result<Vec<Option<Enqueued>>, StoreError> {
        let hashes: Vec<&[u8]> = request_hashes.iter().map(<[u8; 32]>::as_slice).collect();
        let rows = sqlx::query(
            "SELECT jobs.id::text AS id, coalesce(jobs.request_hash = given.hash, true) AS same_request
             FROM unnest($2::text[], $3::bytea[]) WITH ORDINALITY AS given (key, hash, position)
             LEFT JOIN jobs ON jobs.owner = $1 AND jobs.idempotency_key = given.key
             ORDER BY given.position",
        )
        .bind(owner)
        .bind(keys)
        .bind(hashes)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(repeated).collect())
    }

    /// Starts an attempt of a job. `None` if the job has ended (completed by another worker or
    /// cancelled) or if its deadline has passed.
    pub async fn start_job(&self, id: &str) -> Result<Option<StartedJob>, StoreError> {
        let row = sqlx::query(
            "WITH started AS (
                 UPDATE jobs SET state = 'running', attempts = attempts + 1, started_at = now()
                 WHERE id = $1::text::uuid AND state IN ('queued', 'running') AND deadline > now()
                 RETURNING id, owner, circuit, witness, attempts, (extract(epoch FROM now() - created_at) * 1000)::bigint AS waited_ms)
             SELECT owner, circuit, witness::bytea AS witness, attempts, waited_ms,
                    pg_notify($2, json_build_object('id', id, 'state', 'running')::text)::text AS notified
             FROM started",
        )
        .bind(id)
        .bind(JOB_CHANNEL)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            Ok(StartedJob {
                owner: row.get("owner"),
                circuit: row.get("circuit"),
                witness: row.get("witness"),
                attempts: count(&row, "attempts")?,
                waited_ms: row.get("waited_ms"),
            })
        })
        .transpose()
    }

    /// Puts a running job back into the queue for another attempt, in the caller's transaction.
    /// Returns `false` and changes nothing if the job isn't running. The queue engine's entry for
    /// the attempt belongs into the same transaction.
    pub async fn requeue_job(connection: &mut JobConnection, id: &str) -> Result<bool, StoreError> {
        let requeued =
            sqlx::query("UPDATE jobs SET state = 'queued' WHERE id = $1::text::uuid AND state = 'running'")
                .bind(id)
                .execute(connection)
                .await?;
        Ok(requeued.rows_affected() == 1)
    }

    /// Stores the result of a job and deletes its witness. Returns `false` and changes nothing if
    /// the job has ended already: the first result is final.
    pub async fn finish_job(&self, id: &str, result: &JobResult<'_>) -> Result<bool, StoreError> {
        let mut connection = self.pool.acquire().await?;
        Self::finish_job_in(&mut connection, id, result).await
    }

    /// Does the same as [`finish_job`](Self::finish_job), in the caller's transaction.
    pub async fn finish_job_in(
        connection: &mut JobConnection,
        id: &str,
        result: &JobResult<'_>,
    ) -> Result<bool, StoreError> {
        let (state, answer, error) = match *result {
            JobResult::Succeeded(answer) => (JobState::Succeeded, Some(answer), None),
            JobResult::Failed { code, detail } => (JobState::Failed, None, Some((code, detail))),
            JobResult::Cancelled => (JobState::Cancelled, None, None),
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
        .fetch_optional(connection)
        .await?;
        Ok(ended.is_some())
    }

    /// Returns a job. `None` if there is no job with this id.
    pub async fn job(&self, id: &str) -> Result<Option<Job>, StoreError> {
        let row = sqlx::query(select_jobs!("WHERE id = $1::text::uuid"))
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| job(&row)).transpose()
    }

    /// Returns at most `limit` jobs of an owner, the newest first: those created before the job
    /// `before`, and in this state, if they are given. The ids of jobs are UUIDs of version 7,
    /// whose order is that of their creation.
    pub async fn jobs_of_owner(
        &self,
        owner: &str,
        before: Option<&str>,
        state: Option<JobState>,
        limit: u32,
    ) -> Result<Vec<Job>, StoreError> {
        // Each form of the query has an index, so that it reads only the rows that it returns.
        let rows = match state {
            None => sqlx::query(select_jobs!(
                "WHERE owner = $1 AND id < coalesce($2::text::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                 ORDER BY jobs.id DESC LIMIT $3"
            )),
            Some(_) => sqlx::query(select_jobs!(
                "WHERE owner = $1 AND id < coalesce($2::text::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                   AND state = $4::text
                 ORDER BY jobs.id DESC LIMIT $3"
            )),
        };
        let rows = rows.bind(owner).bind(before).bind(i64::from(limit));
        let rows = match state {
            None => rows,
            Some(state) => rows.bind(state.as_str()),
        };
        let rows = rows.fetch_all(&self.pool).await?;
        rows.iter().map(job).collect()
    }

    /// Returns at most `limit` failed jobs, the newest first.
    pub async fn failed_jobs(&self, limit: u32) -> Result<Vec<Job>, StoreError> {
        let rows = sqlx::query(select_jobs!(
            "WHERE state = 'failed' ORDER BY ended_at DESC, jobs.id DESC LIMIT $1"
        ))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(job).collect()
    }

    /// Fails at most `limit` queued and running jobs whose deadline has passed, with this error, in
    /// the caller's transaction. Skips jobs that another transaction changes at this moment.
    /// Returns the failed jobs. The removal of their entries in the queue engine's tables belongs
    /// into the same transaction: see [`remove_engine_entries`](Self::remove_engine_entries).
    pub async fn expire_jobs(
        connection: &mut JobConnection,
        code: &str,
        detail: &str,
        limit: u32,
    ) -> Result<Vec<ExpiredJob>, StoreError> {
        let expired = sqlx::query(
            "WITH ended AS (
                 UPDATE jobs SET state = 'failed', error_code = $1, error_detail = $2, ended_at = now(), witness = NULL
                 WHERE id IN (SELECT id FROM jobs WHERE state IN ('queued', 'running') AND deadline <= now()
                              ORDER BY deadline LIMIT $4 FOR UPDATE SKIP LOCKED)
                 RETURNING id, owner)
             SELECT id::text AS id, owner, pg_notify($3, json_build_object('id', id, 'state', 'failed')::text)::text AS notified
             FROM ended",
        )
        .bind(code)
        .bind(detail)
        .bind(JOB_CHANNEL)
        .bind(i64::from(limit))
        .fetch_all(connection)
        .await?;
        let expired = expired.iter().map(|row| ExpiredJob {
            id: row.get("id"),
            owner: row.get("owner"),
        });
        Ok(expired.collect())
    }

    /// Deletes at most `limit` jobs that ended more than `seconds` ago, the oldest first. Returns
    /// their number.
    pub async fn delete_old_jobs(&self, seconds: i64, limit: u32) -> Result<u64, StoreError> {
        let deleted = sqlx::query(
            "DELETE FROM jobs WHERE id IN (
                 SELECT id FROM jobs WHERE ended_at < now() - $1::bigint * interval '1 second'
                 ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        )
        .bind(seconds)
        .bind(i64::from(limit))
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected())
    }

    /// Deletes at most `limit` ended jobs of owners who have more than `max_by_owner` of them. The
    /// newest `max_by_owner` jobs of each owner stay. Returns the number of deleted jobs.
    ///
    /// The cost grows with the ended jobs of the owners that it looks at. `ended_within_seconds`
    /// makes it look only at owners of whom a job has ended in this time. `None` looks at all
    /// owners.
    pub async fn delete_excess_jobs(
        &self,
        max_by_owner: u64,
        limit: u32,
        ended_within_seconds: Option<i64>,
    ) -> Result<u64, StoreError> {
        let deleted = sqlx::query(
            // An index has the owners and their ended jobs, so this reads one entry for each owner
            // and the newest $1 of it, and no rows. Instances delete at the same time. Rows that
            // another one deletes are skipped, so that instances don't wait for each other.
            "WITH RECURSIVE every_owner AS (
                 (SELECT owner FROM jobs WHERE ended_at IS NOT NULL ORDER BY owner LIMIT 1)
                 UNION ALL
                 SELECT (SELECT owner FROM jobs WHERE ended_at IS NOT NULL AND owner > previous.owner
                         ORDER BY owner LIMIT 1)
                 FROM every_owner AS previous WHERE previous.owner IS NOT NULL),
             owners AS (
                 SELECT owner FROM every_owner WHERE $3::bigint IS NULL
                 UNION
                 SELECT owner FROM jobs WHERE ended_at > now() - $3::bigint * interval '1 second')
             DELETE FROM jobs WHERE id IN (
                 SELECT id FROM jobs WHERE id IN (
                     SELECT excess.id FROM owners, LATERAL (
                         SELECT id FROM jobs WHERE jobs.owner = owners.owner AND ended_at IS NOT NULL
                         ORDER BY ended_at DESC, id DESC OFFSET $1 LIMIT $2) AS excess
                     LIMIT $2)
                 FOR UPDATE SKIP LOCKED)",
        )
        .bind(i64::try_from(max_by_owner).unwrap_or(i64::MAX))
        .bind(i64::from(limit))
        .bind(ended_within_seconds)
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected())
    }

    /// Returns whether a job that was created before this time, in Unix milliseconds, is queued or
    /// running and has not exceeded its deadline.
    pub async fn has_live_jobs_created_before(&self, time_ms: i64) -> Result<bool, StoreError> {
        let exists = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM jobs WHERE state IN ('queued', 'running') AND deadline > now()
                            AND created_at <= to_timestamp($1::float8 / 1000))",
        )
        .bind(time_ms)
        .fetch_one(&self.pool)
        .await?;
        Ok(exists)
    }

    /// Returns the time of the database's clock in Unix milliseconds.
    pub async fn clock_ms(&self) -> Result<i64, StoreError> {
        let now = sqlx::query_scalar("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
            .fetch_one(&self.pool)
            .await?;
        Ok(now)
    }
}

fn job(row: &PgRow) -> Result<Job, StoreError> {
    let code: Option<String> = row.get("error_code");
    let error = code.zip(row.get("error_detail"));
    Ok(Job {
        id: row.get("id"),
        owner: row.get("owner"),
        circuit: row.get("circuit"),
        priority: u8::try_from(count(row, "priority")?).unwrap_or(u8::MAX),
        state: JobState::parse(row.get("state"))?,
        attempts: count(row, "attempts")?,
        answer: row.get("answer"),
        error: error.map(|(code, detail)| JobError { code, detail }),
        created_at_ms: row.get("created_at_ms"),
        ended_at_ms: row.get("ended_at_ms"),
    })
}

async fn find_repeated(
    connection: &mut JobConnection,
    owner: &str,
    idempotency_key: Option<&str>,
    request_hash: &[u8; 32],
) -> Result<Option<Enqueued>, StoreError> {
    let row = sqlx::query(
        "SELECT id::text AS id, coalesce(request_hash = $3, true) AS same_request
         FROM jobs WHERE owner = $1 AND idempotency_key = $2",
    )
    .bind(owner)
    .bind(idempotency_key)
    .bind(request_hash.as_slice())
    .fetch_optional(connection)
    .await?;
    Ok(row.as_ref().and_then(repeated))
}

/// Converts a row of a job that a request may repeat. Without an id, there is no such job.
fn repeated(row: &PgRow) -> Option<Enqueued> {
    let id: String = row.get::<Option<String>, _>("id")?;
    Some(if row.get("same_request") {
        Enqueued::Existing { id }
    } else {
        Enqueued::KeyReused
    })
}

fn count(row: &PgRow, column: &str) -> Result<u16, StoreError> {
    u16::try_from(row.get::<i16, _>(column)).map_err(|_| StoreError::Damaged(format!("{column} is negative")))
}

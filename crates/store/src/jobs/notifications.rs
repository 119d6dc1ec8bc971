//! Notifications about jobs: NOTIFY and LISTEN on [`JOB_CHANNEL`].

use sqlx::postgres::PgListener;

use crate::{Store, StoreError};

/// The channel of notifications about jobs and about requests in progress.
pub(super) const JOB_CHANNEL: &str = "bauta_jobs";

/// A connection that receives the notifications of all processes.
pub struct JobListener(PgListener);

impl JobListener {
    /// Returns the payload of the next notification. `None` if the connection was lost: connect
    /// again, and expect that notifications are missing. Dropping the future loses no notification.
    pub async fn next(&mut self) -> Result<Option<String>, StoreError> {
        let notification = self.0.try_recv().await?;
        Ok(notification.map(|notification| notification.payload().to_owned()))
    }
}

impl Store {
    /// Opens a connection that listens for notifications about jobs.
    pub async fn listen_to_jobs(&self) -> Result<JobListener, StoreError> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        // An automatic reconnection would hide that notifications were lost.
        listener.eager_reconnect(false);
        listener.listen(JOB_CHANNEL).await?;
        Ok(JobListener(listener))
    }

    /// Sends a payload to all listeners. Postgres limits a payload to less than 8,000 bytes.
    pub async fn notify_listeners(&self, payload: &str) -> Result<(), StoreError> {
        sqlx::query("SELECT pg_notify($1, $2)::text")
            .bind(JOB_CHANNEL)
            .bind(payload)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Announces the progress of a running job (0 to 1) and the estimated time to its end in
    /// milliseconds. Writes no row.
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

    /// Notifies a channel, with an empty payload, if a job is queued. The queue engine has its own
    /// channel, on which its workers wait for jobs.
    pub async fn notify_if_jobs_queued(&self, channel: &str) -> Result<(), StoreError> {
        sqlx::query("SELECT pg_notify($1, '')::text WHERE EXISTS (SELECT FROM jobs WHERE state = 'queued')")
            .bind(channel)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

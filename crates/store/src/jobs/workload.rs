//! What the workers of the queue have to do. The prover service measures it and announces it to the
//! instances of all services, so that they compute the same estimates.

use std::time::Duration;

use sqlx::postgres::PgListener;

use super::notifications::JOB_CHANNEL;
use super::{JobRates, JobState};
use crate::{Store, StoreError};

/// The channel on which workloads are announced.
const WORKLOAD_CHANNEL: &str = "bauta_workload";
/// Share of its time that a worker should be busy.
const TARGET_UTILISATION: f64 = 0.7;

/// What the workers have to do.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub struct Workload {
    /// Workers with a recent heartbeat.
    pub workers: u32,
    /// Recommended number of workers.
    pub recommended: u32,
    /// Number of jobs that all workers run at the same time.
    pub parallel_jobs: u32,
    /// Jobs that wait for a worker.
    pub queued: u64,
    /// Recent rates of jobs.
    pub rates: JobRates,
}

impl Workload {
    /// Computes the workload of workers that each run `concurrency` jobs at the same time.
    #[must_use]
    pub fn new(workers: usize, concurrency: usize, queued: u64, rates: JobRates) -> Self {
        let bounded = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            workers: bounded(workers),
            recommended: bounded(recommended_workers(&rates, concurrency)),
            parallel_jobs: bounded(workers.saturating_mul(concurrency)),
            queued,
            rates,
        }
    }

    /// Estimates the time until a job in this state ends, if all queued jobs run before it. `None`
    /// if no job succeeded recently.
    #[must_use]
    pub fn expected(&self, state: JobState) -> Option<Duration> {
        let rounds = match state {
            JobState::Queued => self.queued.div_ceil(u64::from(self.parallel_jobs.max(1))) + 1,
            _ => 1,
        };
        let rounds = u32::try_from(rounds).unwrap_or(u32::MAX);
        let service_time = Duration::try_from_secs_f64(self.rates.service_seconds).ok();
        let service_time = service_time.filter(|time| *time > Duration::ZERO)?;
        Some(service_time.saturating_mul(rounds))
    }

    fn to_payload(self) -> String {
        let Self {
            workers,
            recommended,
            parallel_jobs,
            queued,
            rates,
        } = self;
        let JobRates {
            arrivals_per_second,
            service_seconds,
        } = rates;
        format!("{workers} {recommended} {parallel_jobs} {queued} {arrivals_per_second} {service_seconds}")
    }

    /// Reads a payload. A later version can add numbers at the end. `None` if it has another form.
    fn from_payload(payload: &str) -> Option<Self> {
        let mut numbers = payload.split(' ');
        let rate = |text: Option<&str>| text?.parse().ok().filter(|rate: &f64| rate.is_finite());
        Some(Self {
            workers: numbers.next()?.parse().ok()?,
            recommended: numbers.next()?.parse().ok()?,
            parallel_jobs: numbers.next()?.parse().ok()?,
            queued: numbers.next()?.parse().ok()?,
            rates: JobRates {
                arrivals_per_second: rate(numbers.next())?,
                service_seconds: rate(numbers.next())?,
            },
        })
    }
}

/// Computes the recommended number of workers. By Little's law, the mean number of running jobs is
/// the arrival rate times the service time. Workers should be busy for 70 % of their time, because
/// queues grow at higher utilisation.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a recommendation, from positive numbers"
)]
fn recommended_workers(rates: &JobRates, concurrency: usize) -> usize {
    let running = rates.arrivals_per_second * rates.service_seconds;
    ((running / (concurrency as f64 * TARGET_UTILISATION)).ceil() as usize).max(1)
}

/// What a [`QueueListener`] receives.
#[derive(Clone, PartialEq, Debug)]
pub enum QueueNotice {
    /// A job changed its state or made progress: the JSON of the channel `bauta_jobs`.
    Job(String),
    /// The workload changed.
    Workload(Workload),
}

/// A connection that receives what is announced about jobs and workers.
pub struct QueueListener(PgListener);

impl QueueListener {
    /// Returns the next notice. `None` if the connection was lost: connect again, and expect that
    /// notices are missing. Dropping the future loses no notice.
    pub async fn next(&mut self) -> Result<Option<QueueNotice>, StoreError> {
        while let Some(notification) = self.0.try_recv().await? {
            let payload = notification.payload();
            if notification.channel() == JOB_CHANNEL {
                return Ok(Some(QueueNotice::Job(payload.to_owned())));
            }
            if let Some(workload) = Workload::from_payload(payload) {
                return Ok(Some(QueueNotice::Workload(workload)));
            }
        }
        Ok(None)
    }
}

impl Store {
    /// Opens a connection that listens for what is announced about jobs and workers.
    pub async fn listen_to_queue(&self) -> Result<QueueListener, StoreError> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        // An automatic reconnection would hide that notifications were lost.
        listener.eager_reconnect(false);
        listener.listen_all([JOB_CHANNEL, WORKLOAD_CHANNEL]).await?;
        Ok(QueueListener(listener))
    }

    /// Announces the workload to the instances of all services. Writes no row.
    pub async fn announce_workload(&self, workload: Workload) -> Result<(), StoreError> {
        sqlx::query("SELECT pg_notify($1, $2)::text")
            .bind(WORKLOAD_CHANNEL)
            .bind(workload.to_payload())
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: JobRates = JobRates {
        arrivals_per_second: 7.0,
        service_seconds: 0.25,
    };

    #[test]
    fn workers_are_recommended_for_70_percent_of_their_time() {
        // 1.75 jobs run on average.
        assert_eq!(Workload::new(1, 1, 0, RATES).recommended, 3);
        assert_eq!(Workload::new(1, 2, 0, RATES).recommended, 2);
        assert_eq!(Workload::new(0, 4, 0, JobRates::default()).recommended, 1);
    }

    #[test]
    fn a_queued_job_is_expected_after_all_that_wait() {
        let workload = Workload::new(2, 2, 9, RATES);
        assert_eq!(
            workload.expected(JobState::Running),
            Some(Duration::from_millis(250))
        );
        // Four jobs at a time: three rounds for nine jobs, and its own.
        assert_eq!(workload.expected(JobState::Queued), Some(Duration::from_secs(1)));
        let unknown = Workload::new(2, 2, 9, JobRates::default());
        assert_eq!(unknown.expected(JobState::Queued), None);
    }

    #[test]
    fn a_workload_is_read_as_it_was_announced_and_another_text_is_none() {
        let workload = Workload::new(3, 2, 5, RATES);
        assert_eq!(Workload::from_payload(&workload.to_payload()), Some(workload));
        let later = format!("{} 8", workload.to_payload());
        assert_eq!(Workload::from_payload(&later), Some(workload));
        for text in ["", "1 2 3 4 5", "1 2 3 4 inf 1", "1 2 3 4 1 NaN", "-1 2 3 4 5 6"] {
            assert_eq!(Workload::from_payload(text), None, "{text}");
        }
    }
}

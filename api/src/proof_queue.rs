//! The queue of the prover service, as operators see it.
//!
//! ```text
//!   an operator reads --> connection that listens, until nobody has read for a minute
//!                               |
//!   prover service: NOTIFY ---->+--> progress of running jobs, workload of the workers
//! ```
//!
//! The numbers and lists come from the database. Only progress and workload, which no table has,
//! come from notifications. So instances that no operator reads from do not handle those of every
//! proof. Until the first notification, progress and workload are unknown.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bauta_service_common::Service;
use bauta_store::{QueueNotice, Store, StoreError, Workload};
use serde::Deserialize;
use tokio::sync::Notify;

/// The connection stays for this time after the last read.
const IDLE: Duration = Duration::from_mins(1);
/// The time before a connection that was lost is opened again.
const PAUSE: Duration = Duration::from_secs(1);
/// A workload is used for this time. The prover service announces it every two seconds.
const MAX_WORKLOAD_AGE: Duration = Duration::from_secs(15);
/// Largest number of running jobs whose progress is kept.
const MAX_RUNNING: usize = 10_000;

/// The progress of a running job.
#[derive(Clone, PartialEq, Debug)]
pub struct Progress {
    /// The stage.
    pub stage: String,
    /// The completed share, from 0 to 1.
    pub fraction: f64,
    /// Estimated milliseconds until the end.
    pub eta_ms: Option<u64>,
}

/// What was announced about the queue.
#[derive(Default)]
pub struct ProofQueue {
    known: Mutex<Known>,
    /// Notified by each read.
    wanted: Notify,
}

#[derive(Default)]
struct Known {
    running: HashMap<String, Progress>,
    workload: Option<(Instant, Workload)>,
}

/// A notification about a job. Those about other things have other fields.
#[derive(Deserialize)]
struct Notification {
    id: String,
    state: String,
    stage: Option<String>,
    progress: Option<f64>,
    eta_ms: Option<u64>,
}

impl ProofQueue {
    /// Starts the task that listens while operators read.
    pub fn start(store: Store, service: &Service) -> Arc<Self> {
        let queue = Arc::new(Self::default());
        let (task, shutdown) = (queue.clone(), service.shutdown());
        service.spawn("the notifications of the proof queue", async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = task.follow(&store) => {}
            }
            Ok::<_, Infallible>(())
        });
        queue
    }

    /// Returns the progress of a running job, if it is known.
    pub fn progress(&self, id: &str) -> Option<Progress> {
        self.wanted.notify_one();
        self.known().running.get(id).cloned()
    }

    /// Returns what the workers have to do, if a prover service has announced it recently.
    pub fn workload(&self) -> Option<Workload> {
        self.wanted.notify_one();
        let (at, workload) = self.known().workload?;
        (at.elapsed() < MAX_WORKLOAD_AGE).then_some(workload)
    }

    async fn follow(&self, store: &Store) {
        loop {
            self.wanted.notified().await;
            if let Err(error) = self.listen(store).await {
                tracing::debug!(event = "queue_not_followed", %error);
            }
            // What is announced from now on is missing.
            *self.known() = Known::default();
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Listens until nobody has read for some time, or the connection is lost.
    async fn listen(&self, store: &Store) -> Result<(), StoreError> {
        let mut listener = store.listen_to_queue().await?;
        let mut idle = Box::pin(tokio::time::sleep(IDLE));
        loop {
            tokio::select! {
                () = &mut idle => return Ok(()),
                () = self.wanted.notified() => idle.set(tokio::time::sleep(IDLE)),
                notice = listener.next() => match notice? {
                    Some(QueueNotice::Job(text)) => self.known().note(&text),
                    Some(QueueNotice::Workload(workload)) => {
                        self.known().workload = Some((Instant::now(), workload));
                    }
                    None => return Ok(()),
                },
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn note(&mut self, text: &str) {
        let Ok(notification) = serde_json::from_str::<Notification>(text) else {
            return;
        };
        if notification.state != "running" {
            self.running.remove(&notification.id);
            return;
        }
        let (Some(stage), Some(fraction)) = (notification.stage, notification.progress) else {
            return;
        };
        if self.running.len() >= MAX_RUNNING && !self.running.contains_key(&notification.id) {
            return;
        }
        let progress = Progress {
            stage,
            fraction: fraction.clamp(0.0, 1.0),
            eta_ms: notification.eta_ms,
        };
        self.running.insert(notification.id, progress);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proving(id: usize, progress: f64) -> String {
        format!(
            r#"{{"id": "{id}", "state": "running", "stage": "proving", "progress": {progress}, "eta_ms": 20}}"#
        )
    }

    #[test]
    fn progress_is_kept_while_a_job_runs() {
        let mut known = Known::default();
        known.note(r#"{"id": "1", "state": "running"}"#);
        assert!(known.running.is_empty(), "without progress");
        known.note(&proving(1, 0.25));
        known.note(&proving(1, 0.75));
        let progress = Progress {
            stage: "proving".to_owned(),
            fraction: 0.75,
            eta_ms: Some(20),
        };
        assert_eq!(known.running.get("1"), Some(&progress));
        for other in ["", "[]", r#"{"request": {}, "news": {}}"#, r#"{"ask": {}}"#] {
            known.note(other);
        }
        assert_eq!(known.running.len(), 1);
        known.note(r#"{"id": "1", "state": "succeeded"}"#);
        assert!(known.running.is_empty());
    }

    #[test]
    fn the_progress_of_a_bounded_number_of_jobs_is_kept() {
        let mut known = Known::default();
        for id in 0..=MAX_RUNNING {
            known.note(&proving(id, 0.5));
        }
        known.note(&proving(0, 1.0));
        assert_eq!(known.running.len(), MAX_RUNNING);
        assert!((known.running["0"].fraction - 1.0).abs() < 1e-9);
    }
}

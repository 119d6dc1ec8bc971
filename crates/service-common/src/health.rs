//! Readiness: named checks, each with the reason if it fails.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use futures_util::future::join_all;
use serde::Serialize;
use tokio::{sync::Mutex, time::Instant};

use crate::metrics;

/// A check that takes longer fails.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Time for which a report is returned again. However often a client requests `/ready`, the checks
/// run at most once in this time.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Check {
    /// The dependency works.
    Ok,
    /// The service works, but a part of it is unavailable.
    Degraded {
        /// What is unavailable, and why.
        reason: String,
    },
    /// The service can't do its work.
    Failed {
        /// The cause.
        reason: String,
    },
}

impl Check {
    /// Converts a result: `Ok`, or `Failed` with the error as the reason.
    pub fn required(outcome: Result<(), impl ToString>) -> Self {
        match outcome {
            Ok(()) => Self::Ok,
            Err(error) => Self::Failed {
                reason: error.to_string(),
            },
        }
    }
}

/// The response of `/ready`.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// `ready`, `degraded` or `not_ready`.
    pub status: &'static str,
    /// The result of each check, by name.
    pub checks: BTreeMap<&'static str, Check>,
}

impl Report {
    /// Returns whether the service should receive requests.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.status != "not_ready"
    }
}

type Probe = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Check> + Send>> + Send + Sync>;

/// A service's checks. Cheap to clone: all clones share the same checks.
#[derive(Clone, Default)]
pub struct Health {
    probes: Arc<RwLock<Vec<(&'static str, Probe)>>>,
    latest: Arc<Mutex<Option<Latest>>>,
}

struct Latest {
    at: Instant,
    report: Report,
}

impl Health {
    /// Adds a check. All checks run concurrently. A check that takes longer than two seconds fails.
    /// The reason of a check that fails is in the response of `/ready`, so it must not contain the
    /// error of a dependency: log that.
    pub fn add<F>(&self, name: &'static str, probe: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = Check> + Send + 'static,
    {
        let probe: Probe = Arc::new(move || Box::pin(probe()));
        self.probes
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push((name, probe));
    }

    /// Returns the results of all checks. They are at most a second old: concurrent callers share
    /// one run of the checks. A run continues if its caller is dropped, so a client that
    /// disconnects early doesn't cause further runs.
    pub async fn report(&self) -> Report {
        let mut latest = self.latest.clone().lock_owned().await;
        let probes = self.probes.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(Latest { at, report }) = &*latest
            && at.elapsed() < MAX_AGE
            && report.checks.len() == probes.len()
        {
            return report.clone();
        }
        let running = tokio::spawn(async move {
            let report = run(probes).await;
            let at = Instant::now();
            *latest = Some(Latest {
                at,
                report: report.clone(),
            });
            report
        });
        running.await.unwrap_or_else(|_| Report {
            status: "not_ready",
            checks: BTreeMap::new(),
        })
    }
}

/// Runs checks, and records each result in the metric [`metrics::CHECK_UP`].
async fn run(probes: Vec<(&'static str, Probe)>) -> Report {
    let outcomes = probes.into_iter().map(|(name, probe)| async move {
        let check = tokio::time::timeout(TIMEOUT, probe())
            .await
            .unwrap_or(Check::Failed {
                reason: format!("no answer within {} s", TIMEOUT.as_secs()),
            });
        (name, check)
    });
    let checks: BTreeMap<_, _> = join_all(outcomes).await.into_iter().collect();
    for (name, check) in &checks {
        let up = if *check == Check::Ok { 1.0 } else { 0.0 };
        ::metrics::gauge!(metrics::CHECK_UP, "check" => *name).set(up);
    }
    // Without checks, the service is still starting.
    let failed = |check: &Check| matches!(check, Check::Failed { .. });
    let status = if checks.is_empty() || checks.values().any(failed) {
        "not_ready"
    } else if checks.values().all(|check| *check == Check::Ok) {
        "ready"
    } else {
        "degraded"
    };
    Report { status, checks }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_service_without_checks_is_not_ready() {
        let health = Health::default();
        assert!(!health.report().await.is_ready());
        health.add("database", || async { Check::Ok });
        assert!(health.report().await.is_ready());
    }

    #[tokio::test]
    async fn reports_within_a_second_share_one_run_of_the_checks() {
        let (health, runs) = (Health::default(), Arc::new(AtomicUsize::new(0)));
        let counter = runs.clone();
        health.add("database", move || {
            counter.fetch_add(1, Ordering::Relaxed);
            async { Check::Ok }
        });
        join_all((0..100).map(|_| health.report())).await;
        assert_eq!(runs.load(Ordering::Relaxed), 1);
        // As if the report were a second old.
        health.latest.lock().await.as_mut().unwrap().at -= MAX_AGE;
        health.report().await;
        assert_eq!(runs.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_caller_that_is_dropped_does_not_cause_another_run_of_the_checks() {
        let (health, runs) = (Health::default(), Arc::new(AtomicUsize::new(0)));
        let (counter, finish) = (runs.clone(), Arc::new(tokio::sync::Notify::new()));
        let finished = finish.clone();
        health.add("database", move || {
            counter.fetch_add(1, Ordering::Relaxed);
            let finished = finished.clone();
            async move {
                finished.notified().await;
                Check::Ok
            }
        });
        for _ in 0..3 {
            let impatient = tokio::time::timeout(Duration::from_millis(10), health.report());
            assert!(impatient.await.is_err());
        }
        finish.notify_one();
        assert!(health.report().await.is_ready());
        assert_eq!(runs.load(Ordering::Relaxed), 1);
    }
}

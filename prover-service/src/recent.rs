//! Statistics of the most recent proofs, for the snapshot route. Prometheus computes its own.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::time;
use bauta_wire::prover::RecentFigures;

/// Number of proofs that are kept.
const CAPACITY: usize = 1024;

/// The durations of the most recent proofs, including the time in the queue. A failed proof is
/// `None`.
#[derive(Default)]
pub struct RecentProofs(Mutex<VecDeque<Option<Duration>>>);

impl RecentProofs {
    /// Records a proof that ended. A failed proof has no duration.
    pub fn record(&self, duration: Option<Duration>) {
        let mut ended = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.len() == CAPACITY {
            ended.pop_front();
        }
        ended.push_back(duration);
    }

    /// Computes the statistics.
    #[allow(clippy::cast_precision_loss, reason = "at most 1,024")]
    pub fn figures(&self) -> RecentFigures {
        let ended = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut durations: Vec<Duration> = ended.iter().flatten().copied().collect();
        durations.sort_unstable();
        let milliseconds = time::fraction_of_milliseconds;
        let at = |percent| percentile(&durations, percent).map(milliseconds);
        let total: Duration = durations.iter().sum();
        let average = u32::try_from(durations.len())
            .ok()
            .and_then(|count| total.checked_div(count));
        RecentFigures {
            proofs: ended.len(),
            success_rate: if ended.is_empty() {
                1.0
            } else {
                durations.len() as f64 / ended.len() as f64
            },
            average_duration_ms: average.map(milliseconds),
            p50_ms: at(50),
            p95_ms: at(95),
            p99_ms: at(99),
        }
    }
}

/// Returns the nearest-rank percentile of sorted durations. Returns `None` for an empty list.
pub fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank_and_ignore_failed_proofs() {
        let recent = RecentProofs::default();
        assert_eq!(recent.figures().p50_ms, None);
        for milliseconds in (1..=100).rev() {
            recent.record(Some(Duration::from_millis(milliseconds)));
        }
        let figures = recent.figures();
        assert_eq!(
            (figures.p50_ms, figures.p95_ms, figures.p99_ms),
            (Some(50.0), Some(95.0), Some(99.0))
        );
        assert_eq!(figures.average_duration_ms, Some(50.5));
        for _ in 0..100 {
            recent.record(None);
        }
        assert!((recent.figures().success_rate - 0.5).abs() < 1e-9);
        assert_eq!(recent.figures().p99_ms, Some(99.0));
    }

    #[test]
    fn only_the_most_recent_proofs_are_kept() {
        let recent = RecentProofs::default();
        for _ in 0..CAPACITY {
            recent.record(None);
        }
        for _ in 0..CAPACITY {
            recent.record(Some(Duration::from_millis(1)));
        }
        let figures = recent.figures();
        assert_eq!(figures.proofs, CAPACITY);
        assert!((figures.success_rate - 1.0).abs() < 1e-9);
    }
}

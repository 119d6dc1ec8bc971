//! The newest proofs, for figures that a person asks for. Prometheus has its own.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::Serialize;
use utoipa::ToSchema;

use crate::time;

/// How many are kept.
const KEPT: usize = 1024;

/// How the newest proofs ended, and how long each took, waiting included; none for a failed one.
#[derive(Default)]
pub struct Recent(Mutex<VecDeque<Option<Duration>>>);

/// Figures of the newest proofs, at most 1,024.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecentFigures {
    /// How many they are.
    pub proofs: usize,
    /// Share that succeeded, 0 to 1; 1 if there are none.
    pub success_rate: f64,
    /// Milliseconds, waiting included; of those that succeeded, none if there are none.
    pub average_duration_ms: Option<f64>,
    /// The median.
    pub p50_ms: Option<f64>,
    /// 95 of 100 took no longer.
    pub p95_ms: Option<f64>,
    /// 99 of 100 took no longer.
    pub p99_ms: Option<f64>,
}

impl Recent {
    /// A proof ended.
    pub fn note(&self, duration: Option<Duration>) {
        let mut ended = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.len() == KEPT {
            ended.pop_front();
        }
        ended.push_back(duration);
    }

    /// What they say.
    #[allow(clippy::cast_precision_loss, reason = "at most 1,024")]
    pub fn figures(&self) -> RecentFigures {
        let ended = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut durations: Vec<Duration> = ended.iter().flatten().copied().collect();
        durations.sort_unstable();
        let milliseconds = time::fraction_of_milliseconds;
        let at = |hundredths| percentile(&durations, hundredths);
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
            p50_ms: at(50).map(milliseconds),
            p95_ms: at(95).map(milliseconds),
            p99_ms: at(99).map(milliseconds),
        }
    }
}

/// The least of these, which are sorted, that so many of a hundred don't exceed. None if there are none.
pub fn percentile(sorted: &[Duration], hundredths: usize) -> Option<Duration> {
    let place = (sorted.len() * hundredths).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_the_least_that_so_many_dont_exceed() {
        let recent = Recent::default();
        assert_eq!(recent.figures().p50_ms, None);
        for milliseconds in (1..=100).rev() {
            recent.note(Some(Duration::from_millis(milliseconds)));
        }
        let figures = recent.figures();
        assert_eq!(
            (figures.p50_ms, figures.p95_ms, figures.p99_ms),
            (Some(50.0), Some(95.0), Some(99.0))
        );
        assert_eq!(figures.average_duration_ms, Some(50.5));
        for _ in 0..100 {
            recent.note(None);
        }
        assert!((recent.figures().success_rate - 0.5).abs() < 1e-9);
        assert_eq!(recent.figures().p99_ms, Some(99.0));
    }

    #[test]
    fn only_the_newest_are_kept() {
        let recent = Recent::default();
        for _ in 0..KEPT {
            recent.note(None);
        }
        for _ in 0..KEPT {
            recent.note(Some(Duration::from_millis(1)));
        }
        let figures = recent.figures();
        assert_eq!(figures.proofs, KEPT);
        assert!((figures.success_rate - 1.0).abs() < 1e-9);
    }
}

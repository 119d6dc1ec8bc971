//! Series of counts: one element for each hour or day of a span, with small counts hidden.

use std::ops::Range;

use bauta_store::analytics::{Growth, Period, VerificationCounts};

use crate::threshold::hide_small;

/// Largest number of elements of a series.
const MAX_ELEMENTS: i64 = 1_000;
/// Number of days or hours of a series without `from`.
const DEFAULT_ELEMENTS: i64 = 30;
/// The last second of the year 9999.
const LAST_TIME: i64 = 253_402_300_799;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// Why two times are not a span.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// The time is before 1970 or after the year 9999.
    #[error("must be Unix seconds from 0 to {LAST_TIME}")]
    OutOfRange {
        /// The parameter: `from` or `to`.
        parameter: &'static str,
    },
    /// The span has no period.
    #[error("must be before `to`")]
    Empty,
    /// The span has too many periods.
    #[error("must be at most {MAX_ELEMENTS} hours or days before `to`")]
    TooLong,
}

impl SpanError {
    /// Returns the parameter that breaks its rule: `from` or `to`.
    pub const fn parameter(&self) -> &'static str {
        match self {
            Self::OutOfRange { parameter } => parameter,
            Self::Empty | Self::TooLong => "from",
        }
    }
}

/// A span of whole periods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    period: Period,
    times: Range<i64>,
}

impl Span {
    /// Returns the span of the whole hours or days that contain the times from `from` up to and
    /// without `to`. The default of `to` is `now`, and that of `from` is 30 periods earlier.
    pub fn new(period: Period, from: Option<i64>, to: Option<i64>, now: i64) -> Result<Self, SpanError> {
        let seconds = seconds(period);
        for (parameter, time) in [("from", from), ("to", to)] {
            if time.is_some_and(|time| !(0..=LAST_TIME).contains(&time)) {
                return Err(SpanError::OutOfRange { parameter });
            }
        }
        let to = to.unwrap_or(now);
        let end = to.div_euclid(seconds) * seconds + if to % seconds == 0 { 0 } else { seconds };
        let default = (end - DEFAULT_ELEMENTS * seconds).max(0);
        let start = from.map_or(default, |from| from / seconds * seconds);
        if start >= end || from.is_some_and(|from| from >= to) {
            return Err(SpanError::Empty);
        }
        if (end - start) / seconds > MAX_ELEMENTS {
            return Err(SpanError::TooLong);
        }
        Ok(Self {
            period,
            times: start..end,
        })
    }

    /// Returns the times that must be read: whole days, because the small counts of an hour are
    /// hidden together with those of its day.
    pub fn days(&self) -> Range<i64> {
        let end = self.times.end;
        let end = end / DAY * DAY + if end % DAY == 0 { 0 } else { DAY };
        self.times.start / DAY * DAY..end.min(LAST_TIME)
    }

    /// Returns the counts of each period of the span, from the known counts of [`Span::days`].
    /// Periods without a known count have 0.
    fn counts(&self, known: &[(i64, u64)], k: u64) -> Vec<Option<u64>> {
        let days = self.days();
        let step = seconds(self.period);
        let starts: Vec<i64> = (days.start..days.end)
            .step_by(usize::try_from(step).unwrap_or(1))
            .collect();
        let mut counts = vec![0; starts.len()];
        for (start, count) in known {
            if let Ok(index) = starts.binary_search(start) {
                counts[index] += count;
            }
        }
        // The counts of a day are parts of the total of the day, which is served as well.
        let parts = usize::try_from(DAY / step).unwrap_or(1);
        let shown = counts.chunks(parts).flat_map(|day| hide_small(day, k));
        starts
            .iter()
            .zip(shown)
            .filter(|(start, _)| self.times.contains(*start))
            .map(|(_, count)| count)
            .collect()
    }

    /// Returns the start of each period.
    fn starts(&self) -> impl Iterator<Item = i64> {
        let step = usize::try_from(seconds(self.period)).unwrap_or(1);
        self.times.clone().step_by(step)
    }
}

const fn seconds(period: Period) -> i64 {
    match period {
        Period::Hour => HOUR,
        Period::Day => DAY,
    }
}

/// The verifications of a period.
#[derive(Debug, PartialEq, Eq)]
pub struct VerificationsShown {
    /// Start of the period in Unix seconds.
    pub begins: i64,
    /// Number of verifications. `None` if it is small.
    pub verifications: Option<u64>,
    /// Number of refused reuses. `None` if it is small.
    pub refused: Option<u64>,
}

/// Returns the verifications of each period. Counts below `k` are hidden.
pub fn verifications(span: &Span, known: &[VerificationCounts], k: u64) -> Vec<VerificationsShown> {
    let counts = |of: fn(&VerificationCounts) -> u64| {
        let known: Vec<_> = known.iter().map(|counts| (counts.start, of(counts))).collect();
        span.counts(&known, k)
    };
    let verifications = counts(|counts| counts.verifications);
    let refused = counts(|counts| counts.refused);
    span.starts()
        .zip(verifications.into_iter().zip(refused))
        .map(|(begins, (verifications, refused))| VerificationsShown {
            begins,
            verifications,
            refused,
        })
        .collect()
}

/// The changes of a track in a day.
#[derive(Debug, PartialEq, Eq)]
pub struct GrowthShown {
    /// Start of the day in Unix seconds.
    pub begins: i64,
    /// Number of first registrations. `None` if it is small.
    pub registered: Option<u64>,
    /// Number of renewals. `None` if it is small.
    pub renewed: Option<u64>,
    /// Number of evictions. `None` if it is small.
    pub evicted: Option<u64>,
}

/// Returns the changes of each day. Counts below `k` are hidden.
pub fn growth(span: &Span, known: &[Growth], k: u64) -> Vec<GrowthShown> {
    let counts = |of: fn(&Growth) -> u64| {
        let known: Vec<_> = known.iter().map(|growth| (growth.start, of(growth))).collect();
        span.counts(&known, k)
    };
    let (registered, renewed) = (counts(|day| day.registered), counts(|day| day.renewed));
    let evicted = counts(|day| day.evicted);
    span.starts()
        .zip(registered)
        .zip(renewed.into_iter().zip(evicted))
        .map(|((begins, registered), (renewed, evicted))| GrowthShown {
            begins,
            registered,
            renewed,
            evicted,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 20_000 * DAY + 5 * HOUR + 1;

    fn span(period: Period, from: i64, to: i64) -> Span {
        Span::new(period, Some(from), Some(to), NOW).unwrap()
    }

    #[test]
    fn a_span_has_whole_periods_and_is_bounded() {
        let default = Span::new(Period::Day, None, None, NOW).unwrap();
        assert_eq!(default.times, 19_971 * DAY..20_001 * DAY);
        let hours = Span::new(Period::Hour, None, None, NOW).unwrap();
        assert_eq!(hours.times.end, 20_000 * DAY + 6 * HOUR);
        assert_eq!(hours.starts().count(), 30);
        assert_eq!(hours.days(), 19_999 * DAY..20_001 * DAY);
        assert_eq!(span(Period::Day, 1, 2).times, 0..DAY);
        for (from, to, field) in [
            (Some(-1), None, "from"),
            (None, Some(i64::MAX), "to"),
            (Some(5), Some(5), "from"),
            (Some(9), Some(5), "from"),
            (Some(0), Some(1_001 * DAY), "from"),
            (None, Some(0), "from"),
        ] {
            let error = Span::new(Period::Day, from, to, NOW).unwrap_err();
            assert_eq!(error.parameter(), field, "{from:?} {to:?}");
        }
        assert!(Span::new(Period::Day, Some(0), Some(1_000 * DAY), NOW).is_ok());
    }

    #[test]
    fn an_hour_is_hidden_if_the_total_of_its_day_would_show_a_small_one() {
        let counts = |start, verifications, refused| VerificationCounts {
            start,
            verifications,
            refused,
            small_anonymity_sets: 0,
            anonymity_set_min: None,
            anonymity_set_mean: None,
        };
        let known = [counts(0, 3, 0), counts(HOUR, 12, 0), counts(2 * HOUR, 40, 15)];
        let shown = verifications(&span(Period::Hour, 0, 3 * HOUR), &known, 10);
        let expected: Vec<_> = shown
            .iter()
            .map(|hour| (hour.verifications, hour.refused))
            .collect();
        assert_eq!(expected, [(None, None), (None, None), (Some(40), Some(15))]);
        // The same hour in a shorter span is hidden as well.
        let shown = verifications(&span(Period::Hour, HOUR, 2 * HOUR), &known, 10);
        assert_eq!((shown[0].begins, shown[0].verifications), (HOUR, None));
        let days = verifications(&span(Period::Day, 0, 2 * DAY), &[counts(0, 55, 15)], 10);
        assert_eq!(days[0].verifications, Some(55));
        assert_eq!((days[1].begins, days[1].verifications), (DAY, None));
    }

    #[test]
    fn small_changes_of_a_day_are_hidden() {
        let known = [Growth {
            start: DAY,
            registered: 10,
            renewed: 9,
            evicted: 0,
        }];
        let shown = growth(&span(Period::Day, 0, 2 * DAY), &known, 10);
        assert_eq!(shown.len(), 2);
        assert_eq!(shown[0].registered, None);
        assert_eq!(
            (shown[1].registered, shown[1].renewed, shown[1].evicted),
            (Some(10), None, None)
        );
    }
}

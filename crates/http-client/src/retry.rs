//! When a request is repeated.

use std::time::{Duration, Instant};

use crate::{HttpError, ServiceProblem};

/// The first delay of a repetition without `Retry-After`. It doubles up to the last.
const FIRST_DELAY: Duration = Duration::from_millis(250);
/// The last delay.
const LAST_DELAY: Duration = Duration::from_secs(8);
/// The code of a feature that the operator has switched off.
const FEATURE_DISABLED: &str = "feature_disabled";

/// How often a request is repeated, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Retries {
    /// Largest number of repetitions.
    pub most: u32,
    /// The longest time from the first request to the last repetition. A service that requires a
    /// longer delay is not called again: the error has its `Retry-After`.
    pub patience: Duration,
}

impl Default for Retries {
    /// Four repetitions within a minute.
    fn default() -> Self {
        Self {
            most: 4,
            patience: Duration::from_mins(1),
        }
    }
}

impl Retries {
    /// No repetitions.
    pub const NONE: Self = Self {
        most: 0,
        patience: Duration::ZERO,
    };
}

/// The repetitions of one request.
pub(crate) struct Schedule {
    left: u32,
    started: Instant,
    patience: Duration,
    next: Duration,
}

impl Schedule {
    pub(crate) fn new(retries: Retries) -> Self {
        Self {
            left: retries.most,
            started: Instant::now(),
            patience: retries.patience,
            next: FIRST_DELAY,
        }
    }

    /// Returns the delay until the next repetition after an error. `None` if the error is final.
    /// `repeatable` says whether a repetition of a request that had an effect is harmless.
    pub(crate) fn delay(&mut self, error: &HttpError, repeatable: bool) -> Option<Duration> {
        self.delay_after(self.started.elapsed(), error, repeatable)
    }

    fn delay_after(&mut self, elapsed: Duration, error: &HttpError, repeatable: bool) -> Option<Duration> {
        let required = match error {
            HttpError::Unreachable { .. } if repeatable => None,
            HttpError::Problem(problem) if is_temporary(problem, repeatable) => problem.retry_after,
            _ => return None,
        };
        let delay = required.unwrap_or(self.next);
        self.left = self.left.checked_sub(1)?;
        if elapsed.saturating_add(delay) > self.patience {
            return None;
        }
        self.next = (self.next * 2).min(LAST_DELAY);
        Some(delay)
    }
}

/// Returns whether a later request may succeed. A request that a rate limit refused had no effect.
fn is_temporary(problem: &ServiceProblem, repeatable: bool) -> bool {
    match problem.status {
        429 => true,
        502..=504 => repeatable && problem.code() != Some(FEATURE_DISABLED),
        _ => false,
    }
}

/// Reads the header `Retry-After` in seconds. A service of Bauta sends no dates.
pub(crate) fn retry_after(value: &str) -> Option<Duration> {
    value.parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use bauta_wire::api::ProblemDocument;

    use super::*;

    fn problem(status: u16, code: &str, retry_after: Option<u64>) -> HttpError {
        HttpError::Problem(Box::new(ServiceProblem {
            host: String::new(),
            status,
            retry_after: retry_after.map(Duration::from_secs),
            document: Some(ProblemDocument {
                r#type: String::new(),
                title: String::new(),
                status,
                code: code.to_owned(),
                detail: String::new(),
                field: None,
                rule: None,
                errors: None,
                reason: None,
                permission: None,
                roles: None,
                statement: None,
                request_id: String::new(),
            }),
        }))
    }

    #[test]
    fn retry_after_replaces_the_delay_and_must_end_within_the_patience() {
        let mut schedule = Schedule::new(Retries {
            most: 9,
            patience: Duration::from_secs(5),
        });
        let (busy, limited) = (
            problem(503, "behind", None),
            problem(429, "rate_limited", Some(3)),
        );
        let mut after = |seconds, error| schedule.delay_after(Duration::from_secs(seconds), error, true);
        assert_eq!(after(0, &busy), Some(Duration::from_millis(250)));
        assert_eq!(after(2, &limited), Some(Duration::from_secs(3)));
        assert_eq!(after(4, &busy), Some(Duration::from_secs(1)));
        assert_eq!(after(4, &limited), None);
        assert_eq!(after(6, &busy), None);
    }

    #[test]
    fn the_number_of_repetitions_is_bounded() {
        let mut schedule = Schedule::new(Retries::default());
        let limited = problem(429, "rate_limited", Some(0));
        for _ in 0..4 {
            assert_eq!(
                schedule.delay_after(Duration::ZERO, &limited, true),
                Some(Duration::ZERO)
            );
        }
        assert_eq!(schedule.delay_after(Duration::ZERO, &limited, true), None);
        assert_eq!(
            Schedule::new(Retries::NONE).delay_after(Duration::ZERO, &limited, true),
            None
        );
    }

    #[test]
    fn an_error_that_stays_and_a_request_with_an_effect_are_not_repeated() {
        let delay = |error: &HttpError, repeatable| {
            Schedule::new(Retries::default()).delay_after(Duration::ZERO, error, repeatable)
        };
        for error in [
            problem(400, "invalid_input", None),
            problem(403, "not_in_rollout", Some(1)),
            problem(500, "internal", None),
            problem(503, "feature_disabled", Some(1)),
        ] {
            assert_eq!(delay(&error, true), None, "{error}");
        }
        assert_eq!(delay(&problem(503, "behind", Some(1)), false), None);
        assert!(delay(&problem(429, "rate_limited", Some(1)), false).is_some());
    }

    #[test]
    fn a_date_is_no_delay() {
        assert_eq!(retry_after("7"), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT"), None);
        assert_eq!(retry_after("-1"), None);
    }
}

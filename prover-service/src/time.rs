//! Conversions of times for JSON and for the protocol.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Returns the time since 1970. If the clock is before 1970, returns zero.
pub fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Returns the current time in Unix seconds.
pub fn unix_seconds() -> i64 {
    i64::try_from(now().as_secs()).unwrap_or(i64::MAX)
}

/// Converts a duration to whole milliseconds, rounded down.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Converts a duration to milliseconds with three decimal places.
pub fn fraction_of_milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

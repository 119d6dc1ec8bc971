//! Times as JSON and the protocol have them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Now, as time since 1970.
pub fn now() -> Duration {
    // A clock before 1970 is a broken machine; 1970 then is as good as anything.
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Now, in Unix seconds.
pub fn unix_seconds() -> i64 {
    i64::try_from(now().as_secs()).unwrap_or(i64::MAX)
}

/// Whole milliseconds.
pub fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Milliseconds with their fraction, to the microsecond.
pub fn fraction_of_milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

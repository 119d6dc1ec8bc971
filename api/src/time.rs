//! The clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the current time in Unix seconds. If the clock is before 1970, returns 0.
pub fn unix_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

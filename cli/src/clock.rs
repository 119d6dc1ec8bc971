//! The clock of this machine.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

/// The largest difference, in seconds, between the clock of this machine and another clock: that of
/// the chain, of a database, or of the coordinator of a ceremony.
pub const MAX_DIFFERENCE: i64 = 60;

/// Returns the time in Unix seconds. Fails if the clock is before 1970.
pub fn now() -> Result<i64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.context("the clock of this machine is before 1970")?.as_secs();
    Ok(i64::try_from(now)?)
}

use std::time::Duration;

/// Returns the pause after a number of consecutive failures. It is `min` after the first failure
/// and doubles with each further one, up to `max`.
pub fn doubling_pause(failures: u32, min: Duration, max: Duration) -> Duration {
    let factor = 2_u32.saturating_pow(failures.saturating_sub(1));
    min.saturating_mul(factor).min(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_the_limit() {
        let (min, max) = (Duration::from_secs(5), Duration::from_mins(5));
        let pauses =
            [1, 2, 3, 6, 7, 8, u32::MAX].map(|failures| doubling_pause(failures, min, max).as_secs());
        assert_eq!(pauses, [5, 10, 20, 160, 300, 300, 300]);
    }
}

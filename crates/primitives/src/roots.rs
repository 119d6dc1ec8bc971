//! How long the program accepts a root, and at which root a member of a live scope proves.
//!
//! A registry accepts its current root, and the replaced roots in its two rings until they expire:
//!
//! ```text
//!   current root --replaced--> long ring    if its last entry is ⌈root_ttl / 16⌉ old: for root_ttl
//!                        +---> short ring   else, if its last entry is 2 s old: for about a minute
//!                        +---> not kept     else
//! ```

/// The number of roots in the long ring.
pub const LONG_RING: usize = 16;
/// The number of roots in the short ring.
pub const SHORT_RING: usize = 32;
/// The minimum number of seconds between two roots in the short ring.
pub const SHORT_INTERVAL: i64 = 2;
/// The maximum number of seconds for which a root in the short ring is accepted. The ring has a
/// position for each interval of this time, so no root is overwritten before it expires.
#[allow(clippy::cast_possible_wrap)]
pub const SHORT_TTL: i64 = SHORT_RING as i64 * SHORT_INTERVAL;

/// Returns the minimum number of seconds between two roots in the long ring: ⌈`root_ttl` / 16⌉.
///
/// The sixteenth entry after a kept root overwrites it. With this interval, that is never before the
/// kept root expires.
#[must_use]
pub const fn long_interval(root_ttl: i64) -> i64 {
    // 16 fits into any integer type.
    #[allow(clippy::cast_possible_wrap)]
    const POSITIONS: i64 = LONG_RING as i64;
    root_ttl.saturating_add(POSITIONS - 1) / POSITIONS
}

/// Returns the number of seconds for which a root in the short ring is accepted.
#[must_use]
pub const fn short_ttl(root_ttl: i64) -> i64 {
    if root_ttl < SHORT_TTL { root_ttl } else { SHORT_TTL }
}

/// The times that decide which ring keeps the current root when it is replaced, in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rings {
    /// The number of seconds for which a root in the long ring is accepted.
    pub root_ttl: i64,
    /// The time of the last entry of the long ring. `None` if the ring is empty.
    pub last_long: Option<i64>,
    /// The time of the last entry of the short ring. `None` if the ring is empty.
    pub last_short: Option<i64>,
}

impl Rings {
    /// Returns the number of seconds for which the program accepts the current root at least, if it
    /// is replaced at `now` or later. 0 if no ring would keep it.
    #[must_use]
    pub fn current_root_seconds(&self, now: i64) -> i64 {
        let passed =
            |last: Option<i64>, interval| last.is_none_or(|last| now.saturating_sub(last) >= interval);
        if passed(self.last_long, long_interval(self.root_ttl)) {
            self.root_ttl
        } else if passed(self.last_short, SHORT_INTERVAL) {
            short_ttl(self.root_ttl)
        } else {
            0
        }
    }
}

/// Chooses the root at which a member of a live scope proves.
///
/// `candidates` are the accepted roots that contain the member's leaf, newest first, each with the
/// number of seconds for which the program accepts it at least. The choice is the newest root that
/// is accepted for at least half of `root_ttl`. If there is none, it is the root that is accepted
/// longest.
pub fn choose<T>(root_ttl: i64, candidates: impl IntoIterator<Item = (T, i64)>) -> Option<T> {
    let mut longest: Option<(T, i64)> = None;
    for (root, seconds) in candidates {
        if seconds >= root_ttl / 2 {
            return Some(root);
        }
        if longest.as_ref().is_none_or(|(_, most)| seconds > *most) {
            longest = Some((root, seconds));
        }
    }
    longest.map(|(root, _)| root)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: i64 = 3_600;

    #[test]
    fn the_newest_root_that_is_accepted_for_half_of_its_time_is_chosen() {
        let roots = [("new", 64), ("kept", TTL / 2), ("older", TTL)];
        assert_eq!(choose(TTL, roots), Some("kept"));
    }

    #[test]
    fn without_such_a_root_the_one_that_is_accepted_longest_is_chosen() {
        assert_eq!(
            choose(TTL, [("current", 0), ("recent", 64), ("old", 10)]),
            Some("recent")
        );
        assert_eq!(choose(TTL, [("current", 64), ("recent", 64)]), Some("current"));
        assert_eq!(choose(TTL, [("current", 0)]), Some("current"));
        assert_eq!(choose::<()>(TTL, []), None);
    }

    #[test]
    fn the_current_root_is_accepted_for_the_time_of_the_ring_that_would_keep_it() {
        let rings = |last_long, last_short| Rings {
            root_ttl: TTL,
            last_long,
            last_short,
        };
        for (rings, now, seconds) in [
            (rings(None, None), 0, TTL),
            (rings(Some(1_000), Some(2_000)), 1_224, 0),
            (rings(Some(1_000), Some(1_222)), 1_224, 64),
            (rings(Some(1_000), Some(1_223)), 1_224, 0),
            (rings(Some(1_000), None), 1_224, 64),
            (rings(Some(1_000), Some(1_224)), 1_225, TTL),
        ] {
            assert_eq!(rings.current_root_seconds(now), seconds, "{rings:?} at {now}");
        }
        assert_eq!(short_ttl(60), 60);
        assert_eq!(long_interval(60), 4);
        assert_eq!(long_interval(2_592_000), 162_000);
    }
}

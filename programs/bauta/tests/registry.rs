//! Compares the accepted roots of a registry with a model that stores every root.

use bauta::state::{KEPT_ROOTS, RECENT_ROOTS, Registry};
use bauta_primitives::roots;
use bytemuck::Zeroable;
use proptest::prelude::*;

fn root(n: usize) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[24..].copy_from_slice(&(n as u64).to_be_bytes());
    bytes
}

/// A second implementation of the rule in section 6 of the protocol.
///
/// The long ring keeps a replaced root if it kept none before, or if at least ⌈ttl / 16⌉ seconds
/// have passed since it kept one. The root is then accepted for `ttl` seconds. The short ring keeps
/// another replaced root if it kept none before, or if at least 2 seconds have passed since it kept
/// one. The root is then accepted for 64 seconds, at most for `ttl` seconds.
#[derive(Default)]
struct Model {
    roots: usize,
    last_kept_at: Option<i64>,
    last_recent_at: Option<i64>,
    kept: Vec<(usize, i64)>,
}

impl Model {
    fn replace(&mut self, ttl: i64, now: i64) -> Option<i64> {
        let interval = if ttl % 16 == 0 { ttl / 16 } else { ttl / 16 + 1 };
        let expires_at = if self.last_kept_at.is_none_or(|last| now - last >= interval) {
            self.last_kept_at = Some(now);
            Some(now + ttl)
        } else if self.last_recent_at.is_none_or(|last| now - last >= 2) {
            self.last_recent_at = Some(now);
            Some(if ttl < 64 { now + ttl } else { now + 64 })
        } else {
            None
        };
        self.kept.extend(expires_at.map(|until| (self.roots, until)));
        self.roots += 1;
        expires_at
    }

    fn accepts(&self, n: usize, now: i64) -> bool {
        n == self.roots || self.kept.iter().any(|(kept, until)| *kept == n && now < *until)
    }
}

proptest! {
    /// A regression test for flooding the ring, for expiry that counts from a root's creation, and
    /// for roots that never expire.
    #[test]
    fn a_kept_root_is_accepted_for_exactly_the_time_of_its_ring(
        ttl in 60..5_000i64,
        waits in prop::collection::vec(prop_oneof![0..3i64, 0..400i64, 0..20_000i64], 1..120),
    ) {
        let mut registry = Registry::zeroed();
        registry.root_ttl = ttl;
        registry.root = root(0);
        let mut model = Model::default();
        let mut now = 1_700_000_000;
        for wait in waits {
            now += wait;
            let expires_at = registry.replace_root(root(model.roots + 1), now).unwrap();
            prop_assert_eq!(expires_at, model.replace(ttl, now));
            prop_assert_eq!(registry.sequence, model.roots as u64);
            for at in [now, now + 63, now + 64, now + ttl / 2, now + ttl - 1, now + ttl] {
                for n in 0..=model.roots {
                    prop_assert_eq!(registry.accepts(&root(n), at), model.accepts(n, at), "root {} at {}", n, at);
                }
            }
        }
    }
}

#[test]
fn many_changes_keep_one_root_for_each_interval() {
    let mut registry = Registry::zeroed();
    registry.root_ttl = 1_600;
    registry.root = root(0);
    assert_eq!(roots::long_interval(registry.root_ttl), 100);
    for n in 0..10_000 {
        registry.replace_root(root(n + 1), 1_000).unwrap();
    }
    assert_eq!(registry.kept_count, 1);
    assert!(registry.accepts(&root(0), 1_000 + 1_599));
}

#[test]
fn while_the_root_changes_every_second_a_root_of_the_last_two_seconds_is_accepted_for_a_minute() {
    let mut registry = Registry::zeroed();
    registry.root_ttl = 3_600;
    registry.root = root(0);
    let start = 1_000_000;
    for n in 0..200 {
        let now = start + n;
        registry.replace_root(root(number(n + 1)), now).unwrap();
        let accepted = |n: i64, at| registry.accepts(&root(number(n)), at);
        // One of the last two replaced roots was kept.
        assert!(
            n == 0 || accepted(n, now + 61) || accepted(n - 1, now + 61),
            "after {n} seconds"
        );
        // None is accepted when the time-to-live has passed since its replacement.
        for replaced in 0..=n {
            assert!(!accepted(replaced, start + replaced + 3_600), "root {replaced}");
        }
    }
}

fn number(n: i64) -> usize {
    usize::try_from(n).unwrap()
}

#[test]
fn an_expiry_time_that_overflows_is_refused() {
    let mut registry = Registry::zeroed();
    registry.root_ttl = 60;
    assert!(registry.replace_root(root(1), i64::MAX).is_err());
}

#[test]
fn the_rings_have_16_and_32_entries() {
    assert_eq!((KEPT_ROOTS, RECENT_ROOTS), (16, 32));
    assert_eq!(size_of::<Registry>(), 2_096);
    assert_eq!(core::mem::offset_of!(Registry, recent_count), 800);
    assert_eq!(core::mem::offset_of!(Registry, recent), 816);
    assert_eq!(roots::SHORT_TTL, 64);
}

//! Compares the accepted roots of a registry with a model that stores every root.

use bauta::state::{KEPT_ROOTS, Registry};
use bytemuck::Zeroable;
use proptest::prelude::*;

fn root(n: usize) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[24..].copy_from_slice(&(n as u64).to_be_bytes());
    bytes
}

/// A second implementation of the rule in section 6 of the protocol.
///
/// A replaced root is kept if no root was kept before, or if at least ⌈ttl / 16⌉ seconds have
/// passed since the last one was kept. It is then accepted for `ttl` seconds.
#[derive(Default)]
struct Model {
    roots: usize,
    last_kept_at: Option<i64>,
    kept: Vec<(usize, i64)>,
}

impl Model {
    fn replace(&mut self, ttl: i64, now: i64) -> bool {
        let interval = if ttl % 16 == 0 { ttl / 16 } else { ttl / 16 + 1 };
        let keep = self.last_kept_at.is_none_or(|last| now - last >= interval);
        if keep {
            self.kept.push((self.roots, now + ttl));
            self.last_kept_at = Some(now);
        }
        self.roots += 1;
        keep
    }

    fn accepts(&self, n: usize, now: i64) -> bool {
        n == self.roots || self.kept.iter().any(|(kept, until)| *kept == n && now < *until)
    }
}

proptest! {
    /// A regression test for flooding the ring, for expiry that counts from a root's creation, and
    /// for roots that never expire.
    #[test]
    fn a_kept_root_is_accepted_for_exactly_root_ttl(
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
            let kept = registry.replace_root(root(model.roots + 1), now).unwrap();
            prop_assert_eq!(kept, model.replace(ttl, now));
            prop_assert_eq!(registry.sequence, model.roots as u64);
            for at in [now, now + ttl / 2, now + ttl - 1, now + ttl] {
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
    assert_eq!(registry.keep_interval(), 100);
    for n in 0..10_000 {
        registry.replace_root(root(n + 1), 1_000).unwrap();
    }
    assert_eq!(registry.kept_count, 1);
    assert!(registry.accepts(&root(0), 1_000 + 1_599));
}

#[test]
fn an_expiry_time_that_overflows_is_refused() {
    let mut registry = Registry::zeroed();
    registry.root_ttl = 60;
    assert!(registry.replace_root(root(1), i64::MAX).is_err());
}

#[test]
fn the_ring_has_sixteen_entries() {
    assert_eq!(KEPT_ROOTS, 16);
    assert_eq!(size_of::<Registry>(), 800);
}

//! The choice of a root in a scope of mode `Live`.

use bauta::state::{KeptRoot, Registry};
use bauta_primitives::Root;
use bauta_primitives::roots::{self, Rings};

use crate::ClientError;

/// Chooses the root at which a member proves at `now` (Unix seconds) in a scope of mode `Live`.
///
/// `registry` is the registry's account. `contains_leaf` says whether the tree with this root
/// contains the member's leaf. A client that follows the registry's events knows it. Of these
/// roots, the choice is the newest one that the program accepts for at least half of the registry's
/// `root_ttl`. If there is none, for example because the leaf is new, it is the one that the
/// program accepts longest. `None` if no accepted root contains the leaf.
///
/// # Errors
/// If the account has a root that is not a canonical field element.
pub fn root_to_prove(
    registry: &Registry,
    now: i64,
    contains_leaf: impl Fn(Root) -> bool,
) -> Result<Option<Root>, ClientError> {
    let last = |count: u64, time| (count > 0).then_some(time);
    let rings = Rings {
        root_ttl: registry.root_ttl,
        last_long: last(registry.kept_count, registry.last_kept_at),
        last_short: last(registry.recent_count, registry.last_recent_at),
    };
    let ring = |ring: &[KeptRoot], ttl: i64| -> Vec<(i64, KeptRoot)> {
        let accepted = ring.iter().filter(|kept| now < kept.expires_at);
        accepted
            .map(|kept| (kept.expires_at.saturating_sub(ttl), *kept))
            .collect()
    };
    let mut kept = ring(&registry.kept, registry.root_ttl);
    kept.extend(ring(&registry.recent, roots::short_ttl(registry.root_ttl)));
    kept.sort_by_key(|(replaced_at, _)| std::cmp::Reverse(*replaced_at));

    let mut candidates = vec![(Root::from_bytes(registry.root)?, rings.current_root_seconds(now))];
    for (_, kept) in kept {
        candidates.push((Root::from_bytes(kept.root)?, kept.expires_at.saturating_sub(now)));
    }
    candidates.retain(|(root, _)| contains_leaf(*root));
    Ok(roots::choose(registry.root_ttl, candidates))
}

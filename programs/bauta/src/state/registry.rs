use crate::errors::{BautaError, refused, require};
use anchor_lang::prelude::*;
use bauta_primitives::{roots, tree::Depth};

/// The number of kept roots in the long ring of a registry.
pub const KEPT_ROOTS: usize = roots::LONG_RING;
/// The number of kept roots in the short ring of a registry.
pub const RECENT_ROOTS: usize = roots::SHORT_RING;

/// A registry: its kind, its current root and its kept roots.
///
/// The long ring keeps a few roots for `root_ttl`. The short ring keeps roots for about a minute,
/// so that members can also prove at a new root while the tree changes often.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 32 | `authority` |
/// | 32 | 32 | `tree` |
/// | 64 | 1 | `kind` ([`RegistryKind`]) |
/// | 65 | 1 | `depth` |
/// | 66 | 1 | `leaf_format` |
/// | 67 | 1 | `sealed` |
/// | 68 | 1 | `bump` |
/// | 69 | 1 | padding |
/// | 70 | 2 | `collection_count` |
/// | 72 | 8 | `nonce` |
/// | 80 | 8 | `next_index` |
/// | 88 | 8 | `sequence` |
/// | 96 | 32 | `root` |
/// | 128 | 8 | `root_since` |
/// | 136 | 8 | `root_ttl` |
/// | 144 | 8 | `kept_count` |
/// | 152 | 8 | `last_kept_at` |
/// | 160 | 640 | `kept`: the long ring |
/// | 800 | 8 | `recent_count` |
/// | 808 | 8 | `last_recent_at` |
/// | 816 | 1,280 | `recent`: the short ring |
#[account(zero_copy)]
pub struct Registry {
    /// The authority, which created the registry. The kind defines what it may do.
    pub authority: Pubkey,
    /// The Tree account. Zero in a registry of kind `Attested`.
    pub tree: Pubkey,
    /// The kind of the registry: see [`RegistryKind`].
    pub kind: u8,
    /// The depth of the tree: 10 or 16.
    pub depth: u8,
    /// The leaf format: it defines the contents of `attributes`.
    pub leaf_format: u8,
    /// 1 if the registry is sealed: no collection can be added. Else 0.
    pub sealed: u8,
    /// The bump of the account's address.
    pub bump: u8,
    /// Unused. Always zero.
    pub padding: u8,
    /// The number of collections that were added since the field exists. The next one gets the next
    /// number.
    pub collection_count: u16,
    /// The number that the authority chose for the registry.
    pub nonce: u64,
    /// The index of the next new leaf. Always 0 in a registry of kind `Attested`.
    pub next_index: u64,
    /// The number of tree changes.
    pub sequence: u64,
    /// The current root.
    pub root: [u8; 32],
    /// The time since which `root` is current, in Unix seconds.
    pub root_since: i64,
    /// The number of seconds for which a kept root is accepted after its replacement.
    pub root_ttl: i64,
    /// The number of roots that were kept in the long ring. The next one goes to the position of
    /// this number modulo [`KEPT_ROOTS`].
    pub kept_count: u64,
    /// The time at which the long ring last kept a root, in Unix seconds. It has no meaning while
    /// `kept_count` is 0.
    pub last_kept_at: i64,
    /// The long ring of kept roots.
    pub kept: [KeptRoot; KEPT_ROOTS],
    /// The number of roots that were kept in the short ring. The next one goes to the position of
    /// this number modulo [`RECENT_ROOTS`].
    pub recent_count: u64,
    /// The time at which the short ring last kept a root, in Unix seconds. It has no meaning while
    /// `recent_count` is 0.
    pub last_recent_at: i64,
    /// The short ring of kept roots.
    pub recent: [KeptRoot; RECENT_ROOTS],
}

/// A replaced root that is still accepted.
#[zero_copy]
#[derive(Debug, PartialEq, Eq)]
pub struct KeptRoot {
    /// The root.
    pub root: [u8; 32],
    /// The time from which the root is refused, in Unix seconds.
    pub expires_at: i64,
}

impl Registry {
    /// The first seed of the address. The authority and the nonce (little-endian) follow.
    pub const SEED: &'static [u8] = b"registry";
    /// The minimum of `root_ttl`, in seconds.
    pub const MIN_ROOT_TTL: i64 = 60;
    /// The maximum of `root_ttl`, in seconds: 30 days.
    pub const MAX_ROOT_TTL: i64 = 30 * 24 * 60 * 60;

    /// Returns an error if the registry has another kind.
    pub fn check_kind(&self, kind: RegistryKind) -> Result<()> {
        require!(self.kind == kind as u8, BautaError::WrongRegistryKind);
        Ok(())
    }

    /// Returns the depth of the tree.
    pub fn depth(&self) -> Result<Depth> {
        Depth::try_from(self.depth).map_err(|_| refused(BautaError::UnknownDepth))
    }

    /// Makes `root` the current root at time `now` and increments `sequence`. Returns the time from
    /// which the replaced root is refused, or `None` if it was not kept.
    ///
    /// The replaced root goes to the long ring if the ring's interval has passed, else to the short
    /// ring if that ring's interval has passed. No root is accepted when `root_ttl` has passed
    /// since its replacement.
    pub fn replace_root(&mut self, root: [u8; 32], now: i64) -> Result<Option<i64>> {
        let replaced = self.root;
        self.sequence = self
            .sequence
            .checked_add(1)
            .ok_or_else(|| refused(BautaError::OutOfRange))?;
        self.root = root;
        self.root_since = now;
        let kept = |ttl| -> Result<KeptRoot> {
            Ok(KeptRoot {
                root: replaced,
                expires_at: now
                    .checked_add(ttl)
                    .ok_or_else(|| refused(BautaError::OutOfRange))?,
            })
        };
        let passed = |since, interval| now.saturating_sub(since) >= interval;
        if self.kept_count == 0 || passed(self.last_kept_at, roots::long_interval(self.root_ttl)) {
            let kept = kept(self.root_ttl)?;
            put(&mut self.kept, &mut self.kept_count, kept)?;
            self.last_kept_at = now;
            Ok(Some(kept.expires_at))
        } else if self.recent_count == 0 || passed(self.last_recent_at, roots::SHORT_INTERVAL) {
            let kept = kept(roots::short_ttl(self.root_ttl))?;
            put(&mut self.recent, &mut self.recent_count, kept)?;
            self.last_recent_at = now;
            Ok(Some(kept.expires_at))
        } else {
            Ok(None)
        }
    }

    /// Returns `true` if `root` is the current root, or a kept root that has not expired at time
    /// `now`.
    #[must_use]
    pub fn accepts(&self, root: &[u8; 32], now: i64) -> bool {
        self.root == *root
            || self
                .kept
                .iter()
                .chain(&self.recent)
                .any(|kept| now < kept.expires_at && kept.root == *root)
    }
}

/// Writes a root to the next position of a ring.
fn put<const N: usize>(ring: &mut [KeptRoot; N], count: &mut u64, kept: KeptRoot) -> Result<()> {
    // A remainder modulo the ring's length fits into any usize.
    #[allow(clippy::cast_possible_truncation)]
    let position = (*count % N as u64) as usize;
    ring[position] = kept;
    *count = count
        .checked_add(1)
        .ok_or_else(|| refused(BautaError::OutOfRange))?;
    Ok(())
}

/// The kind of a registry: it defines who writes leaves. It never changes.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum RegistryKind {
    /// Only `register_holder` and `evict_holder` change leaves. No one can write a leaf of their
    /// choice.
    Holders,
    /// The authority appends and replaces leaves.
    Managed,
    /// The authority publishes roots of a tree that it stores off chain.
    Attested,
}

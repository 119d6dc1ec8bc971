use crate::errors::BautaError;
use anchor_lang::prelude::*;
use bauta_primitives::tree::Depth;

/// The number of kept roots in a registry.
pub const KEPT_ROOTS: usize = 16;

/// A registry: its kind, its current root and its kept roots.
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
/// | 69 | 3 | padding |
/// | 72 | 8 | `nonce` |
/// | 80 | 8 | `next_index` |
/// | 88 | 8 | `sequence` |
/// | 96 | 32 | `root` |
/// | 128 | 8 | `root_since` |
/// | 136 | 8 | `root_ttl` |
/// | 144 | 8 | `kept_count` |
/// | 152 | 8 | `last_kept_at` |
/// | 160 | 640 | `kept` |
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
    pub padding: [u8; 3],
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
    /// The number of roots that were kept. The next kept root goes to the position of this number
    /// modulo [`KEPT_ROOTS`].
    pub kept_count: u64,
    /// The time at which a root was last kept, in Unix seconds. It has no meaning while
    /// `kept_count` is 0.
    pub last_kept_at: i64,
    /// The ring of kept roots.
    pub kept: [KeptRoot; KEPT_ROOTS],
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
    /// The first seed of the address. The authority and the nonce (big-endian) follow.
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
        Depth::try_from(self.depth).map_err(|_| error!(BautaError::UnknownDepth))
    }

    /// Returns the minimum number of seconds between two kept roots: ⌈`root_ttl` / 16⌉.
    ///
    /// The sixteenth entry after a kept root overwrites it. With this interval, that is never
    /// before the kept root expires.
    #[must_use]
    pub fn keep_interval(&self) -> i64 {
        // 16 fits into any integer type.
        #[allow(clippy::cast_possible_wrap)]
        const POSITIONS: i64 = KEPT_ROOTS as i64;
        (self.root_ttl + POSITIONS - 1) / POSITIONS
    }

    /// Makes `root` the current root at time `now` and increments `sequence`. Returns whether the
    /// replaced root was kept.
    pub fn replace_root(&mut self, root: [u8; 32], now: i64) -> Result<bool> {
        let keep = self.kept_count == 0 || now.saturating_sub(self.last_kept_at) >= self.keep_interval();
        if keep {
            let expires_at = now.checked_add(self.root_ttl).ok_or(BautaError::OutOfRange)?;
            // A remainder modulo 16 fits into any usize.
            #[allow(clippy::cast_possible_truncation)]
            let position = (self.kept_count % KEPT_ROOTS as u64) as usize;
            self.kept[position] = KeptRoot {
                root: self.root,
                expires_at,
            };
            self.kept_count = self.kept_count.checked_add(1).ok_or(BautaError::OutOfRange)?;
            self.last_kept_at = now;
        }
        self.sequence = self.sequence.checked_add(1).ok_or(BautaError::OutOfRange)?;
        self.root = root;
        self.root_since = now;
        Ok(keep)
    }

    /// Returns `true` if `root` is the current root, or a kept root that has not expired at time
    /// `now`.
    #[must_use]
    pub fn accepts(&self, root: &[u8; 32], now: i64) -> bool {
        self.root == *root
            || self
                .kept
                .iter()
                .any(|kept| now < kept.expires_at && kept.root == *root)
    }
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

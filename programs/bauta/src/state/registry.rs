use crate::errors::BautaError;
use anchor_lang::prelude::*;
use bauta_primitives::tree::Depth;

/// How many replaced roots are kept.
pub const KEPT_ROOTS: usize = 16;

/// A registry: who decides about its leaves, its current root and the kept ones.
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
    /// Who made it; decides as its kind says.
    pub authority: Pubkey,
    /// The Tree account; zero in an Attested registry.
    pub tree: Pubkey,
    /// Who decides about leaves.
    pub kind: u8,
    /// Levels of the tree: 10 or 16.
    pub depth: u8,
    /// What `attributes` mean in the leaves.
    pub leaf_format: u8,
    /// 1 when its collections are fixed for ever.
    pub sealed: u8,
    /// The address's bump.
    pub bump: u8,
    /// Zero.
    pub padding: [u8; 3],
    /// The authority's number for it.
    pub nonce: u64,
    /// Where the next leaf goes; 0 for ever in an Attested registry.
    pub next_index: u64,
    /// Tree changes so far.
    pub sequence: u64,
    /// The current root.
    pub root: [u8; 32],
    /// Unix time in seconds since which `root` is current.
    pub root_since: i64,
    /// Seconds for which a kept root is accepted after its replacement.
    pub root_ttl: i64,
    /// Roots kept so far; the next goes to this number modulo [`KEPT_ROOTS`].
    pub kept_count: u64,
    /// Unix time in seconds of the last entry; means nothing while `kept_count` is 0.
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
    /// Unix time in seconds from which it is refused.
    pub expires_at: i64,
}

impl Registry {
    /// The first seed of its address; then authority and nonce (big-endian).
    pub const SEED: &'static [u8] = b"registry";
    /// Seconds that a kept root lives at least.
    pub const MIN_ROOT_TTL: i64 = 60;
    /// Seconds that a kept root lives at most.
    pub const MAX_ROOT_TTL: i64 = 30 * 24 * 60 * 60;

    /// Refuses another kind.
    pub fn check_kind(&self, kind: RegistryKind) -> Result<()> {
        require!(self.kind == kind as u8, BautaError::WrongRegistryKind);
        Ok(())
    }

    /// The tree's depth.
    pub fn depth(&self) -> Result<Depth> {
        Depth::try_from(self.depth).map_err(|_| error!(BautaError::UnknownDepth))
    }

    /// Seconds that must pass between two kept roots: ⌈`root_ttl` / 16⌉, so that the sixteenth entry after one
    /// overwrites it at the end of its time at the earliest.
    #[must_use]
    pub fn keep_interval(&self) -> i64 {
        // sixteen fits any integer
        #[allow(clippy::cast_possible_wrap)]
        const PLACES: i64 = KEPT_ROOTS as i64;
        (self.root_ttl + PLACES - 1) / PLACES
    }

    /// Makes `root` current at `now` and counts the change. Says whether the replaced root was kept.
    pub fn replace_root(&mut self, root: [u8; 32], now: i64) -> Result<bool> {
        let keep = self.kept_count == 0 || now.saturating_sub(self.last_kept_at) >= self.keep_interval();
        if keep {
            let expires_at = now.checked_add(self.root_ttl).ok_or(BautaError::OutOfRange)?;
            // a remainder by 16 fits any usize
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

    /// Whether `root` is current, or kept and alive, at `now`.
    #[must_use]
    pub fn accepts(&self, root: &[u8; 32], now: i64) -> bool {
        self.root == *root
            || self
                .kept
                .iter()
                .any(|kept| now < kept.expires_at && kept.root == *root)
    }
}

/// Who decides about a registry's leaves. Fixed at creation.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum RegistryKind {
    /// `register_holder` and `evict_holder` alone; nobody can write a leaf of their own.
    Holders,
    /// The authority appends and replaces.
    Managed,
    /// The authority publishes roots of a tree that it keeps off chain.
    Attested,
}

use super::Path;
use anchor_lang::prelude::*;

/// A path that its signer staged, for a registration or an eviction whose proof leaves no space for
/// it in the transaction.
///
/// A path is public, and every use of it is compared with the tree. So any staged path may be used,
/// by anyone.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 32 | `authority` |
/// | 32 | 480 | `path` |
#[account(zero_copy)]
pub struct Staged {
    /// The signer who staged the path.
    pub authority: Pubkey,
    /// The siblings of the five lowest levels.
    pub path: Path,
}

impl Staged {
    /// The first seed of the address. The authority and a number of one byte follow.
    pub const SEED: &'static [u8] = b"staged";
}

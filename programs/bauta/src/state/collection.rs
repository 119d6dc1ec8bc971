use anchor_lang::prelude::*;

/// Tokens that may register in a registry of holders, and the track they give.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 32 | `registry` |
/// | 32 | 32 | `key` |
/// | 64 | 1 | `is_group` |
/// | 65 | 1 | `bump` |
/// | 66 | 6 | padding |
/// | 72 | 8 | `track` |
#[account(zero_copy)]
pub struct Collection {
    /// The registry.
    pub registry: Pubkey,
    /// A mint, or a Token-2022 group.
    pub key: Pubkey,
    /// 1 when `key` is a group.
    pub is_group: u8,
    /// The address's bump.
    pub bump: u8,
    /// Zero.
    pub padding: [u8; 6],
    /// The track of these tokens: their leaves' `attributes`.
    pub track: u64,
}

impl Collection {
    /// The first seed of its address; then registry and key.
    pub const SEED: &'static [u8] = b"collection";
}

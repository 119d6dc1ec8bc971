use anchor_lang::prelude::*;

/// A collection: a mint or group whose tokens may register in a registry of holders, and their
/// track.
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
    /// The address of a mint or of a Token-2022 group.
    pub key: Pubkey,
    /// 1 if `key` is a group, else 0.
    pub is_group: u8,
    /// The bump of the account's address.
    pub bump: u8,
    /// Unused. Always zero.
    pub padding: [u8; 6],
    /// The track of the collection's tokens. It is the `attributes` of their leaves.
    pub track: u64,
}

impl Collection {
    /// The first seed of the address. The registry and the key follow.
    pub const SEED: &'static [u8] = b"collection";
}

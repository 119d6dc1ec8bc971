use anchor_lang::prelude::*;

/// The program's settings. There is one such account. The program's upgrade authority creates it
/// once.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 32 | `admin` |
/// | 32 | 32 | `pending_admin` |
/// | 64 | 32 | `cluster_tag` |
/// | 96 | 1 | `paused` |
/// | 97 | 1 | `development_keys_allowed` |
/// | 98 | 1 | `bump` |
/// | 99 | 5 | padding |
#[account(zero_copy)]
pub struct Config {
    /// The admin, who registers and retires circuits, pauses verifications and names the next
    /// admin.
    pub admin: Pubkey,
    /// The pending admin, who may become the admin with `accept_admin`. Zero if there is none.
    pub pending_admin: Pubkey,
    /// The cluster's genesis hash, or a tag chosen for a local chain. It never changes.
    pub cluster_tag: [u8; 32],
    /// 1 while the program refuses verifications, else 0.
    pub paused: u8,
    /// 1 if circuits with development keys may be registered, else 0. It never changes.
    pub development_keys_allowed: u8,
    /// The bump of the account's address.
    pub bump: u8,
    /// Unused. Always zero.
    pub padding: [u8; 5],
}

impl Config {
    /// The seed of the address.
    pub const SEED: &'static [u8] = b"config";
}

use anchor_lang::prelude::*;

/// The program's settings; one account, created once by the program's upgrade authority.
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
    /// Who registers circuits, pauses and hands over.
    pub admin: Pubkey,
    /// Who may become admin by accepting; zero: nobody.
    pub pending_admin: Pubkey,
    /// The cluster's genesis hash, or a tag chosen for a local chain. Fixed.
    pub cluster_tag: [u8; 32],
    /// 1 while verifications are refused.
    pub paused: u8,
    /// 1 when circuits with development keys may be registered. Fixed.
    pub development_keys_allowed: u8,
    /// The address's bump.
    pub bump: u8,
    /// Zero.
    pub padding: [u8; 5],
}

impl Config {
    /// The seed of its address.
    pub const SEED: &'static [u8] = b"config";
}

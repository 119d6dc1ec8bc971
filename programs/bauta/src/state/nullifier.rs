use anchor_lang::prelude::*;

/// The record of a verification. While the account exists, the scope refuses the same nullifier.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 32 | `scope` |
/// | 32 | 32 | `nullifier` |
/// | 64 | 32 | `rent_payer` |
#[account(zero_copy)]
pub struct Nullifier {
    /// The scope account.
    pub scope: Pubkey,
    /// The nullifier.
    pub nullifier: [u8; 32],
    /// The account that paid the rent and receives it back.
    pub rent_payer: Pubkey,
}

impl Nullifier {
    /// The first seed of the address. The scope account and the nullifier follow.
    pub const SEED: &'static [u8] = b"nullifier";
    /// The length of the account in bytes, including the discriminator.
    pub const SPACE: usize = 8 + size_of::<Self>();
}

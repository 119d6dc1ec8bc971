use anchor_lang::prelude::*;

/// The mark of one use in one scope: while it exists, the same nullifier is refused there.
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
    /// Who gets the rent back.
    pub rent_payer: Pubkey,
}

impl Nullifier {
    /// The first seed of its address; then scope account and nullifier.
    pub const SEED: &'static [u8] = b"nullifier";
    /// Bytes with discriminator.
    pub const SPACE: usize = 8 + size_of::<Self>();
}

use anchor_lang::prelude::*;

/// The record of a verification. While the account exists, the scope refuses the same nullifier.
///
/// The account's address is derived from the whole scope account and the whole nullifier, so it
/// alone decides whether a nullifier is used. The data is only for clients that list the accounts
/// of a scope, and for the return of the rent. It is short, because every verification pays for it.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 32 | `rent_payer` |
/// | 32 | 16 | `scope_tag` |
/// | 48 | 16 | `nullifier_prefix` |
#[account(zero_copy)]
pub struct Nullifier {
    /// The account that paid the rent and receives it back.
    pub rent_payer: Pubkey,
    /// The first 16 bytes of the scope account's address. Clients select the accounts of a scope
    /// with it.
    pub scope_tag: [u8; 16],
    /// The first 16 bytes of the nullifier. Clients compare the accounts of a scope with the
    /// nullifiers that they know.
    pub nullifier_prefix: [u8; 16],
}

impl Nullifier {
    /// The first seed of the address. The scope account and the nullifier follow.
    pub const SEED: &'static [u8] = b"nullifier";
    /// The length of the account in bytes, including the discriminator.
    pub const SPACE: usize = 8 + size_of::<Self>();

    /// Returns the first bytes of a scope account's address.
    #[must_use]
    pub fn scope_tag(scope: &Pubkey) -> [u8; 16] {
        first_bytes(scope.as_array())
    }

    /// Returns the first bytes of a nullifier.
    #[must_use]
    pub fn prefix(nullifier: &[u8; 32]) -> [u8; 16] {
        first_bytes(nullifier)
    }
}

fn first_bytes(value: &[u8; 32]) -> [u8; 16] {
    let mut first = [0; 16];
    first.copy_from_slice(&value[..16]);
    first
}

//! Derives the addresses of campaigns and of associated token accounts.

use bauta_airdrop::state::Campaign;
use bauta_client::addresses::DerivedAddress;
use solana_address::Address;

/// Derives the address of a campaign. `nonce` is the number that the authority chose for it. The
/// address is the gate of the campaign's scope, so it is needed before the campaign exists.
#[must_use]
pub fn campaign(authority: &Address, nonce: u64) -> DerivedAddress {
    let seeds: [&[u8]; 3] = [Campaign::SEED, authority.as_ref(), &nonce.to_le_bytes()];
    let (address, bump) = Address::find_program_address(&seeds, &bauta_airdrop::ID);
    DerivedAddress { address, bump }
}

/// Derives the associated token account of an owner. That of a campaign is its vault.
#[must_use]
pub fn associated(owner: &Address, token_program: &Address, mint: &Address) -> Address {
    bauta_airdrop::token::associated_address(owner, token_program, mint)
}

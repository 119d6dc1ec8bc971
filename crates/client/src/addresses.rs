//! Derives the addresses of the program's accounts. Integers in seeds are little-endian, as in
//! instruction data.

use bauta::bubblegum::BUBBLEGUM_PROGRAM;
use bauta::instructions::CircuitRegistration;
use bauta::state::{
    Circuit, Collection, Config, Holding, Nullifier as NullifierAccount, Registry, Scope, Staged,
};
use bauta::token_metadata::TOKEN_METADATA_PROGRAM;
use bauta_primitives::Nullifier;
use solana_address::Address;
use solana_sha256_hasher::hash;

/// The address of the loader, which stores the program and its upgrade authority.
pub const UPGRADEABLE_LOADER: Address =
    Address::from_str_const("BPFLoaderUpgradeab1e11111111111111111111111");

/// A program-derived address and its bump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DerivedAddress {
    /// The derived address.
    pub address: Address,
    /// The bump: the highest number for which the address is not on the curve.
    pub bump: u8,
}

impl DerivedAddress {
    fn of(seeds: &[&[u8]]) -> Self {
        Self::under(seeds, &bauta::ID)
    }

    fn of_token_metadata(mint: &Address, more: &[&[u8]]) -> Self {
        let program = TOKEN_METADATA_PROGRAM;
        let first: [&[u8]; 3] = [b"metadata", program.as_ref(), mint.as_ref()];
        Self::under(&[&first[..], more].concat(), &program)
    }

    fn under(seeds: &[&[u8]], program: &Address) -> Self {
        let (address, bump) = Address::find_program_address(seeds, program);
        Self { address, bump }
    }
}

/// Derives the address of `Config`, the program's settings.
#[must_use]
pub fn config() -> DerivedAddress {
    DerivedAddress::of(&[Config::SEED])
}

/// Derives the address of a circuit from the SHA-256 hashes of its verifying key and of its
/// metadata.
#[must_use]
pub fn circuit(vk_hash: &[u8; 32], metadata_hash: &[u8; 32]) -> DerivedAddress {
    DerivedAddress::of(&[Circuit::SEED, vk_hash, metadata_hash])
}

/// Derives the address of a circuit from its registration.
#[must_use]
pub fn circuit_of(registration: &CircuitRegistration) -> DerivedAddress {
    let vk_hash = hash(&registration.verifying_key).to_bytes();
    circuit(&vk_hash, &registration.metadata_hash())
}

/// Derives the address of a registry. `nonce` is the number that the authority chose for it.
#[must_use]
pub fn registry(authority: &Address, nonce: u64) -> DerivedAddress {
    DerivedAddress::of(&[Registry::SEED, authority.as_ref(), &nonce.to_le_bytes()])
}

/// Derives the address of a collection in a registry of holders. `key` is its key.
#[must_use]
pub fn collection(registry: &Address, key: &Address) -> DerivedAddress {
    DerivedAddress::of(&[Collection::SEED, registry.as_ref(), key.as_ref()])
}

/// Derives the address of the holding of an asset in a registry. `mint` is the token's mint, the
/// Core asset, or the id of the compressed asset.
#[must_use]
pub fn holding(registry: &Address, mint: &Address) -> DerivedAddress {
    DerivedAddress::of(&[Holding::SEED, registry.as_ref(), mint.as_ref()])
}

/// Derives the address of a scope over a registry. `nonce` is the number that the creator chose for
/// it.
#[must_use]
pub fn scope(registry: &Address, creator: &Address, nonce: u64) -> DerivedAddress {
    DerivedAddress::of(&[
        Scope::SEED,
        registry.as_ref(),
        creator.as_ref(),
        &nonce.to_le_bytes(),
    ])
}

/// Derives the address of a nullifier account in a scope.
#[must_use]
pub fn nullifier(scope_account: &Address, nullifier: Nullifier) -> DerivedAddress {
    DerivedAddress::of(&[
        NullifierAccount::SEED,
        scope_account.as_ref(),
        &nullifier.to_bytes(),
    ])
}

/// Derives the address of Anchor's event authority, which signs the program's events.
#[must_use]
pub fn event_authority() -> DerivedAddress {
    DerivedAddress::of(&[b"__event_authority"])
}

/// Derives the address of the loader's `ProgramData` account, which has the program's ELF and its
/// upgrade authority.
#[must_use]
pub fn program_data() -> DerivedAddress {
    DerivedAddress::under(&[bauta::ID.as_ref()], &UPGRADEABLE_LOADER)
}

/// Derives the address of a mint's metadata account of Token Metadata.
#[must_use]
pub fn metadata(mint: &Address) -> DerivedAddress {
    DerivedAddress::of_token_metadata(mint, &[])
}

/// Derives the address of a mint's edition account of Token Metadata.
#[must_use]
pub fn edition(mint: &Address) -> DerivedAddress {
    DerivedAddress::of_token_metadata(mint, &[b"edition"])
}

/// Derives the address of the token record of Token Metadata of a token account.
#[must_use]
pub fn token_record(mint: &Address, token_account: &Address) -> DerivedAddress {
    DerivedAddress::of_token_metadata(mint, &[b"token_record", token_account.as_ref()])
}

/// Derives the id of the compressed asset of Bubblegum at an index of a tree.
#[must_use]
pub fn compressed_asset(merkle_tree: &Address, index: u32) -> DerivedAddress {
    let nonce = u64::from(index).to_le_bytes();
    DerivedAddress::under(&[b"asset", merkle_tree.as_ref(), &nonce], &BUBBLEGUM_PROGRAM)
}

/// Derives the address of the `TreeConfig` of Bubblegum of a tree.
#[must_use]
pub fn tree_config(merkle_tree: &Address) -> DerivedAddress {
    DerivedAddress::under(&[merkle_tree.as_ref()], &BUBBLEGUM_PROGRAM)
}

/// Derives the address of the path that a signer staged with a number.
#[must_use]
pub fn staged(authority: &Address, number: u8) -> DerivedAddress {
    DerivedAddress::of(&[Staged::SEED, authority.as_ref(), &[number]])
}

//! Where the program's accounts are. Integers in seeds are big-endian.

use bauta::state::{Circuit, Collection, Config, Holding, Nullifier as NullifierAccount, Registry, Scope};
use bauta_primitives::Nullifier;
use solana_address::Address;
use solana_sha256_hasher::hash;

/// The loader that keeps the program and says who may upgrade it.
pub const UPGRADEABLE_LOADER: Address =
    Address::from_str_const("BPFLoaderUpgradeab1e11111111111111111111111");

/// A program-derived address and its bump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Derived {
    /// The address.
    pub address: Address,
    /// The highest number that takes the seeds off the curve.
    pub bump: u8,
}

impl Derived {
    fn of(seeds: &[&[u8]]) -> Self {
        Self::under(seeds, &bauta::ID)
    }

    fn under(seeds: &[&[u8]], program: &Address) -> Self {
        let (address, bump) = Address::find_program_address(seeds, program);
        Self { address, bump }
    }
}

/// The program's settings.
#[must_use]
pub fn config() -> Derived {
    Derived::of(&[Config::SEED])
}

/// A circuit, by the SHA-256 of its verifying key's 576 bytes.
#[must_use]
pub fn circuit(vk_hash: &[u8; 32]) -> Derived {
    Derived::of(&[Circuit::SEED, vk_hash])
}

/// A circuit, by its verifying key.
#[must_use]
pub fn circuit_of(verifying_key: &[u8; 576]) -> Derived {
    circuit(&hash(verifying_key).to_bytes())
}

/// A registry, by its authority and the authority's number for it.
#[must_use]
pub fn registry(authority: &Address, nonce: u64) -> Derived {
    Derived::of(&[Registry::SEED, authority.as_ref(), &nonce.to_be_bytes()])
}

/// A collection of a registry of holders, by its mint or group.
#[must_use]
pub fn collection(registry: &Address, key: &Address) -> Derived {
    Derived::of(&[Collection::SEED, registry.as_ref(), key.as_ref()])
}

/// A token's holding in a registry.
#[must_use]
pub fn holding(registry: &Address, mint: &Address) -> Derived {
    Derived::of(&[Holding::SEED, registry.as_ref(), mint.as_ref()])
}

/// A scope over a registry, by its creator and the creator's number for it.
#[must_use]
pub fn scope(registry: &Address, creator: &Address, nonce: u64) -> Derived {
    Derived::of(&[
        Scope::SEED,
        registry.as_ref(),
        creator.as_ref(),
        &nonce.to_be_bytes(),
    ])
}

/// The mark of a use, by scope account and nullifier.
#[must_use]
pub fn nullifier(scope_account: &Address, nullifier: Nullifier) -> Derived {
    Derived::of(&[
        NullifierAccount::SEED,
        scope_account.as_ref(),
        &nullifier.to_bytes(),
    ])
}

/// Who signs the program's events: Anchor's event authority.
#[must_use]
pub fn event_authority() -> Derived {
    Derived::of(&[b"__event_authority"])
}

/// Where the loader keeps the program's ELF and the address that may upgrade it.
#[must_use]
pub fn program_data() -> Derived {
    Derived::under(&[bauta::ID.as_ref()], &UPGRADEABLE_LOADER)
}

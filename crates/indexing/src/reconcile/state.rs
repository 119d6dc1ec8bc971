//! The part of an account's state that must agree with the database.

use std::collections::HashMap;

use anchor_lang::{Discriminator, Owner, ZeroCopy};
use bauta::state;
use bauta_client::decode_account;
use bauta_primitives::Nullifier;
use bauta_store::Sequence;
use solana_address::Address;

use crate::chain::Account;

/// The value that identifies an account among those of its kind: its address, or the mint or the
/// collection's key that the address is derived from. For a nullifier it is the prefix in the
/// account, followed by zeros: see [`nullifier_key`].
pub type AccountKey = [u8; 32];

/// The states of accounts of one kind.
pub type AccountStates = HashMap<AccountKey, AccountState>;

/// The part of an account's state that is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccountState {
    Config(ConfigState),
    Circuit {
        suspended: bool,
        /// 0 if no retirement is scheduled.
        retires_at: i64,
    },
    Registry(RegistryState),
    Collection {
        kind: u8,
        rules: u16,
        number: u16,
        track: u64,
    },
    Scope {
        is_open: bool,
    },
    /// A nullifier has no state. Its account exists or does not exist.
    Nullifier,
    Holding(HoldingState),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConfigState {
    pub admin: Address,
    /// The zero address if no handover is open.
    pub pending_admin: Address,
    pub cluster_tag: [u8; 32],
    pub paused: bool,
    pub development_keys_allowed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RegistryState {
    pub sealed: bool,
    pub next_index: u64,
    pub sequence: Sequence,
    pub root: [u8; 32],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HoldingState {
    pub owner: Address,
    pub commitment: [u8; 32],
    pub index: u64,
    pub track: u64,
    pub live: bool,
}

impl AccountState {
    pub fn of_config(account: &Account) -> Option<(AccountKey, Self)> {
        let config: state::Config = decode(account)?;
        let state = ConfigState {
            admin: config.admin,
            pending_admin: config.pending_admin,
            cluster_tag: config.cluster_tag,
            paused: config.paused != 0,
            development_keys_allowed: config.development_keys_allowed != 0,
        };
        Some((account.address.to_bytes(), Self::Config(state)))
    }

    pub fn of_circuit(account: &Account) -> Option<(AccountKey, Self)> {
        let circuit: state::Circuit = decode(account)?;
        let state = Self::Circuit {
            suspended: circuit.status == state::Circuit::SUSPENDED,
            retires_at: circuit.retires_at,
        };
        Some((account.address.to_bytes(), state))
    }

    pub fn of_registry(account: &Account) -> Option<(AccountKey, Self)> {
        let registry: state::Registry = decode(account)?;
        let state = RegistryState {
            sealed: registry.sealed != 0,
            next_index: registry.next_index,
            sequence: Sequence::new(registry.sequence),
            root: registry.root,
        };
        Some((account.address.to_bytes(), Self::Registry(state)))
    }

    pub fn of_collection(account: &Account) -> Option<(AccountKey, Self)> {
        let collection: state::Collection = decode(account)?;
        let state = Self::Collection {
            kind: collection.kind,
            rules: collection.rules,
            number: collection.number,
            track: collection.track,
        };
        Some((collection.key.to_bytes(), state))
    }

    pub fn of_scope(account: &Account) -> Option<(AccountKey, Self)> {
        let scope: state::Scope = decode(account)?;
        let is_open = scope.status == state::Scope::OPEN;
        Some((account.address.to_bytes(), Self::Scope { is_open }))
    }

    /// The data of the account must be only the prefix of the nullifier, as
    /// [`super::kind::AccountKind::filter`] selects it.
    pub fn of_nullifier(account: &Account) -> Option<(AccountKey, Self)> {
        let prefix = account.data.as_slice().try_into().ok()?;
        Some((key_of_prefix(prefix), Self::Nullifier))
    }

    pub fn of_holding(account: &Account) -> Option<(AccountKey, Self)> {
        let holding: state::Holding = decode(account)?;
        let state = HoldingState {
            owner: holding.owner,
            commitment: holding.commitment,
            index: holding.index,
            track: holding.track,
            live: holding.live != 0,
        };
        Some((holding.mint.to_bytes(), Self::Holding(state)))
    }
}

/// Returns the key of a nullifier's account.
///
/// Two nullifiers of a scope have the same key only if their first 16 bytes are equal. To find such
/// a pair takes about 2^64 nullifiers.
pub fn nullifier_key(nullifier: Nullifier) -> AccountKey {
    key_of_prefix(state::Nullifier::prefix(&nullifier.to_bytes()))
}

fn key_of_prefix(prefix: [u8; 16]) -> AccountKey {
    let mut key = [0; 32];
    key[..16].copy_from_slice(&prefix);
    key
}

/// Decodes an account. Returns `None` if it has another type.
fn decode<T: ZeroCopy + Discriminator + Owner>(account: &Account) -> Option<T> {
    // The source returns only accounts that this program owns.
    decode_account(&bauta::ID, &account.data).ok()
}

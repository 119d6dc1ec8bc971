//! The kinds of accounts that are compared.

use std::mem::offset_of;
use std::sync::Arc;

use anchor_lang::Discriminator;
use bauta::state;
use bauta_client::addresses;
use bauta_primitives::Root;
use bauta_store::{CircuitStatus, Registry, Scope, ScopeStatus, Store, StoreError};
use solana_address::Address;

use super::state::{
    AccountKey, AccountState, AccountStates, ConfigState, HoldingState, RegistryState, nullifier_key,
};
use crate::chain::{Account, AccountFilter, BytesAt, DataSlice};

/// The offset of the first field of an account, after the discriminator.
const FIRST_FIELD: usize = 8;
/// The offset of the second field of an account whose first field is an address.
const SECOND_FIELD: usize = FIRST_FIELD + 32;
/// The offsets of the fields `scope_tag` and `nullifier_prefix` of a nullifier's account.
const SCOPE_TAG: usize = FIRST_FIELD + offset_of!(state::Nullifier, scope_tag);
const NULLIFIER_PREFIX: usize = FIRST_FIELD + offset_of!(state::Nullifier, nullifier_prefix);

/// The number of bytes of a nullifier that its account has.
pub const NULLIFIER_PREFIX_BYTES: usize = 16;

/// A kind of account, or a part of one.
#[derive(Clone)]
pub enum AccountKind {
    Config,
    Circuits,
    Registries,
    /// The collections of a registry.
    Collections(Arc<Registry>),
    Scopes,
    /// The nullifiers of a scope that begin with these bytes.
    Nullifiers(Arc<Scope>, Vec<u8>),
    /// The holdings of a registry whose mint begins with these bytes.
    Holdings(Arc<Registry>, Vec<u8>),
}

impl AccountKind {
    /// Returns the name for metrics and messages.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Circuits => "circuit",
            Self::Registries => "registry",
            Self::Collections(_) => "collection",
            Self::Scopes => "scope",
            Self::Nullifiers(..) => "nullifier",
            Self::Holdings(..) => "holding",
        }
    }

    /// Returns the filter that selects the accounts of this kind.
    pub fn filter(&self) -> AccountFilter {
        match self {
            Self::Config => filter(state::Config::DISCRIMINATOR),
            Self::Circuits => filter(state::Circuit::DISCRIMINATOR),
            Self::Registries => filter(state::Registry::DISCRIMINATOR),
            Self::Scopes => filter(state::Scope::DISCRIMINATOR),
            Self::Collections(registry) => {
                filter_by_parent(state::Collection::DISCRIMINATOR, registry.address, &[])
            }
            Self::Nullifiers(scope, prefix) => {
                let mut filter = filter(state::Nullifier::DISCRIMINATOR);
                filter.matches.push(BytesAt {
                    offset: SCOPE_TAG,
                    bytes: state::Nullifier::scope_tag(&scope.address).to_vec(),
                });
                if !prefix.is_empty() {
                    filter.matches.push(BytesAt {
                        offset: NULLIFIER_PREFIX,
                        bytes: prefix.clone(),
                    });
                }
                // There may be many nullifiers, so only this field is requested.
                filter.slice = Some(DataSlice {
                    offset: NULLIFIER_PREFIX,
                    length: NULLIFIER_PREFIX_BYTES,
                });
                filter
            }
            Self::Holdings(registry, prefix) => {
                filter_by_parent(state::Holding::DISCRIMINATOR, registry.address, prefix)
            }
        }
    }

    /// Returns the key and the state of an account. `None` if the account is not of this kind.
    pub fn decode(&self, account: &Account) -> Option<(AccountKey, AccountState)> {
        match self {
            Self::Config => AccountState::of_config(account),
            Self::Circuits => AccountState::of_circuit(account),
            Self::Registries => AccountState::of_registry(account),
            Self::Collections(_) => AccountState::of_collection(account),
            Self::Scopes => AccountState::of_scope(account),
            Self::Nullifiers(..) => AccountState::of_nullifier(account),
            Self::Holdings(..) => AccountState::of_holding(account),
        }
    }

    /// Returns the states of the accounts according to the database.
    pub async fn stored(&self, store: &Store) -> Result<AccountStates, StoreError> {
        let mut states = AccountStates::new();
        match self {
            Self::Config => {
                if let Some(config) = store.config().await? {
                    let state = ConfigState {
                        admin: config.admin,
                        pending_admin: config.pending_admin.unwrap_or_default(),
                        cluster_tag: config.cluster_tag,
                        paused: config.paused,
                        development_keys_allowed: config.development_keys_allowed,
                    };
                    let key = addresses::config().address.to_bytes();
                    states.insert(key, AccountState::Config(state));
                }
            }
            Self::Circuits => {
                for circuit in store.circuits().await? {
                    let state = AccountState::Circuit {
                        suspended: circuit.status == CircuitStatus::Suspended,
                        retires_at: circuit.retires_at.unwrap_or(0),
                    };
                    states.insert(circuit.address.to_bytes(), state);
                }
            }
            Self::Registries => {
                let roots = store.current_roots().await?;
                for registry in store.registries().await? {
                    let root = roots.get(&registry.id).copied();
                    let state = RegistryState {
                        sealed: registry.sealed,
                        next_index: registry.next_index,
                        sequence: registry.sequence,
                        root: root.map_or([0; 32], Root::to_bytes),
                    };
                    states.insert(registry.address.to_bytes(), AccountState::Registry(state));
                }
            }
            Self::Collections(registry) => {
                for collection in store.collections(registry).await? {
                    let state = AccountState::Collection {
                        kind: collection.kind,
                        rules: collection.rules,
                        number: collection.number,
                        track: collection.track,
                    };
                    states.insert(collection.key.to_bytes(), state);
                }
            }
            Self::Scopes => {
                for scope in store.scopes().await? {
                    let is_open = scope.status == ScopeStatus::Open;
                    states.insert(scope.address.to_bytes(), AccountState::Scope { is_open });
                }
            }
            Self::Nullifiers(scope, prefix) => {
                let used = store.nullifiers(scope, prefix).await?;
                let with_account = used.iter().filter(|used| !used.reclaimed);
                states.extend(
                    with_account.map(|used| (nullifier_key(used.nullifier), AccountState::Nullifier)),
                );
            }
            Self::Holdings(registry, prefix) => {
                for (mint, holding) in store.holdings(registry, prefix).await? {
                    let state = HoldingState {
                        owner: holding.owner,
                        commitment: holding.commitment.to_bytes(),
                        index: holding.index.get(),
                        track: holding.track,
                        live: holding.live,
                    };
                    states.insert(mint.to_bytes(), AccountState::Holding(state));
                }
            }
        }
        Ok(states)
    }

    /// Returns the address of the account with a key that the database has.
    pub async fn address(&self, store: &Store, key: &AccountKey) -> Result<Address, StoreError> {
        let key_address = Address::from(*key);
        Ok(match self {
            Self::Config | Self::Circuits | Self::Registries | Self::Scopes => key_address,
            Self::Collections(registry) => addresses::collection(&registry.address, &key_address).address,
            Self::Nullifiers(scope, _) => {
                let used = store.nullifiers(scope, &key[..NULLIFIER_PREFIX_BYTES]).await?;
                let own = used.iter().find(|used| nullifier_key(used.nullifier) == *key);
                // The database rolled the nullifier back in the meantime.
                own.map_or(key_address, |used| {
                    addresses::nullifier(&scope.address, used.nullifier).address
                })
            }
            Self::Holdings(registry, _) => addresses::holding(&registry.address, &key_address).address,
        })
    }
}

/// Creates a filter for the accounts of one type.
fn filter(discriminator: &[u8]) -> AccountFilter {
    AccountFilter {
        matches: vec![BytesAt {
            offset: 0,
            bytes: discriminator.to_vec(),
        }],
        slice: None,
    }
}

/// Creates a filter for the accounts of one type whose first field is `parent` and whose second
/// field begins with `prefix`.
fn filter_by_parent(discriminator: &[u8], parent: Address, prefix: &[u8]) -> AccountFilter {
    let mut filter = filter(discriminator);
    filter.matches.push(BytesAt {
        offset: FIRST_FIELD,
        bytes: parent.to_bytes().to_vec(),
    });
    if !prefix.is_empty() {
        filter.matches.push(BytesAt {
            offset: SECOND_FIELD,
            bytes: prefix.to_vec(),
        });
    }
    filter
}

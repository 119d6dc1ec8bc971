//! The kinds of account that are compared: what names one, and what of it must agree.

use anchor_lang::{Discriminator, Owner, ZeroCopy};
use bauta::state;
use bauta_client::{addresses, decode_account};
use bauta_primitives::{FieldElement, Nullifier};
use bauta_store::{CircuitStatus, Registry, RegistryKind, Scope, ScopeStatus, Sequence, Store, StoreError};
use solana_address::Address;

use super::{PART, SCOPES, Said, of_type};
use crate::chain::{Account, AccountFilter};

/// After the discriminator.
const FIRST: usize = 8;
/// The second field, after an address.
const SECOND: usize = FIRST + 32;

pub enum Kind {
    Config,
    Circuits,
    Registries,
    Collections(Registry),
    Scopes,
    /// Of one scope; all, or those that begin with a byte.
    Nullifiers(Box<Scope>, Option<u8>),
    /// Of one registry; all, or those whose mint begins with a byte.
    Holdings(Registry, Option<u8>),
}

/// What is compared in a round.
pub struct Turn {
    /// The kinds, and parts of kinds.
    pub kinds: Vec<Kind>,
    /// In how many rounds, one after the other, everything comes by.
    pub cycle: u64,
}

/// What to compare in a round, the first being 0.
pub async fn all(store: &Store, round: u64) -> Result<Turn, StoreError> {
    let mut turn = Turn {
        kinds: vec![Kind::Config, Kind::Circuits, Kind::Registries, Kind::Scopes],
        cycle: 1,
    };
    for registry in store.registries().await? {
        if registry.kind == RegistryKind::Holders {
            turn.kinds.push(Kind::Collections(registry.clone()));
            let (parts, rounds) = parts(registry.next_index, 0xff, round);
            let of = |part| Kind::Holdings(registry.clone(), part);
            turn.kinds.extend(parts.into_iter().map(of));
            turn.cycle = turn.cycle.max(rounds);
        }
    }
    let scopes = store.scopes().await?;
    let turns = scopes.len().div_ceil(SCOPES).max(1);
    let place = usize::try_from(round % turns as u64).unwrap_or(0);
    for scope in scopes.into_iter().skip(place * SCOPES).take(SCOPES) {
        let count = store.nullifier_count(&scope).await?;
        // each part comes in every turn; a nullifier is below the modulus
        let (parts, rounds) = parts(count, FieldElement::MODULUS[0], round / turns as u64);
        let of = |part| Kind::Nullifiers(Box::new(scope.clone()), part);
        turn.kinds.extend(parts.into_iter().map(of));
        turn.cycle = turn.cycle.max(rounds * turns as u64);
    }
    turn.cycle = turn.cycle.max(turns as u64);
    Ok(turn)
}

/// Which parts of a kind with so many accounts to look at in a round, and in how many rounds all come by: the first bytes of what
/// names an account, up to the last; `None`: all at once.
fn parts(count: u64, last: u8, round: u64) -> (Vec<Option<u8>>, u64) {
    let bytes = u64::from(last) + 1;
    let rounds = count.div_ceil(PART).clamp(1, bytes);
    if rounds == 1 {
        return (vec![None], 1);
    }
    let this = round % rounds;
    let parts = (0..=last).filter(|byte| u64::from(*byte) * rounds / bytes == this);
    (parts.map(Some).collect(), rounds)
}

/// An account's state, if it is one of this type.
fn decoded<T: ZeroCopy + Discriminator + Owner>(account: &Account) -> Option<T> {
    // the filter asked for this program's accounts
    decode_account(&bauta::ID, &account.data).ok()
}

impl Kind {
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

    pub fn filter(&self) -> AccountFilter {
        match self {
            Self::Config => of_type(state::Config::DISCRIMINATOR),
            Self::Circuits => of_type(state::Circuit::DISCRIMINATOR),
            Self::Registries => of_type(state::Registry::DISCRIMINATOR),
            Self::Scopes => of_type(state::Scope::DISCRIMINATOR),
            Self::Collections(registry) => {
                let mut filter = of_type(state::Collection::DISCRIMINATOR);
                filter.has.push((FIRST, registry.address.to_bytes().to_vec()));
                filter
            }
            Self::Nullifiers(scope, part) => {
                let mut filter = of_type(state::Nullifier::DISCRIMINATOR);
                filter.has.push((FIRST, scope.address.to_bytes().to_vec()));
                filter.has.extend(part.map(|byte| (SECOND, vec![byte])));
                // the nullifier alone: there may be many
                filter.part = Some((SECOND, 32));
                filter
            }
            Self::Holdings(registry, part) => {
                let mut filter = of_type(state::Holding::DISCRIMINATOR);
                filter.has.push((FIRST, registry.address.to_bytes().to_vec()));
                filter.has.extend(part.map(|byte| (SECOND, vec![byte])));
                filter
            }
        }
    }

    /// What names an account and what of it must agree.
    pub fn read(&self, account: &Account) -> Option<([u8; 32], Vec<u8>)> {
        Some(match self {
            Self::Config => {
                let config: state::Config = decoded(account)?;
                let said = config_said(
                    &config.admin.to_bytes(),
                    &config.pending_admin.to_bytes(),
                    &config.cluster_tag,
                    config.paused != 0,
                    config.development_keys_allowed != 0,
                );
                (account.address.to_bytes(), said)
            }
            Self::Circuits => {
                let circuit: state::Circuit = decoded(account)?;
                let is_active = circuit.status == state::Circuit::ACTIVE;
                (account.address.to_bytes(), vec![u8::from(is_active)])
            }
            Self::Registries => {
                let registry: state::Registry = decoded(account)?;
                let said = registry_said(
                    registry.sealed != 0,
                    registry.next_index,
                    registry.sequence,
                    &registry.root,
                );
                (account.address.to_bytes(), said)
            }
            Self::Collections(_) => {
                let collection: state::Collection = decoded(account)?;
                let said = collection_said(collection.is_group != 0, collection.track);
                (collection.key.to_bytes(), said)
            }
            Self::Scopes => {
                let scope: state::Scope = decoded(account)?;
                let is_open = scope.status == state::Scope::OPEN;
                (account.address.to_bytes(), vec![u8::from(is_open)])
            }
            Self::Nullifiers(..) => (account.data.as_slice().try_into().ok()?, Vec::new()),
            Self::Holdings(..) => {
                let holding: state::Holding = decoded(account)?;
                let said = holding_said(
                    &holding.owner.to_bytes(),
                    &holding.commitment,
                    holding.index,
                    holding.track,
                    holding.live != 0,
                );
                (holding.mint.to_bytes(), said)
            }
        })
    }

    /// What the database says now.
    pub async fn stored(&self, store: &Store) -> Result<Said, StoreError> {
        let mut said = Said::new();
        match self {
            Self::Config => {
                if let Some(config) = store.config().await? {
                    let pending = config.pending_admin.map_or([0; 32], |admin| admin.to_bytes());
                    let bytes = config_said(
                        &config.admin.to_bytes(),
                        &pending,
                        &config.cluster_tag,
                        config.paused,
                        config.development_keys_allowed,
                    );
                    said.insert(addresses::config().address.to_bytes(), bytes);
                }
            }
            Self::Circuits => {
                for circuit in store.circuits().await? {
                    let is_active = circuit.status == CircuitStatus::Active;
                    said.insert(circuit.address.to_bytes(), vec![u8::from(is_active)]);
                }
            }
            Self::Registries => {
                for registry in store.registries().await? {
                    let root = store.root_at(&registry, registry.sequence).await?;
                    let root = root.map_or([0; 32], bauta_primitives::Root::to_bytes);
                    let bytes = registry_said(
                        registry.sealed,
                        registry.next_index,
                        registry.sequence.get(),
                        &root,
                    );
                    said.insert(registry.address.to_bytes(), bytes);
                }
            }
            Self::Collections(registry) => {
                for collection in store.collections(registry).await? {
                    said.insert(
                        collection.key.to_bytes(),
                        collection_said(collection.is_group, collection.track),
                    );
                }
            }
            Self::Scopes => {
                for scope in store.scopes().await? {
                    said.insert(
                        scope.address.to_bytes(),
                        vec![u8::from(scope.status == ScopeStatus::Open)],
                    );
                }
            }
            Self::Nullifiers(scope, part) => {
                let used = store.nullifiers(scope, *part).await?;
                let there = used.iter().filter(|used| !used.reclaimed);
                said.extend(there.map(|used| (used.nullifier.to_bytes(), Vec::new())));
            }
            Self::Holdings(registry, part) => {
                for (mint, held) in store.holdings(registry, *part).await? {
                    let commitment = held.commitment.to_bytes();
                    said.insert(
                        mint.to_bytes(),
                        holding_said(
                            &held.owner.to_bytes(),
                            &commitment,
                            held.index.get(),
                            held.track,
                            held.live,
                        ),
                    );
                }
            }
        }
        Ok(said)
    }

    /// Whether an account has been as the chain said, between two looks at the database. Only registries change so often that
    /// it matters, and theirs is known by the sequence.
    pub async fn was(&self, store: &Store, name: &[u8; 32], said: &[u8]) -> Result<bool, StoreError> {
        if !matches!(self, Self::Registries) {
            return Ok(false);
        }
        let Some((sequence, root)) = sequence_and_root(said) else {
            return Ok(false);
        };
        let registry = match store.registry(Address::from(*name)).await {
            Err(StoreError::Unknown { .. }) => return Ok(false),
            found => found?,
        };
        let known = store.root_at(&registry, Sequence::new(sequence)).await?;
        Ok(known.is_some_and(|known| known.to_bytes() == root))
    }

    /// Where the account of a name should be.
    pub fn address(&self, name: &[u8; 32]) -> Address {
        let key = Address::from(*name);
        match self {
            Self::Config | Self::Circuits | Self::Registries | Self::Scopes => key,
            Self::Collections(registry) => addresses::collection(&registry.address, &key).address,
            Self::Nullifiers(scope, _) => match Nullifier::from_bytes(*name) {
                Ok(nullifier) => addresses::nullifier(&scope.address, nullifier).address,
                // not a nullifier: no account of it can be
                Err(_) => key,
            },
            Self::Holdings(registry, _) => addresses::holding(&registry.address, &key).address,
        }
    }
}

fn config_said(
    admin: &[u8; 32],
    pending: &[u8; 32],
    tag: &[u8; 32],
    paused: bool,
    development_keys: bool,
) -> Vec<u8> {
    let flags = [u8::from(paused), u8::from(development_keys)];
    [admin.as_slice(), pending, tag, &flags].concat()
}

fn registry_said(sealed: bool, next_index: u64, sequence: u64, root: &[u8; 32]) -> Vec<u8> {
    let numbers = [next_index.to_be_bytes(), sequence.to_be_bytes()].concat();
    [&[u8::from(sealed)], numbers.as_slice(), root].concat()
}

/// The reverse of [`registry_said`].
fn sequence_and_root(said: &[u8]) -> Option<(u64, [u8; 32])> {
    let (sequence, root) = said.get(9..)?.split_first_chunk()?;
    Some((u64::from_be_bytes(*sequence), root.try_into().ok()?))
}

fn collection_said(is_group: bool, track: u64) -> Vec<u8> {
    [&[u8::from(is_group)], track.to_be_bytes().as_slice()].concat()
}

fn holding_said(owner: &[u8; 32], commitment: &[u8; 32], index: u64, track: u64, live: bool) -> Vec<u8> {
    let numbers = [index.to_be_bytes(), track.to_be_bytes()].concat();
    [owner.as_slice(), commitment, &numbers, &[u8::from(live)]].concat()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_part_comes_by_once_in_a_cycle() {
        for (count, last) in [
            (0, 0xff),
            (PART, 0xff),
            (PART + 1, 0xff),
            (7 * PART, 0x30),
            (1 << 40, 0x30),
        ] {
            let (_, rounds) = parts(count, last, 0);
            let all: Vec<_> = (5..5 + rounds)
                .flat_map(|round| parts(count, last, round).0)
                .collect();
            let different: BTreeSet<_> = all.iter().copied().collect();
            assert_eq!(all.len(), different.len(), "{count}");
            let expected: BTreeSet<_> = if rounds == 1 {
                [None].into()
            } else {
                (0..=last).map(Some).collect()
            };
            assert_eq!(different, expected, "{count}");
        }
    }
}

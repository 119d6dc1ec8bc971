use std::collections::{BTreeSet, VecDeque};

use bauta_store::{Slot, Store};
use solana_address::Address;

use super::differences::{PartOutcome, compare_part};
use super::kind::AccountKind;
use super::plan::{Cycle, Part, ReconcileLimits, prepend};
use crate::chain::Source;
use crate::{IndexerError, SourceError};

/// Selects what [`verify`] compares. The default selects everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection {
    /// Compares only this registry, with its collections and holdings.
    pub registry: Option<Address>,
    /// Compares only this scope, with its nullifiers.
    pub scope: Option<Address>,
}

impl Selection {
    const fn is_everything(&self) -> bool {
        self.registry.is_none() && self.scope.is_none()
    }

    fn contains(&self, kind: &AccountKind) -> bool {
        match kind {
            AccountKind::Config | AccountKind::Circuits => self.is_everything(),
            AccountKind::Registries => self.is_everything() || self.registry.is_some(),
            AccountKind::Scopes => self.is_everything() || self.scope.is_some(),
            AccountKind::Collections(registry) | AccountKind::Holdings(registry, _) => {
                self.is_everything() || self.registry == Some(registry.address)
            }
            AccountKind::Nullifiers(scope, _) => self.is_everything() || self.scope == Some(scope.address),
        }
    }

    /// Returns whether a difference of a selected kind counts.
    fn contains_account(&self, kind: &AccountKind, address: &Address) -> bool {
        match kind {
            AccountKind::Registries => self.registry.is_none_or(|registry| registry == *address),
            AccountKind::Scopes => self.scope.is_none_or(|scope| scope == *address),
            _ => true,
        }
    }
}

/// The result of [`verify`].
#[derive(Debug)]
pub struct Verified {
    /// The slot of the oldest answer: up to here accounts and database were compared.
    pub up_to: Slot,
    /// The number of requests for accounts.
    pub requests: usize,
    /// The accounts that differ, with the names of their kinds.
    pub differing: Vec<(&'static str, Address)>,
}

/// Compares the database with the program's accounts as they are now. Changes nothing, and searches
/// for nothing. `progress` is called before each request with its number, from 0, and the number of
/// requests.
///
/// An indexer must run, because the database has to reach the slots of the accounts.
pub async fn verify<S: Source>(
    store: &Store,
    source: &S,
    selection: &Selection,
    mut progress: impl FnMut(usize, usize),
) -> Result<Verified, IndexerError> {
    let cycle = Cycle::begin(store, &ReconcileLimits::default()).await?;
    let mut parts: VecDeque<Part> = Cycle::IN_EACH_ROUND
        .into_iter()
        .map(|kind| Part { kind, accounts: 0 })
        .chain(cycle.open)
        .filter(|part| selection.contains(&part.kind))
        .collect();
    let mut verified = Verified {
        up_to: Slot::MAX,
        requests: 0,
        differing: Vec::new(),
    };
    while let Some(part) = parts.pop_front() {
        progress(verified.requests, verified.requests + parts.len() + 1);
        verified.requests += 1;
        match compare_part(store, source, &part.kind, &BTreeSet::new()).await? {
            PartOutcome::Compared { slot, differing, .. } => {
                verified.up_to = verified.up_to.min(slot);
                let counts = differing
                    .into_iter()
                    .filter(|address| selection.contains_account(&part.kind, address))
                    .map(|address| (part.kind.name(), address));
                verified.differing.extend(counts);
            }
            PartOutcome::NotReached => return Err(IndexerError::DatabaseBehindAccounts),
            PartOutcome::Failed(SourceError::TooLong { what }) => match part.split() {
                Some(smaller) => prepend(&mut parts, smaller),
                None => return Err(SourceError::TooLong { what }.into()),
            },
            PartOutcome::Failed(error) => return Err(error.into()),
        }
    }
    Ok(verified)
}

//! Compares one part of the accounts with the database.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use bauta_store::{Slot, Store, StoreError};
use solana_address::Address;

use super::STEP_INTERVAL;
use super::kind::AccountKind;
use super::state::{AccountKey, AccountState, AccountStates};
use crate::chain::{Account, AccountsAnswer, Source};
use crate::{IndexerError, SourceError};

/// The time limit for the checkpoint to pass the slot of the accounts.
const REACH_TIMEOUT: Duration = Duration::from_secs(20);
/// How long accounts that differ are compared again, because a node's accounts can be newer than
/// the slot that it reports.
const NEWER_SLOTS_TIMEOUT: Duration = Duration::from_secs(2);
/// The time between two comparisons of accounts that differ.
const COMPARE_INTERVAL: Duration = Duration::from_millis(200);

/// The result of the comparison of one part.
pub enum PartOutcome {
    Compared {
        slot: Slot,
        differing: BTreeSet<Address>,
        /// The index of the node that returned the accounts.
        node: usize,
    },
    /// The checkpoint did not pass the slot of the accounts in time.
    NotReached,
    Failed(SourceError),
}

impl PartOutcome {
    /// Returns the index of the node that returned the accounts.
    pub const fn node(&self) -> Option<usize> {
        match self {
            Self::Compared { node, .. } => Some(*node),
            Self::NotReached | Self::Failed(_) => None,
        }
    }
}

/// Compares one part, with the accounts of a node other than `avoided` if possible.
pub async fn compare_part<S: Source>(
    store: &Store,
    source: &S,
    kind: &AccountKind,
    avoided: &BTreeSet<usize>,
) -> Result<PartOutcome, IndexerError> {
    let before = kind.stored(store).await?;
    // The rows that were read are not newer.
    let checkpoint = store.checkpoint().await?;
    let (node, slot, accounts) = match source.accounts(&kind.filter(), avoided).await {
        Ok(AccountsAnswer { node, slot, accounts }) => (node, slot, accounts),
        Err(error) => return Ok(PartOutcome::Failed(error)),
    };
    if !reach(store, slot, REACH_TIMEOUT).await? {
        return Ok(PartOutcome::NotReached);
    }
    let answer = Answer {
        accounts: &accounts,
        can_be_older: checkpoint.is_some_and(|at| slot < at.slot),
    };
    let mut differing = suspects(store, kind, &before, answer).await?;
    // A node can return accounts that are a little newer than the slot that it reports. Then the
    // database soon contains the same state.
    let start = Instant::now();
    while !differing.is_empty() && start.elapsed() < NEWER_SLOTS_TIMEOUT {
        tokio::time::sleep(COMPARE_INTERVAL).await;
        differing = suspects(store, kind, &before, answer).await?;
    }
    Ok(PartOutcome::Compared {
        slot,
        differing,
        node,
    })
}

/// Waits until the checkpoint has passed a slot. Returns `false` if the time limit passes first.
async fn reach(store: &Store, slot: Slot, limit: Duration) -> Result<bool, StoreError> {
    let start = Instant::now();
    loop {
        let checkpoint = store.checkpoint().await?;
        if checkpoint.is_some_and(|at| at.slot >= slot) {
            return Ok(true);
        }
        if start.elapsed() >= limit {
            return Ok(false);
        }
        tokio::time::sleep(STEP_INTERVAL).await;
    }
}

/// The accounts that a node returned.
#[derive(Clone, Copy)]
struct Answer<'a> {
    accounts: &'a [Account],
    /// Whether the database was ahead of the node before the request.
    can_be_older: bool,
}

/// Returns the addresses of the accounts whose state differs from the database, both as it was
/// before and as it is now.
async fn suspects(
    store: &Store,
    kind: &AccountKind,
    before: &AccountStates,
    answer: Answer<'_>,
) -> Result<BTreeSet<Address>, StoreError> {
    let mut chain = AccountStates::new();
    let mut addresses = HashMap::new();
    for account in answer.accounts {
        if let Some((key, state)) = kind.decode(account) {
            addresses.insert(key, account.address);
            chain.insert(key, state);
        }
    }
    let differs = |stored: &AccountStates, key: &AccountKey| chain.get(key) != stored.get(key);
    let keys: BTreeSet<AccountKey> = chain.keys().chain(before.keys()).copied().collect();
    let changed: Vec<_> = keys.into_iter().filter(|key| differs(before, key)).collect();
    if changed.is_empty() {
        return Ok(BTreeSet::new());
    }
    let after = kind.stored(store).await?;
    let mut suspects = BTreeSet::new();
    for key in changed.iter().filter(|key| differs(&after, key)) {
        let was_stored = match chain.get(key) {
            Some(state) => {
                let before = before.get(key).filter(|_| !answer.can_be_older);
                was_stored(store, key, state, before).await?
            }
            None => false,
        };
        if !was_stored {
            let address = match addresses.get(key) {
                Some(address) => *address,
                None => kind.address(store, key).await?,
            };
            suspects.insert(address);
        }
    }
    Ok(suspects)
}

/// Returns whether the database contained this state of an account between two reads.
///
/// Only registries change so often that this case matters. The sequence identifies the states of
/// their trees. A state with the present sequence is not one in between.
///
/// A state that is older than `before`, the one that was read first, is not one in between.
async fn was_stored(
    store: &Store,
    key: &AccountKey,
    state: &AccountState,
    before: Option<&AccountState>,
) -> Result<bool, StoreError> {
    let AccountState::Registry(state) = state else {
        return Ok(false);
    };
    if matches!(before, Some(AccountState::Registry(before)) if state.sequence < before.sequence) {
        return Ok(false);
    }
    let registry = match store.registry(Address::from(*key)).await {
        Err(StoreError::Unknown { .. }) => return Ok(false),
        registry => registry?,
    };
    if state.sequence == registry.sequence {
        return Ok(false);
    }
    let root = store.root_at(&registry, state.sequence).await?;
    Ok(root.is_some_and(|root| root.to_bytes() == state.root))
}

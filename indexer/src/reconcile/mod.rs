//! Reconciles the database with the program's accounts. They show the effects of transactions that
//! every node omits from its lists.
//!
//! ```text
//!   for each kind of account:
//!     before  read the database
//!     chain   getProgramAccounts, at a slot ── step until the checkpoint has passed that slot
//!     after   read the database again
//!        chain differs from both ──> suspect ──search by the account's own address──> found: roll back
//!                                                              nothing found, several times: stop
//! ```
//!
//! An account whose state equals the one before or after has only changed in the meantime.
//!
//! A kind with many accounts is compared over several rounds, by the first byte of the accounts'
//! keys. The database agrees with the accounts when every round of a cycle has found no difference.

mod kind;
mod plan;
mod state;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use bauta_store::{Slot, Store, StoreError};
use solana_address::Address;

use crate::chain::{Account, Source};
use crate::follow::{Follower, SearchRange};
use crate::{IndexerError, metrics};
use kind::AccountKind;
use plan::RoundPlan;
use state::{AccountKey, AccountState, AccountStates};

/// The number of consecutive rounds with an unexplained difference after which the checkpoint
/// stops.
const MAX_UNEXPLAINED_ROUNDS: u32 = 3;
/// The time limit for the checkpoint to pass the slot of the accounts.
const REACH_TIMEOUT: Duration = Duration::from_secs(20);
/// By how many slots a node's accounts can be newer than the slot that it reports.
const MAX_SLOTS_NEWER: u64 = 2;
/// The time limit for the checkpoint to pass these newer slots.
const NEWER_SLOTS_TIMEOUT: Duration = Duration::from_secs(2);
/// The time between two steps towards a slot.
const STEP_INTERVAL: Duration = Duration::from_millis(50);

/// Compares the database with the accounts, round by round.
#[derive(Default)]
pub struct Reconciler {
    /// The number of rounds without a difference. It selects the parts of the next round.
    rounds: u64,
    /// The number of consecutive rounds in which an account had an unexplained difference.
    unexplained: HashMap<Address, u32>,
    /// The slots of the last rounds, in which no difference was found.
    agreed_slots: VecDeque<Slot>,
}

/// The result of a round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The compared accounts agree with the database.
    Agreement {
        /// The slot up to which all accounts agree with the database. `None` if some parts have not
        /// been compared yet.
        up_to: Option<Slot>,
    },
    /// Missing transactions were found. The next steps apply them.
    Repaired,
    /// The checkpoint did not reach the slot of the accounts in time, or a difference must be
    /// compared again.
    Inconclusive,
}

impl Reconciler {
    /// Does one round.
    pub async fn round<S: Source>(&mut self, follower: &mut Follower<S>) -> Result<Outcome, IndexerError> {
        let mut up_to = Slot::MAX;
        let mut differing: Vec<(&'static str, Address)> = Vec::new();
        let mut counts: HashMap<&'static str, usize> = HashMap::new();
        let RoundPlan { kinds, cycle } = RoundPlan::for_round(follower.store(), self.rounds).await?;
        for kind in kinds {
            let before = kind.stored(follower.store()).await?;
            let (slot, accounts) = follower.source().accounts(&kind.filter()).await?;
            if !reach(follower, slot, REACH_TIMEOUT).await? {
                return Ok(Outcome::Inconclusive);
            }
            up_to = up_to.min(slot);
            let mut suspects = suspects(follower, &kind, &before, &accounts).await?;
            if !suspects.is_empty() {
                // A node can return accounts that are a little newer than the slot that it reports.
                // Then the database soon contains the same state.
                let newest = slot.saturating_add(MAX_SLOTS_NEWER);
                reach(follower, newest, NEWER_SLOTS_TIMEOUT).await?;
                suspects = self::suspects(follower, &kind, &before, &accounts).await?;
            }
            *counts.entry(kind.name()).or_default() += suspects.len();
            differing.extend(suspects.into_iter().map(|address| (kind.name(), address)));
        }
        for (kind, count) in counts {
            metrics::reconcile_differences(kind, count);
        }
        if differing.is_empty() {
            self.rounds += 1;
            self.unexplained.clear();
            return Ok(Outcome::Agreement {
                up_to: self.record_agreement(up_to, cycle),
            });
        }
        // `rounds` does not change, so the next round compares the same parts.
        self.agreed_slots.clear();
        self.explain(follower, &differing, up_to).await
    }

    /// Records a round that found no difference at a slot. Returns the slot up to which all rounds
    /// of a cycle have found no difference.
    fn record_agreement(&mut self, slot: Slot, cycle: u64) -> Option<Slot> {
        let cycle = usize::try_from(cycle).unwrap_or(usize::MAX);
        self.agreed_slots.push_back(slot);
        while self.agreed_slots.len() > cycle {
            self.agreed_slots.pop_front();
        }
        (self.agreed_slots.len() == cycle).then(|| self.agreed_slots.iter().min().copied())?
    }

    /// Searches for missing transactions at the addresses of accounts that differ.
    async fn explain<S: Source>(
        &mut self,
        follower: &mut Follower<S>,
        differing: &[(&'static str, Address)],
        up_to: Slot,
    ) -> Result<Outcome, IndexerError> {
        self.unexplained
            .retain(|address, _| differing.iter().any(|(_, differs)| differs == address));
        let addresses: Vec<_> = differing.iter().map(|(_, address)| *address).collect();
        let finalized = follower.store().finalized_slot().await?;
        let listed = HashSet::new();
        for after in [finalized, None] {
            let range = SearchRange {
                after,
                until: up_to,
                listed: &listed,
            };
            if follower.search_missing(&addresses, &range).await? {
                tracing::warn!(event = "missing_transactions", accounts = addresses.len());
                return Ok(Outcome::Repaired);
            }
        }
        let mut limit_reached = false;
        for address in &addresses {
            let rounds = self.unexplained.entry(*address).or_default();
            *rounds += 1;
            limit_reached |= *rounds >= MAX_UNEXPLAINED_ROUNDS;
        }
        if !limit_reached {
            return Ok(Outcome::Inconclusive);
        }
        let (kind, address) = differing[0];
        Err(IndexerError::UnexplainedDifferences {
            differences: differing.len(),
            kind,
            address,
        })
    }
}

/// Steps until the checkpoint has passed a slot. Returns `false` if the time limit passes first.
async fn reach<S: Source>(
    follower: &mut Follower<S>,
    slot: Slot,
    limit: Duration,
) -> Result<bool, IndexerError> {
    let start = Instant::now();
    while start.elapsed() < limit {
        let checkpoint = follower.store().checkpoint().await?;
        if checkpoint.is_some_and(|at| at.slot >= slot) {
            return Ok(true);
        }
        follower.step().await?;
        tokio::time::sleep(STEP_INTERVAL).await;
    }
    Ok(false)
}

/// Returns the addresses of the accounts whose state differs from the database, both as it was
/// before and as it is now.
async fn suspects<S: Source>(
    follower: &Follower<S>,
    kind: &AccountKind,
    before: &AccountStates,
    accounts: &[Account],
) -> Result<BTreeSet<Address>, IndexerError> {
    let mut chain = AccountStates::new();
    let mut addresses = HashMap::new();
    for account in accounts {
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
    let after = kind.stored(follower.store()).await?;
    let mut suspects = BTreeSet::new();
    for key in changed.iter().filter(|key| differs(&after, key)) {
        let was_stored = match chain.get(key) {
            Some(state) => was_stored(follower.store(), key, state).await?,
            None => false,
        };
        if !was_stored {
            let address = match addresses.get(key) {
                Some(address) => *address,
                None => kind.address(follower.store(), key).await?,
            };
            suspects.insert(address);
        }
    }
    Ok(suspects)
}

/// Returns whether the database contained this state of an account between two reads.
///
/// Only registries change so often that this case matters. The sequence identifies their states.
async fn was_stored(store: &Store, key: &AccountKey, state: &AccountState) -> Result<bool, StoreError> {
    let AccountState::Registry(state) = state else {
        return Ok(false);
    };
    let registry = match store.registry(Address::from(*key)).await {
        Err(StoreError::Unknown { .. }) => return Ok(false),
        registry => registry?,
    };
    let root = store.root_at(&registry, state.sequence).await?;
    Ok(root.is_some_and(|root| root.to_bytes() == state.root))
}

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
//! Many accounts are compared over several rounds, in parts that begin with the same bytes of their
//! keys. The rounds that compare every part once are a cycle. The database agrees with the accounts
//! up to the smallest slot of a cycle in which no part differs.
//!
//! The comparison only reads. It runs beside the follower, so that a node that does not return the
//! accounts delays nothing else. The follower then searches for what is missing.

mod kind;
mod plan;
mod state;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bauta_store::{Slot, Store, StoreError};
use solana_address::Address;

use crate::chain::{Account, Source};
use crate::follow::{Follower, SearchRange};
use crate::{IndexerError, SourceError, metrics};
use kind::AccountKind;
use plan::{Cycle, Part};
use state::{AccountKey, AccountState, AccountStates};

pub use plan::ReconcileLimits;

/// The number of consecutive rounds with an unexplained difference after which the checkpoint
/// stops.
const MAX_UNEXPLAINED_ROUNDS: u32 = 3;
/// The number of accounts for which a round searches, at most. If more differ, the next rounds
/// search for the others.
const MAX_SEARCHED_ACCOUNTS: usize = 100;
/// The time limit for the checkpoint to pass the slot of the accounts.
const REACH_TIMEOUT: Duration = Duration::from_secs(20);
/// How long accounts that differ are compared again, because a node's accounts can be newer than the
/// slot that it reports.
const NEWER_SLOTS_TIMEOUT: Duration = Duration::from_secs(2);
/// The time between two comparisons of accounts that differ.
const COMPARE_INTERVAL: Duration = Duration::from_millis(200);
/// The time between two looks at the checkpoint, and between two steps towards a slot.
const STEP_INTERVAL: Duration = Duration::from_millis(50);
/// The back-off of a kind of account after its first failure. It doubles with each further one.
const MIN_BACKOFF: Duration = Duration::from_secs(5);
/// The longest back-off of a kind of account.
const MAX_BACKOFF: Duration = Duration::from_mins(5);

/// Compares the database with the accounts, round by round.
#[derive(Default)]
pub struct Reconciler {
    limits: ReconcileLimits,
    cycle: Option<Cycle>,
    /// The slot up to which the last complete cycle has found no difference.
    agreed: Option<Slot>,
    /// The number of rollbacks for which `cycle` and `agreed` hold.
    rollbacks: u64,
    backoffs: HashMap<&'static str, Backoff>,
    explainer: Explainer,
}

/// When a kind of account is requested again after failures.
struct Backoff {
    failures: u32,
    until: Instant,
}

/// What a round has found.
#[derive(Debug)]
pub struct Comparison {
    /// The slot of the oldest answer.
    up_to: Slot,
    /// The accounts that differ, with their kinds.
    differing: Vec<(&'static str, Address)>,
    /// The slot up to which all accounts agree with the database. `None` if some parts have not
    /// been compared yet.
    agreed: Option<Slot>,
    /// Whether the checkpoint passed the slots of all answers.
    is_reached: bool,
    /// The last error of a request that all nodes failed.
    failure: Option<SourceError>,
    /// The number of rollbacks when the comparison began.
    rollbacks: u64,
}

impl Comparison {
    /// Returns whether the database was rolled back since the comparison began, so that it says
    /// nothing about the present rows.
    pub fn is_outdated(&self, rollbacks: u64) -> bool {
        self.rollbacks != rollbacks
    }

    /// Returns the slot up to which all accounts agree with the database, if every part has been
    /// compared.
    pub const fn agreed(&self) -> Option<Slot> {
        self.agreed
    }
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

/// The result of the comparison of one part.
enum PartOutcome {
    Compared {
        slot: Slot,
        differing: BTreeSet<Address>,
    },
    /// The checkpoint did not pass the slot of the accounts in time.
    NotReached,
    Failed(SourceError),
}

impl Reconciler {
    /// Creates a reconciler that divides the accounts within these limits.
    #[must_use]
    pub fn new(limits: ReconcileLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Does one round and steps the follower meanwhile, so that it reaches the slots of the
    /// accounts. Fails if no node returns the accounts.
    pub async fn round<S: Source>(&mut self, follower: &mut Follower<S>) -> Result<Outcome, IndexerError> {
        let (store, source) = (follower.store().clone(), Arc::clone(follower.source()));
        let rollbacks = follower.rollbacks();
        let mut comparison = {
            let comparing = self.compare(&store, &*source, &rollbacks);
            tokio::pin!(comparing);
            loop {
                tokio::select! {
                    biased;
                    comparison = &mut comparing => break comparison?,
                    stepped = step_after_interval(follower) => stepped?,
                }
            }
        };
        if let Some(failure) = comparison.failure.take() {
            return Err(failure.into());
        }
        if comparison.is_outdated(rollbacks.load(Ordering::Relaxed)) {
            return Ok(Outcome::Inconclusive);
        }
        self.explainer.explain(follower, &comparison).await
    }

    /// Does one round. Another task must move the checkpoint past the slots of the accounts.
    ///
    /// A kind that no node returns is requested again after a back-off. The other kinds are
    /// compared meanwhile.
    pub(crate) async fn compare<S: Source>(
        &mut self,
        store: &Store,
        source: &S,
        rollbacks: &AtomicU64,
    ) -> Result<Comparison, IndexerError> {
        let rollbacks = rollbacks.load(Ordering::Relaxed);
        if self.rollbacks != rollbacks {
            (self.cycle, self.agreed, self.rollbacks) = (None, None, rollbacks);
        }
        let mut cycle = match self.cycle.take() {
            Some(cycle) => cycle,
            None => Cycle::begin(store, &self.limits).await?,
        };
        let mut round = Comparison {
            up_to: Slot::MAX,
            differing: Vec::new(),
            agreed: None,
            is_reached: true,
            failure: None,
            rollbacks,
        };
        let mut counts: HashMap<&'static str, usize> = HashMap::new();
        for kind in Cycle::IN_EACH_ROUND {
            if self.is_backing_off(kind.name()) {
                // Without this kind the round proves nothing.
                round.is_reached = false;
                continue;
            }
            let outcome = compare_part(store, source, &kind).await?;
            self.record(&mut round, &mut counts, &kind, &outcome);
        }
        let mut weight = 0_u64;
        let mut again = Vec::new();
        while weight < self.limits.accounts_per_round {
            let Some(part) = cycle.open.pop_front() else { break };
            if self.is_backing_off(part.kind.name()) {
                again.push(part);
                continue;
            }
            weight = weight.saturating_add(part.weight());
            let outcome = compare_part(store, source, &part.kind).await?;
            if let PartOutcome::Failed(SourceError::TooLong { .. }) = &outcome
                && let Some(smaller) = part.split()
            {
                smaller
                    .into_iter()
                    .rev()
                    .for_each(|part| cycle.open.push_front(part));
                continue;
            }
            if self.record(&mut round, &mut counts, &part.kind, &outcome) {
                cycle.compared += 1;
                continue;
            }
            match outcome {
                // The other parts of the kind may be returned.
                PartOutcome::Failed(_) => cycle.open.push_back(part),
                // It is compared again in the next round, until it agrees.
                PartOutcome::Compared { .. } => again.push(part),
                PartOutcome::NotReached => {
                    again.push(part);
                    break;
                }
            }
        }
        again
            .into_iter()
            .rev()
            .for_each(|part| cycle.open.push_front(part));
        for (kind, count) in counts {
            metrics::reconcile_differences(kind, count);
        }
        metrics::reconcile_progress(cycle.compared, cycle.open.len());
        cycle.up_to = cycle.up_to.min(round.up_to);
        let is_agreement = round.differing.is_empty() && round.is_reached && round.failure.is_none();
        if is_agreement && cycle.open.is_empty() {
            self.agreed = self.agreed.max(Some(cycle.up_to));
            // The next round begins the next cycle.
        } else {
            self.cycle = Some(cycle);
        }
        round.agreed = self.agreed;
        Ok(round)
    }

    fn is_backing_off(&self, kind: &str) -> bool {
        self.backoffs
            .get(kind)
            .is_some_and(|backoff| backoff.until > Instant::now())
    }

    /// Records the outcome of a part. Returns whether the part agrees.
    fn record(
        &mut self,
        round: &mut Comparison,
        counts: &mut HashMap<&'static str, usize>,
        kind: &AccountKind,
        outcome: &PartOutcome,
    ) -> bool {
        match outcome {
            PartOutcome::Compared { slot, differing } => {
                self.backoffs.remove(kind.name());
                round.up_to = round.up_to.min(*slot);
                *counts.entry(kind.name()).or_default() += differing.len();
                round
                    .differing
                    .extend(differing.iter().map(|address| (kind.name(), *address)));
                differing.is_empty()
            }
            PartOutcome::NotReached => {
                round.is_reached = false;
                false
            }
            PartOutcome::Failed(error) => {
                let backoff = self.backoffs.entry(kind.name()).or_insert(Backoff {
                    failures: 0,
                    until: Instant::now(),
                });
                let pause = MIN_BACKOFF * 2_u32.pow(backoff.failures.min(6));
                backoff.failures = backoff.failures.saturating_add(1);
                backoff.until = Instant::now() + pause.min(MAX_BACKOFF);
                metrics::reconcile_failure(kind.name());
                tracing::warn!(event = "reconcile_failed", kind = kind.name(), %error);
                round.failure = Some(SourceError::Unavailable {
                    what: "the program's accounts",
                    reason: error.to_string(),
                });
                false
            }
        }
    }
}

/// Searches for the missing transactions that explain differences.
#[derive(Default)]
pub(crate) struct Explainer {
    /// The number of consecutive rounds in which an account had an unexplained difference.
    unexplained: HashMap<Address, u32>,
}

impl Explainer {
    /// Searches for missing transactions at the addresses of accounts that differ.
    pub(crate) async fn explain<S: Source>(
        &mut self,
        follower: &mut Follower<S>,
        comparison: &Comparison,
    ) -> Result<Outcome, IndexerError> {
        let differing = &comparison.differing;
        let Some((kind, address)) = differing.first().copied() else {
            if !comparison.is_reached || comparison.failure.is_some() {
                return Ok(Outcome::Inconclusive);
            }
            self.unexplained.clear();
            return Ok(Outcome::Agreement {
                up_to: comparison.agreed,
            });
        };
        let differs: HashSet<Address> = differing.iter().map(|(_, address)| *address).collect();
        self.unexplained.retain(|address, _| differs.contains(address));
        let addresses: Vec<_> = differing
            .iter()
            .take(MAX_SEARCHED_ACCOUNTS)
            .map(|(_, address)| *address)
            .collect();
        let finalized = follower.store().finalized_slot().await?;
        let listed = HashSet::new();
        for after in [finalized, None] {
            let range = SearchRange {
                after,
                until: comparison.up_to,
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
        Err(IndexerError::UnexplainedDifferences {
            differences: differing.len(),
            kind,
            address,
        })
    }
}

/// Selects what [`verify`] compares. By default everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection {
    /// Only this registry, with its collections and holdings.
    pub registry: Option<Address>,
    /// Only this scope, with its nullifiers.
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
        match compare_part(store, source, &part.kind).await? {
            PartOutcome::Compared { slot, differing } => {
                verified.up_to = verified.up_to.min(slot);
                let counts = differing
                    .into_iter()
                    .filter(|address| selection.contains_account(&part.kind, address))
                    .map(|address| (part.kind.name(), address));
                verified.differing.extend(counts);
            }
            PartOutcome::NotReached => return Err(IndexerError::DatabaseBehindAccounts),
            PartOutcome::Failed(SourceError::TooLong { what }) => match part.split() {
                Some(smaller) => smaller.into_iter().rev().for_each(|part| parts.push_front(part)),
                None => return Err(SourceError::TooLong { what }.into()),
            },
            PartOutcome::Failed(error) => return Err(error.into()),
        }
    }
    Ok(verified)
}

/// Compares one part.
async fn compare_part<S: Source>(
    store: &Store,
    source: &S,
    kind: &AccountKind,
) -> Result<PartOutcome, IndexerError> {
    let before = kind.stored(store).await?;
    let (slot, accounts) = match source.accounts(&kind.filter()).await {
        Ok(accounts) => accounts,
        Err(error) => return Ok(PartOutcome::Failed(error)),
    };
    if !reach(store, slot, REACH_TIMEOUT).await? {
        return Ok(PartOutcome::NotReached);
    }
    let mut differing = suspects(store, kind, &before, &accounts).await?;
    // A node can return accounts that are a little newer than the slot that it reports. Then the
    // database soon contains the same state.
    let start = Instant::now();
    while !differing.is_empty() && start.elapsed() < NEWER_SLOTS_TIMEOUT {
        tokio::time::sleep(COMPARE_INTERVAL).await;
        differing = suspects(store, kind, &before, &accounts).await?;
    }
    Ok(PartOutcome::Compared { slot, differing })
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

async fn step_after_interval<S: Source>(follower: &mut Follower<S>) -> Result<(), IndexerError> {
    tokio::time::sleep(STEP_INTERVAL).await;
    follower.step().await?;
    Ok(())
}

/// Returns the addresses of the accounts whose state differs from the database, both as it was
/// before and as it is now.
async fn suspects(
    store: &Store,
    kind: &AccountKind,
    before: &AccountStates,
    accounts: &[Account],
) -> Result<BTreeSet<Address>, StoreError> {
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
    let after = kind.stored(store).await?;
    let mut suspects = BTreeSet::new();
    for key in changed.iter().filter(|key| differs(&after, key)) {
        let was_stored = match chain.get(key) {
            Some(state) => was_stored(store, key, state).await?,
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
async fn was_stored(store: &Store, key: &AccountKey, state: &AccountState) -> Result<bool, StoreError> {
    let AccountState::Registry(state) = state else {
        return Ok(false);
    };
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

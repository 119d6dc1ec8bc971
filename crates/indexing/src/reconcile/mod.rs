//! Reconciles the database with the program's accounts. They show the effects of transactions that
//! every node omits from its lists.
//!
//! ```text
//!   for each kind of account:
//!     before  read the database
//!     chain   getProgramAccounts, at a slot ── step until the checkpoint has passed that slot
//!     after   read the database again
//!        chain differs from both ──> suspect ──search by the account's address──> found: roll back
//!                                                              nothing found, several times: stop
//! ```
//!
//! An account whose state equals the one before or after has only changed in the meantime.
//!
//! Many accounts are compared over several rounds, in parts that begin with the same bytes of their
//! keys. The rounds that compare every part once are a cycle. The database agrees with the accounts
//! of a node up to the smallest slot of a cycle in which no part differs. With several nodes, two
//! of them must agree.
//!
//! The comparison and the search only read. They run beside the follower, so that a node that does
//! not return the accounts, or a long history, delays nothing else. The follower then applies what
//! is missing.

mod agreement;
mod differences;
mod explainer;
mod kind;
mod plan;
mod searches;
mod state;
mod verify;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bauta_store::{Slot, Store};
use solana_address::Address;

use crate::backoff::doubling_pause;
use crate::chain::{ListedTransaction, Source};
use crate::follow::Follower;
use crate::{IndexerError, SourceError, metrics};
use agreement::Agreement;
use differences::{PartOutcome, compare_part};
use kind::AccountKind;
use plan::{Cycle, prepend};
use searches::Searches;

pub use explainer::Explainer;
pub use plan::ReconcileLimits;
pub use verify::{Selection, Verified, verify};

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
    agreement: Agreement,
    /// The number of rollbacks for which `cycle` and `agreement` hold.
    rollbacks: u64,
    backoffs: HashMap<&'static str, Backoff>,
    searches: Searches,
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
    /// Missing transactions in the histories of the accounts that differ.
    found: Vec<ListedTransaction>,
    /// Transactions in these histories that no node returns.
    unreturned: Vec<ListedTransaction>,
    /// Those of the accounts whose whole history explained nothing.
    unexplained: Vec<Address>,
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
            let comparing = self.compare(&store, &source, &rollbacks);
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
        source: &Arc<S>,
        present: &AtomicU64,
    ) -> Result<Comparison, IndexerError> {
        let rollbacks = present.load(Ordering::Relaxed);
        if self.rollbacks != rollbacks {
            (self.cycle, self.agreement, self.rollbacks) = (None, Agreement::default(), rollbacks);
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
            found: Vec::new(),
            unreturned: Vec::new(),
            unexplained: Vec::new(),
            rollbacks,
        };
        let mut counts: HashMap<&'static str, usize> = HashMap::new();
        let avoided = self.agreement.avoided();
        for kind in Cycle::IN_EACH_ROUND {
            if self.is_backing_off(kind.name()) {
                // Without this kind the round proves nothing.
                round.is_reached = false;
                continue;
            }
            let outcome = compare_part(store, &**source, &kind, &avoided).await?;
            cycle.nodes.extend(outcome.node());
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
            let outcome = compare_part(store, &**source, &part.kind, &avoided).await?;
            cycle.nodes.extend(outcome.node());
            if let PartOutcome::Failed(SourceError::TooLong { .. }) = &outcome
                && let Some(smaller) = part.split()
            {
                prepend(&mut cycle.open, smaller);
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
        prepend(&mut cycle.open, again);
        for (kind, count) in counts {
            metrics::reconcile_differences(kind, count);
        }
        metrics::reconcile_progress(cycle.compared, cycle.open.len());
        cycle.up_to = cycle.up_to.min(round.up_to);
        let is_agreement = round.differing.is_empty() && round.is_reached && round.failure.is_none();
        let nodes = cycle.nodes.clone();
        if is_agreement && cycle.open.is_empty() {
            let serving = source.nodes_with_accounts();
            self.agreement.record_cycle(cycle.nodes, cycle.up_to, serving);
            // The next round begins the next cycle.
        } else {
            self.cycle = Some(cycle);
        }
        round.agreed = self.agreement.agreed();
        if !round.is_outdated(present.load(Ordering::Relaxed)) {
            self.searches.explain(store, source, &mut round).await?;
            if self.agreement.is_confirming() && !round.differing.is_empty() {
                self.record_dispute(&mut round, &nodes);
            }
        }
        Ok(round)
    }

    /// Ends a cycle in which accounts differ, although those of other nodes did not. A difference
    /// that no missing transaction explains counts only if the preferred nodes show it as well.
    fn record_dispute(&mut self, round: &mut Comparison, nodes: &BTreeSet<usize>) {
        if round.found.is_empty() {
            let accounts = round.differing.len();
            tracing::warn!(event = "accounts_disputed", ?nodes, accounts);
        }
        round.unexplained.clear();
        self.agreement.record_dispute(nodes);
        self.cycle = None;
    }

    /// Returns how many parts of the present cycle have been compared, and how many it has. `None`
    /// between two cycles.
    pub(crate) fn parts(&self) -> Option<(usize, usize)> {
        let cycle = self.cycle.as_ref()?;
        Some((cycle.compared, cycle.compared + cycle.open.len()))
    }

    /// Returns what the cycles have found.
    pub(crate) const fn agreement(&self) -> &Agreement {
        &self.agreement
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
            PartOutcome::Compared { slot, differing, .. } => {
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
                let now = Instant::now();
                let backoff = self.backoffs.entry(kind.name()).or_insert(Backoff {
                    failures: 0,
                    until: now,
                });
                backoff.failures = backoff.failures.saturating_add(1);
                backoff.until = now + doubling_pause(backoff.failures, MIN_BACKOFF, MAX_BACKOFF);
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

async fn step_after_interval<S: Source>(follower: &mut Follower<S>) -> Result<(), IndexerError> {
    tokio::time::sleep(STEP_INTERVAL).await;
    follower.step().await?;
    Ok(())
}

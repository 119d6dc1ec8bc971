//! Contested transactions: what one node invents, alters or denies.
//!
//! ```text
//!   a batch contradicts the database, and no search explains it ──┐
//!   only one node lists an applied transaction, before it is final ┼─> what has each node of it?
//!   accounts differ, and nothing explains it ──────────────────────┘            │
//!
//!      two nodes have one version, and fewer have another ──> the other one is undone
//!      as many have one as another: nothing decides yet
//!          the rows contradict it ──> one side is set aside, and then the other one
//!          otherwise ───────────────> it is kept, and its slot can be rolled back
//!      later: more nodes answer, or the accounts of two nodes agree with the rows ──> decided
//! ```
//!
//! A version of a transaction is the digest of its events, as a node returns them. The source does
//! not use the versions that are set aside. Everything that a node can cause here is bounded: the
//! number of transactions in a contest, of contests, of trials, and the time of each.

mod accounts;
mod contradictions;
mod judging;
mod verdict;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Instant;

use bauta_store::{ContestState, ContestedTransaction, Slot};
use solana_address::Address;
use solana_signature::Signature;
use tokio::task::JoinHandle;

use super::Follower;
use crate::chain::{ListedTransaction, NodeVersion, Source, VersionDigest, VersionKey};
use crate::{IndexerError, metrics};

/// The largest number of transactions that are compared at the same time.
const MAX_CANDIDATES: usize = 64;
/// The largest number of versions about which nothing is decided. Further ones are applied without a
/// contest.
const MAX_OPEN: usize = 1_000;
/// For how many slots after they are final the transactions are compared again that were undone.
const RECENT_SLOTS: u64 = 300;
/// The version of an applied transaction that the follower has forgotten, because it was restarted.
const UNKNOWN_VERSION: VersionDigest = [0; 32];

/// What the follower knows about contested transactions.
#[derive(Default)]
pub struct Contests {
    rows: HashMap<VersionKey, ContestedTransaction>,
    /// The transactions of which no version is left.
    excluded: HashSet<(Slot, Signature)>,
    /// The versions that were applied or fetched since the finalized slot.
    pub(in crate::follow) fetched: HashMap<Signature, (Slot, VersionDigest)>,
    /// The transactions since the finalized slot that only one node lists.
    suspects: BTreeMap<(Slot, Signature), Suspect>,
    judging: Option<Judging>,
    /// When the transactions about which nothing is decided were last compared.
    compared_at: Option<Instant>,
    trial: Option<Trial>,
    /// Since when applied transactions stop finality, because no node confirms them.
    unconfirmed_since: Option<Instant>,
    /// The transactions that were set aside once because accounts differ.
    tried_for_accounts: HashSet<(Slot, Signature)>,
}

/// A transaction that only one node lists.
struct Suspect {
    entry: ListedTransaction,
    since: Instant,
    compared_at: Option<Instant>,
    is_judged: bool,
}

/// The last side of a tie that was set aside.
struct Trial {
    account: Option<Address>,
    accused: Option<usize>,
    since: Instant,
    count: u32,
    keys: BTreeSet<(Slot, Signature)>,
}

/// A comparison beside the steps. It ends when this value is dropped.
struct Judging {
    entries: Vec<ListedTransaction>,
    task: JoinHandle<Vec<Vec<NodeVersion>>>,
}

impl Drop for Judging {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Contests {
    /// Returns whether a listed transaction is not applied: no version of it is left.
    pub fn excludes(&self, slot: Slot, signature: Signature) -> bool {
        self.excluded.contains(&(slot, signature))
    }

    fn is_contested(&self, key: (Slot, Signature)) -> bool {
        self.rows.values().any(|row| (row.slot, row.signature) == key)
    }

    fn count(&self, state: ContestState) -> usize {
        self.rows.values().filter(|row| row.state == state).count()
    }

    fn is_refused(&self, entry: &ListedTransaction, version: VersionDigest) -> bool {
        let row = self.rows.get(&(entry.slot, entry.signature, version));
        row.is_some_and(|row| row.state != ContestState::Kept)
    }

    fn refused(&self) -> HashSet<VersionKey> {
        let refused = self
            .rows
            .iter()
            .filter(|(_, row)| row.state != ContestState::Kept);
        refused.map(|(key, _)| *key).collect()
    }

    /// Returns the entries about which nothing is decided, and those that were undone in slots that
    /// have been final for a short time: a fork can have hidden them. The oldest come first.
    fn open(&self, floor: Option<Slot>) -> Vec<ListedTransaction> {
        let is_recent = |slot: Slot| floor.is_none_or(|floor| slot.saturating_add(RECENT_SLOTS) > floor);
        let is_open = |row: &&ContestedTransaction| row.state != ContestState::Undone || is_recent(row.slot);
        let mut open: Vec<_> = self.rows.values().filter(is_open).map(to_listed).collect();
        open.sort_by_key(|entry| (entry.slot, entry.signature));
        open.dedup();
        open
    }

    /// Returns the slot before the first transaction about which nothing is decided. Its journal is
    /// needed.
    pub fn decided_up_to(&self) -> Option<Slot> {
        let open = self.rows.values().filter(|row| row.state != ContestState::Undone);
        open.map(|row| row.slot.previous()).min()
    }

    /// Returns the slot before the first transaction that only one node lists, and that has not been
    /// compared yet.
    pub fn judged_up_to(&self) -> Option<Slot> {
        let mut open = self.suspects.iter().filter(|(_, suspect)| !suspect.is_judged);
        open.next().map(|((slot, _), _)| slot.previous())
    }

    /// Removes what concerns final slots only.
    pub fn forget(&mut self, finalized: Slot) {
        self.fetched.retain(|_, (slot, _)| *slot > finalized);
        self.suspects.retain(|(slot, _), _| *slot > finalized);
    }
}

fn to_listed(row: &ContestedTransaction) -> ListedTransaction {
    ListedTransaction {
        slot: row.slot,
        signature: row.signature,
        succeeded: row.succeeded,
        is_refused_reuse: !row.succeeded,
    }
}

impl<S: Source> Follower<S> {
    /// Returns the number of contested versions that are not applied while nothing shows that they
    /// are wrong, and the number of those that are applied.
    #[must_use]
    pub fn contested(&self) -> (usize, usize) {
        let count = |state| self.contests.count(state);
        (count(ContestState::Aside), count(ContestState::Kept))
    }

    /// Reads the contested versions from the database.
    pub(crate) async fn read_contests(&mut self) -> Result<(), IndexerError> {
        self.store.prune_contests().await?;
        let rows = self.store.contested().await?;
        let key = |row: &ContestedTransaction| (row.slot, row.signature, row.version);
        self.contests.rows = rows.into_iter().map(|row| (key(&row), row)).collect();
        self.publish_contests();
        Ok(())
    }

    fn publish_contests(&mut self) {
        let rows = self.contests.rows.values();
        let excluded = rows.filter(|row| row.state != ContestState::Kept && !row.has_other);
        self.contests.excluded = excluded.map(|row| (row.slot, row.signature)).collect();
        self.source.refuse_versions(&self.contests.refused());
        let (aside, kept) = self.contested();
        metrics::contested(aside, kept);
    }

    /// Returns the versions that fewer nodes have than the right one, and that are not refused yet.
    fn outvoted(
        &self,
        entry: &ListedTransaction,
        versions: &[NodeVersion],
        right: Option<VersionDigest>,
        reason: &str,
    ) -> Vec<ContestedTransaction> {
        let wrong: BTreeSet<VersionDigest> = versions
            .iter()
            .filter_map(|version| version.version)
            .filter(|version| Some(*version) != right && !self.contests.is_refused(entry, *version))
            .collect();
        for node in versions {
            if node.version.is_some_and(|version| wrong.contains(&version)) {
                self.source
                    .record_wrong_version(entry.slot, entry.signature, node.node);
            }
        }
        wrong
            .into_iter()
            .map(|version| self.row(entry, version, versions, ContestState::Undone, reason))
            .collect()
    }

    fn row(
        &self,
        entry: &ListedTransaction,
        version: VersionDigest,
        versions: &[NodeVersion],
        state: ContestState,
        reason: &str,
    ) -> ContestedTransaction {
        let is_other = |other: VersionDigest| other != version && !self.contests.is_refused(entry, other);
        let names = self.source.histories();
        let nodes = versions.iter().filter(|node| node.version == Some(version));
        let nodes: Vec<&str> = nodes
            .filter_map(|node| names.get(node.node).map(String::as_str))
            .collect();
        ContestedTransaction {
            slot: entry.slot,
            signature: entry.signature,
            version,
            succeeded: entry.succeeded,
            state,
            has_other: versions.iter().filter_map(|node| node.version).any(is_other),
            nodes: nodes.join(", "),
            reason: reason.to_owned(),
            seconds: 0,
        }
    }

    /// Records contested versions, and makes the next steps continue without those that are not
    /// kept.
    async fn set_versions_aside(&mut self, rows: Vec<ContestedTransaction>) -> Result<(), IndexerError> {
        self.store.contest(&rows).await?;
        let mut aside = Vec::new();
        for row in rows {
            tracing::error!(
                event = "contested",
                signature = %row.signature,
                slot = row.slot.get(),
                state = row.state.as_str(),
                nodes = row.nodes,
                reason = row.reason
            );
            if row.state != ContestState::Kept {
                aside.push(to_listed(&row));
            }
            self.contests
                .rows
                .insert((row.slot, row.signature, row.version), row);
        }
        self.publish_contests();
        let keys: Vec<_> = aside.iter().map(|entry| (entry.slot, entry.signature)).collect();
        for (_, signature) in &keys {
            self.found.remove(signature);
            self.unreturned.remove(signature);
            self.contests.fetched.remove(signature);
        }
        let applied = self.store.applied_transactions_among(&keys).await?;
        let applied: HashSet<_> = applied
            .iter()
            .map(|entry| (entry.slot, entry.signature))
            .collect();
        aside.retain(|entry| applied.contains(&(entry.slot, entry.signature)));
        if !aside.is_empty() {
            self.roll_back_before_missing(&aside).await?;
        }
        Ok(())
    }

    /// Ends the contests of versions, so that the next steps apply them again.
    async fn apply_again(&mut self, rows: Vec<ContestedTransaction>) -> Result<(), IndexerError> {
        let aside = rows.iter().filter(|row| row.state != ContestState::Kept);
        let entries = aside.map(to_listed).collect();
        self.end_contests(&rows).await?;
        let missing = self.unapplied(entries).await?;
        self.remember_found(&missing).await
    }

    async fn end_contests(&mut self, rows: &[ContestedTransaction]) -> Result<(), IndexerError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.store.end_contests(rows).await?;
        for row in rows {
            tracing::info!(event = "contest_ended", signature = %row.signature, slot = row.slot.get());
            self.contests.rows.remove(&(row.slot, row.signature, row.version));
        }
        self.publish_contests();
        Ok(())
    }
}

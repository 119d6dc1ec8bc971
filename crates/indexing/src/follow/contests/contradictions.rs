//! Decides which versions of transactions cause a contradiction.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bauta_store::{ContestState, ContestedTransaction};
use solana_address::Address;
use solana_signature::Signature;

use super::verdict::Verdict;
use super::{MAX_CANDIDATES, Trial};
use crate::IndexerError;
use crate::chain::{ListedTransaction, NodeVersion, Source, VersionDigest};
use crate::follow::{Follower, is_below};

/// For how long the decisions about one account belong together.
const TRIAL_TIME: Duration = Duration::from_mins(10);
/// How often one side of a tie about an account is set aside within [`TRIAL_TIME`].
const MAX_TRIALS: u32 = 4;

/// A transaction, and what each node has of it.
type Compared = (ListedTransaction, Vec<NodeVersion>);

/// Returns a listed transaction and the others of its slot.
fn neighbours(signature: Signature, listed: &[ListedTransaction]) -> Vec<ListedTransaction> {
    let Some(own) = listed.iter().find(|entry| entry.signature == signature) else {
        return Vec::new();
    };
    let others = listed
        .iter()
        .filter(|entry| entry.slot == own.slot && *entry != own);
    std::iter::once(own)
        .chain(others)
        .take(MAX_CANDIDATES)
        .copied()
        .collect()
}

impl<S: Source> Follower<S> {
    /// Decides which versions cause a contradiction that no missing transaction explains, and sets
    /// them aside. `new` are the transactions that were to be applied. Returns the contradiction if
    /// the nodes do not contradict each other.
    pub(in crate::follow) async fn contest(
        &mut self,
        contradiction: IndexerError,
        new: &[ListedTransaction],
    ) -> Result<(), IndexerError> {
        if self.source.histories().len() < 2 {
            return Err(contradiction);
        }
        let account = contradiction.affected_account();
        let candidates = match contradiction.affected_transaction() {
            Some(signature) => neighbours(signature, new),
            None => self.candidates(account, new).await?,
        };
        let compared = self.compare(&candidates).await;
        let reason = contradiction.to_string();
        let mut wrong = Vec::new();
        let mut ties = Vec::new();
        for (entry, versions) in compared {
            match Verdict::of(&versions) {
                Verdict::Unanswered => {}
                Verdict::Version(right) => wrong.extend(self.outvoted(&entry, &versions, right, &reason)),
                Verdict::Tie => ties.push((entry, versions)),
            }
        }
        if wrong.is_empty() {
            wrong = match self.one_side(account, &ties, &reason).await? {
                Some(wrong) => wrong,
                None => return Err(contradiction),
            };
        }
        self.set_versions_aside(wrong).await
    }

    /// Returns the transactions that can be the cause of a contradiction: the next ones that were to
    /// be applied, and the newest applied ones about the account.
    async fn candidates(
        &self,
        account: Option<Address>,
        new: &[ListedTransaction],
    ) -> Result<Vec<ListedTransaction>, IndexerError> {
        let checkpoint = self.store.checkpoint().await?;
        let is_next = |entry: &&ListedTransaction| {
            !is_below(entry, checkpoint) && !self.without_events.contains_key(&entry.signature)
        };
        let mut candidates: Vec<_> = new
            .iter()
            .filter(is_next)
            .take(MAX_CANDIDATES / 2)
            .copied()
            .collect();
        let left = u32::try_from(MAX_CANDIDATES - candidates.len()).unwrap_or_default();
        let applied = self.store.newest_transactions_of(account, left).await?;
        candidates.extend(applied.iter().map(|applied| ListedTransaction {
            slot: applied.slot,
            signature: applied.signature,
            succeeded: applied.succeeded,
            is_refused_reuse: !applied.succeeded,
        }));
        Ok(candidates)
    }

    async fn compare(&self, entries: &[ListedTransaction]) -> Vec<Compared> {
        let versions = self.source.versions(entries).await;
        entries.iter().copied().zip(versions).collect()
    }

    /// Returns the versions of one of the two sides of some ties: what one node has. If a further
    /// contradiction about the same account shows that this was the wrong side, what was set aside is
    /// applied again, and the other side is returned. `None` if there is nothing to change.
    async fn one_side(
        &mut self,
        account: Option<Address>,
        ties: &[Compared],
        reason: &str,
    ) -> Result<Option<Vec<ContestedTransaction>>, IndexerError> {
        let last = self.contests.trial.take();
        let last = last.filter(|trial| trial.account == account && trial.since.elapsed() < TRIAL_TIME);
        let mut trial = last.unwrap_or(Trial {
            account,
            accused: None,
            since: Instant::now(),
            count: 0,
            keys: BTreeSet::new(),
        });
        let can_swap = trial.count < MAX_TRIALS;
        let avoided = trial.accused.filter(|_| can_swap);
        let accused = self.accused(ties, avoided).or_else(|| self.accused(ties, None));
        let is_swap = can_swap && !trial.keys.is_empty() && (accused.is_none() || accused != trial.accused);
        if is_swap {
            trial.count += 1;
            let keys = std::mem::take(&mut trial.keys);
            let is_aside = |row: &&ContestedTransaction| {
                row.state == ContestState::Aside && keys.contains(&(row.slot, row.signature))
            };
            let rows = self.contests.rows.values().filter(is_aside).cloned().collect();
            self.apply_again(rows).await?;
        }
        let mut wrong = Vec::new();
        if let Some(accused) = accused {
            for (entry, versions) in ties {
                if let Some(version) = self.side(entry, versions, accused) {
                    wrong.push(self.row(entry, version, versions, ContestState::Aside, reason));
                }
            }
            if let Some(first) = wrong.first() {
                self.source
                    .record_wrong_version(first.slot, first.signature, accused);
            }
        }
        trial.accused = accused;
        trial
            .keys
            .extend(wrong.iter().map(|row| (row.slot, row.signature)));
        self.contests.trial = Some(trial);
        Ok((is_swap || !wrong.is_empty()).then_some(wrong))
    }

    /// Returns the version that a node has and that is not refused.
    fn side(
        &self,
        entry: &ListedTransaction,
        versions: &[NodeVersion],
        node: usize,
    ) -> Option<VersionDigest> {
        let own = versions.iter().find(|version| version.node == node)?;
        own.version
            .filter(|version| !self.contests.is_refused(entry, *version))
    }

    /// Returns the node of the first tie that has a version, except one. If both sides have one, the
    /// side whose version was fetched comes first: it does not fit.
    fn accused(&self, ties: &[Compared], except: Option<usize>) -> Option<usize> {
        ties.iter().find_map(|(entry, versions)| {
            let fetched = self
                .contests
                .fetched
                .get(&entry.signature)
                .map(|(_, version)| *version);
            let mut nodes: Vec<usize> = versions.iter().map(|version| version.node).collect();
            nodes.sort_by_key(|node| fetched.is_some() && self.side(entry, versions, *node) != fetched);
            nodes
                .into_iter()
                .find(|node| Some(*node) != except && self.side(entry, versions, *node).is_some())
        })
    }
}

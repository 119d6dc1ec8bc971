//! Searches for missing transactions, by addresses other than the program's and on all nodes.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bauta_store::{Position, Slot};
use solana_address::Address;
use solana_signature::Signature;

use super::{Follower, Gap};
use crate::IndexerError;
use crate::chain::{Head, ListedTransaction, Source};
use crate::histories::Histories;

/// How long a search for missing transactions delays the decision about a contradiction. If the nodes
/// do not contradict each other, the search continues.
const SEARCH_TIME: Duration = Duration::from_secs(10);
/// How long a search can last. A node can deliver a history without an end.
const LONG_SEARCH_TIME: Duration = Duration::from_mins(10);
/// How many searches at the same checkpoint, within [`SEARCHES_TIME`], find something before the
/// contradiction is decided without a search. A node can invent something for each of them.
const MAX_SEARCHES: u32 = 2;
/// After which time the searches are counted again.
const SEARCHES_TIME: Duration = Duration::from_mins(1);

/// The searches at one checkpoint.
pub struct LastSearches {
    checkpoint: Option<Position>,
    since: Instant,
    count: u32,
}

/// The part of the history that a search covers.
pub struct SearchRange<'a> {
    /// The slot after which the search begins. `None` means the beginning of the chain.
    pub after: Option<Slot>,
    /// The last slot of the search.
    pub until: Slot,
    /// A transaction after the last slot, near which the lists can begin. `None` means that the
    /// last slot is near the newest one.
    pub newer: Option<Signature>,
    /// Transactions that were listed already. They do not count as found: they wait for the missing
    /// ones.
    pub listed: &'a HashSet<Signature>,
}

impl<S: Source> Follower<S> {
    /// Searches for what a batch needs that contradicts the database. If nothing is found in time,
    /// one of the nodes may have invented or altered something. Returns the contradiction if the
    /// nodes do not contradict each other.
    pub(super) async fn explain(
        &mut self,
        contradiction: IndexerError,
        head: Head,
        new: &[ListedTransaction],
    ) -> Result<(), IndexerError> {
        let has_other_nodes = self.source.histories().len() > 1;
        if !has_other_nodes {
            let is_found = self.repair(&contradiction, head, new).await?;
            return if is_found { Ok(()) } else { Err(contradiction) };
        }
        let mut failure = None;
        let mut is_unfinished = false;
        if self.may_search().await? {
            let searched = self.repair(&contradiction, head, new);
            match tokio::time::timeout(SEARCH_TIME, searched).await {
                Ok(Ok(true)) => return Ok(()),
                // A node that fails or delays the search does not delay the decision.
                Ok(Err(error)) => failure = Some(error),
                Ok(Ok(false)) => {}
                Err(_) => is_unfinished = true,
            }
        }
        let contradiction = match self.contest(contradiction, new).await {
            Err(contradiction) => failure.unwrap_or(contradiction),
            decided => return decided,
        };
        if is_unfinished {
            let searched = self.repair(&contradiction, head, new);
            match tokio::time::timeout(LONG_SEARCH_TIME, searched).await {
                Ok(Ok(true)) => return Ok(()),
                Ok(Ok(false)) | Err(_) => {}
                Ok(Err(error)) => return Err(error),
            }
        }
        Err(contradiction)
    }

    /// Returns whether a further search at the present checkpoint may delay the decision about a
    /// contradiction.
    async fn may_search(&mut self) -> Result<bool, IndexerError> {
        let checkpoint = self.store.checkpoint().await?;
        let is_present =
            |last: &LastSearches| last.checkpoint == checkpoint && last.since.elapsed() < SEARCHES_TIME;
        let last = self.searches.take().filter(is_present);
        let mut searches = last.unwrap_or_else(|| LastSearches {
            checkpoint,
            since: Instant::now(),
            count: 0,
        });
        searches.count = searches.count.saturating_add(1);
        let may_search = searches.count <= MAX_SEARCHES;
        self.searches = Some(searches);
        Ok(may_search)
    }

    /// Searches for the transactions that a batch needs, because it contradicts the database.
    /// `listed` are the transactions that were to be applied.
    ///
    /// Returns whether the search found transactions, so that the next step can apply them.
    async fn repair(
        &mut self,
        contradiction: &IndexerError,
        head: Head,
        listed: &[ListedTransaction],
    ) -> Result<bool, IndexerError> {
        let listed: HashSet<Signature> = listed.iter().map(|entry| entry.signature).collect();
        let account = contradiction.affected_account();
        // The history of the account is shorter.
        let mut addresses: Vec<_> = account.into_iter().collect();
        addresses.push(self.settings.program);
        let not_final = SearchRange {
            after: self.store.finalized_slot().await?,
            until: head.confirmed,
            // During a backfill much of the history is newer.
            newer: self.store.first_transaction_after(head.confirmed).await?,
            listed: &listed,
        };
        if self.search_missing(&addresses, &not_final).await? {
            return Ok(true);
        }
        // The whole history of the account is searched once for each gap.
        if let Some(account) = account {
            let gap = Gap {
                account,
                checkpoint: self.store.checkpoint().await?,
            };
            if self.searched_gap != Some(gap) {
                let whole_history = SearchRange {
                    after: None,
                    ..not_final
                };
                if self.search_missing(&[account], &whole_history).await? {
                    // The search ended there. More can be missing.
                    return Ok(true);
                }
                self.searched_gap = Some(gap);
            }
        }
        Ok(false)
    }

    /// Searches all nodes for transactions of these addresses that are missing from the database.
    /// Returns whether it found any. A search from the beginning of the chain ends at the first
    /// page with missing transactions.
    ///
    /// Remembers the found transactions for the next steps. If some of them are below the
    /// checkpoint, rolls the database back to before them.
    async fn search_missing(
        &mut self,
        addresses: &[Address],
        range: &SearchRange<'_>,
    ) -> Result<bool, IndexerError> {
        let (after, until) = (range.after, range.until);
        if after.is_none() {
            let source = Arc::clone(&self.source);
            let mut histories = Histories::new(&*source, addresses, range.newer, after, until);
            while let Some(listed) = histories.next().await? {
                if self.add_missing(listed, range).await? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        let listed = match range.newer {
            Some(newer) => {
                self.source
                    .list_before_on_all_nodes(addresses, newer, after, until)
                    .await?
            }
            None => self.source.list_on_all_nodes(addresses, after, until).await?,
        };
        self.add_missing(listed, range).await
    }

    /// Makes the next steps apply those of the listed transactions that are missing from the
    /// database. Returns whether some are.
    async fn add_missing(
        &mut self,
        listed: Vec<ListedTransaction>,
        range: &SearchRange<'_>,
    ) -> Result<bool, IndexerError> {
        let checkpoint = self.store.checkpoint().await?;
        let unapplied = self.unapplied(listed).await?;
        let missing = self.with_events(&unapplied).await?;
        let found: Vec<_> = missing
            .into_iter()
            .filter(|entry| !range.listed.contains(&entry.signature))
            .filter(|entry| self.found.get(&entry.signature) != Some(entry) || is_below(entry, checkpoint))
            .collect();
        self.remember_found(&found).await?;
        Ok(!found.is_empty())
    }

    /// Remembers missing transactions for the next steps. Rolls the database back to before those
    /// that are below the checkpoint.
    pub(super) async fn remember_found(&mut self, found: &[ListedTransaction]) -> Result<(), IndexerError> {
        let checkpoint = self.store.checkpoint().await?;
        let below: Vec<_> = found
            .iter()
            .filter(|entry| is_below(entry, checkpoint))
            .copied()
            .collect();
        if !below.is_empty() {
            crate::metrics::missing_transactions(below.len());
            self.roll_back_before_missing(&below).await?;
        }
        self.found
            .extend(found.iter().map(|entry| (entry.signature, *entry)));
        Ok(())
    }

    /// Makes the next steps apply transactions that a search beside the steps found. Returns
    /// whether some of them are missing.
    pub(crate) async fn apply_missing(
        &mut self,
        missing: &[ListedTransaction],
    ) -> Result<bool, IndexerError> {
        for entry in missing {
            // A node may have returned the transaction without its events.
            self.without_events.remove(&entry.signature);
        }
        let mut missing = self.unapplied(missing.to_vec()).await?;
        missing.retain(|entry| !self.is_set_aside(entry));
        self.remember_found(&missing).await?;
        Ok(!missing.is_empty())
    }

    /// Returns those of the transactions that may have events and have not been applied.
    pub(super) async fn unapplied(
        &self,
        listed: Vec<ListedTransaction>,
    ) -> Result<Vec<ListedTransaction>, IndexerError> {
        let candidates: Vec<_> = listed
            .into_iter()
            .filter(|entry| {
                entry.may_have_events() && self.without_events.get(&entry.signature) != Some(&entry.slot)
            })
            .collect();
        let keys: Vec<_> = candidates
            .iter()
            .map(|entry| (entry.slot, entry.signature))
            .collect();
        let applied = self.store.applied_transactions_among(&keys).await?;
        // One that is applied in one slot is not missing in another slot, where a node lists it
        // too.
        let applied: HashSet<Signature> = applied.iter().map(|entry| entry.signature).collect();
        Ok(candidates
            .into_iter()
            .filter(|entry| !applied.contains(&entry.signature))
            .collect())
    }
}

pub fn is_below(entry: &ListedTransaction, checkpoint: Option<Position>) -> bool {
    checkpoint.is_some_and(|at| entry.slot <= at.slot)
}

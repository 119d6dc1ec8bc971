//! Searches for missing transactions, by addresses other than the program's and on all nodes.

use std::collections::HashSet;
use std::sync::Arc;

use bauta_store::{Position, Slot};
use solana_address::Address;
use solana_signature::Signature;

use super::{Follower, Gap};
use crate::IndexerError;
use crate::chain::{Head, ListedTransaction, Source};
use crate::histories::Histories;

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
    /// Searches for the transactions that a batch needs, because it contradicts the database.
    /// `listed` are the transactions that were to be applied.
    ///
    /// Returns `Ok` if the search found transactions, so that the next step can apply them.
    /// Otherwise returns `contradiction` as the reason to stop.
    pub(super) async fn repair(
        &mut self,
        contradiction: IndexerError,
        head: Head,
        listed: &[ListedTransaction],
    ) -> Result<(), IndexerError> {
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
            return Ok(());
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
                    return Ok(());
                }
                self.searched_gap = Some(gap);
            }
        }
        Err(contradiction)
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

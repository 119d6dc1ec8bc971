//! Transactions that no node confirms as final, and the decision of the accounts.

use std::time::Instant;

use bauta_store::{AppliedTransaction, ContestState, ContestedTransaction, Slot};

use super::UNKNOWN_VERSION;
use crate::IndexerError;
use crate::chain::Source;
use crate::follow::Follower;

impl<S: Source> Follower<S> {
    /// Returns whether an applied transaction that no node confirms stops finality: not if it is
    /// contested, and for a limited time otherwise, if there are several nodes.
    pub(in crate::follow) fn stops_finality(&mut self, transaction: &AppliedTransaction) -> bool {
        if self
            .contests
            .is_contested((transaction.slot, transaction.signature))
        {
            return false;
        }
        let since = *self.contests.unconfirmed_since.get_or_insert_with(Instant::now);
        self.source.histories().len() == 1 || since.elapsed() < self.settings.contest_after
    }

    /// Records that the last transactions were confirmed, so that the next ones stop finality again.
    pub(in crate::follow) const fn record_confirmed(&mut self) {
        self.contests.unconfirmed_since = None;
    }

    /// Records that some applied transactions become final although no node confirms them.
    pub(in crate::follow) async fn keep_unconfirmed(
        &mut self,
        transactions: &[AppliedTransaction],
    ) -> Result<(), IndexerError> {
        let mut rows = Vec::new();
        for transaction in transactions {
            if self
                .contests
                .is_contested((transaction.slot, transaction.signature))
            {
                continue;
            }
            let version = self
                .contests
                .fetched
                .get(&transaction.signature)
                .map(|(_, version)| *version);
            rows.push(ContestedTransaction {
                slot: transaction.slot,
                signature: transaction.signature,
                version: version.unwrap_or(UNKNOWN_VERSION),
                succeeded: transaction.succeeded,
                state: ContestState::Kept,
                has_other: false,
                nodes: String::new(),
                reason: "no node confirms that it is finalized".to_owned(),
                seconds: 0,
            });
        }
        if rows.is_empty() {
            return Ok(());
        }
        self.set_versions_aside(rows).await
    }

    /// Ends the contests up to a slot up to which the accounts agree with the rows.
    pub(in crate::follow) async fn decide_by_accounts(&mut self, agreed: Slot) -> Result<(), IndexerError> {
        let decided: Vec<_> = self
            .contests
            .rows
            .values()
            .filter(|row| row.slot <= agreed && row.state != ContestState::Undone)
            .cloned()
            .collect();
        if decided.is_empty() {
            return Ok(());
        }
        let (kept, aside): (Vec<_>, Vec<_>) = decided
            .into_iter()
            .partition(|row| row.state == ContestState::Kept);
        self.end_contests(&kept).await?;
        let undone = aside.into_iter().map(|row| ContestedTransaction {
            state: ContestState::Undone,
            reason: format!("{}; the accounts agree with the rows without it", row.reason),
            ..row
        });
        self.set_versions_aside(undone.collect()).await
    }

    /// Makes the next steps continue without the contested transactions that are applied, because
    /// accounts differ and nothing else explains it. If that was done before and accounts still
    /// differ, applies them again. Returns whether there are some.
    pub(crate) async fn contest_for_accounts(&mut self) -> Result<bool, IndexerError> {
        let of_state = |state| {
            let rows = self.contests.rows.values();
            rows.filter(move |row| row.state == state)
                .cloned()
                .collect::<Vec<_>>()
        };
        let tried = &self.contests.tried_for_accounts;
        let is_tried = |row: &ContestedTransaction| tried.contains(&(row.slot, row.signature));
        let mut kept = of_state(ContestState::Kept);
        kept.retain(|row| !is_tried(row));
        if kept.is_empty() {
            let mut aside = of_state(ContestState::Aside);
            aside.retain(is_tried);
            let is_changed = !aside.is_empty();
            self.apply_again(aside).await?;
            return Ok(is_changed);
        }
        for row in &mut kept {
            row.state = ContestState::Aside;
            row.reason = format!("{}; accounts differ", row.reason);
        }
        let keys = kept.iter().map(|row| (row.slot, row.signature));
        self.contests.tried_for_accounts.extend(keys);
        self.set_versions_aside(kept).await?;
        Ok(true)
    }
}

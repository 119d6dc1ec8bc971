//! A history in memory as a source, which can be made to lie.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bauta_store::Slot;
use solana_address::Address;
use solana_signature::Signature;

use super::{Chain, accounts, program};
use crate::SourceError;
use crate::chain::{Account, AccountFilter, Head, Listed, Source, Status, Transaction};

/// A recorded history as a source, which can be made to lie.
#[derive(Default)]
pub struct Recorded {
    state: Mutex<State>,
}

/// What a recorded source says.
#[derive(Default)]
pub struct State {
    /// Its history, in the order of the chain.
    pub transactions: Vec<Transaction>,
    /// Its newest slots.
    pub head: Option<Head>,
    /// Transactions that lists by the program's address leave out.
    pub hidden: HashSet<Signature>,
    /// Transactions that no list has.
    pub lost: HashSet<Signature>,
    /// Accounts as of a while ago, not as of now.
    pub old_accounts: Option<Vec<Account>>,
    /// The next history and head: the first accounts that differ in it are answered as they are there, beside the present slot.
    pub newer: Option<(Vec<Transaction>, Head)>,
    /// So many of the next requests fail.
    pub failures: usize,
    /// Transactions fetched so far.
    pub fetched: usize,
}

impl Recorded {
    /// The history of a chain; its head is the last slot, none final.
    #[must_use]
    pub fn of(chain: &Chain) -> Self {
        let recorded = Self::default();
        recorded.follow(chain);
        recorded
    }

    /// From now on the history is this chain's.
    pub fn follow(&self, chain: &Chain) {
        let mut state = self.state();
        state.transactions.clone_from(&chain.transactions);
        state.head = Some(Head {
            confirmed: chain.slot,
            finalized: Slot::ZERO,
        });
    }

    /// The program's accounts as they are now.
    #[must_use]
    pub fn accounts_now(&self) -> Vec<Account> {
        accounts::after(&self.state().transactions)
    }

    /// What it says.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self) -> Result<MutexGuard<'_, State>, SourceError> {
        let mut state = self.state();
        if state.failures > 0 {
            state.failures -= 1;
            return Err(SourceError::Nodes {
                what: "an answer",
                reason: "it was told to fail".into(),
            });
        }
        Ok(state)
    }
}

impl Source for Recorded {
    async fn head(&self, _: Slot) -> Result<Head, SourceError> {
        let state = self.asked()?;
        state.head.ok_or(SourceError::Stopped)
    }

    async fn list(
        &self,
        addresses: &[Address],
        after: Option<Slot>,
        until: Slot,
    ) -> Result<Vec<Listed>, SourceError> {
        let state = self.asked()?;
        let by_program_alone = addresses == [program()];
        let mut listed: Vec<_> = state
            .transactions
            .iter()
            .filter(|one| after.is_none_or(|after| one.slot > after) && one.slot <= until)
            .filter(|one| !state.lost.contains(&one.signature))
            .filter(|one| !(by_program_alone && state.hidden.contains(&one.signature)))
            .map(|one| Listed {
                slot: one.slot,
                signature: one.signature,
                succeeded: one.succeeded,
                is_reuse: one.reuse.is_some(),
            })
            .collect();
        // in any order within a slot
        listed.reverse();
        listed.sort_by_key(|entry| entry.slot);
        Ok(listed)
    }

    async fn fetch(&self, listed: &[Listed]) -> Result<Vec<Transaction>, SourceError> {
        let mut state = self.asked()?;
        state.fetched += listed.len();
        let (first, last) = (listed.first(), listed.last());
        let from = first.map_or(0, |first| {
            state.transactions.partition_point(|one| one.slot < first.slot)
        });
        let to = last.map_or(0, |last| {
            state.transactions.partition_point(|one| one.slot <= last.slot)
        });
        let wanted: HashSet<_> = listed.iter().map(|entry| entry.signature).collect();
        let mut found: Vec<_> = state.transactions[from..to]
            .iter()
            .filter(|one| wanted.contains(&one.signature))
            .cloned()
            .collect();
        found.reverse();
        Ok(found)
    }

    async fn statuses(&self, signatures: &[Signature], _: Slot) -> Result<Vec<Option<Status>>, SourceError> {
        let state = self.asked()?;
        let finalized = state.head.map_or(Slot::ZERO, |head| head.finalized);
        let status = |signature: &Signature| {
            let found = state
                .transactions
                .iter()
                .find(|one| one.signature == *signature)?;
            Some(Status {
                slot: found.slot,
                succeeded: found.succeeded,
                finalized: found.slot <= finalized,
            })
        };
        Ok(signatures.iter().map(status).collect())
    }

    async fn accounts(&self, filter: &AccountFilter) -> Result<(Slot, Vec<Account>), SourceError> {
        let mut state = self.asked()?;
        let slot = state.head.map_or(Slot::ZERO, |head| head.confirmed);
        let wanted = |all: &[Account]| -> Vec<Account> {
            let wanted = all.iter().filter(|account| filter.accepts(&account.data));
            let wanted = wanted.map(|account| Account {
                address: account.address,
                data: filter.of(&account.data).to_vec(),
            });
            wanted.collect()
        };
        let said = match &state.old_accounts {
            Some(old) => wanted(old),
            None => wanted(&accounts::after(&state.transactions)),
        };
        let Some((transactions, head)) = state.newer.take() else {
            return Ok((slot, said));
        };
        let newer = wanted(&accounts::after(&transactions));
        if newer == said {
            state.newer = Some((transactions, head));
        } else {
            (state.transactions, state.head) = (transactions, Some(head));
        }
        Ok((slot, newer))
    }
}

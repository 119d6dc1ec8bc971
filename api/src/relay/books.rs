//! Books every finalized transaction of the wallets, including those of other senders. The balance
//! before each transaction must be the balance after the previous one, so that a transaction that a
//! node omits is found, and the ledger agrees with the wallets to the lamport.
//!
//! Anyone can name a wallet in a transaction. So the list of transactions that are not booked is
//! read in parts, from a position that the database keeps. A transaction that no node returns is
//! set aside: it is booked with the balances of its neighbours.

#[cfg(test)]
mod long_lists;

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use bauta_rpc::{BalanceChange, Page, SignatureInfo};
use bauta_service_common::Service;
use bauta_store::{Execution, LedgerEntry, LedgerKind, RelayWallet, StoreError};
use solana_address::Address;
use solana_signature::Signature;

use super::{Shared, error::RelayError, nodes::Reading};
use crate::metrics;

/// Interval at which the transactions are booked.
const INTERVAL: Duration = Duration::from_secs(2);
/// Seconds until the next lease to book a wallet.
const PAUSE_SECONDS: u32 = 2;
/// Seconds for which an instance has the lease, if it doesn't end it.
const LEASE_SECONDS: u32 = 15;
/// Largest number of transactions that are read in one request.
const BATCH: usize = 50;
/// Largest number of pages of a thousand transactions that are read in one round.
const MAX_PAGES: usize = 100;
/// Rounds in which no node could return a transaction, before it is set aside.
const UNREADABLE_ROUNDS: u8 = 3;
/// Largest number of transactions that couldn't be read and are remembered.
const MAX_UNREADABLE: usize = 1_000;

/// The number of rounds in which a transaction couldn't be read.
type Unreadable = HashMap<Signature, u8>;
/// By the number of a wallet: the seconds since its ledger was complete, and when they were read.
type Ages = HashMap<usize, (Instant, u64)>;

/// Adds the wallets that the ledger doesn't have, with their balances. Until then, they can't pay.
async fn open_wallets(shared: &Shared) -> Result<(), RelayError> {
    let known = shared.store.relay_wallets().await?;
    for address in shared.wallets.addresses() {
        if known.iter().any(|wallet| wallet.wallet == address) {
            continue;
        }
        // The balance after the newest finalized transaction belongs to that transaction, so no
        // transaction can be missed or counted twice.
        let (complete, entries) = shared.nodes.history(&address, &Page::default()).await?;
        let newest = entries.into_iter().find(|entry| entry.slot < complete);
        let last = newest.map(|entry| entry.signature);
        let after = match last {
            None => None,
            Some(signature) => {
                let mut changes = shared.nodes.balance_changes(&address, &[signature]).await?;
                Some(changes.remove(0).ok_or(RelayError::NodesDisagree)?)
            }
        };
        let (balance, last) = if let Some(change) = after {
            (change.after, last)
        } else {
            // The wallet has no transactions. The first one decides the opening balance.
            (shared.nodes.balance(address).await?, None)
        };
        shared.store.open_relay_wallet(address, balance, last).await?;
    }
    Ok(())
}

/// Starts the task that books.
pub fn spawn(shared: &Arc<Shared>, service: &Service) {
    let (shared, shutdown) = (shared.clone(), service.shutdown());
    service.spawn("the ledger of relays", async move {
        let (mut is_open, mut unreadable, mut ages) = (false, Unreadable::new(), Ages::new());
        while !shutdown.is_cancelled() {
            if !is_open {
                let opened = open_wallets(&shared).await;
                if let Err(error) = &opened {
                    tracing::warn!(event = "wallets_not_opened", %error);
                }
                is_open = opened.is_ok();
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(INTERVAL) => book_all(&shared, &mut unreadable, &mut ages).await,
            }
        }
        Ok::<_, Infallible>(())
    });
}

async fn book_all(shared: &Shared, unreadable: &mut Unreadable, ages: &mut Ages) {
    for (number, address) in shared.wallets.addresses().enumerate() {
        if let Err(error) = book_round(shared, number, address, unreadable).await {
            tracing::warn!(event = "relays_not_booked", wallet = number, %error);
        }
    }
    let figures = async {
        metrics::set_open_relays(shared.store.open_relays().await?);
        let wallets = shared.store.relay_wallets().await?;
        for (number, address) in shared.wallets.addresses().enumerate() {
            if let Some(wallet) = wallets.iter().find(|wallet| wallet.wallet == address) {
                metrics::set_wallet(number, wallet.balance, wallet.reserved);
                ages.insert(number, (Instant::now(), wallet.incomplete_seconds));
            }
        }
        Ok::<_, StoreError>(())
    };
    if let Err(error) = figures.await {
        tracing::warn!(event = "relay_figures_unknown", %error);
    }
    // Without the database, the ages grow as well.
    for (number, (read, age)) in ages {
        metrics::set_ledger_age(*number, age.saturating_add(read.elapsed().as_secs()));
    }
}

/// Books a wallet, if no other instance does.
async fn book_round(
    shared: &Shared,
    number: usize,
    address: Address,
    unreadable: &mut Unreadable,
) -> Result<(), RelayError> {
    let Some(wallet) = shared.store.take_booking(address, LEASE_SECONDS).await? else {
        return Ok(());
    };
    let booked = book_wallet(shared, number, &wallet, unreadable).await;
    let (is_complete, unread_before) = match &booked {
        Ok(Booked::Complete) => (true, None),
        Ok(Booked::Listed(before)) => (false, Some(*before)),
        Err(RelayError::Node(error)) if error.is_retryable() => (false, wallet.unread_before),
        // After another error, the list is read from its beginning: the position may be the reason.
        Ok(Booked::Part) | Err(_) => (false, None),
    };
    shared
        .store
        .end_booking(address, PAUSE_SECONDS, is_complete, unread_before)
        .await?;
    booked.map(|_| ())
}

/// The outcome of a round.
enum Booked {
    /// The ledger has every transaction that is final.
    Complete,
    /// There are further transactions.
    Part,
    /// Nothing was booked. The list continues before this transaction.
    Listed(Signature),
}

async fn book_wallet(
    shared: &Shared,
    number: usize,
    wallet: &RelayWallet,
    unreadable: &mut Unreadable,
) -> Result<Booked, RelayError> {
    let address = wallet.wallet;
    let new = match unread(shared, wallet).await? {
        Unread::Oldest(new) => new,
        Unread::Further(before) => return Ok(Booked::Listed(before)),
    };
    let mut ledger = Ledger {
        shared,
        wallet: address,
        balance: wallet.balance,
        is_first: wallet.last_signature.is_none(),
        aside: VecDeque::new(),
    };
    for batch in batches(&new) {
        let (entries, result) = read(shared, &address, batch, unreadable).await;
        let is_part = entries.len() < batch.len();
        let mut rest = &entries[..];
        while let Some((first, _)) = rest.first() {
            let end = rest.iter().position(|(entry, _)| entry.slot != first.slot);
            // The order within a slot needs the whole slot.
            if end.is_none() && is_part {
                break;
            }
            let (slot, others) = rest.split_at(end.unwrap_or(rest.len()));
            match ledger.book_slot(slot).await? {
                Step::Booked => rest = others,
                Step::Gap => {
                    gap(shared, number, wallet).await?;
                    return Ok(Booked::Part);
                }
                Step::Lost => return Ok(Booked::Part),
            }
        }
        result?;
        if is_part {
            return Ok(Booked::Part);
        }
    }
    metrics::set_ledger_gap(number, false);
    let is_complete = ledger.aside.is_empty() && wallet.unread_before.is_none();
    Ok(if is_complete {
        Booked::Complete
    } else {
        Booked::Part
    })
}

/// A transaction, and how it changed the balance. `None`: no node returns it.
type Entry = (SignatureInfo, Option<BalanceChange>);

/// The signature and the slot of a transaction, and how it changed the balance.
type Read = (Signature, u64, BalanceChange);

/// The ledger of a wallet while it is booked.
struct Ledger<'a> {
    shared: &'a Shared,
    wallet: Address,
    balance: u64,
    /// The ledger has never read a transaction.
    is_first: bool,
    /// Transactions that no node returns and that are not booked yet, oldest first.
    aside: VecDeque<SignatureInfo>,
}

/// The outcome of the transactions of a slot.
enum Step {
    Booked,
    /// A transaction is missing.
    Gap,
    /// Another instance has booked one of them.
    Lost,
}

impl Ledger<'_> {
    /// Books the transactions of a slot. Nodes give no guaranteed order within a slot. The balances
    /// give it.
    async fn book_slot(&mut self, slot: &[Entry]) -> Result<Step, RelayError> {
        let mut entries: Vec<Read> = Vec::new();
        for (info, change) in slot {
            if let Some(change) = change {
                entries.push((info.signature, info.slot, *change));
            }
        }
        // What was set aside in earlier slots comes before all of them.
        if !self.aside.is_empty()
            && let Some(before) = head(&entries)
            && !self.book_aside(before).await?
        {
            return Ok(Step::Lost);
        }
        let aside = slot.iter().filter(|(_, change)| change.is_none());
        self.aside.extend(aside.map(|(info, _)| info.clone()));
        let start = head(&entries).filter(|_| self.is_first).unwrap_or(self.balance);
        match order(&entries, start) {
            Some(ordered) => entries = ordered,
            None if self.aside.is_empty() => return Ok(Step::Gap),
            // What was set aside is between them.
            None => {}
        }
        while !entries.is_empty() {
            let before = head(&entries).filter(|_| self.is_first).unwrap_or(self.balance);
            let Some(next) = entries.iter().position(|entry| entry.2.before == before) else {
                let Some(before) = head(&entries).filter(|_| !self.aside.is_empty()) else {
                    return Ok(Step::Gap);
                };
                if !self.book_aside(before).await? {
                    return Ok(Step::Lost);
                }
                continue;
            };
            let (signature, slot, change) = entries.remove(next);
            let execution = if change.is_success {
                Execution::Succeeded
            } else {
                Execution::Failed
            };
            let entry = LedgerEntry {
                wallet: self.wallet,
                signature,
                slot,
                before: change.before,
                after: change.after,
                fee: change.fee,
            };
            if !self.book(&entry, execution).await? {
                return Ok(Step::Lost);
            }
        }
        Ok(Step::Booked)
    }

    /// Books what was set aside. `after` is the balance before the next transaction. Returns
    /// `false` if another instance has booked it.
    async fn book_aside(&mut self, after: u64) -> Result<bool, RelayError> {
        while let Some(info) = self.aside.pop_front() {
            let entry = LedgerEntry {
                wallet: self.wallet,
                signature: info.signature,
                slot: info.slot,
                before: if self.is_first { after } else { self.balance },
                after,
                fee: 0,
            };
            tracing::error!(event = "transaction_set_aside", slot = info.slot);
            metrics::record_ledger_unread();
            if !self.book(&entry, Execution::Unread).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn book(&mut self, entry: &LedgerEntry, execution: Execution) -> Result<bool, RelayError> {
        let Some(kind) = self.shared.store.book(entry, execution).await? else {
            return Ok(false);
        };
        record(kind, entry);
        (self.balance, self.is_first) = (entry.after, false);
        Ok(true)
    }
}

/// Returns the balance before the first of the transactions of a slot: the one that more of them
/// begin with than end with.
fn head(entries: &[Read]) -> Option<u64> {
    let mut ends: HashMap<u64, i64> = HashMap::new();
    for (_, _, change) in entries {
        *ends.entry(change.before).or_default() += 1;
        *ends.entry(change.after).or_default() -= 1;
    }
    let is_head = |entry: &&Read| ends.get(&entry.2.before).is_some_and(|count| *count > 0);
    let head = entries.iter().find(is_head).or_else(|| entries.first());
    head.map(|entry| entry.2.before)
}

/// Orders the transactions of a slot so that each one begins with the balance that the former one
/// ends with, from `start` on. `None` if there is no such order. A transaction may leave the
/// balance as it is, and a balance may occur more than once, so this is a walk that uses each edge
/// of a graph once (Hierholzer's algorithm).
fn order(entries: &[Read], start: u64) -> Option<Vec<Read>> {
    let mut from: HashMap<u64, Vec<usize>> = HashMap::new();
    for (index, entry) in entries.iter().enumerate().rev() {
        from.entry(entry.2.before).or_default().push(index);
    }
    let (mut walk, mut ordered) = (vec![(start, None)], Vec::with_capacity(entries.len()));
    while let Some((balance, by)) = walk.last().copied() {
        if let Some(index) = from.get_mut(&balance).and_then(Vec::pop) {
            walk.push((entries[index].2.after, Some(index)));
        } else {
            walk.pop();
            ordered.extend(by);
        }
    }
    ordered.reverse();
    let mut balance = start;
    for index in &ordered {
        let change: &BalanceChange = &entries[*index].2;
        if change.before != balance {
            return None;
        }
        balance = change.after;
    }
    (ordered.len() == entries.len()).then(|| ordered.into_iter().map(|index| entries[index]).collect())
}

/// Reads how transactions changed the balance of a wallet, oldest first. A request that fails is
/// divided in halves, so that one transaction that can't be read doesn't stop the others. Returns
/// those before the first one that must be read again later, and the error if there is one.
async fn read(
    shared: &Shared,
    address: &Address,
    entries: &[SignatureInfo],
    unreadable: &mut Unreadable,
) -> (Vec<Entry>, Result<(), RelayError>) {
    let (mut found, mut rest) = (Vec::with_capacity(entries.len()), vec![entries]);
    let mut failed: Option<(usize, RelayError)> = None;
    while let Some(part) = rest.pop() {
        let signatures: Vec<Signature> = part.iter().map(|entry| entry.signature).collect();
        let [one] = part else {
            match shared.nodes.balance_changes(address, &signatures).await {
                Ok(changes) if changes.iter().all(Option::is_some) => {
                    found.extend(part.iter().cloned().zip(changes));
                }
                _ => {
                    let (earlier, later) = part.split_at(part.len() / 2);
                    rest.extend([later, earlier].into_iter().filter(|half| !half.is_empty()));
                }
            }
            continue;
        };
        match shared.nodes.balance_change(address, one.signature).await {
            Ok(Reading::Change(change)) => found.push((one.clone(), Some(change))),
            Ok(Reading::Unreadable) if is_set_aside(unreadable, one.signature) => {
                found.push((one.clone(), None));
            }
            // The others are read as well, so that several of them are set aside at once.
            Ok(Reading::Unreadable) => {
                let error = "no node returns a transaction of the wallet".to_owned();
                failed.get_or_insert((found.len(), RelayError::Internal(error)));
            }
            // It is read again later.
            Ok(Reading::Missing) => break,
            Ok(Reading::Disputed) => {
                failed.get_or_insert((found.len(), RelayError::NodesDisagree));
                break;
            }
            Err(error) => {
                failed.get_or_insert((found.len(), error.into()));
                break;
            }
        }
    }
    match failed {
        None => (found, Ok(())),
        Some((before, error)) => {
            found.truncate(before);
            (found, Err(error))
        }
    }
}

/// Counts a round in which no node could return a transaction. Returns whether it is set aside.
fn is_set_aside(unreadable: &mut Unreadable, signature: Signature) -> bool {
    if unreadable.len() >= MAX_UNREADABLE && !unreadable.contains_key(&signature) {
        unreadable.clear();
    }
    let rounds = unreadable.entry(signature).or_default();
    *rounds = rounds.saturating_add(1);
    *rounds > UNREADABLE_ROUNDS
}

/// A transaction is missing, unless another instance has booked in the meantime.
async fn gap(shared: &Shared, number: usize, before: &RelayWallet) -> Result<(), RelayError> {
    let wallets = shared.store.relay_wallets().await?;
    let now = wallets.iter().find(|wallet| wallet.wallet == before.wallet);
    if now.is_some_and(|now| now.entries == before.entries) {
        tracing::error!(event = "ledger_gap", wallet = number);
        metrics::set_ledger_gap(number, true);
    }
    Ok(())
}

/// The transactions of a wallet that are not booked.
enum Unread {
    /// The oldest of them, oldest first.
    Oldest(Vec<SignatureInfo>),
    /// The list is too long for one round. It continues before this transaction in the next one.
    Further(Signature),
}

/// Lists the transactions that are not booked, newest first, until the oldest are found. Those of
/// slots that may still get further transactions are left out. Nodes give no guaranteed order
/// within a slot, so the list is read from an earlier slot than that of the last booked
/// transaction.
async fn unread(shared: &Shared, wallet: &RelayWallet) -> Result<Unread, RelayError> {
    let earlier = shared.store.booked_before_last_slot(wallet.wallet).await?;
    let until = earlier.or(wallet.last_signature);
    let (mut found, mut complete): (Vec<SignatureInfo>, u64) = (Vec::new(), u64::MAX);
    let mut before = wallet.unread_before;
    for _ in 0..MAX_PAGES {
        let page = Page {
            before,
            until,
            ..Page::default()
        };
        let (slot, entries) = match shared.nodes.history(&wallet.wallet, &page).await {
            Ok(page) => page,
            // What was listed is not listed again.
            Err(error) if error.is_retryable() && !found.is_empty() => break,
            Err(error) => return Err(error.into()),
        };
        complete = complete.min(slot);
        let Some(last) = entries.last() else {
            let signatures: Vec<Signature> = found.iter().map(|entry| entry.signature).collect();
            let booked = shared.store.booked_among(wallet.wallet, &signatures).await?;
            found.retain(|entry| entry.slot < complete && !booked.contains(&entry.signature));
            // The newest slot of a later part of the list may continue in the former part.
            if wallet.unread_before.is_some()
                && let Some(newest) = found.first().map(|entry| entry.slot)
                && found.iter().any(|entry| entry.slot != newest)
            {
                found.retain(|entry| entry.slot != newest);
            }
            found.reverse();
            return Ok(Unread::Oldest(found));
        };
        before = Some(last.signature);
        found.extend(entries);
    }
    // The list is newest first, and the ledger needs the oldest. The next round begins in the
    // middle, so that it books something even if this round has read the last page.
    let middle = found.get(found.len() / 2).map(|entry| entry.signature);
    Ok(middle.map_or(Unread::Oldest(Vec::new()), Unread::Further))
}

/// Divides transactions into batches. A slot is in one batch, unless it is larger than a batch.
fn batches(entries: &[SignatureInfo]) -> Vec<&[SignatureInfo]> {
    let (mut batches, mut rest) = (Vec::new(), entries);
    while !rest.is_empty() {
        let mut end = rest.len().min(BATCH);
        while end < rest.len() && rest[end].slot == rest[end - 1].slot {
            end += 1;
        }
        let (batch, others) = rest.split_at(end);
        batches.push(batch);
        rest = others;
    }
    batches
}

fn record(kind: LedgerKind, entry: &LedgerEntry) {
    let spent = entry.before.saturating_sub(entry.after);
    if kind == LedgerKind::Relay {
        metrics::record_relay_lamports(spent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(changes: &[(u64, u64)]) -> Vec<Read> {
        let entry = |(before, after): &(u64, u64)| {
            let change = BalanceChange {
                before: *before,
                after: *after,
                fee: 0,
                is_success: true,
            };
            (Signature::default(), 7, change)
        };
        changes.iter().map(entry).collect()
    }

    #[test]
    fn the_order_of_a_slot_is_found_from_the_balances_whatever_the_node_says() {
        let ordered = |changes: &[(u64, u64)], start| {
            let ordered = order(&entries(changes), start)?;
            Some(
                ordered
                    .iter()
                    .map(|entry| (entry.2.before, entry.2.after))
                    .collect::<Vec<_>>(),
            )
        };
        // Someone names the wallet in a transaction that doesn't change its balance.
        assert_eq!(ordered(&[(10, 20), (10, 10)], 10).unwrap(), [(10, 10), (10, 20)]);
        // Someone returns exactly what a relay has cost.
        let cycle = [(10, 30), (10, 5), (5, 10)];
        assert_eq!(ordered(&cycle, 10).unwrap(), [(10, 5), (5, 10), (10, 30)]);
        assert_eq!(ordered(&[(20, 30), (10, 20)], 10).unwrap(), [(10, 20), (20, 30)]);
        assert_eq!(ordered(&[(20, 30)], 10), None);
        assert_eq!(ordered(&[(10, 20), (30, 40)], 10), None);
        assert_eq!(ordered(&[], 10).unwrap(), []);
        // Ten thousand of them.
        let many: Vec<(u64, u64)> = (0..10_000).rev().map(|number| (number, number + 1)).collect();
        assert_eq!(ordered(&many, 0).unwrap().len(), many.len());
    }

    #[test]
    fn the_first_balance_of_a_slot_is_the_one_that_no_transaction_ends_with() {
        assert_eq!(head(&entries(&[(20, 20), (20, 30), (10, 20)])), Some(10));
        assert_eq!(head(&entries(&[(20, 20)])), Some(20));
        assert_eq!(head(&[]), None);
    }

    #[test]
    fn a_transaction_is_set_aside_after_three_rounds() {
        let (mut unreadable, signature) = (Unreadable::new(), Signature::from([1; 64]));
        let mut round = || is_set_aside(&mut unreadable, signature);
        assert_eq!(
            [round(), round(), round(), round(), round()],
            [false, false, false, true, true]
        );
    }
}

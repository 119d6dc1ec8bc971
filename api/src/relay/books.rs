//! Books every finalized transaction of the wallets, also those of other senders. The balance
//! before each transaction must be the balance after the previous one, so that a transaction that a
//! node omits is found, and the ledger agrees with the wallets to the lamport.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bauta_rpc::{Page, SignatureInfo};
use bauta_service_common::Service;
use bauta_store::{LedgerEntry, LedgerKind, RelayWallet, StoreError};
use solana_address::Address;
use solana_signature::Signature;

use super::{Shared, error::RelayError};
use crate::metrics;

/// Interval at which the transactions are booked.
const INTERVAL: Duration = Duration::from_secs(2);
/// Seconds for which one instance books a wallet.
const TURN_SECONDS: u32 = 2;
/// Largest number of transactions that are read in one request.
const BATCH: usize = 50;
/// Largest number of pages of a thousand transactions that are read at once.
const MAX_PAGES: usize = 100;

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
            Some(signature) => shared
                .nodes
                .balance_changes(&address, &[signature])
                .await?
                .remove(0),
        };
        let (balance, last) = if let Some(change) = after {
            (change.after, last)
        } else {
            // The wallet has no transactions. The first one decides the opening balance.
            let account = shared.nodes.accounts(&[address]).await?.remove(0);
            (account.map_or(0, |account| account.lamports), None)
        };
        shared.store.open_relay_wallet(address, balance, last).await?;
    }
    Ok(())
}

/// Starts the task that books.
pub fn spawn(shared: &Arc<Shared>, service: &Service) {
    let (shared, shutdown) = (shared.clone(), service.shutdown());
    service.spawn("the ledger of relays", async move {
        let mut is_open = false;
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
                () = tokio::time::sleep(INTERVAL) => book_all(&shared).await,
            }
        }
        Ok::<_, Infallible>(())
    });
}

async fn book_all(shared: &Shared) {
    for (number, address) in shared.wallets.addresses().enumerate() {
        if let Err(error) = book_wallet(shared, number, address).await {
            tracing::warn!(event = "relays_not_booked", wallet = number, %error);
        }
    }
    let figures = async {
        metrics::set_open_relays(shared.store.open_relays().await?);
        let wallets = shared.store.relay_wallets().await?;
        for (number, address) in shared.wallets.addresses().enumerate() {
            if let Some(wallet) = wallets.iter().find(|wallet| wallet.wallet == address) {
                metrics::set_wallet(number, wallet.balance, wallet.reserved);
            }
        }
        Ok::<_, StoreError>(())
    };
    if let Err(error) = figures.await {
        tracing::warn!(event = "relay_figures_unknown", %error);
    }
}

async fn book_wallet(shared: &Shared, number: usize, address: Address) -> Result<(), RelayError> {
    let Some(wallet) = shared.store.take_booking(address, TURN_SECONDS).await? else {
        return Ok(());
    };
    let mut new = unread(shared, &wallet).await?;
    new.reverse();
    let mut balance = wallet.balance;
    let mut is_first = wallet.last_signature.is_none();
    for batch in batches(&new) {
        let signatures: Vec<Signature> = batch.iter().map(|entry| entry.signature).collect();
        let changes = shared.nodes.balance_changes(&address, &signatures).await?;
        let mut entries = Vec::with_capacity(batch.len());
        for (info, change) in batch.iter().zip(changes) {
            // The node lists the transaction but does not have it. It is read again later.
            let Some(change) = change else { return Ok(()) };
            entries.push(LedgerEntry {
                wallet: address,
                signature: info.signature,
                slot: info.slot,
                before: change.before,
                after: change.after,
                fee: change.fee,
            });
        }
        while !entries.is_empty() {
            // Nodes don't promise an order within a slot. The balances give it.
            let slot = entries[0].slot;
            let next = entries
                .iter()
                .position(|entry| entry.slot == slot && (is_first || entry.before == balance));
            let next = next.map(|next| entries.remove(next));
            let Some(entry) = next else {
                return gap(shared, number, &wallet).await;
            };
            match shared.store.book(&entry).await? {
                Some(kind) => record(kind, &entry),
                // Another instance has booked it.
                None => return Ok(()),
            }
            (balance, is_first) = (entry.after, false);
        }
    }
    metrics::set_ledger_gap(number, false);
    Ok(())
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

/// Returns the transactions that are not booked, newest first. Those of slots that may still get
/// further transactions are left out. Nodes don't promise an order within a slot, so the list is read
/// from an earlier slot than that of the last booked transaction.
async fn unread(shared: &Shared, wallet: &RelayWallet) -> Result<Vec<SignatureInfo>, RelayError> {
    let earlier = shared.store.booked_before_last_slot(wallet.wallet).await?;
    let until = earlier.or(wallet.last_signature);
    let (mut found, mut complete): (Vec<SignatureInfo>, u64) = (Vec::new(), u64::MAX);
    for _ in 0..MAX_PAGES {
        let page = Page {
            before: found.last().map(|entry| entry.signature),
            until,
            ..Page::default()
        };
        let (slot, entries) = shared.nodes.history(&wallet.wallet, &page).await?;
        complete = complete.min(slot);
        if entries.is_empty() {
            break;
        }
        found.extend(entries);
    }
    let signatures: Vec<Signature> = found.iter().map(|entry| entry.signature).collect();
    let booked = shared.store.booked_among(wallet.wallet, &signatures).await?;
    found.retain(|entry| entry.slot < complete && !booked.contains(&entry.signature));
    Ok(found)
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

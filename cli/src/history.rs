//! Reads the events of an address from the history of the node.

use std::io::{IsTerminal, Write, stderr};

use anyhow::{Context as _, Result, ensure};
use bauta_client::{Event, decode_event};
use bauta_rpc::{ExecutedTransaction, Page};
use solana_address::Address;
use solana_signature::Signature;

use crate::{
    chain::LEVEL,
    context::Context,
    failure::{Failure, Kind},
};

/// The number of transactions that one request reads.
const BATCH: usize = 50;
/// The largest number of transactions of an address that are read.
const MAX_TRANSACTIONS: usize = 1_000_000;

impl Context {
    /// Returns the events of the successful transactions that name an address, oldest first. A
    /// transaction that the node lists and does not return is an error. The node may still omit
    /// transactions from its list, so callers must check completeness.
    pub async fn events(&self, address: &Address) -> Result<Vec<Event>> {
        let signatures = self.signatures(address).await?;
        let mut events = Vec::new();
        for (number, batch) in signatures.chunks(BATCH).enumerate() {
            let transactions = self.rpc.transactions(batch, LEVEL).await?;
            for (signature, transaction) in batch.iter().zip(transactions) {
                let transaction = transaction?.ok_or_else(|| {
                    Failure::new(
                        Kind::Node,
                        format!(
                            "the node at {} lists transaction {signature}, but does not return it",
                            self.rpc.host()
                        ),
                    )
                    .next("use a node with the complete history")
                })?;
                decode(&transaction, &mut events)?;
            }
            self.progress(
                (number * BATCH + batch.len()).min(signatures.len()),
                signatures.len(),
            );
        }
        Ok(events)
    }

    /// Returns the signatures of the successful transactions that name an address, oldest first.
    async fn signatures(&self, address: &Address) -> Result<Vec<Signature>> {
        let mut found = Vec::new();
        let mut page = Page::default();
        loop {
            let entries = self.rpc.signatures_for(address, &page, LEVEL).await?;
            let Some(last) = entries.last() else {
                break;
            };
            page.before = Some(last.signature);
            found.extend(
                entries
                    .iter()
                    .filter(|entry| entry.error.is_none())
                    .map(|entry| entry.signature),
            );
            ensure!(
                found.len() <= MAX_TRANSACTIONS,
                "{address} has more than {MAX_TRANSACTIONS} transactions: use paths from an API instead"
            );
        }
        found.reverse();
        Ok(found)
    }

    /// Shows how many transactions are read, on a terminal, if there is more than one request.
    fn progress(&self, done: usize, all: usize) {
        let mut out = stderr();
        if self.options.json || all <= BATCH || !out.is_terminal() {
            return;
        }
        let end = if done == all { "\n" } else { "" };
        // Progress is only information, so a closed standard error is not a failure.
        let _ = write!(out, "\rread {done} of {all} transactions{end}");
        let _ = out.flush();
    }
}

fn decode(transaction: &ExecutedTransaction, events: &mut Vec<Event>) -> Result<()> {
    let inner = transaction.inner_instructions.as_ref().with_context(|| {
        format!(
            "the node has no inner instructions of transaction {}: use a node that records them",
            transaction.signature
        )
    })?;
    for inner in inner {
        let instruction = &inner.instruction;
        let event = decode_event(&instruction.program, &instruction.accounts, &instruction.data)?;
        events.extend(event);
    }
    Ok(())
}

//! Reads the events of an address from the history of the node.

use anyhow::{Context as _, Result, ensure};
use bauta_client::{Event, decode_event};
use bauta_rpc::{ExecutedTransaction, Page};
use indicatif::ProgressBar;
use solana_address::Address;
use solana_signature::Signature;

use crate::{
    chain::LEVEL,
    context::Context,
    failure::{Failure, Kind},
    progress,
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
        self.events_until(address, None, |_| false).await
    }

    /// Does the same as [`Self::events`], but reads no older transactions after an event for which
    /// `is_enough` returns true. It gets the events of the newest transaction first.
    pub async fn events_until(
        &self,
        address: &Address,
        expected: Option<u64>,
        mut is_enough: impl FnMut(&Event) -> bool,
    ) -> Result<Vec<Event>> {
        let (mut page, mut listed) = (Page::default(), 0);
        // The events of each transaction, the newest first.
        let mut found: Vec<Vec<Event>> = Vec::new();
        let mut has_enough = false;
        let mut progress = None;
        while !has_enough {
            let entries = self.rpc.signatures_for(address, &page, LEVEL).await?;
            let Some(last) = entries.last() else {
                break;
            };
            page.before = Some(last.signature);
            // Failed transactions count too, so a node can't list them for ever.
            listed += entries.len();
            ensure!(
                listed <= MAX_TRANSACTIONS,
                "{address} has more than {MAX_TRANSACTIONS} transactions: read the leaves from an API with --api, if \
                 the command has this option"
            );
            let succeeded = entries.iter().filter(|entry| entry.error.is_none());
            let signatures: Vec<Signature> = succeeded.map(|entry| entry.signature).collect();
            for batch in signatures.chunks(BATCH) {
                for events in self.events_of(batch).await? {
                    // Not `any`: the callback gets every event of the transaction.
                    for event in &events {
                        has_enough |= is_enough(event);
                    }
                    found.push(events);
                }
                // One request needs no progress.
                if found.len() > BATCH {
                    let bar = progress.get_or_insert_with(|| self.reading(expected));
                    bar.set_position(found.len() as u64);
                }
                if has_enough {
                    break;
                }
            }
        }
        if let Some(bar) = progress {
            bar.finish_and_clear();
        }
        Ok(found.into_iter().rev().flatten().collect())
    }

    /// Returns the events of each transaction.
    async fn events_of(&self, signatures: &[Signature]) -> Result<Vec<Vec<Event>>> {
        let transactions = self.rpc.transactions(signatures, LEVEL).await?;
        let mut found = Vec::with_capacity(signatures.len());
        for (signature, transaction) in signatures.iter().zip(transactions) {
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
            found.push(decode(&transaction)?);
        }
        Ok(found)
    }

    fn reading(&self, expected: Option<u64>) -> ProgressBar {
        match expected {
            Some(expected) => progress::bar(self, "reading", "transactions", expected, 0),
            None => progress::spinner(self, "reading transactions"),
        }
    }
}

fn decode(transaction: &ExecutedTransaction) -> Result<Vec<Event>> {
    let mut events = Vec::new();
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
    Ok(events)
}

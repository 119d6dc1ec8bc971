//! What the database contains and how far it is behind the chain, for the command `status`.

use std::fmt;

use bauta_store::{Slot, Store};
use serde::Serialize;

use crate::IndexerError;
use crate::chain::{Head, Source};

/// The progress of the database, and of the chain if a node answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Overview {
    /// The genesis hash of the cluster in base58. `None` if none is recorded.
    pub genesis_hash: Option<String>,
    /// The newest confirmed slot of the chain. `None` if no node answers.
    pub head_slot: Option<u64>,
    /// Why no node answers.
    pub head_error: Option<String>,
    /// The slot up to which the database is complete. `None` if nothing was read.
    pub checkpoint_slot: Option<u64>,
    /// The newest final slot.
    pub finalized_slot: Option<u64>,
    /// The newest slot up to which the database agrees with the program's accounts.
    pub reconciled_slot: Option<u64>,
    /// The last slot of the present backfill. `None` if there is none.
    pub backfill_until_slot: Option<u64>,
    /// The number of transactions of the backfill that wait to be applied.
    pub backfill_waiting: Option<u64>,
    /// The number of batches that can be rolled back.
    pub journal_batches: u64,
    /// The number of rows of the journal.
    pub journal_rows: u64,
    /// The slot of the first batch that can be rolled back.
    pub journal_first_slot: Option<u64>,
}

impl Overview {
    /// Reads the progress of the database and the head of the chain.
    pub async fn read<S: Source>(store: &Store, source: &S) -> Result<Self, IndexerError> {
        let checkpoint = store.checkpoint().await?.map(|at| at.slot);
        let journal = store.journal_size().await?;
        let backfill = store.backfill_progress().await?;
        let head: Result<Head, _> = source.head(checkpoint.unwrap_or(Slot::ZERO)).await;
        Ok(Self {
            genesis_hash: store
                .genesis_hash()
                .await?
                .map(|hash| bs58::encode(hash).into_string()),
            head_slot: head.as_ref().ok().map(|head| head.confirmed.get()),
            head_error: head.err().map(|error| error.to_string()),
            checkpoint_slot: checkpoint.map(Slot::get),
            finalized_slot: store.finalized_slot().await?.map(Slot::get),
            reconciled_slot: store.reconciled_slot().await?.map(Slot::get),
            backfill_until_slot: backfill.map(|backfill| backfill.until.get()),
            backfill_waiting: backfill.map(|backfill| backfill.waiting),
            journal_batches: journal.batches,
            journal_rows: journal.rows,
            journal_first_slot: journal.first_slot.map(Slot::get),
        })
    }
}

impl fmt::Display for Overview {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slot = |slot: Option<u64>| slot.map_or_else(|| "none".to_owned(), |slot| slot.to_string());
        let genesis_hash = self.genesis_hash.as_deref().unwrap_or("not recorded");
        writeln!(out, "cluster      {genesis_hash}")?;
        match &self.head_error {
            None => writeln!(out, "chain        slot {}", slot(self.head_slot))?,
            Some(error) => writeln!(out, "chain        unknown: {error}")?,
        }
        write!(out, "checkpoint   slot {}", slot(self.checkpoint_slot))?;
        match (self.head_slot, self.checkpoint_slot) {
            (Some(head), Some(checkpoint)) => {
                writeln!(out, ", {} slots behind", head.saturating_sub(checkpoint))?;
            }
            _ => writeln!(out)?,
        }
        writeln!(out, "final        slot {}", slot(self.finalized_slot))?;
        writeln!(out, "reconciled   slot {}", slot(self.reconciled_slot))?;
        if let (Some(until), Some(waiting)) = (self.backfill_until_slot, self.backfill_waiting) {
            writeln!(
                out,
                "backfill     up to slot {until}, {waiting} transactions wait"
            )?;
        }
        write!(
            out,
            "journal      {} batches, {} rows, from slot {}",
            self.journal_batches,
            self.journal_rows,
            slot(self.journal_first_slot)
        )
    }
}

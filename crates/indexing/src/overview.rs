//! What the database contains and how far it is behind the chain, for the command `status`.

use std::fmt;

use bauta_store::{ContestedTransaction, QuarantinedTransaction, Slot, Store};
use serde::Serialize;

use crate::IndexerError;
use crate::chain::{Head, NodeRetention, Source};

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
    /// The listed transactions that no node returns, and that the database does not contain.
    pub quarantine: Vec<Quarantined>,
    /// The versions of transactions that nodes contradict.
    pub contested: Vec<Contested>,
    /// The nodes, and how far back their blocks reach.
    pub nodes: Vec<NodeOverview>,
    /// The number of batches that can be rolled back.
    pub journal_batches: u64,
    /// The space on disk of the journal, in bytes.
    pub journal_bytes: u64,
    /// The slot of the first batch that can be rolled back.
    pub journal_first_slot: Option<u64>,
}

/// A listed transaction that no node returns.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Quarantined {
    /// The transaction's first signature in base58.
    pub signature: String,
    /// The slot in which it is listed.
    pub slot: u64,
    /// For how many seconds it has been in the quarantine.
    pub seconds: u64,
    /// The number of requests since then.
    pub attempts: u64,
    /// Why the last request failed.
    pub reason: String,
}

/// A version of a transaction that nodes contradict.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Contested {
    /// The transaction's first signature in base58.
    pub signature: String,
    /// The slot in which it is listed.
    pub slot: u64,
    /// `kept`: it is applied; `aside`: it is not, and nothing is decided; `undone`: it is wrong.
    pub state: &'static str,
    /// The nodes that return this version.
    pub nodes: String,
    /// For how many seconds it has been contested.
    pub seconds: u64,
    /// Why it is contested.
    pub reason: String,
}

/// A node, and how far back its blocks reach.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct NodeOverview {
    /// Scheme, host and port.
    pub node: String,
    /// The first slot whose block the node has. `None` if the node does not answer.
    pub first_slot: Option<u64>,
    /// Why the node does not answer.
    pub error: Option<String>,
}

impl From<NodeRetention> for NodeOverview {
    fn from(retention: NodeRetention) -> Self {
        Self {
            node: retention.node,
            first_slot: retention.first_slot.as_ref().ok().map(|slot| slot.get()),
            error: retention.first_slot.err().map(|error| error.to_string()),
        }
    }
}

impl From<QuarantinedTransaction> for Quarantined {
    fn from(stored: QuarantinedTransaction) -> Self {
        Self {
            signature: stored.signature.to_string(),
            slot: stored.slot.get(),
            seconds: stored.seconds,
            attempts: stored.attempts,
            reason: stored.reason,
        }
    }
}

impl From<ContestedTransaction> for Contested {
    fn from(stored: ContestedTransaction) -> Self {
        Self {
            signature: stored.signature.to_string(),
            slot: stored.slot.get(),
            state: stored.state.as_str(),
            nodes: stored.nodes,
            seconds: stored.seconds,
            reason: stored.reason,
        }
    }
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
            quarantine: store.quarantined().await?.into_iter().map(Into::into).collect(),
            contested: store.contested().await?.into_iter().map(Into::into).collect(),
            nodes: source.retention().await.into_iter().map(Into::into).collect(),
            journal_batches: journal.batches,
            journal_bytes: store.journal_bytes().await?,
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
        for node in &self.nodes {
            match &node.error {
                None => writeln!(
                    out,
                    "node         {}, blocks from slot {}",
                    node.node,
                    slot(node.first_slot)
                )?,
                Some(error) => writeln!(out, "node         {}: {error}", node.node)?,
            }
        }
        writeln!(out, "final        slot {}", slot(self.finalized_slot))?;
        writeln!(out, "reconciled   slot {}", slot(self.reconciled_slot))?;
        if let (Some(until), Some(waiting)) = (self.backfill_until_slot, self.backfill_waiting) {
            writeln!(
                out,
                "backfill     up to slot {until}, {waiting} transactions wait"
            )?;
        }
        for quarantined in &self.quarantine {
            writeln!(
                out,
                "quarantine   {} of slot {}, {} requests in {} s: {}",
                quarantined.signature,
                quarantined.slot,
                quarantined.attempts,
                quarantined.seconds,
                quarantined.reason
            )?;
        }
        for contested in &self.contested {
            writeln!(
                out,
                "contested    {} of slot {}, {}, only on {}, for {} s: {}",
                contested.signature,
                contested.slot,
                contested.state,
                contested.nodes,
                contested.seconds,
                contested.reason
            )?;
        }
        write!(
            out,
            "journal      {} batches, {} kB on disk, from slot {}",
            self.journal_batches,
            self.journal_bytes / 1_000,
            slot(self.journal_first_slot)
        )
    }
}

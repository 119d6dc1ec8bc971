//! Which transactions there are, and what became of them.

use serde::Deserialize;
use serde_json::json;
use solana_address::Address;
use solana_signature::Signature;
use solana_transaction_error::TransactionError;

use crate::{Commitment, Rpc, RpcError, call::InContext};

/// Which part of an address's history is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Only what is older than this transaction.
    pub before: Option<Signature>,
    /// Only what is newer than this transaction.
    pub until: Option<Signature>,
    /// How many, 1000 at most and by default.
    pub limit: Option<u16>,
    /// A node that hasn't got to this slot refuses: it knows nothing of what has happened until there.
    pub min_context_slot: Option<u64>,
}

/// A transaction in an address's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its signature.
    pub signature: Signature,
    /// Its slot.
    pub slot: u64,
    /// When its block was made, in Unix seconds, if the node knows.
    pub block_time: Option<i64>,
    /// What it failed with.
    pub error: Option<TransactionError>,
    /// How sure the cluster is of it, if the node says.
    pub commitment: Option<Commitment>,
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its slot.
    pub slot: u64,
    /// What it failed with.
    pub error: Option<TransactionError>,
    /// How sure the cluster is of it.
    pub commitment: Commitment,
}

/// How many signatures a node takes in one call.
const AT_ONCE: usize = 256;

impl Rpc {
    /// The transactions that name an address, newest first. A node may leave some out: what must not be missed is
    /// checked in another way. `commitment` has to be confirmed or finalized.
    pub async fn signatures_for(
        &self,
        address: &Address,
        page: &Page,
        commitment: Commitment,
    ) -> Result<Vec<Entry>, RpcError> {
        const METHOD: &str = "getSignaturesForAddress";
        let mut options = json!({ "commitment": commitment });
        for (name, end) in [("before", page.before), ("until", page.until)] {
            if let Some(signature) = end {
                options[name] = signature.to_string().into();
            }
        }
        if let Some(limit) = page.limit {
            options["limit"] = limit.into();
        }
        if let Some(slot) = page.min_context_slot {
            options["minContextSlot"] = slot.into();
        }
        let found: Vec<EntryJson> = self.call(METHOD, &json!([address.to_string(), options])).await?;
        let read = |entry: EntryJson| {
            Ok(Entry {
                signature: entry.signature.parse().map_err(RpcError::answer(METHOD))?,
                slot: entry.slot,
                block_time: entry.block_time,
                error: entry.err,
                commitment: entry.commitment,
            })
        };
        found.into_iter().map(read).collect()
    }

    /// What became of transactions, in their order. `None`: the node doesn't know one; with `search_history` it looks
    /// past the last few minutes too.
    pub async fn statuses(
        &self,
        signatures: &[Signature],
        search_history: bool,
    ) -> Result<Vec<Option<Status>>, RpcError> {
        const METHOD: &str = "getSignatureStatuses";
        let mut found = Vec::with_capacity(signatures.len());
        for part in signatures.chunks(AT_ONCE) {
            let names: Vec<String> = part.iter().map(Signature::to_string).collect();
            let params = json!([names, { "searchTransactionHistory": search_history }]);
            let answer: InContext<Vec<Option<StatusJson>>> = self.call(METHOD, &params).await?;
            if answer.value.len() != part.len() {
                let reason = format!(
                    "{} states where {} were asked for",
                    answer.value.len(),
                    part.len()
                );
                return Err(RpcError::answer(METHOD)(reason));
            }
            found.extend(
                answer
                    .value
                    .into_iter()
                    .map(|status| status.map(StatusJson::read)),
            );
        }
        Ok(found)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EntryJson {
    signature: String,
    slot: u64,
    block_time: Option<i64>,
    err: Option<TransactionError>,
    #[serde(rename = "confirmationStatus")]
    commitment: Option<Commitment>,
}

#[derive(Deserialize)]
struct StatusJson {
    slot: u64,
    err: Option<TransactionError>,
    #[serde(rename = "confirmationStatus")]
    commitment: Option<Commitment>,
}

impl StatusJson {
    fn read(self) -> Status {
        Status {
            slot: self.slot,
            error: self.err,
            // A node that doesn't say has seen it, and no more is known.
            commitment: self.commitment.unwrap_or(Commitment::Processed),
        }
    }
}

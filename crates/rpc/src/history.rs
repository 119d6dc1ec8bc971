//! Lists the transactions of an address, and reads the status of transactions.

use serde::Deserialize;
use serde_json::json;
use solana_address::Address;
use solana_signature::Signature;

use crate::{CommitmentLevel, ExecutionError, Rpc, RpcError, client::WithContext, commitment_level};

/// Selects a part of an address's history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Selects only transactions that are older than this one.
    pub before: Option<Signature>,
    /// Selects only transactions that are newer than this one.
    pub until: Option<Signature>,
    /// The largest number of transactions to return. The maximum and the default are 1000.
    pub limit: Option<u16>,
    /// The node refuses the call if it has not processed this slot. A node that is behind does not
    /// have the transactions up to this slot.
    pub min_context_slot: Option<u64>,
}

/// A transaction in an address's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureInfo {
    /// The transaction's first signature.
    pub signature: Signature,
    /// The slot that contains the transaction.
    pub slot: u64,
    /// The time of the block in Unix seconds. `None` if the node does not have it.
    pub block_time: Option<i64>,
    /// The transaction's error. `None` if it succeeded.
    pub error: Option<ExecutionError>,
    /// The commitment level of the transaction. `None` if the node does not report it.
    pub level: Option<CommitmentLevel>,
}

/// The status of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureStatus {
    /// The slot that contains the transaction.
    pub slot: u64,
    /// The transaction's error. `None` if it succeeded.
    pub error: Option<ExecutionError>,
    /// The commitment level of the transaction.
    pub level: CommitmentLevel,
}

/// The largest number of signatures that a node accepts in one `getSignatureStatuses`.
const MAX_SIGNATURES_PER_CALL: usize = 256;

impl Rpc {
    /// Returns the transactions that name an address, newest first.
    ///
    /// A node may omit transactions. A caller that must not miss any has to check completeness in
    /// another way. `level` must be confirmed or finalized.
    pub async fn signatures_for(
        &self,
        address: &Address,
        page: &Page,
        level: CommitmentLevel,
    ) -> Result<Vec<SignatureInfo>, RpcError> {
        const METHOD: &str = "getSignaturesForAddress";
        let mut options = json!({ "commitment": level });
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
        let response: Vec<SignatureInfoJson> =
            self.call(METHOD, &json!([address.to_string(), options])).await?;
        let parse = |entry: SignatureInfoJson| {
            Ok(SignatureInfo {
                signature: entry
                    .signature
                    .parse()
                    .map_err(RpcError::invalid_response(METHOD))?,
                slot: entry.slot,
                block_time: entry.block_time,
                error: entry.err,
                level: entry.level,
            })
        };
        let mut entries: Vec<SignatureInfo> = response.into_iter().map(parse).collect::<Result<_, _>>()?;
        // No transaction has this signature. surfpool lists the transactions whose blockhash it has
        // refused under it, at the slot of the last one.
        entries.retain(|entry| entry.signature != Signature::default());
        Ok(entries)
    }

    /// Returns the status of each transaction, in the order of the signatures. A status is `None`
    /// if the node does not know the transaction.
    ///
    /// With `search_history` the node searches its whole history. Without it, the node only
    /// searches the last few minutes.
    pub async fn statuses(
        &self,
        signatures: &[Signature],
        search_history: bool,
    ) -> Result<Vec<Option<SignatureStatus>>, RpcError> {
        const METHOD: &str = "getSignatureStatuses";
        let mut statuses = Vec::with_capacity(signatures.len());
        for group in signatures.chunks(MAX_SIGNATURES_PER_CALL) {
            let texts: Vec<String> = group.iter().map(Signature::to_string).collect();
            let params = json!([texts, { "searchTransactionHistory": search_history }]);
            let response: WithContext<Vec<Option<StatusJson>>> = self.call(METHOD, &params).await?;
            if response.value.len() != group.len() {
                let reason = format!(
                    "it contains {} statuses, but {} were requested",
                    response.value.len(),
                    group.len()
                );
                return Err(RpcError::invalid_response(METHOD)(reason));
            }
            statuses.extend(
                response
                    .value
                    .into_iter()
                    .map(|status| status.map(StatusJson::parse)),
            );
        }
        Ok(statuses)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignatureInfoJson {
    signature: String,
    slot: u64,
    block_time: Option<i64>,
    err: Option<ExecutionError>,
    #[serde(
        rename = "confirmationStatus",
        default,
        deserialize_with = "commitment_level::known"
    )]
    level: Option<CommitmentLevel>,
}

#[derive(Deserialize)]
struct StatusJson {
    slot: u64,
    err: Option<ExecutionError>,
    #[serde(
        rename = "confirmationStatus",
        default,
        deserialize_with = "commitment_level::known"
    )]
    level: Option<CommitmentLevel>,
}

impl StatusJson {
    fn parse(self) -> SignatureStatus {
        SignatureStatus {
            slot: self.slot,
            error: self.err,
            // A node that reports no level has at least processed the transaction.
            level: self.level.unwrap_or(CommitmentLevel::Processed),
        }
    }
}

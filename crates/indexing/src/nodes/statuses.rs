//! Reads the statuses of transactions (`getSignatureStatuses`).

use bauta_rpc::RpcError;
use bauta_store::Slot;
use serde::Deserialize;
use serde_json::json;
use solana_signature::Signature;

use super::ContextJson;
use super::node::Node;
use crate::chain::TransactionStatus;

pub const METHOD: &str = "getSignatureStatuses";

/// The response, with its context.
#[derive(Deserialize)]
struct ResponseJson {
    context: ContextJson,
    value: Vec<Option<StatusJson>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StatusJson {
    slot: u64,
    err: Option<serde_json::Value>,
    confirmation_status: Option<String>,
}

/// Returns the statuses of transactions from one node. Fails if the node has not reached `at_least`.
pub async fn read(
    node: &Node,
    signatures: &[Signature],
    at_least: Slot,
) -> Result<Vec<Option<TransactionStatus>>, RpcError> {
    let texts: Vec<String> = signatures.iter().map(Signature::to_string).collect();
    let params = json!([texts, { "searchTransactionHistory": true }]);
    let response: ResponseJson = node.request(METHOD, node.rpc().call(METHOD, &params)).await?;
    let slot = Slot::new(response.context.slot);
    if slot < at_least {
        let reason = format!("the node is at slot {slot}, but slot {at_least} is needed");
        return Err(node.invalid_response(METHOD, reason));
    }
    if response.value.len() != signatures.len() {
        let reason = format!(
            "{} statuses were returned for {} signatures",
            response.value.len(),
            signatures.len()
        );
        return Err(node.invalid_response(METHOD, reason));
    }
    let parse = |status: StatusJson| TransactionStatus {
        slot: Slot::new(status.slot),
        succeeded: status.err.is_none(),
        finalized: status.confirmation_status.as_deref() == Some("finalized"),
    };
    Ok(response
        .value
        .into_iter()
        .map(|status| status.map(parse))
        .collect())
}

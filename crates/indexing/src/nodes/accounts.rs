//! Reads the program's accounts and the slot at which the node read them (`getProgramAccounts`).

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bauta_rpc::RpcError;
use bauta_store::Slot;
use serde::Deserialize;
use serde_json::{Value, json};
use solana_address::Address;

use super::ContextJson;
use super::node::Node;
use crate::chain::{Account, AccountFilter, BytesAt, DataSlice};

pub const METHOD: &str = "getProgramAccounts";

/// The response, with its context.
#[derive(Deserialize)]
struct ResponseJson {
    context: ContextJson,
    value: Vec<KeyedAccountJson>,
}

#[derive(Deserialize)]
struct KeyedAccountJson {
    pubkey: String,
    account: AccountJson,
}

#[derive(Deserialize)]
struct AccountJson {
    /// The encoded bytes and the name of the encoding.
    data: (String, String),
}

/// Returns the parameters of the request.
pub fn params(program: Address, filter: &AccountFilter) -> Value {
    let filters = filter.matches.iter().map(|BytesAt { offset, bytes }| {
        json!({ "memcmp": { "offset": offset, "bytes": bs58::encode(bytes).into_string() } })
    });
    let mut options = json!({
        "commitment": "confirmed", "encoding": "base64", "withContext": true, "filters": filters.collect::<Vec<_>>()
    });
    if let Some(DataSlice { offset, length }) = filter.slice {
        options["dataSlice"] = json!({ "offset": offset, "length": length });
    }
    json!([program.to_string(), options])
}

/// Requests accounts from a node.
pub async fn read(node: &Node, params: &Value) -> Result<(Slot, Vec<Account>), RpcError> {
    let response: ResponseJson = node.request(METHOD, node.rpc().call(METHOD, params)).await?;
    let parse = |entry: KeyedAccountJson| -> Result<Account, RpcError> {
        let invalid =
            |what: &str| node.invalid_response(METHOD, format!("the {what} of {} is invalid", entry.pubkey));
        let data = BASE64.decode(&entry.account.data.0);
        Ok(Account {
            address: entry.pubkey.parse().map_err(|_| invalid("address"))?,
            data: data.map_err(|_| invalid("base64 data"))?,
        })
    };
    let accounts = response.value.into_iter().map(parse).collect::<Result<_, _>>()?;
    Ok((Slot::new(response.context.slot), accounts))
}

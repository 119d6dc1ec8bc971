//! `getProgramAccounts`: the program's accounts, as of a slot.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bauta_rpc::RpcError;
use bauta_store::Slot;
use serde::Deserialize;
use serde_json::{Value, json};
use solana_address::Address;

use super::Context;
use super::node::Node;
use crate::chain::{Account, AccountFilter};

const METHOD: &str = "getProgramAccounts";

/// The answer, with its context.
#[derive(Deserialize)]
struct ProgramAccounts {
    context: Context,
    value: Vec<ProgramAccount>,
}

#[derive(Deserialize)]
struct ProgramAccount {
    pubkey: String,
    account: AccountData,
}

#[derive(Deserialize)]
struct AccountData {
    /// The bytes and the name of their encoding.
    data: (String, String),
}

/// What is asked.
pub fn params(program: Address, filter: &AccountFilter) -> Value {
    let has = filter.has.iter().map(
        |(offset, bytes)| json!({ "memcmp": { "offset": offset, "bytes": bs58::encode(bytes).into_string() } }),
    );
    let mut options = json!({
        "commitment": "confirmed", "encoding": "base64", "withContext": true, "filters": has.collect::<Vec<_>>()
    });
    if let Some((offset, length)) = filter.part {
        options["dataSlice"] = json!({ "offset": offset, "length": length });
    }
    json!([program.to_string(), options])
}

/// What a node answers, and the slot as of which it is so.
pub async fn of(node: &Node, params: &Value) -> Result<(Slot, Vec<Account>), RpcError> {
    let answer: ProgramAccounts = node.ask(METHOD, node.rpc().call(METHOD, params)).await?;
    let read = |found: ProgramAccount| -> Result<Account, RpcError> {
        let bad = |what: &str| node.contradiction(METHOD, format!("{} has {what}", found.pubkey));
        let address = found.pubkey.parse().map_err(|_| bad("no address"))?;
        let data = BASE64.decode(&found.account.data.0);
        Ok(Account {
            address,
            data: data.map_err(|_| bad("data that is not base64"))?,
        })
    };
    let accounts = answer.value.into_iter().map(read).collect::<Result<_, _>>()?;
    Ok((Slot::new(answer.context.slot), accounts))
}

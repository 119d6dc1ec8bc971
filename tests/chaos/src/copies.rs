//! Transactions that a node invents or alters, with their contents.

use serde_json::{Value, json};

use crate::faults::{Shared, count};

/// The bytes of a signature.
const SIGNATURE: usize = 64;
/// The lengths of the event that announces a root, with its tag and discriminator: without and with
/// the expiry of the replaced root.
const ROOT_EVENT: [usize; 2] = [97, 105];
/// The last byte of the root in this event.
const ROOT_END: usize = 16 + 32 + 8 + 31;
/// What is added to the index of a copy in its slot.
const INDEX_OFFSET: u64 = 1_000;

/// Returns the signature of the copy of a transaction, and that of the original for a copy.
fn other(signature: &str) -> Option<String> {
    let mut bytes = bs58::decode(signature).into_vec().ok()?;
    if bytes.len() != SIGNATURE {
        return None;
    }
    for byte in &mut bytes {
        *byte ^= 0x55;
    }
    Some(bs58::encode(bytes).into_string())
}

/// Adds a copy of the newest successful transaction to a list, newest first.
pub fn add_to_list(entries: &mut Vec<Value>) {
    let Some(mut copy) = entries.iter().find(|entry| entry["err"].is_null()).cloned() else {
        return;
    };
    let Some(signature) = copy["signature"].as_str().and_then(other) else {
        return;
    };
    copy["signature"] = signature.into();
    entries.insert(0, copy);
}

/// Returns the request for the original of a transaction that a node does not know.
pub fn original_request(call: &Value, response: &Value) -> Option<Value> {
    if call["method"] != "getTransaction" || !response["result"].is_null() {
        return None;
    }
    let mut request = call.clone();
    request["params"][0] = other(call["params"][0].as_str()?)?.into();
    Some(request)
}

/// Turns the response for an original into the one for its copy.
pub fn copy_response(shared: &Shared, call: &Value, original: &Value, response: &mut Value) {
    let mut result = original["result"].clone();
    if result.is_null() {
        return;
    }
    result["transaction"]["signatures"][0] = call["params"][0].clone();
    if let Some(index) = result["transactionIndex"].as_u64() {
        result["transactionIndex"] = (index + INDEX_OFFSET).into();
    }
    *response = json!({ "jsonrpc": "2.0", "id": call["id"], "result": result });
    count(&shared.counts.copied);
}

/// Changes the root in the last event of a transaction, if the event announces one.
pub fn alter(shared: &Shared, response: &mut Value) {
    let inner = response["result"]["meta"]["innerInstructions"].as_array_mut();
    let last = inner.and_then(|groups| groups.last_mut()?["instructions"].as_array_mut()?.last_mut());
    let Some(last) = last else { return };
    let data = last["data"]
        .as_str()
        .and_then(|text| bs58::decode(text).into_vec().ok());
    let Some(mut data) = data.filter(|data| ROOT_EVENT.contains(&data.len())) else {
        return;
    };
    data[ROOT_END] ^= 1;
    last["data"] = bs58::encode(data).into_string().into();
    count(&shared.counts.altered);
}

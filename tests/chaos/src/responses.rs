//! Changes a node's correct response into a wrong one.

use serde_json::{Value, json};

use crate::Faults;
use crate::faults::{Shared, count};

/// Applies the faults `omitted` and `slots_ahead` to a response. If there is a `horizon`, also
/// removes everything that is newer than this slot.
pub fn distort(
    shared: &Shared,
    faults: &Faults,
    horizon: Option<u64>,
    request: &Value,
    response: &mut Value,
) {
    let method = request["method"].as_str().unwrap_or_default();
    if method == "getSignaturesForAddress"
        && let Some(entries) = response["result"].as_array_mut()
    {
        entries.retain(|entry| {
            let omitted = shared.omits(entry["signature"].as_str().unwrap_or_default(), faults.omitted);
            if omitted {
                count(&shared.counts.omitted);
            }
            !omitted
        });
    }
    if faults.slots_ahead > 0 && advance(faults.slots_ahead, method, response) {
        count(&shared.counts.ahead);
    }
    if let Some(horizon) = horizon
        && make_stale(horizon, method, request, response)
    {
        count(&shared.counts.stale);
    }
}

/// Overstates the slot in a response. Returns whether the response contains one.
fn advance(slots: u64, method: &str, response: &mut Value) -> bool {
    let pointer = match method {
        "getSlot" => "/result",
        _ => "/result/context/slot",
    };
    let Some(slot) = response.pointer_mut(pointer) else {
        return false;
    };
    let Some(now) = slot.as_u64() else { return false };
    *slot = now.saturating_add(slots).into();
    true
}

/// Removes `minContextSlot` from a request, so that the node does not check it.
pub fn without_min_context_slot(mut request: Value) -> Value {
    for options in request["params"].as_array_mut().into_iter().flatten() {
        if let Some(options) = options.as_object_mut() {
            options.remove("minContextSlot");
        }
    }
    request
}

/// Turns a response into the one that the node would have sent at the slot `horizon`. Returns
/// whether that changed the response.
fn make_stale(horizon: u64, method: &str, request: &Value, response: &mut Value) -> bool {
    let newer = |slot: &Value| slot.as_u64().is_some_and(|slot| slot > horizon);
    let before = response.clone();
    if newer(&response["result"]["context"]["slot"]) {
        response["result"]["context"]["slot"] = horizon.into();
    }
    match method {
        "getSlot" if newer(&response["result"]) => response["result"] = horizon.into(),
        "getSignaturesForAddress" | "getBlocks" => {
            if let Some(entries) = response["result"].as_array_mut() {
                entries.retain(|entry| !newer(entry) && !newer(&entry["slot"]));
            }
        }
        "getTransaction" if newer(&response["result"]["slot"]) => response["result"] = Value::Null,
        "getSignatureStatuses" => {
            if let Some(entries) = response["result"]["value"].as_array_mut() {
                for entry in entries.iter_mut().filter(|entry| newer(&entry["slot"])) {
                    *entry = Value::Null;
                }
            }
        }
        "getBlock" if newer(&request["params"][0]) => {
            *response = error(-32_004, "block not available for slot");
        }
        "getAccountInfo" | "getMultipleAccounts" | "getProgramAccounts" => {
            *response = error(-32_005, "node is behind");
        }
        _ => {}
    }
    *response != before
}

fn error(code: i64, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": code, "message": message } })
}

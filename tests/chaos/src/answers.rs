//! Makes an untrue answer of a true one.

use serde_json::{Value, json};

use crate::Faults;
use crate::faults::{Shared, count};

/// Leaves out of an answer what is hidden, and what is newer than the horizon, if there is one.
pub fn distort(shared: &Shared, faults: &Faults, horizon: Option<u64>, asked: &Value, answer: &mut Value) {
    let method = asked["method"].as_str().unwrap_or_default();
    if method == "getSignaturesForAddress"
        && let Some(entries) = answer["result"].as_array_mut()
    {
        entries.retain(|entry| {
            let hidden = shared.hides(entry["signature"].as_str().unwrap_or_default(), faults.hidden);
            if hidden {
                count(&shared.told.hidden);
            }
            !hidden
        });
    }
    if faults.slots_ahead > 0 && advance(faults.slots_ahead, method, answer) {
        count(&shared.told.ahead);
    }
    if let Some(horizon) = horizon
        && age(horizon, method, asked, answer)
    {
        count(&shared.told.old);
    }
}

/// Names a later slot as the newest. Whether one is named.
fn advance(slots: u64, method: &str, answer: &mut Value) -> bool {
    let place = match method {
        "getSlot" => "/result",
        _ => "/result/context/slot",
    };
    let Some(slot) = answer.pointer_mut(place) else {
        return false;
    };
    let Some(now) = slot.as_u64() else { return false };
    *slot = now.saturating_add(slots).into();
    true
}

/// A request as a node would take it that keeps to no `minContextSlot`.
pub fn without_least_slot(mut asked: Value) -> Value {
    for options in asked["params"].as_array_mut().into_iter().flatten() {
        if let Some(options) = options.as_object_mut() {
            options.remove("minContextSlot");
        }
    }
    asked
}

/// What a node would have said at an older slot. Whether that is something else.
fn age(horizon: u64, method: &str, asked: &Value, answer: &mut Value) -> bool {
    let newer = |slot: &Value| slot.as_u64().is_some_and(|slot| slot > horizon);
    let before = answer.clone();
    if newer(&answer["result"]["context"]["slot"]) {
        answer["result"]["context"]["slot"] = horizon.into();
    }
    match method {
        "getSlot" if newer(&answer["result"]) => answer["result"] = horizon.into(),
        "getSignaturesForAddress" | "getBlocks" => {
            if let Some(entries) = answer["result"].as_array_mut() {
                entries.retain(|entry| !newer(entry) && !newer(&entry["slot"]));
            }
        }
        "getTransaction" if newer(&answer["result"]["slot"]) => answer["result"] = Value::Null,
        "getSignatureStatuses" => {
            if let Some(entries) = answer["result"]["value"].as_array_mut() {
                for entry in entries.iter_mut().filter(|entry| newer(&entry["slot"])) {
                    *entry = Value::Null;
                }
            }
        }
        "getBlock" if newer(&asked["params"][0]) => {
            *answer = refusal(-32_004, "block not available for slot");
        }
        "getAccountInfo" | "getMultipleAccounts" | "getProgramAccounts" => {
            *answer = refusal(-32_005, "node is behind");
        }
        _ => {}
    }
    *answer != before
}

fn refusal(code: i64, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": code, "message": message } })
}

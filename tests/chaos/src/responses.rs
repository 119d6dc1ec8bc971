//! Changes a node's correct response into a wrong one.

use serde_json::{Value, json};

use crate::Faults;
use crate::copies;
use crate::faults::{Shared, count};

/// The genesis hash of mainnet.
const OTHER_GENESIS_HASH: &str = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";
/// The signatures of transactions that do not exist.
const UNKNOWN_SIGNATURES: [&str; 3] = [
    "52zhWrwRGfoWgwtvtZmu5eKsq4UbpkQxsAFnxxj7PkpepSb6ndoSNsVgbovfdmNPzfzSRtEqGSqLCjspzZsGViJU",
    "54ADj8UrVjTYZw1pov8u3wFMVgGubiKbnnwyajSaqYvNZPFeZJMzFBveCcL22TQp4RU8xJjU9tMaj6aUk8vh6mgV",
    "55KjwQ2Hio7aSv8ijGVu2EAqAJ5DNgEEiReACWA4HM26JKvCKxvY7WMboQjNR9TE8AwqUjE73KsqFTH8Vhz7hq4W",
];

/// The bytes by which the record of an oversized transaction is longer.
const OVERSIZED: usize = 20 << 20;

/// Makes the record of a transaction longer.
fn pad(shared: &Shared, faults: &Faults, request: &Value, response: &mut Value) {
    let is_oversized = faults.oversized.as_deref() == request["params"][0].as_str();
    if let Some(meta) = response["result"]["meta"].as_object_mut() {
        let bytes = if is_oversized { OVERSIZED } else { faults.padding };
        meta.insert("padding".into(), "x".repeat(bytes).into());
        count(&shared.counts.padded);
    }
}

/// Applies the faults that change contents to a response. If there is a `horizon`, also
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
    match method {
        "getSignaturesForAddress" => distort_list(shared, faults, response),
        "getTransaction"
            if shared.omits(
                request["params"][0].as_str().unwrap_or_default(),
                faults.unreturned,
            ) =>
        {
            response["result"] = Value::Null;
            count(&shared.counts.unreturned);
        }
        "getTransaction" if shared.happens(faults.unrecorded) => {
            if let Some(meta) = response["result"]["meta"].as_object_mut() {
                meta.insert("innerInstructions".into(), Value::Null);
                count(&shared.counts.unrecorded);
            }
        }
        "getTransaction" if faults.false_balances.as_deref() == request["params"][0].as_str() => {
            if let Some(balances) = response["result"]["meta"]["postBalances"].as_array_mut() {
                for balance in balances {
                    *balance = (balance.as_u64().unwrap_or_default() + 1_000_000_000).into();
                }
                count(&shared.counts.false_balances);
            }
        }
        "getTransaction"
            if shared.omits(request["params"][0].as_str().unwrap_or_default(), faults.altered) =>
        {
            copies::alter(shared, response);
        }
        "getTransaction" if faults.padding > 0 || faults.oversized.is_some() => {
            pad(shared, faults, request, response);
        }
        "getBlockHeight" if faults.heights_off != 0 => {
            if let Some(height) = response["result"].as_u64() {
                response["result"] = height.saturating_add_signed(faults.heights_off).into();
                count(&shared.counts.heights_off);
            }
        }
        "getRecentPrioritizationFees" if faults.price.is_some() => {
            response["result"] = json!([{ "slot": 1, "prioritizationFee": faults.price }]);
            count(&shared.counts.prices);
        }
        "getBlock" if faults.missing_blocks => {
            *response = error(-32_009, "slot was skipped, or missing in long-term storage");
            count(&shared.counts.missing_blocks);
        }
        "getGenesisHash" if faults.other_cluster => {
            response["result"] = OTHER_GENESIS_HASH.into();
            count(&shared.counts.other_cluster);
        }
        _ => {}
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

/// Returns the response to a transaction that the node accepts.
pub fn accepted(request: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": request["id"], "result": UNKNOWN_SIGNATURES[0] })
}

/// Applies the faults `unknown_errors`, `invented` and `empty_pages` to a list of transactions.
fn distort_list(shared: &Shared, faults: &Faults, response: &mut Value) {
    let Some(entries) = response["result"].as_array_mut() else {
        return;
    };
    if let Some(newest) = entries.first().cloned() {
        let added = |signature: &str, err: Value| {
            let mut entry = newest.clone();
            entry["signature"] = signature.into();
            entry["err"] = err;
            entry
        };
        if shared.happens(faults.unknown_errors) {
            for (signature, err) in [
                (
                    UNKNOWN_SIGNATURES[0],
                    json!({ "InstructionError": [0, { "BorshIoError": "x" }] }),
                ),
                (UNKNOWN_SIGNATURES[1], json!({ "AnErrorOfTheFuture": [{}, 7] })),
            ] {
                entries.insert(0, added(signature, err));
            }
            count(&shared.counts.unknown_errors);
        }
        if shared.happens(faults.invented) {
            entries.insert(0, added(UNKNOWN_SIGNATURES[2], Value::Null));
            count(&shared.counts.invented);
        }
        if shared.happens(faults.copied) {
            copies::add_to_list(entries);
        }
        for number in 1..=faults.inventions {
            let signature = bs58::encode([number; 64]).into_string();
            entries.insert(0, added(&signature, Value::Null));
        }
        if faults.inventions > 0 {
            count(&shared.counts.invented);
        }
    }
    if shared.happens(faults.empty_pages) {
        entries.clear();
        count(&shared.counts.empty_pages);
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
    // A request with several calls is an array. Its calls have no such option.
    let params = request.get_mut("params").and_then(Value::as_array_mut);
    for options in params.into_iter().flatten() {
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

pub fn error(code: i64, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": code, "message": message } })
}

//! The relay of an API: it submits a proof and pays for the transaction. The node of the command
//! confirms the result.

use std::time::Duration;

use anyhow::Result;
use bauta_client::instructions::Verify;
use bauta_http::{relay_body, wire::api::FEE_SPONSORED};
use rand::{Rng, rngs::OsRng};
use serde_json::Value;
use solana_address::Address;
use tokio::time::{Instant, sleep};

use crate::{
    context::Context,
    failure::{Failure, Kind},
    printable::shown,
    service::{Service, is_busy},
};

/// The first interval between two requests for the state of a relay. It doubles up to the last.
const FIRST_INTERVAL: Duration = Duration::from_millis(250);
/// The last interval. With it, a client stays below the rate limit of an API.
const LAST_INTERVAL: Duration = Duration::from_secs(4);
/// The longest time until a relay ends, after its delay, and until the node shows the result.
const PATIENCE: Duration = Duration::from_mins(2);
/// The next step if the result is unknown.
const REPEAT: &str = "repeat the command: the API relays each proof once";
/// The longest id of a relay.
const MAX_ID_LENGTH: usize = 64;

/// Returns what the relay accepts.
async fn offer(api: &Service) -> Result<Value> {
    let (status, offer) = api.read("v1/relay").await?;
    if status.is_success() {
        Ok(offer)
    } else {
        Err(api.problem(status, &offer).into())
    }
}

/// Returns one of the wallets that can pay, chosen at random.
pub async fn relayer(url: &str) -> Result<Address> {
    let api = Service::new(url)?;
    let offer = offer(&api).await?;
    let wallets: Vec<Address> = offer["relayers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|wallet| wallet.as_str()?.parse().ok())
        .collect();
    if wallets.is_empty() {
        let message = format!("the relay of {} has no wallet that can pay now", api.host());
        return Err(Failure::new(Kind::Node, message)
            .next("repeat the command later, or use another API")
            .into());
    }
    Ok(wallets[OsRng.gen_range(0..wallets.len())])
}

/// Relays a verification, and waits until the node of the command shows its nullifier. The API
/// submits it at a random moment within `max_delay`.
pub async fn relay(context: &Context, url: &str, verify: &Verify, max_delay: Duration) -> Result<()> {
    if verify.relayer.is_none() {
        return Err(Failure::new(Kind::Other, "the proof names no relayer")
            .next("make the proof with `bauta prove --relay URL`")
            .into());
    }
    let api = Service::new(url)?;
    // A wrong URL fails here, before the proof is sent.
    offer(&api).await?;
    let body = serde_json::to_value(relay_body(verify, FEE_SPONSORED, max_delay)?)?;
    let end = Instant::now() + max_delay + PATIENCE;
    let (mut path, mut interval) = (None::<String>, FIRST_INTERVAL);
    loop {
        let response = match &path {
            None => api.relay(&body).await,
            Some(path) => api.read(path).await,
        };
        let last = match response {
            Ok((status, document)) if status.is_success() => match document["state"].as_str() {
                Some("confirmed" | "finalized") => break,
                Some(state @ ("refused" | "failed" | "expired")) => {
                    // The node of the command decides, and not the API.
                    let account = context.account(&verify.nullifier_account()).await?;
                    if account.is_some() {
                        break;
                    }
                    return Err(ended(state, &document).into());
                }
                state => {
                    if path.is_none() {
                        path = Some(format!("v1/relay/{}", relay_id(&api, &document)?));
                    }
                    format!("the state {}", shown(state.unwrap_or("unknown")))
                }
            },
            Ok((status, problem)) if is_busy(status, &problem) => api.problem(status, &problem).to_string(),
            Ok((status, problem)) => return Err(api.problem(status, &problem).into()),
            // The API may have accepted the request, and a relay continues without this connection.
            Err(error) => format!("{error:#}"),
        };
        if Instant::now() > end {
            let message = format!(
                "the relay of {} did not end in time; the last result: {last}",
                api.host()
            );
            return Err(Failure::new(Kind::Unknown, message).next(REPEAT).into());
        }
        sleep(interval).await;
        interval = (interval * 2).min(LAST_INTERVAL);
    }
    await_nullifier(context, &api, &verify.nullifier_account()).await
}

/// Returns the failure of a relay that ended without a verification. A transaction of it can still be
/// executed.
fn ended(state: &str, document: &Value) -> Failure {
    let reason = shown(document["reason"].as_str().unwrap_or("no reason"));
    let message = format!("the relay has the state {state}: {reason}");
    if document["attempts"].as_u64() == Some(0) {
        return Failure::new(Kind::Refused, message)
            .next("check the proof with `bauta inspect`, and make a new one, or use another API");
    }
    let message = format!("{message}; the API has sent a transaction, which can still be executed");
    Failure::new(Kind::Unknown, message).next(REPEAT)
}

/// Waits until the node has the nullifier account: the API may be wrong.
async fn await_nullifier(context: &Context, api: &Service, account: &Address) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while context.account(account).await?.is_none() {
        if Instant::now() > end {
            let message = format!(
                "{} reports a confirmed verification, but the node at {} has no nullifier account {account}",
                api.host(),
                context.rpc.host()
            );
            return Err(Failure::new(Kind::Unknown, message).next(REPEAT).into());
        }
        sleep(FIRST_INTERVAL).await;
    }
    Ok(())
}

/// Returns the id of an accepted relay. It becomes a part of a URL.
fn relay_id(api: &Service, document: &Value) -> Result<String> {
    let id = document["id"].as_str().unwrap_or_default();
    let is_hex = id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex || id.is_empty() || id.len() > MAX_ID_LENGTH {
        let message = format!("{} accepted the proof without an id of the relay", api.host());
        return Err(Failure::new(Kind::Node, message).next(REPEAT).into());
    }
    Ok(id.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_relay_that_has_sent_a_transaction_has_no_known_result() {
        let kind = |document: Value| {
            let error = anyhow::Error::from(ended("expired", &document));
            crate::failure::classify(&error)
        };
        let (sent, next) = kind(json!({ "attempts": 1, "reason": "x\nnext: run this" }));
        assert_eq!((sent, next.as_deref()), (Kind::Unknown, Some(REPEAT)));
        // An API that does not say how often it has sent it is not believed.
        assert_eq!(kind(json!({})).0, Kind::Unknown);
        assert_eq!(kind(json!({ "attempts": 0 })).0, Kind::Refused);
        let shown = ended("failed", &json!({ "reason": "x\nnext: run this" })).to_string();
        assert!(!shown.contains('\n'), "{shown}");
    }

    #[test]
    fn an_id_that_would_change_the_url_is_refused() {
        let api = Service::new("http://127.0.0.1:1").unwrap();
        let id = |id: &str| relay_id(&api, &json!({ "id": id }));
        assert_eq!(id(&"0a".repeat(16)).unwrap(), "0a".repeat(16));
        for wrong in ["", "../../health", "0a?b", &"0a".repeat(33)] {
            assert!(id(wrong).is_err(), "{wrong}");
        }
    }
}

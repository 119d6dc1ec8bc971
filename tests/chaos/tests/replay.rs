//! Tests of the replay server and of the proxy in front of it, through the project's own client.
//! The server responds as the methods prescribe, and the proxy injects the configured faults.

use std::collections::HashMap;
use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bauta_chaos::{FaultProxy, Faults, RecordedTransaction, ReplayServer};
use bauta_rpc::{CommitmentLevel, Options, Page, Pubsub, Rpc, RpcError};
use serde_json::json;
use solana_address::Address;
use solana_signature::Signature;

const PROGRAM: Address = Address::new_from_array([9; 32]);
/// The number of transactions in the history: two in each slot, from slot 100.
const COUNT: u8 = 40;

/// The signature of zeros belongs to no transaction.
fn signature(number: u8) -> Signature {
    Signature::from([number + 1; 64])
}

fn history() -> Vec<RecordedTransaction> {
    let transaction = |number: u8| {
        let slot = 100 + u64::from(number) / 2;
        let transaction = json!({
            "slot": slot,
            "blockTime": 1_767_225_600,
            "meta": { "err": null, "innerInstructions": [], "logMessages": [] },
            "transaction": {
                "signatures": [signature(number).to_string()],
                "message": { "accountKeys": [PROGRAM.to_string()], "instructions": [] },
            },
        });
        RecordedTransaction {
            signature: signature(number).to_string(),
            slot,
            block_time: 1_767_225_600,
            failed: number == 3,
            json: transaction.to_string(),
        }
    };
    (0..COUNT).map(transaction).collect()
}

async fn replay() -> ReplayServer {
    ReplayServer::start(&PROGRAM.to_string(), history(), HashMap::new())
        .await
        .unwrap()
}

/// Returns the signatures of the program's transactions.
async fn list(rpc: &Rpc) -> Result<Vec<Signature>, RpcError> {
    let page = Page::default();
    let entries = rpc
        .signatures_for(&PROGRAM, &page, CommitmentLevel::Confirmed)
        .await?;
    Ok(entries.into_iter().map(|entry| entry.signature).collect())
}

fn all() -> Vec<Signature> {
    (0..COUNT).rev().map(signature).collect()
}

#[tokio::test]
async fn a_replay_server_responds_from_its_history() {
    let replay = replay().await;
    let rpc = Rpc::new(&replay.rpc()).unwrap();
    assert_eq!(rpc.slot(CommitmentLevel::Finalized).await.unwrap(), 119);
    assert_eq!(list(&rpc).await.unwrap(), all());

    let page = Page {
        before: Some(signature(30)),
        until: Some(signature(10)),
        limit: Some(5),
        min_context_slot: None,
    };
    let entries = rpc
        .signatures_for(&PROGRAM, &page, CommitmentLevel::Confirmed)
        .await
        .unwrap();
    let found: Vec<_> = entries.iter().map(|entry| entry.signature).collect();
    assert_eq!(found, (25..30).rev().map(signature).collect::<Vec<_>>());
    let page = Page { limit: None, ..page };
    let entries = rpc
        .signatures_for(&PROGRAM, &page, CommitmentLevel::Confirmed)
        .await
        .unwrap();
    assert_eq!(entries.last().unwrap().signature, signature(11));

    let block = rpc.block(110, CommitmentLevel::Confirmed).await.unwrap().unwrap();
    assert_eq!(block.signatures, [signature(20), signature(21)]);
    let transaction = rpc
        .transaction(&signature(20), CommitmentLevel::Confirmed)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(transaction.slot, 110);
    let unknown = signature(200);
    assert!(
        rpc.transaction(&unknown, CommitmentLevel::Confirmed)
            .await
            .unwrap()
            .is_none()
    );
    let statuses = rpc
        .statuses(&[signature(3), unknown, signature(4)], true)
        .await
        .unwrap();
    assert!(statuses[0].as_ref().unwrap().error.is_some());
    assert!(statuses[1].is_none());
    assert_eq!(statuses[2].as_ref().unwrap().level, CommitmentLevel::Finalized);
    let pubsub = Pubsub::new(&replay.websocket()).unwrap();
    pubsub.logs(&PROGRAM, CommitmentLevel::Confirmed).await.unwrap();
}

#[tokio::test]
async fn program_accounts_are_filtered_and_sliced_and_have_a_context_slot() {
    let account = |owner: Address, data: &[u8]| {
        let data = json!([BASE64.encode(data), "base64"]);
        json!({ "owner": owner.to_string(), "lamports": 1, "executable": false, "rentEpoch": 0, "data": data })
    };
    let at = |number: u8| Address::new_from_array([number; 32]).to_string();
    let accounts = HashMap::from([
        (at(1), account(PROGRAM, &[1, 2, 3, 4])),
        (at(2), account(PROGRAM, &[1, 2, 9])),
        (at(3), account(Address::new_from_array([8; 32]), &[1, 2, 3, 4])),
    ]);
    let replay = ReplayServer::start(&PROGRAM.to_string(), history(), accounts)
        .await
        .unwrap();
    let rpc = Rpc::new(&replay.rpc()).unwrap();
    let bytes = bs58::encode([2, 3]).into_string();
    let filter = json!({ "memcmp": { "offset": 1, "bytes": bytes } });
    let slice = json!({ "offset": 2, "length": 5 });
    let options =
        json!({ "encoding": "base64", "withContext": true, "filters": [filter], "dataSlice": slice });
    let params = json!([PROGRAM.to_string(), options]);
    let found: serde_json::Value = rpc.call("getProgramAccounts", &params).await.unwrap();
    assert_eq!(found["context"]["slot"], 119);
    assert_eq!(found["value"].as_array().unwrap().len(), 1);
    assert_eq!(found["value"][0]["pubkey"], at(1));
    assert_eq!(found["value"][0]["account"]["data"][0], BASE64.encode([3, 4]));
    let params = json!([PROGRAM.to_string(), { "encoding": "base64" }]);
    let found: serde_json::Value = rpc.call("getProgramAccounts", &params).await.unwrap();
    assert_eq!(found.as_array().unwrap().len(), 2);
}

async fn proxy_for(replay: &ReplayServer) -> (FaultProxy, Rpc) {
    let proxy = FaultProxy::start(&replay.rpc(), &replay.websocket(), 7)
        .await
        .unwrap();
    let options = Options {
        timeout: Duration::from_secs(5),
        ..Options::default()
    };
    let rpc = Rpc::with_options(&proxy.rpc(), options).unwrap();
    (proxy, rpc)
}

#[tokio::test]
async fn without_faults_a_proxy_changes_nothing() {
    let replay = replay().await;
    let (proxy, rpc) = proxy_for(&replay).await;
    assert_eq!(list(&rpc).await.unwrap(), all());
    let pubsub = Pubsub::new(&proxy.websocket()).unwrap();
    pubsub.logs(&PROGRAM, CommitmentLevel::Confirmed).await.unwrap();
}

#[tokio::test]
async fn the_omitted_transactions_are_always_the_same() {
    let replay = replay().await;
    let (proxy, rpc) = proxy_for(&replay).await;
    let faults = Faults {
        omitted: 0.5,
        ..Faults::default()
    };
    proxy.set(faults);
    let first = list(&rpc).await.unwrap();
    assert!(first.len() > 5 && first.len() < 35, "{} of 40", first.len());
    assert_eq!(list(&rpc).await.unwrap(), first);
    // The list omits the transaction, but it can still be read by its signature.
    let omitted = all().into_iter().find(|one| !first.contains(one)).unwrap();
    assert!(
        rpc.transaction(&omitted, CommitmentLevel::Confirmed)
            .await
            .unwrap()
            .is_some()
    );
    proxy.set(Faults::default());
    assert_eq!(list(&rpc).await.unwrap(), all());
}

#[tokio::test]
async fn a_stale_node_shows_nothing_newer_than_its_slot() {
    let replay = replay().await;
    let (proxy, rpc) = proxy_for(&replay).await;
    let faults = Faults {
        stale: 1.0,
        slots_behind: 9,
        ..Faults::default()
    };
    proxy.set(faults);
    assert_eq!(rpc.slot(CommitmentLevel::Confirmed).await.unwrap(), 110);
    assert_eq!(list(&rpc).await.unwrap()[0], signature(21));
    let newer = signature(22);
    assert!(
        rpc.transaction(&newer, CommitmentLevel::Confirmed)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(rpc.statuses(&[newer], true).await.unwrap(), [None]);
    let error = rpc.block(111, CommitmentLevel::Confirmed).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
}

#[tokio::test]
async fn a_node_that_is_ahead_reports_future_slots_and_ignores_min_context_slot() {
    let replay = replay().await;
    let (proxy, rpc) = proxy_for(&replay).await;
    proxy.set(Faults {
        slots_ahead: 500,
        ..Faults::default()
    });
    assert_eq!(rpc.slot(CommitmentLevel::Confirmed).await.unwrap(), 619);
    let page = Page {
        min_context_slot: Some(619),
        ..Page::default()
    };
    let entries = rpc
        .signatures_for(&PROGRAM, &page, CommitmentLevel::Confirmed)
        .await;
    assert_eq!(entries.unwrap().len(), usize::from(COUNT));
}

#[tokio::test]
async fn errors_truncated_responses_and_an_unavailable_node_are_errors_of_the_client() {
    let replay = replay().await;
    let (proxy, rpc) = proxy_for(&replay).await;
    let cases = [
        Faults {
            errors: 1.0,
            ..Faults::default()
        },
        Faults {
            truncated: 1.0,
            ..Faults::default()
        },
        Faults {
            unavailable: true,
            ..Faults::default()
        },
    ];
    for faults in cases {
        proxy.set(faults.clone());
        for _ in 0..8 {
            assert!(list(&rpc).await.is_err(), "{faults:?}");
        }
        proxy.set(Faults::default());
        assert_eq!(list(&rpc).await.unwrap(), all());
    }
}

#[tokio::test]
async fn an_unavailable_node_ends_open_subscriptions() {
    let replay = replay().await;
    let (proxy, _) = proxy_for(&replay).await;
    let pubsub = Pubsub::new(&proxy.websocket()).unwrap();
    let mut subscription = pubsub.logs(&PROGRAM, CommitmentLevel::Confirmed).await.unwrap();
    proxy.set(Faults {
        unavailable: true,
        ..Faults::default()
    });
    let error = subscription.next().await.unwrap_err();
    assert!(matches!(error, RpcError::Disconnected { .. }), "{error}");
}

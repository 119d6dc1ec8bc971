//! Who pays for a relay: the owner of an API key, or the recipient inside the transaction.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bauta_client::instructions::Verify;
use bauta_rpc::{CommitmentLevel, deserialize, serialize};
use bauta_service_common::{NewApiKey, Quota};
use reqwest::Method;
use serde_json::{Value, json};
use solana_hash::Hash;
use solana_keypair::Keypair;
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;

use super::{
    Relayed,
    chain::{SOL, body},
    code,
    ledger::settled,
    offer, post, reach, stored,
};
use crate::common::Running;

/// An expiry of API keys that tests don't reach.
const FAR: u64 = 4_000_000_000;

/// Sends a request with an API key.
async fn post_with(service: &Running, body: &Value, key: &NewApiKey) -> (u16, Value) {
    let request = service.request(Method::POST, "/v1/relay").bearer_auth(&*key.key);
    let response = request.json(body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

fn id(accepted: &(u16, Value)) -> &str {
    assert_eq!(accepted.0, 202, "{accepted:?}");
    accepted.1["id"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_with_a_key_uses_the_budget_of_the_keys_owner_in_any_scope() {
    let relayed = Relayed::start().await;
    let chain = &relayed.chain;
    let (unlisted, live) = (chain.scope(2).await.unwrap(), chain.live_scope(3).await.unwrap());
    let new = |permission: &str| NewApiKey::random(&[permission], FAR, Quota::default());
    let (key, poor, other) = (new("relay"), new("relay"), new("trees"));
    let keys = [&key, &poor, &other].map(|key| key.line.as_str()).join(",");
    // A relay reserves its rent and its highest fee, 1,417,000 lamports.
    let budgets = format!("{}=3000000", key.row.owner);
    let environment = [("API_KEYS", keys.as_str()), ("RELAY_KEY_BUDGETS", &budgets)];
    let service = relayed.service(&environment).await;
    assert_eq!(offer(&service).await["fees"], json!(["sponsored", "key"]));
    let scope = service.read(&format!("/v1/scopes/{unlisted}")).await;
    assert_eq!(scope["relay"], json!(["key"]));

    let keyed = |verify: &Verify| {
        let mut body = body(verify);
        body["fee"] = json!("key");
        body
    };
    let request = keyed(&chain.prove(unlisted, 1));
    assert_eq!(code(&post(&service, &request).await), (401, "missing_api_key"));
    let refused = post_with(&service, &request, &other).await;
    assert_eq!(code(&refused), (403, "missing_permission"), "{refused:?}");
    let refused = post_with(&service, &request, &poor).await;
    assert_eq!(code(&refused), (422, "key_without_budget"), "{refused:?}");
    assert_eq!(stored(&relayed).await, (0, 0), "nothing is written");

    let first = post_with(&service, &request, &key).await;
    let second = post_with(&service, &keyed(&chain.prove(live, 2)), &key).await;
    let third = keyed(&chain.prove(unlisted, 3));
    let refused = post_with(&service, &third, &key).await;
    assert_eq!(code(&refused), (429, "budget_exhausted"), "{refused:?}");
    for accepted in [&first, &second] {
        reach(&service, id(accepted), &["finalized"]).await;
    }
    settled(&relayed).await;
    // The audit log has which key paid, and neither what nor for whom.
    let log = relayed.database.store.audit_log(0, 100).await.unwrap();
    let accepted: Vec<_> = log
        .iter()
        .filter(|stored| stored.record.event == "relay_accepted")
        .map(|stored| (stored.record.actor.as_deref(), stored.record.subject.as_deref()))
        .collect();
    assert_eq!(accepted, [(Some(key.row.prefix.as_str()), None); 2]);
    // The budget of the scope is another one.
    let refused = post_with(&service, &third, &key).await;
    assert_eq!(code(&refused), (429, "budget_exhausted"), "{refused:?}");
    let sponsored = post(&service, &body(&chain.prove(relayed.scope, 3))).await;
    reach(&service, id(&sponsored), &["finalized"]).await;
    settled(&relayed).await;
}

/// Returns a proof for a recipient who pays, and the body of its request.
fn paid(relayed: &Relayed, recipient: &Keypair, number: u64) -> Value {
    let mut verify = relayed.chain.prove(relayed.scope, number);
    verify.recipient = recipient.pubkey();
    relayed.chain.sign(&mut verify);
    let mut body = body(&verify);
    body["fee"] = json!("in_transaction");
    body
}

fn transaction(to_sign: &(u16, Value)) -> VersionedTransaction {
    assert_eq!(
        (to_sign.0, &to_sign.1["state"]),
        (200, &json!("to_sign")),
        "{to_sign:?}"
    );
    let bytes = BASE64.decode(to_sign.1["transaction"].as_str().unwrap()).unwrap();
    deserialize(&bytes).unwrap()
}

/// Adds the recipient's signature, and the transaction to the body.
fn sign(body: &Value, mut transaction: VersionedTransaction, signer: &Keypair) -> Value {
    transaction.signatures[1] = signer.sign_message(&transaction.message.serialize());
    let mut body = body.clone();
    body["signed_transaction"] = BASE64.encode(serialize(&transaction).unwrap()).into();
    body
}

async fn balance(relayed: &Relayed, of: &Keypair) -> u64 {
    let (_, account) = relayed
        .chain
        .rpc
        .account(&of.pubkey(), CommitmentLevel::Finalized)
        .await
        .unwrap();
    account.map_or(0, |account| account.lamports)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_who_signs_pays_the_rent_and_the_wallet_loses_no_lamport() {
    let relayed = Relayed::start().await;
    let service = relayed
        .service(&[
            ("RELAY_IN_TRANSACTION", "1000000"),
            ("RELAY_RECLAIM_INTERVAL_SECONDS", "1"),
        ])
        .await;
    assert_eq!(
        offer(&service).await["fees"],
        json!(["sponsored", "in_transaction"])
    );
    let recipient = Keypair::new();
    relayed.chain.rpc.airdrop(&recipient.pubkey(), SOL).await.unwrap();
    let wallet_before = relayed.chain.balance().await.unwrap();

    let request = paid(&relayed, &recipient, 1);
    let to_sign = post(&service, &request).await;
    transaction(&to_sign);
    assert_eq!(
        stored(&relayed).await,
        (0, 0),
        "nothing is written before the recipient signs"
    );
    // A blockhash is valid for 150 slots. On a slow machine it can expire, and the recipient signs
    // again.
    let finalized = async {
        loop {
            let to_sign = post(&service, &request).await;
            let signed = sign(&request, transaction(&to_sign), &recipient);
            let accepted = post(&service, &signed).await;
            if code(&accepted) == (409, "blockhash_expired") {
                continue;
            }
            let id = id(&accepted).to_owned();
            let relay = reach(&service, &id, &["finalized", "failed", "refused", "expired"]).await;
            if relay["state"] != "expired" {
                return (id, relay, to_sign);
            }
        }
    };
    let finalized = tokio::time::timeout(Duration::from_mins(3), finalized).await;
    let (accepted, relay, to_sign) = finalized.unwrap();
    assert_eq!(
        (&relay["state"], &relay["attempts"]),
        (&json!("finalized"), &json!(1)),
        "{relay}: {}",
        service.log()
    );
    settled(&relayed).await;
    assert_eq!(relayed.chain.balance().await.unwrap(), wallet_before);
    let rent = relayed.chain.rpc.rent_exempt_balance(72).await.unwrap();
    let due: u64 = to_sign.1["lamports"].as_str().unwrap().parse().unwrap();
    assert_eq!(balance(&relayed, &recipient).await, SOL - rent - due);
    // The same request has the same relay. The rent isn't the wallet's to reclaim.
    let again = post(&service, &request).await;
    assert_eq!(id(&again), accepted);
    let reclaimed: bool = sqlx::query_scalar("SELECT bool_and(reclaimed) FROM relays")
        .fetch_one(relayed.database.pool())
        .await
        .unwrap();
    assert!(reclaimed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_the_recipient_has_not_signed_as_it_is_costs_nothing() {
    let relayed = Relayed::start().await;
    let service = relayed.service(&[("RELAY_IN_TRANSACTION", "1000000")]).await;
    let (recipient, other) = (Keypair::new(), Keypair::new());
    let request = paid(&relayed, &recipient, 1);
    // The recipient has no lamports.
    let refused = post(&service, &request).await;
    assert_eq!(code(&refused), (422, "simulation_failed"), "{refused:?}");
    relayed.chain.rpc.airdrop(&recipient.pubkey(), SOL).await.unwrap();
    let unsigned = transaction(&post(&service, &request).await);

    let changed = |change: &dyn Fn(&mut VersionedTransaction)| {
        let mut transaction = unsigned.clone();
        change(&mut transaction);
        sign(&request, transaction, &recipient)
    };
    let data = |instruction: usize, byte: usize| {
        changed(&move |it| match &mut it.message {
            solana_message::VersionedMessage::Legacy(message) => {
                message.instructions[instruction].data[byte] ^= 1;
            }
            _ => panic!("the transaction has a version"),
        })
    };
    let mut without = request.clone();
    without["signed_transaction"] = BASE64.encode(serialize(&unsigned).unwrap()).into();
    let mut no_transaction = request.clone();
    no_transaction["signed_transaction"] = BASE64.encode([7; 300]).into();
    let before = relayed.chain.balance().await.unwrap();
    for (request, expected) in [
        (no_transaction, "co_signature_refused"),
        (without, "co_signature_refused"),
        (sign(&request, unsigned.clone(), &other), "co_signature_refused"),
        // Another limit of compute units, a higher price, less for the wallet, another proof.
        (data(0, 4), "co_signature_refused"),
        (data(1, 7), "co_signature_refused"),
        (data(2, 4), "co_signature_refused"),
        (data(3, 9), "co_signature_refused"),
    ] {
        let refused = post(&service, &request).await;
        assert_eq!(code(&refused), (422, expected), "{refused:?}");
    }
    let old = changed(&|it| it.message.set_recent_blockhash(Hash::new_from_array([7; 32])));
    let refused = post(&service, &old).await;
    assert_eq!(code(&refused), (409, "blockhash_expired"), "{refused:?}");
    let own = paid(&relayed, &relayed.chain.wallet, 1);
    let refused = post(&service, &own).await;
    assert_eq!(code(&refused), (422, "own_recipient"), "{refused:?}");
    let closed = relayed.service(&[]).await;
    let refused = post(&closed, &request).await;
    assert_eq!(code(&refused), (422, "fee_not_accepted"), "{refused:?}");
    assert_eq!(stored(&relayed).await, (0, 0), "nothing is written");
    assert_eq!(relayed.chain.balance().await.unwrap(), before);
}

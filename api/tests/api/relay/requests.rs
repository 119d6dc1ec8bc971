//! What a client sees: a relay that is confirmed and finalized, requests that are refused before
//! anything is paid, and one relay for each nullifier.

use std::time::Duration;

use bauta_http::{Api, relay_body, wire::api::FEE_SPONSORED};
use bauta_primitives::{Claim, FieldElement, Nullifier, Root};
use bauta_rpc::CommitmentLevel;
use bauta_store::{
    AddedRelay, Attempt, AuditRecord, FlagChange, NewRelay, RelayEnd, RelayLease, RelayLimits, RelayState,
};
use serde_json::{Value, json};
use solana_keypair::Keypair;
use solana_signature::Signature;
use solana_signer::Signer;

use super::{Relayed, chain::body, code, post, reach, stored, submit};

#[tokio::test(flavor = "multi_thread")]
async fn a_relayed_verification_is_confirmed_on_the_chain_and_has_one_transaction() {
    let relayed = Relayed::start().await;
    let service = relayed.service(&[]).await;
    let wallet = relayed.chain.wallet.pubkey();
    let offer = super::offer(&service).await;
    assert_eq!(offer["relayers"], json!([wallet.to_string()]));
    let verify = relayed.chain.prove(relayed.scope, 1);
    let id = submit(&service, &verify).await;
    let relay = reach(&service, &id, &["confirmed", "finalized"]).await;
    assert_eq!(relay["attempts"], 1);
    let signature: Signature = relay["signature"].as_str().unwrap().parse().unwrap();
    let executed = relayed
        .chain
        .rpc
        .transaction(&signature, CommitmentLevel::Confirmed)
        .await
        .unwrap()
        .unwrap();
    assert!(executed.error.is_none());
    // The wallet of the service paid, and no other account signed.
    assert_eq!(executed.instructions[2].data, verify.instruction().data);
    let (_, account) = relayed
        .chain
        .rpc
        .account(&verify.nullifier_account(), CommitmentLevel::Confirmed)
        .await
        .unwrap();
    assert!(account.is_some(), "the nullifier is used");
    // The proof was verified in the queue that all clients share.
    let metrics = service.metrics().await;
    let verified = "bauta_api_verifications_total{outcome=\"valid\"} 1";
    assert!(metrics.contains(verified), "{metrics}");

    // The same request has the same relay, also later.
    assert_eq!(submit(&service, &verify).await, id);
    reach(&service, &id, &["finalized"]).await;
    assert_eq!(submit(&service, &verify).await, id);
    // Another proof for the nullifier is refused.
    let other = relayed.chain.prove(relayed.scope, 1);
    let refused = post(&service, &body(&other)).await;
    assert_eq!(code(&refused), (409, "nullifier_used"), "{refused:?}");
    // The Rust client reads the same documents, and gets the refusal as a typed error.
    let api = Api::new(&format!("http://{}", service.address)).unwrap();
    assert_eq!(api.relay_offer().await.unwrap().relayers, [wallet.to_string()]);
    assert_eq!(api.scope(&relayed.scope).await.unwrap().relay, ["sponsored"]);
    assert!(api.relayed(&id).await.unwrap().is_last());
    let other = relay_body(&other, FEE_SPONSORED, Duration::ZERO).unwrap();
    let refused = api.relay_and_wait(&other, Duration::from_mins(1)).await;
    assert_eq!(refused.unwrap_err().code(), Some("nullifier_used"));
    let fresh = relayed.chain.prove(relayed.scope, 2);
    let fresh = relay_body(&fresh, FEE_SPONSORED, Duration::ZERO).unwrap();
    let ended = api.relay_and_wait(&fresh, Duration::from_mins(1)).await.unwrap();
    assert!(ended.signature.is_some(), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_the_program_would_refuse_costs_nothing() {
    let relayed = Relayed::start().await;
    let (chain, scope) = (&relayed.chain, relayed.scope);
    let live = chain.live_scope(2).await.unwrap();
    let gated = chain.gated_scope(3, chain.authority()).await.unwrap();
    let closed = chain.scope(4).await.unwrap();
    chain.close(closed).await.unwrap();
    let unlisted = chain.scope(5).await.unwrap();
    let sponsored = [scope, live, gated, closed].map(|scope| format!("{scope}=1000000000"));
    let service = relayed
        .service(&[("RELAY_SPONSORED", &sponsored.join(","))])
        .await;
    for (listed, expected) in [
        (scope, json!(["sponsored"])),
        (live, json!([])),
        (unlisted, json!([])),
    ] {
        assert_eq!(
            service.read(&format!("/v1/scopes/{listed}")).await["relay"],
            expected
        );
    }
    let before = chain.balance().await.unwrap();

    let proof = |change: &dyn Fn(&mut bauta_client::instructions::Verify)| {
        let mut verify = chain.prove(scope, 10);
        change(&mut verify);
        chain.sign(&mut verify);
        body(&verify)
    };
    let with = |field: &str, value: Value| {
        let mut body = body(&chain.prove(scope, 10));
        body[field] = value;
        body
    };
    let other = Keypair::new().pubkey();
    let cases = [
        (
            proof(&|verify| verify.relayer = Some(other)),
            422,
            "other_relayer",
        ),
        (body(&chain.prove(unlisted, 10)), 422, "scope_not_sponsored"),
        (body(&chain.prove(live, 10)), 422, "scope_not_sponsored"),
        (body(&chain.prove(gated, 10)), 422, "scope_gated"),
        (body(&chain.prove(closed, 10)), 422, "scope_not_open"),
        (proof(&|verify| verify.expiry -= 900), 422, "expires_soon"),
        (
            proof(&|verify| verify.root = Root::new(FieldElement::from_u64(8))),
            409,
            "root_not_valid",
        ),
        (
            with("auxiliary_root", format!("0x{}", "00".repeat(32)).into()),
            422,
            "auxiliary_root",
        ),
        // Each value is bound: with another one, the proof is no longer valid.
        (with("recipient", other.to_string().into()), 422, "proof_refused"),
        (with("payload", "0x00".into()), 422, "proof_refused"),
        (
            with("claim", Claim::of_track(4).to_string().into()),
            422,
            "proof_refused",
        ),
        (
            with("proof", format!("0x{}", "00".repeat(256)).into()),
            422,
            "proof_refused",
        ),
        (with("fee", "free".into()), 400, "invalid_input"),
        (with("unknown", 1.into()), 400, "invalid_input"),
    ];
    for (request, status, expected) in cases {
        let refused = post(&service, &request).await;
        assert_eq!(code(&refused), (status, expected), "{refused:?}");
    }
    assert_eq!(stored(&relayed).await, (0, 0), "nothing is written");
    assert_eq!(chain.balance().await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_is_relayed_through_oblivious_http() {
    let relayed = Relayed::start().await;
    let service = relayed.service(&[crate::ohttp::KEY]).await;
    let relay = crate::ohttp::Relay::start(&service, None).await;
    let request = body(&relayed.chain.prove(relayed.scope, 1));
    let message = crate::ohttp::json_message("/v1/relay", &request);
    let accepted = relay.send(&message).await.unwrap();
    assert_eq!(accepted.status, 202, "{}", accepted.json());
    let id = accepted.json()["id"].as_str().unwrap().to_owned();
    reach(&service, &id, &["confirmed", "finalized"]).await;
    // The same request, encapsulated again, has the same relay.
    let again = relay.send(&message).await.unwrap();
    assert_eq!(
        (again.status, again.json()["id"].as_str()),
        (202, Some(id.as_str()))
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a program of another workspace: cargo xtask drill ohttp"]
async fn the_client_of_another_implementation_has_a_verification_relayed() {
    let relayed = Relayed::start().await;
    let service = relayed.service(&[crate::ohttp::KEY]).await;
    let relay = crate::ohttp::Relay::start(&service, None).await;
    let client = crate::ohttp::OtherClient::of(&relay);
    let (status, offer) = client.get("/v1/relay").await;
    let wallet = relayed.chain.wallet.pubkey().to_string();
    assert_eq!((status, &offer["relayers"]), (200, &json!([wallet])), "{offer}");
    let request = body(&relayed.chain.prove(relayed.scope, 1));
    let (status, accepted) = client.post("/v1/relay", None, &request).await;
    assert_eq!(status, 202, "{accepted}");
    let id = accepted["id"].as_str().unwrap();
    let ended = async {
        loop {
            let (status, relay) = client.get(&format!("/v1/relay/{id}")).await;
            assert_eq!(status, 200, "{relay}");
            if relay["state"] == "finalized" {
                return relay;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let ended = tokio::time::timeout(Duration::from_mins(2), ended).await.unwrap();
    assert!(ended["signature"].is_string(), "{ended}");
    // The nullifier is used on the chain.
    let (status, problem) = client
        .post("/v1/relay", None, &body(&relayed.chain.prove(relayed.scope, 1)))
        .await;
    assert_eq!((status, &problem["code"]), (409, &json!("nullifier_used")));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_sponsorship_is_paused_no_new_relay_is_paid_for() {
    let relayed = Relayed::start().await;
    let service = relayed.service(&[]).await;
    let first = body(&relayed.chain.prove(relayed.scope, 1));
    let accepted = post(&service, &first).await;
    assert_eq!(accepted.0, 202, "{accepted:?}");
    let pause = async |paused: bool| {
        let record = AuditRecord::of("sponsorship_set", "operator", "paused");
        let change = FlagChange::SponsorshipPaused(paused);
        let set = relayed.database.store.set_feature_flags(change, None, &record);
        set.await.unwrap().unwrap();
        // The offer follows the flags of this instance.
        let followed = async {
            while (super::offer(&service).await["fees"] == json!([])) != paused {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        let followed = tokio::time::timeout(std::time::Duration::from_mins(1), followed);
        followed.await.unwrap();
    };
    pause(true).await;
    let second = body(&relayed.chain.prove(relayed.scope, 2));
    let refused = post(&service, &second).await;
    assert_eq!(code(&refused), (503, "sponsorship_paused"), "{refused:?}");
    // What was accepted before continues, and its request can be repeated.
    assert_eq!(post(&service, &first).await, accepted);
    let id = accepted.1["id"].as_str().unwrap();
    reach(&service, id, &["confirmed", "finalized"]).await;
    pause(false).await;
    assert_eq!(post(&service, &second).await.0, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_is_never_exceeded_however_many_requests_arrive_at_once() {
    let relayed = Relayed::start().await;
    let (chain, scope) = (&relayed.chain, relayed.scope);
    // A relay reserves its rent and its highest fee, about 1.5 million lamports.
    let sponsored = format!("{scope}=7000000");
    let service = relayed.service(&[("RELAY_SPONSORED", &sponsored)]).await;
    let bodies: Vec<Value> = (1..=12).map(|number| body(&chain.prove(scope, number))).collect();
    let answers = futures_util::future::join_all(bodies.iter().map(|body| post(&service, body))).await;
    let accepted: Vec<&Value> = answers
        .iter()
        .filter(|answer| answer.0 == 202)
        .map(|answer| &answer.1)
        .collect();
    assert!((1..12).contains(&accepted.len()), "{answers:?}");
    for answer in answers.iter().filter(|answer| answer.0 != 202) {
        assert_eq!(code(answer), (429, "budget_exhausted"), "{answer:?}");
    }
    for relay in accepted {
        reach(&service, relay["id"].as_str().unwrap(), &["finalized"]).await;
    }
    let spent: i64 = sqlx::query_scalar("SELECT (reserved + spent)::bigint FROM relay_budgets")
        .fetch_one(relayed.database.pool())
        .await
        .unwrap();
    assert!(spent <= 7_000_000, "{spent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_for_a_nullifier_have_one_relay() {
    let relayed = Relayed::start().await;
    let services = [relayed.service(&[]).await, relayed.service(&[]).await];
    let bodies: Vec<Value> = (0..6)
        .map(|_| body(&relayed.chain.prove(relayed.scope, 1)))
        .collect();
    // Each body goes to both instances at the same time.
    let sent = bodies
        .iter()
        .flat_map(|body| services.iter().map(move |service| post(service, body)));
    let answers = futures_util::future::join_all(sent).await;
    let mut ids: Vec<&str> = answers
        .iter()
        .filter(|answer| answer.0 == 202)
        .map(|answer| answer.1["id"].as_str().unwrap())
        .collect();
    ids.dedup();
    assert_eq!(ids.len(), 1, "{answers:?}");
    for answer in answers.iter().filter(|answer| answer.0 != 202) {
        assert_eq!(answer.0, 409, "{answer:?}");
    }
    reach(&services[0], ids[0], &["finalized"]).await;
    let sent: i64 = sqlx::query_scalar("SELECT count(*) FROM relay_attempts")
        .fetch_one(relayed.database.pool())
        .await
        .unwrap();
    assert_eq!(sent, 1);
}

#[tokio::test]
async fn without_a_wallet_nothing_is_relayed() {
    let chain = crate::common::Chain::new().await;
    let service = crate::common::Running::start(&chain.database, &[]);
    let (status, problem) = service.get("/v1/relay").await;
    assert_eq!((status, &problem["code"]), (503, &json!("feature_disabled")));
    let (status, problem) = post(&service, &json!({})).await;
    assert_eq!((status, &problem["code"]), (503, &json!("feature_disabled")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_events_of_a_relay_are_its_states_until_the_last_and_each_client_has_few_streams() {
    let relayed = Relayed::start().await;
    let service = relayed.service(&[]).await;
    let id = submit(&service, &relayed.chain.prove(relayed.scope, 1)).await;
    let path = format!("/v1/relay/{id}/events");
    let open = service.response(&path).await;
    assert_eq!(open.headers()["content-type"], "text/event-stream");
    let text = tokio::time::timeout(std::time::Duration::from_mins(1), open.text()).await;
    let text = text.unwrap().unwrap();
    let states: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str::<Value>(data).unwrap()["state"].clone())
        .collect();
    assert_eq!(states.last(), Some(&json!("finalized")), "{text}");
    let order = ["queued", "sent", "confirmed", "finalized"];
    let positions: Vec<_> = states
        .iter()
        .map(|state| order.iter().position(|known| state == known).unwrap())
        .collect();
    assert!(positions.is_sorted(), "{text}");
    // The stream of an ended relay has one event.
    let ended = service.response(&path).await.text().await.unwrap();
    assert_eq!(ended.matches("event: relay").count(), 1, "{ended}");
    let unknown = format!("/v1/relay/{}/events", "00".repeat(16));
    assert_eq!(service.response(&unknown).await.status(), 404);
    // A browser that reconnects after the last state stops.
    let again = service.get_with(&path, "last-event-id", "finalized").await;
    assert_eq!(again.status(), 204);
    let later = service.get_with(&path, "last-event-id", "sent").await;
    assert!(later.text().await.unwrap().contains("finalized"));
    let mut paths = Vec::new();
    for number in 2..7 {
        let mut delayed = body(&relayed.chain.prove(relayed.scope, number));
        delayed["max_delay_seconds"] = json!(600);
        let (status, accepted) = post(&service, &delayed).await;
        assert_eq!(status, 202, "{accepted}");
        paths.push(format!("/v1/relay/{}/events", accepted["id"].as_str().unwrap()));
    }
    let path = paths.pop().unwrap();
    let mut streams = Vec::new();
    for other in &paths {
        for _ in 0..4 {
            let stream = service.response(other).await;
            assert_eq!(stream.status(), 200);
            streams.push(stream);
        }
        let (status, problem) = service.get(other).await;
        assert_eq!((status, &problem["code"]), (429, &json!("too_many_streams")));
    }
    let (status, problem) = service.get(&path).await;
    assert_eq!((status, &problem["code"]), (429, &json!("too_many_streams")));
    streams.clear();
    let freed = async {
        while service.response(&path).await.status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_mins(1), freed)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_events_of_a_relay_that_expired_continue_until_its_transaction_is_found() {
    let relayed = Relayed::start().await;
    let service = relayed.service(&[]).await;
    let (store, wallet) = (&relayed.database.store, relayed.chain.wallet.pubkey());
    // A relay of another instance, whose transaction was executed although all nodes denied it.
    let (id, instance, signature) = ([1; 16], [2; 16], Signature::from([3; 64]));
    let relay = NewRelay {
        id,
        scope: relayed.scope,
        nullifier: Nullifier::new(FieldElement::from_u64(9)),
        wallet,
        request_hash: [4; 32],
        idempotency_hash: None,
        request: vec![5; 41],
        expiry: 0,
        delay_seconds: 0,
        reserved: 1,
        has_deposit: true,
        instance,
        lease_seconds: 600,
        record: None,
    };
    let limits = RelayLimits {
        budget: relayed.scope,
        lamports_per_day: 1,
        min_balance: 0,
        max_open: 1,
        max_open_of_budget: None,
    };
    assert_eq!(store.add_relay(&relay, &limits).await.unwrap(), AddedRelay::Added);
    let lease = RelayLease::first(id, instance);
    let attempt = Attempt {
        number: 1,
        signature,
        last_heights: vec![1],
        price: 1_000,
        transaction: vec![6; 41],
    };
    assert!(store.add_attempt(&lease, &attempt).await.unwrap());
    let expired = RelayEnd::NotExecuted {
        state: RelayState::Expired,
        reason: "not_executed".to_owned(),
    };
    assert!(store.end_relay(&lease, 1, &expired).await.unwrap());

    let mut events = service
        .response(&format!("/v1/relay/{}/events", hex::encode(id)))
        .await;
    let mut text = String::new();
    let read = async {
        let mut is_found = false;
        while let Some(chunk) = events.chunk().await.unwrap() {
            text.push_str(std::str::from_utf8(&chunk).unwrap());
            if !is_found && text.contains("expired") {
                is_found = true;
                // The ledger finds the transaction.
                sqlx::query("UPDATE relays SET landed = $1")
                    .bind(signature.as_ref())
                    .execute(relayed.database.pool())
                    .await
                    .unwrap();
            }
        }
    };
    let ended = tokio::time::timeout(std::time::Duration::from_mins(1), read).await;
    assert!(ended.is_ok(), "{text}");
    assert_eq!(text.matches("event: relay").count(), 2, "{text}");
    assert!(text.contains("\"state\":\"finalized\""), "{text}");
}

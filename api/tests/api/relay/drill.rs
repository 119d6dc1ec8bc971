//! Faults in the middle of relays: instances are killed, nodes drop transactions, report wrong
//! heights, fail and show an older chain, blockhashes expire, prices rise. Each relay ends exactly
//! once, and the ledger agrees with the wallet to the lamport.

use std::{collections::BTreeMap, env, sync::atomic::Ordering, time::Duration};

use bauta_chaos::{FaultProxy, Faults};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{Relayed, ledger::settled, reach, submit};
use crate::common::Running;

/// The number of relays of the short form. `cargo xtask drill relay` sets another one.
const RELAYS: u64 = 12;
/// In the long form, each relay with a multiple of this number waits until its blockhash expires.
const EXPIRING: u64 = 30;

pub async fn proxies(relayed: &Relayed, count: u64) -> Vec<FaultProxy> {
    let chain = &relayed.chain.chain;
    let mut proxies = Vec::new();
    for seed in 1..=count {
        let proxy = FaultProxy::start(chain.rpc_url(), chain.websocket_url(), seed);
        proxies.push(proxy.await.unwrap());
    }
    proxies
}

pub fn urls(proxies: &[FaultProxy]) -> String {
    let urls: Vec<String> = proxies.iter().map(FaultProxy::rpc).collect();
    urls.join(",")
}

/// Returns the number of relays in each state, and checks that no relay has two executed
/// transactions, that each finalized or failed relay has one, and that a refused one has none. An
/// expired relay can have one: the ledger finds what was executed after the end.
async fn outcomes(relayed: &Relayed) -> BTreeMap<String, i64> {
    let twice: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT relay FROM relay_ledger WHERE relay IS NOT NULL GROUP BY relay
                               HAVING count(*) > 1) r",
    )
    .fetch_one(relayed.database.pool())
    .await
    .unwrap();
    assert_eq!(twice, 0, "a relay was paid for twice");
    let unpaid: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM relays r WHERE state IN ('finalized', 'failed')
         AND NOT EXISTS (SELECT FROM relay_ledger l WHERE l.relay = r.id)",
    )
    .fetch_one(relayed.database.pool())
    .await
    .unwrap();
    assert_eq!(unpaid, 0, "an executed relay has no transaction in the ledger");
    sqlx::query_as::<_, (String, i64)>("SELECT state::text, count(*) FROM relays GROUP BY 1")
        .fetch_all(relayed.database.pool())
        .await
        .unwrap()
        .into_iter()
        .collect()
}

/// Waits until a further transaction has replaced one whose blockhash has expired, at a higher
/// price.
async fn await_replacement(relayed: &Relayed, service: &Running) {
    let replaced = async || -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM relay_attempts WHERE number > 1")
            .fetch_one(relayed.database.pool())
            .await
            .unwrap()
    };
    let before = replaced().await;
    let waited = async {
        while replaced().await == before {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_mins(3), waited).await;
    assert!(waited.is_ok(), "{}", service.log());
}

/// Prints what the drill did.
async fn report(relayed: &Relayed, nodes: &[FaultProxy], killed: usize) {
    let (relays, sent, replaced, raised): (i64, i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM relays), count(*), count(*) FILTER (WHERE number > 1),
                count(*) FILTER (WHERE price > (SELECT price FROM relay_attempts f
                                                WHERE f.relay = a.relay AND f.number = a.number - 1))
         FROM relay_attempts a",
    )
    .fetch_one(relayed.database.pool())
    .await
    .unwrap();
    let counted = |count: fn(&FaultProxy) -> u64| nodes.iter().map(count).sum::<u64>();
    let swallowed = counted(|node| node.counts().swallowed.load(Ordering::Relaxed));
    let lies = counted(|node| node.counts().heights_off.load(Ordering::Relaxed));
    println!(
        "{relays} relays, {sent} transactions, {replaced} replaced an expired one ({raised} at a higher price), {killed} \
         instances killed, {swallowed} sends swallowed, {lies} heights wrong"
    );
}

fn faults(change: impl FnOnce(&mut Faults)) -> Faults {
    let mut faults = Faults::default();
    change(&mut faults);
    faults
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swallowed_transaction_is_replaced_only_after_two_nodes_have_finalized_past_its_end() {
    let relayed = Relayed::start().await;
    let nodes = proxies(&relayed, 2).await;
    // One node reports a height far ahead, at which every transaction has expired.
    nodes[0].set(faults(|it| (it.swallowed, it.heights_off) = (1.0, 1_000_000)));
    nodes[1].set(faults(|it| (it.swallowed, it.price) = (1.0, Some(1_000))));
    let service = relayed.service(&[("RELAY_RPC_URLS", &urls(&nodes))]).await;
    let verify = relayed.chain.prove(relayed.scope, 1);
    let id = submit(&service, &verify).await;
    reach(&service, &id, &["sent"]).await;
    // With one honest node, the height that the other one invents is never reached: no second
    // transaction is made while the first one may be executed.
    let before = relayed
        .chain
        .rpc
        .block_height(bauta_rpc::CommitmentLevel::Finalized);
    let before = before.await.unwrap();
    let passed = async {
        loop {
            let height = relayed
                .chain
                .rpc
                .block_height(bauta_rpc::CommitmentLevel::Finalized);
            if height.await.unwrap() > before + 60 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), passed)
        .await
        .unwrap();
    let relay = service.read(&format!("/v1/relay/{id}")).await;
    assert_eq!((&relay["state"], &relay["attempts"]), (&"sent".into(), &1.into()));
    assert!(
        nodes[0].counts().swallowed.load(Ordering::Relaxed) > 1,
        "it was sent again"
    );
    assert!(nodes[0].counts().heights_off.load(Ordering::Relaxed) > 0);
    // The same bytes are still valid, or a new transaction is made: in both cases it ends once.
    for node in &nodes {
        node.set(Faults::default());
    }
    reach(&service, &id, &["finalized"]).await;
    settled(&relayed).await;
    assert_eq!(
        outcomes(&relayed).await,
        BTreeMap::from([("finalized".to_owned(), 1)])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_transaction_is_replaced_with_half_as_much_priority_fee_again() {
    let relayed = Relayed::start().await;
    let nodes = proxies(&relayed, 2).await;
    // A quiet cluster reports prices of 0. A price of 0 would never rise.
    for node in &nodes {
        node.set(faults(|it| (it.swallowed, it.price) = (1.0, Some(0))));
    }
    let service = relayed.service(&[("RELAY_RPC_URLS", &urls(&nodes))]).await;
    let id = submit(&service, &relayed.chain.prove(relayed.scope, 1)).await;
    let second = async {
        while service.read(&format!("/v1/relay/{id}")).await["attempts"] != 2 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let second = tokio::time::timeout(Duration::from_secs(90), second).await;
    assert!(second.is_ok(), "{}", service.log());
    for node in &nodes {
        node.set(Faults::default());
    }
    reach(&service, &id, &["finalized"]).await;
    settled(&relayed).await;
    let attempts: Vec<(i16, i64, String)> =
        sqlx::query_as("SELECT number, price, state FROM relay_attempts ORDER BY number")
            .fetch_all(relayed.database.pool())
            .await
            .unwrap();
    let expected = [(1, 1_000, "dead".to_owned()), (2, 1_500, "landed".to_owned())];
    assert_eq!(attempts, expected);
    outcomes(&relayed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_relay_ends_once_whatever_happens_to_instances_and_nodes() {
    let number = |name: &str, default: u64| env::var(name).map_or(default, |value| value.parse().unwrap());
    let (count, seed) = (
        number("BAUTA_DRILL_RELAYS", RELAYS),
        number("BAUTA_DRILL_SEED", 1),
    );
    let mut random = StdRng::seed_from_u64(seed);
    let relayed = Relayed::start().await;
    let nodes = proxies(&relayed, 3).await;
    let urls = urls(&nodes);
    let environment = [("RELAY_RPC_URLS", urls.as_str())];
    let mut services: Vec<Running> = vec![
        relayed.service(&environment).await,
        relayed.service(&environment).await,
    ];
    let (mut ids, mut kills) = (Vec::new(), 0);
    for relay in 1..=count {
        if relay % EXPIRING == 0 {
            // No node forwards anything: the blockhashes of open relays expire.
            for node in &nodes {
                node.set(faults(|it| it.swallowed = 1.0));
            }
        } else if relay % 6 == 0 {
            let lies = [-1_000_000, 1_000_000][usize::from(random.gen_bool(0.5))];
            nodes[0].set(faults(|it| (it.swallowed, it.heights_off) = (1.0, lies)));
            nodes[1].set(faults(|it| (it.swallowed, it.errors) = (0.7, 0.2)));
            let price = random.gen_range(0..200_000);
            nodes[2].set(faults(|it| {
                it.swallowed = 0.5;
                it.truncated = 0.1;
                it.price = Some(price);
            }));
        }
        let verify = relayed.chain.prove(relayed.scope, relay);
        // A node may fail during the simulation. The client repeats its request.
        let id = loop {
            let index = random.gen_range(0..services.len());
            let (status, answer) = super::post(&services[index], &super::chain::body(&verify)).await;
            if status == 202 {
                break answer["id"].as_str().unwrap().to_owned();
            }
            assert!(status == 503, "{answer}");
        };
        ids.push(id);
        if relay % EXPIRING == 0 {
            await_replacement(&relayed, &services[0]).await;
            for node in &nodes {
                node.set(Faults::default());
            }
        }
        if relay % 5 == 0 {
            // Killed without a warning, in the middle of what it does.
            let killed = random.gen_range(0..services.len());
            drop(services.remove(killed));
            kills += 1;
            nodes[1].set(Faults::default());
            services.push(relayed.service(&environment).await);
        }
    }
    // The drill proves nothing about a fault that was never injected.
    let injected = async {
        while count >= 6 && nodes[0].counts().swallowed.load(Ordering::Relaxed) == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let injected = tokio::time::timeout(Duration::from_mins(2), injected).await;
    assert!(injected.is_ok(), "{}", services[0].log());
    for node in &nodes {
        node.set(Faults::default());
    }
    for id in &ids {
        reach(&services[0], id, &["finalized", "failed", "refused", "expired"]).await;
    }
    settled(&relayed).await;
    report(&relayed, &nodes, kills).await;
    let outcomes = outcomes(&relayed).await;
    assert_eq!(outcomes.values().sum::<i64>(), i64::try_from(count).unwrap());
    let ended = ["finalized", "failed", "refused", "expired"];
    assert!(
        outcomes.keys().all(|state| ended.contains(&state.as_str())),
        "{outcomes:?}"
    );
    // The first relays were sent before the first fault.
    assert!(outcomes["finalized"] > 0, "{outcomes:?}");
}

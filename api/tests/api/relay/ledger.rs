//! The ledger: it has every transaction of the wallet, and its balance is that of the wallet.

use std::{sync::atomic::Ordering, time::Duration};

use bauta_chaos::Faults;
use bauta_rpc::sign;
use bauta_store::LedgerKind;
use solana_hash::Hash;
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_signer::Signer;

use super::{
    Relayed,
    chain::SOL,
    drill::{proxies, urls},
    reach, submit,
};

/// Waits until the ledger's balance is that of the finalized account and nothing is reserved.
pub async fn settled(relayed: &Relayed) {
    let store = &relayed.database.store;
    let agreed = async {
        loop {
            let balance = relayed.chain.balance().await.unwrap();
            let wallets = store.relay_wallets().await.unwrap();
            if wallets[0].balance == balance && wallets[0].reserved == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    if tokio::time::timeout(Duration::from_mins(5), agreed)
        .await
        .is_err()
    {
        let balance = relayed.chain.balance().await.unwrap();
        panic!(
            "the wallet has {balance}; the ledger {:?}",
            store.relay_wallets().await.unwrap()
        );
    }
    let (sum, opening): (i64, i64) = sqlx::query_as(
        "SELECT (SELECT coalesce(sum(after - before), 0)::bigint FROM relay_ledger), (SELECT opening FROM relay_wallets)",
    )
    .fetch_one(relayed.database.pool())
    .await
    .unwrap();
    let wallets = store.relay_wallets().await.unwrap();
    assert_eq!(u64::try_from(opening + sum).unwrap(), wallets[0].balance);
    // What the relays cost is what their transactions took from the wallet, and what the budgets
    // say.
    let (costs, relays, spent, reserved): (i64, i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT coalesce(sum(cost), 0)::bigint FROM relays),
                (SELECT coalesce(sum(before - after), 0)::bigint FROM relay_ledger WHERE kind = 'relay'),
                (SELECT coalesce(sum(spent), 0)::bigint FROM relay_budgets),
                (SELECT coalesce(sum(reserved), 0)::bigint FROM relay_budgets)",
    )
    .fetch_one(relayed.database.pool())
    .await
    .unwrap();
    assert_eq!((costs, spent, reserved), (relays, relays, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_has_deposits_relays_and_returned_rent_and_equals_the_wallet() {
    let relayed = Relayed::start().await;
    let service = relayed.service(&[("RELAY_RECLAIM_INTERVAL_SECONDS", "1")]).await;
    let mut ids = Vec::new();
    for number in 1..=3 {
        ids.push(submit(&service, &relayed.chain.prove(relayed.scope, number)).await);
    }
    for id in &ids {
        reach(&service, id, &["finalized"]).await;
    }
    let wallet = relayed.chain.wallet.pubkey();
    relayed.chain.rpc.airdrop(&wallet, SOL).await.unwrap();
    settled(&relayed).await;
    let entries = relayed.database.store.ledger_after(wallet, 0, 100).await.unwrap();
    let relays = entries.iter().filter(|entry| entry.1 == LedgerKind::Relay);
    // The first funds of the wallet are an entry too, if they were not final when it was opened.
    let deposits = entries
        .iter()
        .filter(|(entry, kind, _)| *kind == LedgerKind::Other && entry.after == entry.before + SOL);
    assert_eq!((relays.count(), deposits.count()), (3, 1), "{entries:?}");

    relayed.chain.close(relayed.scope).await.unwrap();
    let returned = async {
        loop {
            let open: i64 = sqlx::query_scalar("SELECT count(*) FROM relays WHERE NOT reclaimed")
                .fetch_one(relayed.database.pool())
                .await
                .unwrap();
            if open == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let returned = tokio::time::timeout(Duration::from_mins(1), returned).await;
    assert!(returned.is_ok(), "the rent was not returned: {}", service.log());
    settled(&relayed).await;
    let entries = relayed.database.store.ledger_after(wallet, 0, 100).await.unwrap();
    let reclaim = entries
        .iter()
        .find(|entry| entry.1 == LedgerKind::Reclaim)
        .unwrap();
    let rent = relayed.chain.rpc.rent_exempt_balance(72).await.unwrap();
    assert_eq!(reclaim.0.after - reclaim.0.before, 3 * rent - reclaim.0.fee);
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_that_are_too_long_together_or_alone_do_not_stop_the_ledger() {
    let relayed = Relayed::start().await;
    let nodes = proxies(&relayed, 1).await;
    let service = relayed.service(&[("RELAY_RPC_URLS", &nodes[0].rpc())]).await;
    settled(&relayed).await;
    // Nothing is listed while anyone sends transactions that name the wallet.
    nodes[0].set(Faults {
        failing_method: Some("getSignaturesForAddress"),
        ..Faults::default()
    });
    let wallet = relayed.chain.wallet.pubkey();
    let mut deposits = Vec::new();
    for number in 1..=12 {
        // Two deposits of the same amount could be one transaction.
        let sent = relayed.chain.rpc.airdrop(&wallet, SOL + number).await.unwrap();
        deposits.push(sent.signature);
    }
    // Nine of them are longer than the largest response, and one is longer by itself.
    nodes[0].set(Faults {
        padding: 1 << 20,
        oversized: Some(deposits[5].to_string()),
        ..Faults::default()
    });
    settled(&relayed).await;
    let entries = relayed.database.store.ledger_after(wallet, 0, 100).await.unwrap();
    let booked = entries
        .iter()
        .filter(|(entry, ..)| deposits.contains(&entry.signature));
    assert_eq!(booked.count(), 12, "{entries:?}");
    let unread: Vec<_> = entries
        .iter()
        .filter(|(_, kind, _)| *kind == LedgerKind::Unread)
        .collect();
    // Its balances are those of its neighbours, so the amount is right.
    let [(entry, ..)] = unread[..] else {
        panic!("one transaction is set aside: {unread:?}; {}", service.log())
    };
    assert_eq!(entry.signature, deposits[5]);
    assert_eq!(entry.after - entry.before, SOL + 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_of_two_nodes_invents_about_a_balance_is_not_booked() {
    let relayed = Relayed::start().await;
    let nodes = proxies(&relayed, 2).await;
    let service = relayed.service(&[("RELAY_RPC_URLS", &urls(&nodes))]).await;
    settled(&relayed).await;
    for node in &nodes {
        node.set(Faults {
            failing_method: Some("getSignaturesForAddress"),
            ..Faults::default()
        });
    }
    let wallet = relayed.chain.wallet.pubkey();
    let deposit = relayed.chain.rpc.airdrop(&wallet, SOL).await.unwrap().signature;
    nodes[0].set(Faults {
        false_balances: Some(deposit.to_string()),
        ..Faults::default()
    });
    nodes[1].set(Faults::default());
    let invented = async {
        while nodes[0].counts().false_balances.load(Ordering::Relaxed) < 6 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let invented = tokio::time::timeout(Duration::from_mins(2), invented).await;
    assert!(invented.is_ok(), "{}", service.log());
    let entries = relayed.database.store.ledger_after(wallet, 0, 100).await.unwrap();
    assert!(
        entries.iter().all(|(entry, ..)| entry.signature != deposit),
        "{entries:?}"
    );
    // The nodes agree again.
    nodes[0].set(Faults::default());
    settled(&relayed).await;
}

/// Sends a transaction that names the wallet, with a blockhash that the chain does not know.
async fn send_refused(relayed: &Relayed) {
    let payer = Keypair::new();
    let rpc = &relayed.chain.rpc;
    rpc.airdrop(&payer.pubkey(), SOL).await.unwrap();
    let wallet = AccountMeta::new(relayed.chain.wallet.pubkey(), false);
    let instruction = Instruction::new_with_bytes(bauta::ID, &[], vec![wallet]);
    let refused = sign(&[instruction], &[&payer], Hash::new_unique()).unwrap();
    rpc.send_without_preflight(&refused).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_whose_blockhash_is_refused_do_not_stop_the_ledger() {
    let relayed = Relayed::start().await;
    let _service = relayed.service(&[]).await;
    let wallet = relayed.chain.wallet.pubkey();
    let mut deposits = Vec::new();
    // The local chain lists all refused transactions under one signature, at the slot of the last
    // one. So a deposit can be before and after that signature in two lists.
    for (number, is_refused) in [(1, true), (2, false), (3, true), (4, false)] {
        let sent = relayed.chain.rpc.airdrop(&wallet, SOL + number).await.unwrap();
        deposits.push(sent.signature);
        if is_refused {
            send_refused(&relayed).await;
        }
        settled(&relayed).await;
    }
    let entries = relayed.database.store.ledger_after(wallet, 0, 100).await.unwrap();
    let booked = entries.iter().map(|(entry, ..)| entry.signature);
    assert!(booked.collect::<Vec<_>>().ends_with(&deposits), "{entries:?}");
}

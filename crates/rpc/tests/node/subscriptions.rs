use std::time::Duration;

use bauta_rpc::Commitment;
use solana_address::Address;
use tokio::time::timeout;

use crate::support::{SOL, funded, pubsub, rpc, transfer};

/// A node that says nothing for so long has forgotten us.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_transaction_that_names_the_address_is_told_and_others_are_not() {
    let rpc = rpc();
    let payer = funded(&rpc).await;
    let (watched, other) = (Address::new_unique(), Address::new_unique());
    let mut logs = pubsub().logs(&watched, Commitment::Confirmed).await.unwrap();
    rpc.send_and_confirm(&[transfer(&payer, &other, SOL)], &[&payer])
        .await
        .unwrap();
    let sent = rpc
        .send_and_confirm(&[transfer(&payer, &watched, SOL)], &[&payer])
        .await
        .unwrap();
    let told = timeout(PATIENCE, logs.next()).await.unwrap().unwrap();
    assert_eq!((told.signature, told.error), (sent.signature, None));
    assert!(told.slot >= sent.slot);
}

#[tokio::test]
async fn slots_follow_one_another() {
    let mut slots = pubsub().slots().await.unwrap();
    let first = timeout(PATIENCE, slots.next()).await.unwrap().unwrap();
    let second = timeout(PATIENCE, slots.next()).await.unwrap().unwrap();
    assert_eq!((second.parent, second.slot), (first.slot, first.slot + 1));
}

#[tokio::test]
async fn a_wait_given_up_loses_no_notice() {
    let mut slots = pubsub().slots().await.unwrap();
    let mut last = timeout(PATIENCE, slots.next()).await.unwrap().unwrap().slot;
    for _ in 0..200 {
        if let Ok(told) = timeout(Duration::from_millis(1), slots.next()).await {
            let slot = told.unwrap().slot;
            assert_eq!(slot, last + 1);
            last = slot;
        }
    }
}

use std::time::Duration;

use bauta_rpc::CommitmentLevel;
use solana_address::Address;
use tokio::time::timeout;

use crate::support::{SOL, funded, pubsub, rpc, transfer};

/// The time limit of a notification.
const TIMEOUT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn only_transactions_that_name_the_address_cause_notifications() {
    let rpc = rpc();
    let payer = funded(&rpc).await;
    let (watched, other) = (Address::new_unique(), Address::new_unique());
    let mut logs = pubsub().logs(&watched, CommitmentLevel::Confirmed).await.unwrap();
    rpc.send_and_confirm(&[transfer(&payer, &other, SOL)], &[&payer])
        .await
        .unwrap();
    let sent = rpc
        .send_and_confirm(&[transfer(&payer, &watched, SOL)], &[&payer])
        .await
        .unwrap();
    let notification = timeout(TIMEOUT, logs.next()).await.unwrap().unwrap();
    assert_eq!(
        (notification.signature, notification.error),
        (sent.signature, None)
    );
    assert!(notification.slot >= sent.slot);
}

#[tokio::test]
async fn slot_notifications_are_consecutive() {
    let mut slots = pubsub().slots().await.unwrap();
    let first = timeout(TIMEOUT, slots.next()).await.unwrap().unwrap();
    let second = timeout(TIMEOUT, slots.next()).await.unwrap().unwrap();
    assert_eq!((second.parent, second.slot), (first.slot, first.slot + 1));
}

#[tokio::test]
async fn a_cancelled_wait_loses_no_notification() {
    let mut slots = pubsub().slots().await.unwrap();
    let mut last = timeout(TIMEOUT, slots.next()).await.unwrap().unwrap().slot;
    for _ in 0..200 {
        if let Ok(notification) = timeout(Duration::from_millis(1), slots.next()).await {
            let slot = notification.unwrap().slot;
            assert_eq!(slot, last + 1);
            last = slot;
        }
    }
}

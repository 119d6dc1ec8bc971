//! The stored part of a backfill.

use bauta_store::testing::TestDatabase;
use bauta_store::{BackfillRange, BackfillTransaction, Slot, StoredHistory};
use solana_signature::Signature;

fn range(until: u64) -> BackfillRange {
    BackfillRange {
        after: Some(Slot::new(1)),
        until: Slot::new(until),
    }
}

/// A replica that has lost its leadership knows an older range.
#[tokio::test]
async fn only_the_replica_that_knows_the_range_changes_a_backfill() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    assert!(store.begin_backfill(range(100)).await.unwrap());
    let history = StoredHistory {
        node: "node".into(),
        before: None,
        complete: false,
    };
    let entry = BackfillTransaction {
        slot: Slot::new(7),
        signature: Signature::from([1; 64]),
        succeeded: true,
    };
    assert!(
        store
            .store_history_page(range(100), &history, &[entry])
            .await
            .unwrap()
    );

    assert!(!store.begin_backfill(range(90)).await.unwrap());
    assert!(!store.end_backfill(range(90)).await.unwrap());
    store.end_histories(range(90)).await.unwrap();
    assert_eq!(
        store.backfill_transactions(range(90), None, 10).await.unwrap(),
        None
    );
    assert_eq!(store.backfill().await.unwrap(), Some(range(100)));
    assert_eq!(store.stored_histories().await.unwrap(), [history]);

    let stored = store.backfill_transactions(range(100), None, 10).await.unwrap();
    assert_eq!(stored, Some(vec![entry]));
    store.end_histories(range(100)).await.unwrap();
    assert!(store.stored_histories().await.unwrap()[0].complete);
    assert!(store.end_backfill(range(100)).await.unwrap());
    assert_eq!(store.backfill().await.unwrap(), None);
    assert!(store.stored_histories().await.unwrap().is_empty());
}

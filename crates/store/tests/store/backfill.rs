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

fn entry(number: u8, history: Option<i16>) -> BackfillTransaction {
    BackfillTransaction {
        slot: Slot::new(number.into()),
        signature: Signature::from([number; 64]),
        succeeded: true,
        history,
    }
}

/// A replica that has lost its leadership knows an older range.
#[tokio::test]
async fn only_the_replica_that_knows_the_range_changes_a_backfill() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    assert!(store.begin_backfill(range(100)).await.unwrap());
    let nodes = ["node".to_owned()];
    let stored = store.stored_histories(range(100), &nodes).await.unwrap();
    let [history]: [StoredHistory; 1] = stored.unwrap().try_into().unwrap();
    let entry = entry(7, Some(history.number));
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
    assert_eq!(store.stored_histories(range(90), &nodes).await.unwrap(), None);
    let of_range = store.stored_histories(range(100), &nodes).await.unwrap();
    assert_eq!(of_range, Some(vec![history]));

    let stored = store.backfill_transactions(range(100), None, 10).await.unwrap();
    assert_eq!(stored, Some(vec![entry]));
    store.end_histories(range(100)).await.unwrap();
    let ended = store.stored_histories(range(100), &nodes).await.unwrap();
    assert!(ended.unwrap()[0].ended);
    assert!(store.end_backfill(range(100)).await.unwrap());
    assert_eq!(store.backfill().await.unwrap(), None);
    let lists: i64 = sqlx::query_scalar("SELECT count(*) FROM backfill_lists")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(lists, 0);
}

#[tokio::test]
async fn leaving_a_history_out_removes_what_only_this_history_has() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let range = range(100);
    store.begin_backfill(range).await.unwrap();
    let nodes = ["first", "second"].map(str::to_owned);
    let stored = store.stored_histories(range, &nodes).await.unwrap();
    let [first, second]: [StoredHistory; 2] = stored.unwrap().try_into().unwrap();
    assert_eq!([&first.node, &second.node], [&nodes[0], &nodes[1]]);
    // A release that does not know the column has stored this one.
    sqlx::query("INSERT INTO backfill_transactions (slot, signature, succeeded) VALUES (9, $1, true)")
        .bind([9_u8; 64].as_slice())
        .execute(database.pool())
        .await
        .unwrap();
    for (history, numbers) in [(&first, [2, 3, 4, 9]), (&second, [3, 5, 6, 9])] {
        let page = numbers.map(|number| entry(number, Some(history.number)));
        assert!(store.store_history_page(range, history, &page).await.unwrap());
        // The same page again changes nothing.
        assert!(store.store_history_page(range, history, &page).await.unwrap());
    }
    store.end_histories(range).await.unwrap();

    assert_eq!(
        store.leave_out_history(range, second.number).await.unwrap(),
        Some(2)
    );
    let left = store
        .backfill_transactions(range, None, 10)
        .await
        .unwrap()
        .unwrap();
    let of_first = Some(first.number);
    assert_eq!(
        left,
        [
            entry(2, of_first),
            entry(3, None),
            entry(4, of_first),
            entry(9, None)
        ]
    );
    // The other one is read on, and is never left out itself.
    let stored = store.stored_histories(range, &nodes).await.unwrap().unwrap();
    assert_eq!(
        stored.iter().map(|h| (h.ended, h.left_out)).collect::<Vec<_>>(),
        [(false, false), (true, true)]
    );
    for history in [&first, &second] {
        let changed = store.leave_out_history(range, history.number).await.unwrap();
        assert_eq!(changed, None);
    }
}

/// The earlier release does not know the table.
#[tokio::test]
async fn the_histories_of_a_backfill_end_with_it_even_if_an_earlier_release_ends_it() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    store.begin_backfill(range(100)).await.unwrap();
    let nodes = ["node".to_owned()];
    store.stored_histories(range(100), &nodes).await.unwrap();
    for table in ["backfill_transactions", "backfill_histories", "backfill"] {
        let query = sqlx::AssertSqlSafe(format!("DELETE FROM {table}"));
        sqlx::query(query).execute(database.pool()).await.unwrap();
    }
    let lists: i64 = sqlx::query_scalar("SELECT count(*) FROM backfill_lists")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(lists, 0);
}

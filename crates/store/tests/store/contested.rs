//! Transactions that nodes contradict.

use bauta_store::testing::TestDatabase;
use bauta_store::{ContestState, ContestedTransaction, Slot};
use solana_signature::Signature;
use sqlx::PgConnection;

const SIGNATURE: [u8; 64] = [7; 64];

fn contested(version: u8, state: ContestState) -> ContestedTransaction {
    ContestedTransaction {
        slot: Slot::new(5),
        signature: Signature::from(SIGNATURE),
        version: [version; 32],
        succeeded: true,
        state,
        has_other: false,
        nodes: "0 http://localhost".into(),
        reason: "another node does not have it".into(),
        seconds: 0,
    }
}

/// Adds an event as a batch does that knows nothing of contests.
async fn add_event(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO events (slot, transaction_index, instruction_index, inner_index, kind, signature, happened_at)
         VALUES (5, 0, 0, 0, 'LeavesAppended', $1, now())",
    )
    .bind(SIGNATURE.as_slice())
    .execute(connection)
    .await?;
    Ok(())
}

#[tokio::test]
async fn each_version_of_a_contested_transaction_is_recorded_until_the_contest_ends() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let versions = [
        contested(1, ContestState::Kept),
        contested(2, ContestState::Aside),
    ];
    store.contest(&versions).await.unwrap();
    assert_eq!(store.contested().await.unwrap(), versions);
    let undone = contested(1, ContestState::Undone);
    store.contest(std::slice::from_ref(&undone)).await.unwrap();
    assert_eq!(store.contested().await.unwrap()[0], undone);
    sqlx::query("UPDATE contested SET since = now() - interval '8 days'")
        .execute(database.pool())
        .await
        .unwrap();
    store.prune_contests().await.unwrap();
    let left = store.contested().await.unwrap();
    let left: Vec<_> = left.iter().map(|row| row.version).collect();
    assert_eq!(left, [[2; 32]], "what is not decided is not forgotten");
    store.end_contests(&versions[..1]).await.unwrap();
    assert_eq!(store.contested().await.unwrap().len(), 1);
    store.end_contests(&versions).await.unwrap();
    assert!(store.contested().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_batch_of_an_earlier_release_with_a_contested_transaction_is_refused() {
    let database = TestDatabase::create().await.unwrap();
    for (state, is_refused) in [
        (ContestState::Kept, false),
        (ContestState::Aside, true),
        (ContestState::Undone, true),
    ] {
        database.store.contest(&[contested(1, state)]).await.unwrap();
        let mut transaction = database.pool().begin().await.unwrap();
        let added = add_event(&mut transaction).await;
        assert_eq!(added.is_err(), is_refused, "{state:?}: {added:?}");
        if let Err(error) = added {
            assert!(error.to_string().contains("upgrade it"), "{error}");
        }
    }
    // This release applies the other version.
    let mut transaction = database.pool().begin().await.unwrap();
    sqlx::query("SELECT set_config('bauta.contests', 'known', true)")
        .execute(&mut *transaction)
        .await
        .unwrap();
    add_event(&mut transaction).await.unwrap();
}

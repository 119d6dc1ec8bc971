//! Leadership, contiguous batches and switchovers.

use bauta_primitives::tree::Depth;
use bauta_store::testing::TestDatabase;
use bauta_store::{Batch, Position, RegistryKind, Slot, Store, StoreError};

use crate::support::{Chain, ReferenceTree, address, leaf, rows};

#[tokio::test]
async fn a_batch_read_after_a_position_that_was_rolled_back_is_refused() {
    let database = TestDatabase::create().await.unwrap();
    let registry = address("registry");
    let mut chain = Chain::new();
    chain.create(registry, RegistryKind::Managed, Depth::Ten);
    let first = chain.batch();
    let (before, after_first) = (first.checkpoint.slot, first.checkpoint);
    database.store.apply_after(None, &first).await.unwrap();
    chain.append(registry, vec![leaf(1)]);
    let second = chain.batch();
    let after_second = second.checkpoint;
    database
        .store
        .apply_after(Some(after_first), &second)
        .await
        .unwrap();
    // Another writer rolls a fork back.
    database.store.roll_back_to(before).await.unwrap();
    let third = Batch {
        records: Vec::new(),
        checkpoint: Position::end_of_slot(after_second.slot.saturating_add(1)),
    };
    let refused = database
        .store
        .apply_after(Some(after_second), &third)
        .await
        .unwrap_err();
    assert!(
        matches!(refused, StoreError::NotContiguous { from, at } if from == after_second && at == Some(after_first)),
        "{refused}"
    );
    assert_eq!(database.store.checkpoint().await.unwrap(), Some(after_first));
}

#[tokio::test]
async fn a_leader_leads_until_its_session_ends() {
    let database = TestDatabase::create().await.unwrap();
    let mut candidate = database.store.candidate();
    let mut first = candidate.try_lead().await.unwrap().unwrap();
    first.confirm().await.unwrap();
    assert!(candidate.try_lead().await.unwrap().is_none());
    first.resign().await.unwrap();
    let second = candidate.try_lead().await.unwrap().unwrap();
    // The session ends without a message to the server, as when a process dies.
    drop(second);
    let taken_over = async {
        while candidate.try_lead().await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), taken_over)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_standby_keeps_one_session_for_all_attempts() {
    let database = TestDatabase::create().await.unwrap();
    let leader = database.store.candidate().try_lead().await.unwrap().unwrap();
    let mut standby = database.store.candidate();
    let mut sessions = Vec::new();
    for _ in 0..3 {
        assert!(standby.try_lead().await.unwrap().is_none());
        let attempted: Vec<i32> = sqlx::query_scalar(
            "SELECT pid FROM pg_stat_activity
             WHERE datname = current_database() AND query LIKE 'SELECT pg_try_advisory_lock%'
               ORDER BY pid",
        )
        .fetch_all(database.pool())
        .await
        .unwrap();
        sessions.push(attempted);
    }
    // The leader's session and the standby's.
    assert_eq!(sessions[0].len(), 2);
    assert!(
        sessions.iter().all(|attempted| *attempted == sessions[0]),
        "{sessions:?}"
    );
    // A standby whose session the server ended competes with a new one.
    sqlx::query(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE 'SELECT pg_try_advisory_lock%' AND pid <> pg_backend_pid()",
    )
    .execute(database.pool())
    .await
    .unwrap();
    drop(leader);
    standby.try_lead().await.unwrap_err();
    standby.try_lead().await.unwrap().unwrap();
}

#[tokio::test]
async fn a_leader_notices_that_its_session_was_ended() {
    let database = TestDatabase::create().await.unwrap();
    let mut leader = database.store.candidate().try_lead().await.unwrap().unwrap();
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    .execute(database.pool())
    .await
    .unwrap();
    let lost = leader.confirm().await.unwrap_err();
    assert!(matches!(lost, StoreError::Unreachable(_)), "{lost}");
}

#[tokio::test]
async fn a_switchover_copies_the_rows_of_the_other_schema_and_keeps_attested_trees() {
    let database = TestDatabase::create().await.unwrap();
    let (registry, attested) = (address("registry"), address("attested"));
    let mut chain = Chain::new();
    chain.create(registry, RegistryKind::Managed, Depth::Ten);
    chain.create(attested, RegistryKind::Attested, Depth::Sixteen);
    chain.append(registry, vec![leaf(1), leaf(2)]);
    let mut tree = ReferenceTree::default();
    tree.leaves.extend((0..5).map(|index| (index, leaf(100 + index))));
    chain.publish(attested, tree);
    let batch = chain.batch();
    database.store.apply(&batch).await.unwrap();
    let known = database.store.registry(attested).await.unwrap();
    let leaves = (0..5).map(|index| leaf(100 + index)).collect();
    database.store.import_tree(&known, leaves).await.unwrap();
    let expected = rows(&database).await;

    let fresh = Store::in_new_schema(&database.url().unwrap(), 2, "beside")
        .await
        .unwrap();
    fresh.migrate().await.unwrap();
    let switchover = database.store.begin_switchover().await.unwrap();
    let behind = switchover.finish(&fresh, "beside").await.unwrap_err();
    assert!(
        matches!(behind, StoreError::NotContiguous { at: None, .. }),
        "{behind}"
    );

    fresh.apply(&batch).await.unwrap();
    sqlx::query("DELETE FROM events")
        .execute(database.pool())
        .await
        .unwrap();
    let switchover = database.store.begin_switchover().await.unwrap();
    assert_eq!(switchover.checkpoint(), Some(batch.checkpoint));
    switchover.finish(&fresh, "beside").await.unwrap();
    assert_eq!(rows(&database).await, expected);
    fresh.drop_schema("beside").await.unwrap();
    // The copied journal works.
    assert_eq!(database.store.roll_back_to(Slot::new(1)).await.unwrap(), None);
}

#[tokio::test]
async fn an_invalid_schema_name_is_refused() {
    let database = TestDatabase::create().await.unwrap();
    for name in ["", "1a", "a b", "a;drop", "A", "a\"b"] {
        let refused = Store::in_new_schema(&database.url().unwrap(), 1, name).await;
        let refused = refused.err().unwrap();
        assert!(
            matches!(refused, StoreError::InvalidSchemaName { .. }),
            "{refused}"
        );
        assert!(refused.to_string().contains("lower-case letters"), "{refused}");
    }
}

//! Leadership, contiguous batches and switchovers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bauta_primitives::tree::Depth;
use bauta_store::testing::{TestDatabase, chain_tables};
use bauta_store::{Batch, Position, RegistryKind, ScopeMode, Slot, Store, StoreError};

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
async fn a_switchover_replaces_the_rows_by_those_of_the_other_schema_and_keeps_attested_trees() {
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
    // The journal of the new tables works.
    assert_eq!(database.store.roll_back_to(Slot::new(1)).await.unwrap(), None);
}

/// Returns the number with which Postgres identifies a table, whatever its schema and its name are.
async fn identity(store: &Store, table: &str) -> i64 {
    sqlx::query_scalar("SELECT $1::regclass::oid::bigint")
        .bind(table)
        .fetch_one(store.pool())
        .await
        .unwrap()
}

/// Replaces the tables of a database by new ones with the same batches.
async fn rebuild(database: &TestDatabase, batches: &[Batch]) {
    let fresh = Store::in_new_schema(&database.url().unwrap(), 2, "beside")
        .await
        .unwrap();
    for batch in batches {
        fresh.apply(batch).await.unwrap();
    }
    let switchover = database.store.begin_switchover().await.unwrap();
    switchover.finish(&fresh, "beside").await.unwrap();
    fresh.drop_schema("beside").await.unwrap();
    fresh.close().await;
}

#[tokio::test]
async fn a_switchover_moves_the_new_tables_and_leaves_the_schema_as_it_was() {
    let database = TestDatabase::create().await.unwrap();
    let mut chain = Chain::new();
    chain.create(address("registry"), RegistryKind::Managed, Depth::Ten);
    let batch = chain.batch();
    database.store.apply(&batch).await.unwrap();
    let schema = crate::migrations::schema(&database).await;

    let fresh = Store::in_new_schema(&database.url().unwrap(), 2, "beside")
        .await
        .unwrap();
    assert_eq!(fresh.checkpoint().await.unwrap(), None);
    fresh.apply(&batch).await.unwrap();
    let mut moved = Vec::new();
    for table in chain_tables(database.pool()).await.unwrap() {
        let identity = identity(&fresh, &format!("beside.{table}")).await;
        moved.push((table, identity));
    }
    let switchover = database.store.begin_switchover().await.unwrap();
    switchover.finish(&fresh, "beside").await.unwrap();
    fresh.drop_schema("beside").await.unwrap();
    for (table, before) in moved {
        let present = identity(&database.store, &format!("public.{table}")).await;
        assert_eq!(present, before, "the rows of {table} were copied");
    }
    assert_eq!(crate::migrations::schema(&database).await, schema);
    database.store.check_schema().await.unwrap();
}

#[tokio::test]
async fn readers_with_prepared_statements_see_no_error_and_no_empty_table_during_switchovers() {
    let database = TestDatabase::create().await.unwrap();
    let (holders, scope) = (address("holders"), address("scope"));
    let mut chain = Chain::new();
    chain.create(holders, RegistryKind::Holders, Depth::Ten);
    chain.circuit(address("circuit"));
    chain.scope(scope, holders, address("circuit"), ScopeMode::Live);
    chain.register(holders, address("mint"), address("owner"), 1, 1);
    let root = chain.root(holders);
    chain.verify(scope, root, 1);
    let now = chain.now;
    let batch = chain.batch();
    database.store.apply(&batch).await.unwrap();

    let end = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (end, url) = (Arc::clone(&end), database.url().unwrap());
            tokio::spawn(async move {
                let store = Store::connect(&url, 1).await.unwrap();
                let mut reads = 0;
                while !end.load(Ordering::Relaxed) {
                    let registry = store.registry(holders).await.unwrap();
                    let known = store.scope(scope).await.unwrap();
                    store.path(&registry, root, 0, now).await.unwrap();
                    assert_eq!(store.valid_roots(&registry, now).await.unwrap().len(), 2);
                    assert_eq!(store.verifications(&known, None, 10).await.unwrap().len(), 1);
                    assert_eq!(store.anonymity_set(&registry, 1).await.unwrap(), 1);
                    // A transaction that reads one table after the other.
                    let mut transaction = store.pool().begin().await.unwrap();
                    for query in [
                        "SELECT count(*) FROM events_with_commitment",
                        "SELECT count(*) FROM nullifiers",
                        "SELECT count(*) FROM checkpoint",
                    ] {
                        let rows: i64 = sqlx::query_scalar(query)
                            .fetch_one(&mut *transaction)
                            .await
                            .unwrap();
                        assert!(rows > 0, "{query}");
                    }
                    transaction.commit().await.unwrap();
                    reads += 1;
                }
                reads
            })
        })
        .collect();
    for _ in 0..4 {
        rebuild(&database, std::slice::from_ref(&batch)).await;
    }
    end.store(true, Ordering::Relaxed);
    for reader in readers {
        assert!(reader.await.unwrap() > 4);
    }
}

#[tokio::test]
async fn a_reader_within_a_transaction_delays_a_switchover_and_not_other_readers() {
    let database = TestDatabase::create().await.unwrap();
    let batch = {
        let mut chain = Chain::new();
        chain.create(address("registry"), RegistryKind::Managed, Depth::Ten);
        chain.batch()
    };
    database.store.apply(&batch).await.unwrap();
    let mut transaction = database.pool().begin().await.unwrap();
    let read = async |transaction: &mut sqlx::PgConnection, table| {
        let query = format!("SELECT count(*) FROM {table}");
        let query = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(query));
        query.fetch_one(transaction).await.unwrap()
    };
    assert_eq!(read(&mut transaction, "registries").await, 1);
    let switchover = rebuild(&database, std::slice::from_ref(&batch));
    tokio::pin!(switchover);
    // Long enough for several attempts, of which none holds a lock that another reader waits for.
    let others = async {
        for _ in 0..20 {
            database.store.registry(address("registry")).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        // It would deadlock with a switchover that waited while it holds some of the tables.
        assert_eq!(read(&mut transaction, "events").await, 1);
        transaction.commit().await.unwrap();
    };
    tokio::select! {
        () = &mut switchover => panic!("the switchover did not wait for a transaction that reads"),
        () = others => {}
    }
    switchover.await;
    database.store.registry(address("registry")).await.unwrap();
}

#[tokio::test]
async fn a_user_who_does_not_own_the_tables_cannot_create_them_again() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let separator = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{separator}options=-c%20role%3Dbauta_indexer");
    let refused = Store::in_new_schema(&url, 1, "beside").await.err().unwrap();
    assert!(
        matches!(refused, StoreError::NotOwner { .. } | StoreError::Query(_)),
        "{refused}"
    );
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

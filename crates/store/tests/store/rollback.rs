//! Rollbacks after forks.

use bauta_primitives::tree::Depth;
use bauta_store::event::{CircuitStatusChanged, CollectionAdded, ConfigChanged};
use bauta_store::testing::{TestDatabase, rows_of_the_chain};
use bauta_store::{Batch, Event, RegistryKind, ScopeMode, Slot, StoreError};
use sqlx::Row;

use crate::support::{Chain, KEEP, ReferenceTree, address, leaf, rows};

const HOLDERS: &str = "holders";
const MANAGED: &str = "managed";
const ATTESTED: &str = "attested";

/// Returns a chain with one account of each type, and its first batch.
fn chain_with_accounts() -> (Chain, Batch) {
    let mut chain = Chain::new();
    chain.emit(Event::ConfigChanged(ConfigChanged {
        admin: address("admin"),
        pending_admin: None,
        cluster_tag: [5; 32],
        paused: false,
        development_keys_allowed: true,
    }));
    chain.circuit(address("circuit"));
    chain.create(address(HOLDERS), RegistryKind::Holders, Depth::Ten);
    chain.create(address(MANAGED), RegistryKind::Managed, Depth::Ten);
    chain.create(address(ATTESTED), RegistryKind::Attested, Depth::Sixteen);
    chain.register(address(HOLDERS), address("mint 1"), address("ann"), 1, 7);
    chain.register(address(HOLDERS), address("mint 2"), address("ben"), 2, 7);
    chain.append(address(MANAGED), (0..300).map(leaf).collect());
    chain.scope(
        address("scope"),
        address(HOLDERS),
        address("circuit"),
        ScopeMode::Live,
    );
    let root = chain.root(address(HOLDERS));
    chain.verify(address("scope"), root, 7);
    let batch = chain.batch();
    (chain, batch)
}

/// Emits every kind of event, in three batches over several slots.
fn fork(chain: &mut Chain, salt: u64) -> Vec<Batch> {
    let (holders, managed) = (address(HOLDERS), address(MANAGED));
    chain.wait(KEEP);
    chain.emit(Event::ConfigChanged(ConfigChanged {
        admin: address("new admin"),
        pending_admin: Some(address("next admin")),
        cluster_tag: [5; 32],
        paused: true,
        development_keys_allowed: true,
    }));
    chain.circuit(address("circuit 2"));
    chain.register(holders, address("mint 1"), address("cat"), 10 + salt, 7);
    chain.register(holders, address("mint 3"), address("cat"), 20 + salt, 8);
    let root = chain.root(holders);
    chain.verify(address("scope"), root, 7);
    chain.emit(Event::ReuseRefused {
        scope: address("scope"),
        claim: bauta_primitives::Claim::of_track(7),
    });
    let first = chain.batch();

    chain.wait(KEEP);
    chain.evict(holders, address("mint 2"));
    chain.append(managed, (1_000..1_020).map(|i| leaf(i + salt)).collect());
    chain.replace(managed, 5, leaf(5_000 + salt));
    chain.scope(
        address("scope 2"),
        managed,
        address("circuit"),
        ScopeMode::Snapshot,
    );
    chain.wait(1);
    chain.replace(managed, 299, bauta_primitives::Leaf::EMPTY);
    chain.create(address("new"), RegistryKind::Managed, Depth::Ten);
    chain.append(address("new"), vec![leaf(salt)]);
    let second = chain.batch();

    chain.wait(KEEP);
    let root = chain.root(holders);
    chain.verify(address("scope"), root, 8);
    chain.emit(Event::ScopeClosed {
        scope: address("scope"),
    });
    chain.emit(Event::NullifierReclaimed {
        scope: address("scope"),
        nullifier: crate::support::nullifier(1),
    });
    chain.emit(Event::CircuitStatusChanged(CircuitStatusChanged {
        circuit: address("circuit 2"),
        suspended: true,
        retires_at: Some(i64::MAX),
    }));
    chain.emit(Event::RegistrySealed { registry: holders });
    chain.emit(Event::CollectionAdded(CollectionAdded {
        registry: holders,
        key: address("key"),
        kind: 1,
        rules: 0,
        number: 1,
        track: 8,
    }));
    let tree = ReferenceTree {
        leaves: (0..5).map(|i| (i, leaf(i + salt))).collect(),
    };
    chain.publish(address(ATTESTED), tree);
    let third = chain.batch();
    vec![first, second, third]
}

/// The tables that `fork` changes.
const TOUCHED: [&str; 18] = [
    "anonymity_sets",
    "checkpoint",
    "circuits",
    "collections",
    "config",
    "events",
    "growth_by_day",
    "holdings",
    "merkle_leaves",
    "nullifiers",
    "registries",
    "roots",
    "scopes",
    "tiles",
    "track_owners",
    "verifications",
    "verifications_by_day",
    "verifications_by_hour",
];

#[tokio::test]
async fn the_space_of_the_journal_grows_with_batches() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let empty = store.journal_bytes().await.unwrap();
    let (_, batch) = chain_with_accounts();
    store.apply(&batch).await.unwrap();
    assert!(store.journal_bytes().await.unwrap() > empty);
}

#[tokio::test]
async fn a_rollback_leaves_every_table_as_it_was() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let (mut chain, batch) = chain_with_accounts();
    store.apply(&batch).await.unwrap();
    let mut states = vec![(batch.checkpoint, rows(&database).await)];
    for batch in fork(&mut chain, 0) {
        store.apply(&batch).await.unwrap();
        states.push((batch.checkpoint, rows(&database).await));
    }
    let (before, after) = (&states[0].1, &states[3].1);
    let touched: Vec<&String> = after
        .keys()
        .filter(|table| before[*table] != after[*table])
        .collect();
    assert_eq!(touched, TOUCHED, "the fork must change every table");
    for (checkpoint, state) in states[..3].iter().rev() {
        let reached = store.roll_back_to(checkpoint.slot).await.unwrap();
        assert_eq!(reached, Some(*checkpoint));
        assert_eq!(rows(&database).await, *state);
    }
}

#[tokio::test]
async fn a_rolled_back_fork_of_several_batches_leaves_no_trace() {
    let (database, clean) = (
        TestDatabase::create().await.unwrap(),
        TestDatabase::create().await.unwrap(),
    );
    let (mut chain, batch) = chain_with_accounts();
    database.store.apply(&batch).await.unwrap();
    clean.store.apply(&batch).await.unwrap();
    let mut wrong = chain.clone();
    for batch in fork(&mut wrong, 100) {
        database.store.apply(&batch).await.unwrap();
    }
    let known = database.store.registry(address(ATTESTED)).await.unwrap();
    let leaves = (0..5).map(|i| leaf(i + 100)).collect();
    database.store.import_tree(&known, leaves).await.unwrap();

    let reached = database.store.roll_back_to(batch.checkpoint.slot).await.unwrap();
    assert_eq!(reached, Some(batch.checkpoint));
    for batch in fork(&mut chain, 200) {
        database.store.apply(&batch).await.unwrap();
        clean.store.apply(&batch).await.unwrap();
    }
    let (rolled_back, clean) = (rows(&database).await, rows(&clean).await);
    for (table, rows) in &clean {
        if table != "checkpoint" {
            assert_eq!(rolled_back[table], *rows, "{table}");
        }
    }
    // The tiles give the right paths.
    let store = &database.store;
    for name in [HOLDERS, MANAGED] {
        let registry = store.registry(address(name)).await.unwrap();
        let root = chain.root(registry.address);
        for index in [0, 1, 5, 299, 305] {
            let path = store.path(&registry, root, index, chain.now).await.unwrap();
            assert_eq!(
                path.path.siblings(),
                chain.tree(registry.address).path(Depth::Ten, index)
            );
        }
    }
}

#[tokio::test]
async fn the_same_history_in_other_batches_gives_the_same_rows() {
    let (mut chain, first) = chain_with_accounts();
    let mut batches = vec![first];
    batches.extend(fork(&mut chain, 0));
    let all: Vec<_> = batches.iter().flat_map(|batch| batch.records.clone()).collect();
    let checkpoint = batches[3].checkpoint;
    let one = vec![Batch {
        records: all.clone(),
        checkpoint,
    }];
    // A batch must not separate a tree change from its root.
    let many: Vec<Batch> = all
        .chunk_by(|record, _| matches!(record.event, Event::TreeChanged(_)))
        .map(|records| Batch {
            records: records.to_vec(),
            checkpoint: records[records.len() - 1].position,
        })
        .collect();
    assert!(many.len() > 20);
    let mut found = Vec::new();
    for batches in [batches, one, many] {
        let database = TestDatabase::create().await.unwrap();
        database.store.record_genesis_hash([1; 32]).await.unwrap();
        for batch in batches {
            database.store.apply(&batch).await.unwrap();
        }
        found.push(rows_of_the_chain(database.pool()).await.unwrap());
    }
    assert!(
        found[0].values().all(|rows| !rows.is_empty()),
        "a table without rows"
    );
    assert_eq!(found[0], found[1]);
    assert_eq!(found[0], found[2]);
}

#[tokio::test]
async fn a_rollback_to_a_slot_within_a_batch_undoes_the_whole_batch() {
    let database = TestDatabase::create().await.unwrap();
    let (mut chain, first) = chain_with_accounts();
    database.store.apply(&first).await.unwrap();
    chain.append(address(MANAGED), vec![leaf(1)]);
    let middle = chain.slot();
    chain.wait(1);
    chain.append(address(MANAGED), vec![leaf(2)]);
    database.store.apply(&chain.batch()).await.unwrap();
    assert_eq!(
        database.store.roll_back_to(middle).await.unwrap(),
        Some(first.checkpoint)
    );
}

#[tokio::test]
async fn a_rollback_can_reach_the_beginning() {
    let database = TestDatabase::create().await.unwrap();
    let empty = rows(&database).await;
    let (mut chain, first) = chain_with_accounts();
    database.store.apply(&first).await.unwrap();
    for batch in fork(&mut chain, 0) {
        database.store.apply(&batch).await.unwrap();
    }
    assert_eq!(database.store.roll_back_to(Slot::ZERO).await.unwrap(), None);
    assert_eq!(rows(&database).await, empty);
}

#[tokio::test]
async fn final_slots_are_not_rolled_back() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let (mut chain, first) = chain_with_accounts();
    store.apply(&first).await.unwrap();
    let batches = fork(&mut chain, 0);
    for batch in &batches {
        store.apply(batch).await.unwrap();
    }
    let last = batches[2].checkpoint.slot;
    store.finalize(last).await.unwrap();
    // An earlier slot does not change finality.
    store.finalize(Slot::new(1)).await.unwrap();
    assert_eq!(store.finalized_slot().await.unwrap(), Some(last));
    let before = rows(&database).await;
    let error = store.roll_back_to(last.previous()).await.unwrap_err();
    assert!(matches!(error, StoreError::CannotRollBack { .. }), "{error}");
    assert_eq!(rows(&database).await, before);
    assert_eq!(
        store.roll_back_to(last).await.unwrap(),
        Some(batches[2].checkpoint)
    );
}

#[tokio::test]
async fn a_batch_that_is_already_final_leaves_no_journal() {
    let database = TestDatabase::create().await.unwrap();
    let (mut chain, first) = chain_with_accounts();
    database.store.apply_final_after(None, &first).await.unwrap();
    assert_eq!(
        database.store.finalized_slot().await.unwrap(),
        Some(first.checkpoint.slot)
    );
    let journal = "SELECT count(*) FROM journal";
    let count = |row: sqlx::postgres::PgRow| row.get::<i64, _>(0);
    assert_eq!(
        count(sqlx::query(journal).fetch_one(database.pool()).await.unwrap()),
        0
    );
    chain.append(address(MANAGED), vec![leaf(1)]);
    database.store.apply(&chain.batch()).await.unwrap();
    assert!(count(sqlx::query(journal).fetch_one(database.pool()).await.unwrap()) > 0);
}

#[tokio::test]
async fn a_batch_that_was_refused_leaves_no_journal() {
    let database = TestDatabase::create().await.unwrap();
    let (mut chain, first) = chain_with_accounts();
    database.store.apply(&first).await.unwrap();
    chain.append(address(MANAGED), vec![leaf(1)]);
    let mut batch = chain.batch();
    batch.records.pop();
    database.store.apply(&batch).await.unwrap_err();
    let batches: i64 = sqlx::query("SELECT max(batch) FROM journal")
        .fetch_one(database.pool())
        .await
        .unwrap()
        .get(0);
    assert_eq!(batches, 1);
}

#[tokio::test]
async fn final_slots_are_rolled_back_for_a_repair_until_they_are_reconciled() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let (mut chain, first) = chain_with_accounts();
    store.apply(&first).await.unwrap();
    let before = rows(&database).await;
    let batches = fork(&mut chain, 0);
    for batch in &batches {
        store.apply(batch).await.unwrap();
    }
    let last = batches[2].checkpoint.slot;
    store.mark_final(last).await.unwrap();
    let error = store.roll_back_to(first.checkpoint.slot).await.unwrap_err();
    assert!(matches!(error, StoreError::CannotRollBack { .. }), "{error}");
    let reached = store.roll_back_for_repair(first.checkpoint.slot).await.unwrap();
    assert_eq!(reached, Some(first.checkpoint));
    assert_eq!(rows(&database).await, before);
    // The slots are final nevertheless.
    assert_eq!(store.finalized_slot().await.unwrap(), Some(last));
    for batch in &batches {
        store.apply(batch).await.unwrap();
    }
    // A later slot than the newest final one counts as that one.
    store.mark_reconciled(last.saturating_add(1)).await.unwrap();
    assert_eq!(store.reconciled_slot().await.unwrap(), Some(last));
    let error = store
        .roll_back_for_repair(first.checkpoint.slot)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("was reconciled"), "{error}");
}

#[tokio::test]
async fn a_rollback_keeps_columns_that_the_journal_does_not_know() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let (mut chain, first) = chain_with_accounts();
    store.apply(&first).await.unwrap();
    for batch in fork(&mut chain, 0) {
        store.apply(&batch).await.unwrap();
    }
    // Another version adds and removes columns while the batches can still be rolled back.
    for statement in [
        "ALTER TABLE registries ADD COLUMN later integer NOT NULL DEFAULT 7",
        "UPDATE registries SET later = 8",
        "ALTER TABLE registries DROP COLUMN authority",
    ] {
        sqlx::query(statement).execute(database.pool()).await.unwrap();
    }
    let reached = store.roll_back_to(first.checkpoint.slot).await.unwrap();
    assert_eq!(reached, Some(first.checkpoint));
    let later: Vec<i32> = sqlx::query_scalar("SELECT DISTINCT later FROM registries")
        .fetch_all(database.pool())
        .await
        .unwrap();
    assert_eq!(later, [8]);
}

/// Postgres would end one statement that deletes the journal of days.
#[tokio::test]
async fn one_call_deletes_a_part_of_a_long_journal_and_never_a_part_of_a_batch() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    sqlx::query(
        "INSERT INTO journal (batch, slot, relation, key)
         SELECT n / 1500 + 1, n / 1500 + 1, 'events', '{}' FROM generate_series(0, 299999) n",
    )
    .execute(database.pool())
    .await
    .unwrap();
    for (is_complete, first_slot, batches) in [(false, 135, 66), (true, 191, 10)] {
        let deleted = store.delete_journal(Slot::new(190)).await.unwrap();
        assert_eq!(deleted, is_complete);
        let left = store.journal_size().await.unwrap();
        assert_eq!(
            (left.first_slot, left.batches),
            (Some(Slot::new(first_slot)), batches)
        );
        let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM journal")
            .fetch_one(database.pool())
            .await
            .unwrap();
        assert_eq!(rows.unsigned_abs(), batches * 1500);
    }
}

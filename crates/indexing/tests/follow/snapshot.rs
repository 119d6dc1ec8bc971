//! Tests of snapshots: rows of one indexer that another one imports after comparing them with the
//! chain.

use std::sync::Arc;
use std::time::Duration;

use bauta_indexing::testing::{TestChain, named};
use bauta_indexing::{IndexerError, Rebuilt, Settings, SnapshotImport, import_snapshot};
use bauta_store::testing::TestDatabase;
use bauta_store::{SnapshotError, StoreError};

use crate::support::{Fixture, count, settings, small_chain};

/// A database that follows a chain, and a snapshot of it.
async fn exported(chain: &TestChain) -> (Fixture, Vec<u8>) {
    let mut fixture = Fixture::new(chain).await;
    fixture.settle().await;
    let snapshot = export(&fixture.database).await;
    (fixture, snapshot)
}

async fn export(database: &TestDatabase) -> Vec<u8> {
    let mut snapshot = Vec::new();
    database.store.export_snapshot(&mut snapshot).await.unwrap();
    snapshot
}

/// Imports a snapshot into the database of a fixture.
async fn import(fixture: &Fixture, snapshot: &[u8], dry_run: bool) -> Result<Rebuilt, IndexerError> {
    // The newest slot of the snapshot is final.
    if let Some(head) = &mut fixture.source.state().head {
        head.finalized = head.confirmed;
    }
    let import = SnapshotImport {
        source: Arc::clone(&fixture.source),
        store: &fixture.database.store,
        url: &fixture.database.url().unwrap(),
        settings: settings(),
        input: snapshot,
        dry_run,
    };
    import_snapshot(import, &mut |_| {}).await
}

async fn assert_unchanged(fixture: &Fixture) {
    assert_eq!(fixture.database.store.checkpoint().await.unwrap(), None);
    let schemas = "SELECT FROM information_schema.schemata WHERE schema_name = 'bauta_import'";
    let schemas = sqlx::query(schemas).fetch_all(fixture.database.pool()).await;
    assert!(schemas.unwrap().is_empty());
}

#[tokio::test]
async fn an_imported_snapshot_gives_the_rows_of_a_new_database() {
    let mut chain = small_chain();
    let (_exporter, snapshot) = exported(&chain).await;
    // The importer reads what has happened since.
    let (registry, scope) = (named("registry"), named("scope"));
    chain.wait(1);
    chain.verify(scope, registry, 7);
    let mut importer = Fixture::new(&chain).await;
    let checked = import(&importer, &snapshot, true).await.unwrap();
    assert_eq!((checked.slot, checked.events), (chain.slot, 1));
    assert_unchanged(&importer).await;
    import(&importer, &snapshot, false).await.unwrap();
    importer.assert_equals_new_database(&chain).await;
    // It can be followed further, and rolled back.
    chain.wait(1);
    chain.register(registry, 900, 1, 7).unwrap();
    importer.source.set_chain(&chain);
    importer.settle().await;
    importer.assert_equals_new_database(&chain).await;
    let store = &importer.database.store;
    store.roll_back_to(chain.slot.previous()).await.unwrap();
    importer.settle().await;
    importer.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_file_that_is_not_a_whole_snapshot_changes_nothing() {
    let chain = small_chain();
    let (_exporter, snapshot) = exported(&chain).await;
    let importer = Fixture::new(&chain).await;
    let mut huge_frame = snapshot.clone();
    huge_frame[..4].copy_from_slice(&u32::MAX.to_be_bytes());
    let mut other_table = snapshot.clone();
    let place = snapshot.windows(8).position(|part| part == b"circuits").unwrap();
    other_table[place..place + 8].copy_from_slice(b"circuitz");
    let mut flipped = snapshot.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for (file, reason) in [
        (&snapshot[..0], "ends in the middle"),
        (&snapshot[..snapshot.len() / 2], "ends in the middle"),
        (&snapshot[..snapshot.len() - 1], "ends in the middle"),
        (&huge_frame, "the limit is"),
        (&other_table, "unknown or repeated"),
        (&flipped, "checksum"),
    ] {
        let error = import(&importer, file, false).await.unwrap_err();
        assert!(
            matches!(error, IndexerError::Snapshot(SnapshotError::Invalid { .. })),
            "{error}"
        );
        assert!(error.to_string().contains(reason), "{error}");
        assert_unchanged(&importer).await;
    }
}

#[tokio::test]
async fn a_snapshot_whose_rows_differ_from_the_chain_is_refused() {
    let chain = small_chain();
    for (change, reason) in [
        (
            "UPDATE merkle_leaves SET wallet_hash = NULL, leaf_hash = decode(repeat('01', 32), 'hex') WHERE index = 1",
            "a tile does not belong to its leaves",
        ),
        (
            "UPDATE merkle_leaves SET wallet_hash = decode(repeat('01', 32), 'hex') WHERE index = 1",
            "is not the hash of its columns",
        ),
        (
            "UPDATE tiles SET nodes = decode(repeat('01', 32), 'hex') || substring(nodes from 33) WHERE level = 0",
            "a tile",
        ),
        ("DELETE FROM tiles WHERE level = 4", "a tile is missing"),
    ] {
        let (exporter, _) = exported(&chain).await;
        sqlx::query(change)
            .execute(exporter.database.pool())
            .await
            .unwrap();
        let importer = Fixture::new(&chain).await;
        let error = import(&importer, &export(&exporter.database).await, false)
            .await
            .unwrap_err();
        assert!(
            matches!(error, IndexerError::Store(StoreError::Damaged(_))),
            "{change}: {error}"
        );
        assert!(error.to_string().contains(reason), "{change}: {error}");
        assert_unchanged(&importer).await;
    }
}

#[tokio::test]
async fn a_snapshot_without_a_nullifier_of_the_chain_is_refused() {
    let chain = small_chain();
    let (exporter, _) = exported(&chain).await;
    sqlx::query("DELETE FROM nullifiers WHERE ctid = (SELECT ctid FROM nullifiers LIMIT 1)")
        .execute(exporter.database.pool())
        .await
        .unwrap();
    let importer = Fixture::new(&chain).await;
    let error = import(&importer, &export(&exporter.database).await, false)
        .await
        .unwrap_err();
    assert!(
        matches!(error, IndexerError::UnexplainedDifferences(_)),
        "{error}"
    );
    assert_unchanged(&importer).await;
}

/// A rollback would execute the journal, and finality would stop the follower.
#[tokio::test]
async fn a_snapshot_has_no_journal_and_no_finality() {
    let chain = small_chain();
    let (exporter, _) = exported(&chain).await;
    for change in [
        "INSERT INTO journal (batch, slot, relation, key)
         SELECT batch + 1, 9223372036854775807, 'nullifiers', '{}' FROM checkpoint",
        "INSERT INTO finality (slot, reconciled_slot) VALUES (9223372036854775807, 9223372036854775807)",
        "UPDATE checkpoint SET batch = 9223372036854775807",
    ] {
        sqlx::query(change)
            .execute(exporter.database.pool())
            .await
            .unwrap();
    }
    let snapshot = export(&exporter.database).await;
    let importer = Fixture::new(&chain).await;
    import(&importer, &snapshot, false).await.unwrap();
    let store = &importer.database.store;
    assert_eq!(store.journal_size().await.unwrap().batches, 0);
    assert_eq!(store.finalized_slot().await.unwrap(), Some(chain.slot));
    assert_eq!(store.reconciled_slot().await.unwrap(), None);
    assert_eq!(count(&importer.database, "checkpoint WHERE batch = 1").await, 1);
    // A file that has a journal is refused.
    let mut with_journal = snapshot.clone();
    let place = snapshot.windows(7).position(|part| part == b"cluster").unwrap();
    with_journal[place..place + 7].copy_from_slice(b"journal");
    let error = import(&Fixture::new(&chain).await, &with_journal, false)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("unknown or repeated"), "{error}");
}

#[tokio::test]
async fn a_snapshot_whose_newest_slot_is_not_final_is_refused() {
    let chain = small_chain();
    let (exporter, snapshot) = exported(&chain).await;
    let limit = Settings {
        source_behind_limit: Duration::ZERO,
        ..settings()
    };
    let importer = Fixture::new(&chain).await;
    let import = SnapshotImport {
        source: Arc::clone(&exporter.source),
        store: &importer.database.store,
        url: &importer.database.url().unwrap(),
        settings: limit,
        input: snapshot.as_slice(),
        dry_run: false,
    };
    let error = import_snapshot(import, &mut |_| {}).await.unwrap_err();
    assert!(matches!(error, IndexerError::SnapshotNotFinal { .. }), "{error}");
    assert_unchanged(&importer).await;
}

#[tokio::test]
async fn an_empty_database_has_no_snapshot() {
    let database = TestDatabase::create().await.unwrap();
    let mut file = Vec::new();
    let error = database.store.export_snapshot(&mut file).await.unwrap_err();
    assert!(matches!(error, SnapshotError::Empty), "{error}");
    assert!(file.is_empty());
    assert_eq!(count(&database, "events").await, 0);
}

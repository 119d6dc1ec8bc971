//! The cost of queries in a large database: no query of the steady state reads a whole large table.

use std::collections::BTreeMap;

use bauta_primitives::tree::Depth;
use bauta_store::testing::TestDatabase;
use bauta_store::{Event, HistoryCursor, RegistryKind, ScopeMode, Sequence, Store};
use sqlx::Row;

use crate::support::{Chain, address, leaf, nullifier};

/// The tables with a row for each verification, leaf, tile or change.
const LARGE_TABLES: [&str; 6] = [
    "events",
    "journal",
    "merkle_leaves",
    "nullifiers",
    "tiles",
    "verifications",
];
/// The number of rows that are added to each of them. Postgres then prefers an index.
const ROWS: i32 = 20_000;

/// Adds many rows to the large tables, with a registry and a scope of their own.
async fn fill(database: &TestDatabase) {
    let statements = [
        "SET session_replication_role = replica".to_owned(),
        "INSERT INTO registries SELECT 1000, decode(repeat('07', 32), 'hex')::address, authority, nonce, kind, depth,
             leaf_format, root_ttl_seconds, sealed, next_index, sequence, created_at FROM registries WHERE id = 1"
            .to_owned(),
        format!(
            "INSERT INTO merkle_leaves (registry_id, index, leaf_hash, created_at)
             SELECT 1000, i, '\\x00' || substring(sha256(i::text::bytea) from 2), now() FROM generate_series(1, {ROWS}) i"
        ),
        format!(
            "INSERT INTO nullifiers (hash, scope_id, used_at, tx_signature)
             SELECT '\\x00' || substring(sha256(i::text::bytea) from 2), 1, now(),
                    sha256(i::text::bytea) || sha256(i::text::bytea) FROM generate_series(1, {ROWS}) i"
        ),
        format!(
            "INSERT INTO verifications (id, scope_id, timestamp, root_sequence)
             SELECT 1000 + i, 1, now(), 1 FROM generate_series(1, {ROWS}) i"
        ),
        format!(
            "INSERT INTO events (slot, transaction_index, instruction_index, inner_index, kind, signature, happened_at)
             SELECT 200 + i, 0, 0, 0, 'OwnershipVerified', sha256(i::text::bytea) || sha256(i::text::bytea), now()
             FROM generate_series(1, {ROWS}) i"
        ),
        format!(
            "INSERT INTO journal (batch, slot, relation, key)
             SELECT -i, 300000, 'events', jsonb_build_object('slot', i) FROM generate_series(1, {ROWS}) i"
        ),
        format!(
            "INSERT INTO tiles (registry_id, level, position, since_sequence, hash, nodes)
             SELECT 1000, 0, i, 1, '\\x00' || substring(sha256(i::text::bytea) from 2), decode(repeat('01', 32), 'hex')
             FROM generate_series(1, {ROWS}) i"
        ),
        "SET session_replication_role = origin".to_owned(),
    ];
    let mut connection = database.pool().acquire().await.unwrap();
    for statement in statements {
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&mut *connection)
            .await
            .unwrap();
    }
    sqlx::query("ANALYZE").execute(&mut *connection).await.unwrap();
}

/// Returns how often each large table was read as a whole.
async fn scans(store: &Store) -> BTreeMap<String, i64> {
    // The server collects the counts of a session only from time to time.
    sqlx::query("SELECT pg_stat_force_next_flush()")
        .execute(store.pool())
        .await
        .unwrap();
    let rows =
        sqlx::query("SELECT relname::text, seq_scan FROM pg_stat_user_tables WHERE relname::text = ANY ($1)")
            .bind(LARGE_TABLES.map(str::to_owned).to_vec())
            .fetch_all(store.pool())
            .await
            .unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn no_query_of_the_steady_state_scans_all_uses_or_leaves() {
    let database = TestDatabase::create().await.unwrap();
    let (holders, managed, scope) = (address("holders"), address("managed"), address("scope"));
    let mut chain = Chain::new();
    chain.create(holders, RegistryKind::Holders, Depth::Ten);
    chain.create(managed, RegistryKind::Managed, Depth::Ten);
    chain.circuit(address("circuit"));
    chain.scope(scope, holders, address("circuit"), ScopeMode::Live);
    chain.register(holders, address("mint 1"), address("owner"), 1, 1);
    let root = chain.root(holders);
    chain.verify(scope, root, 1);
    let first = chain.batch();
    database.store.apply(&first).await.unwrap();
    fill(&database).await;

    // One connection, so that its counts are complete. The other sessions report theirs when they
    // end.
    database.store.close().await;
    let store = Store::connect(&database.url().unwrap(), 1).await.unwrap();
    let sessions = "SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND backend_type = 'client backend'";
    while sqlx::query_scalar::<_, i64>(sessions)
        .fetch_one(store.pool())
        .await
        .unwrap()
        > 1
    {
        tokio::task::yield_now().await;
    }
    let before = scans(&store).await;
    assert_eq!(before.len(), LARGE_TABLES.len());
    // Each event. The slot follows those of the added rows.
    for _ in 0..ROWS + 200 {
        chain.wait(0);
    }
    chain.wait(1);
    chain.register(holders, address("mint 2"), address("owner"), 2, 1);
    chain.append(managed, vec![leaf(1), leaf(2)]);
    chain.replace(managed, 0, leaf(3));
    chain.evict(holders, address("mint 2"));
    chain.verify(scope, root, 1);
    chain.emit(Event::NullifierReclaimed {
        scope,
        nullifier: nullifier(1),
    });
    let batch = chain.batch();
    store.apply(&batch).await.unwrap();
    // The follower.
    let applied = store
        .applied_transactions_after(batch.checkpoint.slot.previous())
        .await
        .unwrap();
    let keys: Vec<_> = applied
        .iter()
        .map(|transaction| (transaction.slot, transaction.signature))
        .collect();
    assert!(!keys.is_empty());
    store.applied_transactions_among(&keys).await.unwrap();
    store.roll_back_to(first.checkpoint.slot).await.unwrap();
    store.apply(&batch).await.unwrap();
    store.mark_final(batch.checkpoint.slot).await.unwrap();
    store.mark_reconciled(batch.checkpoint.slot).await.unwrap();
    store.prune(chain.now).await.unwrap();
    store.newest_event_time().await.unwrap();
    store
        .prune_history(chain.now, &mut HistoryCursor::default())
        .await
        .unwrap();
    // The reconciliation.
    let known = store.scope(scope).await.unwrap();
    let part = store.nullifiers(&known, &[0, 7]).await.unwrap();
    assert!(!part.is_empty() && part.len() < 500, "{}", part.len());
    let registry = store.registry(managed).await.unwrap();
    store.holdings(&registry, &[7]).await.unwrap();
    store.verification_counts().await.unwrap();
    store.current_roots().await.unwrap();
    store.root_at(&registry, Sequence::new(1)).await.unwrap();
    // Readers.
    store.nullifier(&known, nullifier(1)).await.unwrap();
    store.verifications(&known, None, 100).await.unwrap();
    store.leaf(&registry, 1).await.unwrap();
    store.find_leaf(&registry, leaf(2)).await.unwrap();
    store
        .path(&registry, chain.root(managed), 0, chain.now)
        .await
        .unwrap();
    let everything = [0; 32]..=[0xff; 32];
    let page = store
        .nullifiers_within(&known, &everything, None, 100)
        .await
        .unwrap();
    assert_eq!(page.len(), 100);
    store.nullifier_count(&known).await.unwrap();
    store
        .holdings_within(&registry, &everything, None, 100)
        .await
        .unwrap();
    store.tiles(&[chain.root(managed).element()]).await.unwrap();
    assert_eq!(scans(&store).await, before);
}

/// Operators read them again and again.
#[tokio::test]
async fn the_last_verifications_of_all_scopes_are_read_without_the_earlier_ones() {
    let database = TestDatabase::create().await.unwrap();
    for (table, column, seconds) in [
        ("verifications_by_hour", "hour", 3_600),
        ("verifications_by_day", "day", 86_400),
    ] {
        let mut connection = database.pool().acquire().await.unwrap();
        let rows = format!(
            "SET session_replication_role = replica;
             INSERT INTO {table} (scope_id, claim, {column}, verifications, refused, anonymity_sets, anonymity_set_sum)
             SELECT 1, '\\x00' || substring(sha256((i % 4)::text::bytea) from 2), to_timestamp(i / 4 * {seconds}::bigint),
                    1, 0, 0, 0 FROM generate_series(1, {ROWS}) i;
             SET session_replication_role = origin;
             ANALYZE {table}"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(rows))
            .execute(&mut *connection)
            .await
            .unwrap();
        let plan = format!(
            "EXPLAIN SELECT sum(verifications) FROM {table}
             WHERE true AND {column} >= to_timestamp(4900 * {seconds}::bigint) GROUP BY {column}"
        );
        let plan: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(plan))
            .fetch_all(&mut *connection)
            .await
            .unwrap();
        let plan = plan.join("\n");
        assert!(plan.contains(&format!("{table}_of_all")), "{plan}");
    }
}

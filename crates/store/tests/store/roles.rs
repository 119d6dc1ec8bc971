//! What the roles of services may do.

use bauta_primitives::tree::Depth;
use bauta_store::testing::TestDatabase;
use bauta_store::{RegistryKind, ScopeMode, Store};
use sqlx::{AssertSqlSafe, Row};

use crate::support::{Chain, address, leaf};

/// A store whose connections have a role's rights.
async fn as_role(database: &TestDatabase, role: &str) -> Store {
    let url = database.url().unwrap();
    let separator = if url.contains('?') { '&' } else { '?' };
    Store::connect(&format!("{url}{separator}options=-c%20role%3D{role}"), 2)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_indexer_can_do_its_whole_work() {
    let database = TestDatabase::create().await.unwrap();
    let store = as_role(&database, "bauta_indexer").await;
    store.check_schema().await.unwrap();
    let mut chain = Chain::new();
    let registry = address("registry");
    chain.create(registry, RegistryKind::Holders, Depth::Ten);
    chain.create(address("attested"), RegistryKind::Attested, Depth::Ten);
    chain.circuit(address("circuit"));
    chain.register(registry, address("mint"), address("owner"), 1, 1);
    chain.scope(address("scope"), registry, address("circuit"), ScopeMode::Live);
    let root = chain.root(registry);
    chain.verify(address("scope"), root, 1);
    let mut tree = crate::support::PlainTree::default();
    tree.leaves.insert(0, leaf(1));
    chain.publish(address("attested"), tree);
    let first = chain.batch();
    store.apply(&first).await.unwrap();
    let attested = store.registry(address("attested")).await.unwrap();
    store.build(&attested, vec![leaf(1)]).await.unwrap();
    chain.wait(1);
    chain.evict(registry, address("mint"));
    store.apply(&chain.batch()).await.unwrap();
    store.undo_to(first.checkpoint.slot).await.unwrap();
    store.finalize(first.checkpoint.slot).await.unwrap();
    store.prune(chain.now).await.unwrap();
    let known = store.registry(registry).await.unwrap();
    store.path(&known, root, 0, chain.now).await.unwrap();
}

#[tokio::test]
async fn readers_read_what_they_need_and_write_nothing() {
    let database = TestDatabase::create().await.unwrap();
    let mut chain = Chain::new();
    let registry = address("registry");
    chain.create(registry, RegistryKind::Managed, Depth::Ten);
    chain.append(registry, vec![leaf(1)]);
    let batch = chain.batch();
    database.store.apply(&batch).await.unwrap();
    let root = chain.root(registry);
    for role in ["bauta_api", "bauta_prover"] {
        let store = as_role(&database, role).await;
        store.check_schema().await.unwrap();
        let known = store.registry(registry).await.unwrap();
        store.path(&known, root, 0, chain.now).await.unwrap();
        let mut chain = chain.clone();
        chain.append(registry, vec![leaf(2)]);
        let error = store.apply(&chain.batch()).await.unwrap_err();
        assert!(error.to_string().contains("permission denied"), "{role}: {error}");
    }
}

#[tokio::test]
async fn no_role_has_more_than_its_part() {
    let database = TestDatabase::create().await.unwrap();
    let tables =
        sqlx::query("SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'")
            .fetch_all(database.pool())
            .await
            .unwrap();
    for table in tables.iter().map(|row| row.get::<String, _>(0)) {
        let may = async |role: &str, right: &str| -> bool {
            let query = format!("SELECT has_table_privilege('{role}', '{table}', '{right}')");
            sqlx::query(AssertSqlSafe(query))
                .fetch_one(database.pool())
                .await
                .unwrap()
                .get(0)
        };
        for role in ["bauta_indexer", "bauta_api", "bauta_prover"] {
            assert!(!may(role, "TRUNCATE").await, "{role} may truncate {table}");
            assert!(
                !may(role, "TRIGGER").await,
                "{role} may change triggers of {table}"
            );
        }
        for right in ["INSERT", "UPDATE", "DELETE"] {
            let prover_may = table == "jobs" && may("bauta_prover", right).await;
            assert!(
                !may("bauta_api", right).await && may("bauta_prover", right).await == prover_may,
                "{right} {table}"
            );
        }
        assert!(
            table != "jobs" || !may("bauta_indexer", "SELECT").await && !may("bauta_api", "SELECT").await,
            "only the prover sees jobs"
        );
        if [
            "holdings",
            "nullifiers",
            "verifications",
            "track_owners",
            "journal",
            "merkle_leaves",
        ]
        .contains(&table.as_str())
        {
            assert!(!may("bauta_prover", "SELECT").await, "the prover reads {table}");
        }
    }
}

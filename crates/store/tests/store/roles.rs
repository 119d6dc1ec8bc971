//! The permissions of the database roles.

use bauta_primitives::tree::Depth;
use bauta_store::testing::{TestDatabase, chain_tables};
use bauta_store::{RegistryKind, ScopeMode, Store};
use sqlx::{AssertSqlSafe, Row};

use crate::support::{Chain, address, leaf};

/// The tables that follow the chain and that the prover reads.
const READ_BY_PROVER: [&str; 9] = [
    "cluster",
    "config",
    "circuits",
    "registries",
    "scopes",
    "roots",
    "tiles",
    "checkpoint",
    "finality",
];

/// The tables that the role for analysts reads. None of them leads to a single transaction or has a
/// small count.
const READ_BY_ANALYTICS: [&str; 8] = [
    "cluster",
    "config",
    "circuits",
    "registries",
    "collections",
    "scopes",
    "checkpoint",
    "finality",
];

/// Connects with the permissions of a role.
pub async fn as_role(database: &TestDatabase, role: &str) -> Store {
    let url = database.url().unwrap();
    let separator = if url.contains('?') { '&' } else { '?' };
    Store::connect(&format!("{url}{separator}options=-c%20role%3D{role}"), 2)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_indexer_role_can_do_all_of_its_work() {
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
    let mut tree = crate::support::ReferenceTree::default();
    tree.leaves.insert(0, leaf(1));
    chain.publish(address("attested"), tree);
    let first = chain.batch();
    store.apply(&first).await.unwrap();
    let attested = store.registry(address("attested")).await.unwrap();
    store.import_tree(&attested, vec![leaf(1)]).await.unwrap();
    chain.wait(1);
    chain.evict(registry, address("mint"));
    store.apply(&chain.batch()).await.unwrap();
    store.roll_back_to(first.checkpoint.slot).await.unwrap();
    store.mark_final(first.checkpoint.slot).await.unwrap();
    store.mark_reconciled(first.checkpoint.slot).await.unwrap();
    store.record_genesis_hash([1; 32]).await.unwrap();
    store.prune(chain.now).await.unwrap();
    let known = store.registry(registry).await.unwrap();
    store.path(&known, root, 0, chain.now).await.unwrap();
}

#[tokio::test]
async fn the_role_for_uploads_imports_a_tree_and_writes_nothing_else() {
    let database = TestDatabase::create().await.unwrap();
    let mut chain = Chain::new();
    chain.create(address("attested"), RegistryKind::Attested, Depth::Ten);
    let mut tree = crate::support::ReferenceTree::default();
    tree.leaves.insert(0, leaf(1));
    chain.publish(address("attested"), tree);
    database.store.apply(&chain.batch()).await.unwrap();
    let store = as_role(&database, "bauta_uploads").await;
    store.check_schema().await.unwrap();
    let attested = store.registry(address("attested")).await.unwrap();
    assert!(!store.valid_roots(&attested, chain.now).await.unwrap().is_empty());
    let root = store.import_tree(&attested, vec![leaf(1)]).await.unwrap();
    assert_eq!(root, chain.root(attested.address));
    let inserted = sqlx::query("INSERT INTO checkpoint SELECT * FROM checkpoint")
        .execute(store.pool())
        .await
        .unwrap_err();
    assert!(inserted.to_string().contains("duplicate key"), "{inserted}");
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT table_name::text FROM information_schema.tables
         WHERE table_schema = 'public' AND table_type = 'BASE TABLE'",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    let mut writable = Vec::new();
    for table in tables {
        for right in ["INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER", "REFERENCES"] {
            let query = format!("SELECT has_table_privilege('bauta_uploads', '{table}', '{right}')");
            let can: bool = sqlx::query_scalar(AssertSqlSafe(query))
                .fetch_one(database.pool())
                .await
                .unwrap();
            if can {
                writable.push(format!("{right} {table}"));
            }
        }
    }
    writable.sort_unstable();
    let expected = [
        "DELETE merkle_leaves",
        "INSERT checkpoint",
        "INSERT merkle_leaves",
        "INSERT tiles",
    ];
    assert_eq!(writable, expected);
}

#[tokio::test]
async fn the_roles_of_readers_read_what_they_need_and_write_nothing() {
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
async fn no_role_has_a_permission_that_it_does_not_need() {
    let database = TestDatabase::create().await.unwrap();
    let followed = chain_tables(database.pool()).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT table_name::text FROM information_schema.tables
         WHERE table_schema = 'public' AND table_type = 'BASE TABLE'",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    assert!(tables.len() > followed.len());
    for table in tables {
        let can = async |role: &str, right: &str| -> bool {
            let query = format!("SELECT has_table_privilege('{role}', '{table}', '{right}')");
            sqlx::query(AssertSqlSafe(query))
                .fetch_one(database.pool())
                .await
                .unwrap()
                .get(0)
        };
        let follows_the_chain = followed.contains(&table);
        let is_of_indexer = follows_the_chain
            || table.starts_with("backfill")
            || ["contested", "quarantine"].contains(&table.as_str());
        for role in ["bauta_indexer", "bauta_api", "bauta_prover", "bauta_analytics"] {
            let keeps_accounts = role == "bauta_api"
                && [
                    "accounts",
                    "logins",
                    "used_nonces",
                    "webhook_deliveries",
                    "webhooks",
                ]
                .contains(&table.as_str());
            let audits = role == "bauta_api" && table.starts_with("audit_");
            let adds_keys = role == "bauta_api" && table == "api_keys";
            let reads = match role {
                _ if ["_sqlx_migrations", "schema_compatibility"].contains(&table.as_str()) => true,
                "bauta_api" | "bauta_prover"
                    if ["api_keys", "api_key_changes", "tickets"].contains(&table.as_str()) =>
                {
                    true
                }
                "bauta_indexer" => is_of_indexer,
                "bauta_api"
                    if table.starts_with("relay")
                        || ["rewinds", "feature_flags"].contains(&table.as_str())
                        || keeps_accounts
                        || audits =>
                {
                    true
                }
                "bauta_api" => follows_the_chain && !["journal", "anonymity_sets"].contains(&table.as_str()),
                "bauta_analytics" => READ_BY_ANALYTICS.contains(&table.as_str()),
                _ => table == "jobs" || READ_BY_PROVER.contains(&table.as_str()),
            };
            let writes = match role {
                "bauta_indexer" => is_of_indexer,
                "bauta_api" | "bauta_analytics" => false,
                _ => table == "jobs",
            };
            assert_eq!(can(role, "SELECT").await, reads, "{role} reads {table}");
            let uses_tickets = table == "tickets" && ["bauta_api", "bauta_prover"].contains(&role);
            let keeps_relays = table.starts_with("relay") && role == "bauta_api";
            // The ledger and the list of reclaims only grow.
            let grows = ["relay_ledger", "relay_reclaims"].contains(&table.as_str());
            for right in ["INSERT", "UPDATE", "DELETE"] {
                let relays = keeps_relays
                    && match right {
                        "INSERT" => true,
                        "UPDATE" => !grows,
                        _ => table == "relays",
                    };
                let may = writes
                    || relays
                    || keeps_accounts
                    || audits && right == if table == "audit_head" { "UPDATE" } else { "INSERT" }
                    || adds_keys && right != "UPDATE"
                    || uses_tickets && right != "UPDATE";
                assert_eq!(can(role, right).await, may, "{role}: {right} {table}");
            }
            for right in ["TRUNCATE", "TRIGGER", "REFERENCES"] {
                assert!(!can(role, right).await, "{role}: {right} {table}");
            }
        }
    }
}

//! Runs indexers, and compares their database with the chain.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bauta::state::Registry;
use bauta_client::decode_account;
use bauta_indexing::nodes::{NodeSettings, RpcSource};
use bauta_indexing::{ClusterCheck, Follower, Indexer, IndexerStatus, RunSettings, Settings, wake};
use bauta_rpc::{CommitmentLevel, Pubsub};
use bauta_store::testing::{TestDatabase, rows_of_the_chain};
use bauta_store::{Sequence, Store};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::actors::{Actor, ExpectedState, eventually};
use crate::chain::DrillChain;

pub fn follow_settings() -> Settings {
    Settings {
        compare_interval: Duration::from_millis(500),
        backfill_slots: u64::MAX,
        // The node gets another genesis hash with each start.
        cluster: ClusterCheck::Off,
        ..Settings::new(bauta::ID)
    }
}

pub fn source(urls: &[String]) -> Arc<RpcSource> {
    let nodes: Vec<_> = urls
        .iter()
        .map(|url| NodeSettings {
            url: url.clone(),
            concurrency: 8,
            requests_per_second: NonZeroU32::new(1_000).unwrap(),
            timeout: Duration::from_secs(5),
            weight: 0,
        })
        .collect();
    Arc::new(RpcSource::new(bauta::ID, &nodes).unwrap())
}

/// An indexer that runs in this process. Dropping the value ends it.
pub struct RunningIndexer {
    pub status: watch::Receiver<IndexerStatus>,
    shutdown: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl RunningIndexer {
    /// Starts an indexer that reads from these nodes and is woken by this websocket.
    pub fn start(nodes: &[String], websocket: &str, store: Store) -> Self {
        let settings = RunSettings {
            follow: follow_settings(),
            poll_interval: Duration::from_millis(500),
            // With short slots the chain finalizes everything after two seconds. The forks of a
            // drill are longer, so nothing may become final.
            finality_interval: Duration::from_hours(1),
            reconcile_interval: Some(Duration::from_secs(1)),
        };
        let (indexer, status) = Indexer::new(source(nodes), store, settings);
        let shutdown = CancellationToken::new();
        let wake_up = indexer.wake_up();
        let tasks = vec![
            tokio::spawn(wake(Pubsub::new(websocket).unwrap(), bauta::ID, wake_up)),
            tokio::spawn(indexer.run(shutdown.clone())),
        ];
        Self {
            status,
            shutdown,
            tasks,
        }
    }
}

impl Drop for RunningIndexer {
    fn drop(&mut self) {
        self.shutdown.cancel();
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Waits until a database has the last tree change of each registry, every verification and every
/// refused reuse.
pub async fn caught_up(store: &Store, actors: &[Actor]) {
    let total = |count: fn(&ExpectedState) -> u64| {
        let total: u64 = actors.iter().map(|actor| count(actor.expected())).sum();
        i64::try_from(total).unwrap()
    };
    let verifications = total(|expected| expected.verifications);
    let refused_reuses = total(|expected| expected.refused_reuses);
    eventually("the database has every change", async || {
        for actor in actors {
            let Ok(registry) = store.registry(actor.expected().registry).await else {
                return false;
            };
            if registry.sequence.get() != actor.expected().tree_changes {
                return false;
            }
        }
        let counts = "SELECT (SELECT count(*) FROM nullifiers),
                             (SELECT coalesce(sum(refused), 0)::bigint FROM verifications_by_day)";
        let found: (i64, i64) = sqlx::query_as(counts).fetch_one(store.pool()).await.unwrap();
        found == (verifications, refused_reuses)
    })
    .await;
}

/// Asserts that the database equals the chain: its roots are those of the registries' accounts, and
/// its rows are those of a new database that reads the whole history from the node without faults.
pub async fn assert_equals_chain(database: &TestDatabase, chain: &DrillChain, actors: &[Actor]) {
    assert_columns_equal_chain(database, chain, actors, |_, _| true).await;
}

/// Asserts the same as [`assert_equals_chain`] for some columns. `is_compared` gets the names of a
/// table and of one of its columns.
pub async fn assert_columns_equal_chain(
    database: &TestDatabase,
    chain: &DrillChain,
    actors: &[Actor],
    is_compared: impl Fn(&str, &str) -> bool,
) {
    let store = &database.store;
    for expected in actors.iter().map(Actor::expected) {
        let (_, account) = expected
            .rpc
            .account(&expected.registry, CommitmentLevel::Confirmed)
            .await
            .unwrap();
        let account = account.unwrap();
        let on_chain: Registry = decode_account(&account.owner, &account.data).unwrap();
        let registry = store.registry(expected.registry).await.unwrap();
        assert_eq!(registry.sequence, Sequence::new(on_chain.sequence));
        let now = i64::MAX >> 32;
        // The newest valid root is the current one.
        let root = store.valid_roots(&registry, now).await.unwrap()[0];
        assert_eq!(root.root.to_bytes(), on_chain.root);
        assert_eq!(root.root, expected.tree.root());
    }
    let new_database = TestDatabase::create().await.unwrap();
    let node = source(&[chain.rpc_url().to_owned()]);
    let mut follower = Follower::new(node, new_database.store.clone(), follow_settings());
    follower.step().await.unwrap();
    caught_up(&new_database.store, actors).await;
    let (found, expected) = (
        rows_of_the_chain(database.pool()).await.unwrap(),
        rows_of_the_chain(new_database.pool()).await.unwrap(),
    );
    for (table, rows) in &expected {
        let compared = |rows: &[String]| compared_rows(rows, |column| is_compared(table, column));
        assert_eq!(compared(&found[table]), compared(rows), "{table}");
    }
    let rows = |table: &str| expected[table].len();
    println!(
        "equal: {} events, {} leaves, {} holdings, {} verifications, {} refused reuses",
        rows("events"),
        rows("merkle_leaves"),
        rows("holdings"),
        rows("nullifiers"),
        actors
            .iter()
            .map(|actor| actor.expected().refused_reuses)
            .sum::<u64>()
    );
    let mut not_empty = vec!["events", "merkle_leaves", "roots", "tiles"];
    if actors.iter().any(|actor| actor.expected().verifications > 0) {
        not_empty.extend(["holdings", "track_owners", "anonymity_sets", "growth_by_day"]);
        not_empty.extend(["scopes", "nullifiers", "verifications", "verifications_by_day"]);
    }
    for table in not_empty {
        assert!(
            !expected[table].is_empty(),
            "{table} is empty, so the comparison proves nothing"
        );
    }
}

/// Returns the rows of a table without the columns that are not compared.
fn compared_rows(rows: &[String], is_compared: impl Fn(&str) -> bool) -> Vec<String> {
    let mut compared: Vec<_> = rows
        .iter()
        .map(|row| {
            let mut row: serde_json::Map<String, serde_json::Value> = serde_json::from_str(row).unwrap();
            row.retain(|column, _| is_compared(column));
            serde_json::Value::from(row).to_string()
        })
        .collect();
    compared.sort_unstable();
    compared
}

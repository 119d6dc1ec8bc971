//! Indexers at work, and what a database is compared with.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bauta::state::Registry;
use bauta_client::decode_account;
use bauta_indexer::rpc::{NodeSettings, RpcSource};
use bauta_indexer::{Follower, Indexer, RunSettings, Settings, Status, wake};
use bauta_rpc::{Commitment, Pubsub};
use bauta_store::Store;
use bauta_store::testing::{TestDatabase, rows_of_the_chain};
use solana_address::Address;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::world::{Author, Seen, World, eventually};

pub fn program() -> Address {
    bauta::ID
}

pub fn follow() -> Settings {
    Settings {
        compare_interval: Duration::from_millis(500),
        backfill_slots: u64::MAX,
        ..Settings::new(program())
    }
}

fn source(urls: &[String]) -> Arc<RpcSource> {
    let nodes: Vec<_> = urls
        .iter()
        .map(|url| NodeSettings {
            url: url.clone(),
            concurrency: 8,
            per_second: NonZeroU32::new(1_000).unwrap(),
            patience: Duration::from_secs(5),
        })
        .collect();
    Arc::new(RpcSource::new(program(), &nodes).unwrap())
}

/// An indexer at work in this process, until dropped.
pub struct Running {
    pub status: watch::Receiver<Status>,
    shutdown: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// Reads from these nodes, woken by this websocket.
    pub fn start(nodes: &[String], websocket: &str, store: Store) -> Self {
        let settings = RunSettings {
            follow: follow(),
            poll_interval: Duration::from_millis(500),
            // at these slot times the chain calls everything final after two seconds, and the forks of a drill are longer
            finality_interval: Duration::from_hours(1),
            reconcile_interval: Some(Duration::from_secs(1)),
        };
        let (indexer, status) = Indexer::new(source(nodes), store, settings);
        let shutdown = CancellationToken::new();
        let awake = indexer.awake();
        let tasks = vec![
            tokio::spawn(wake(Pubsub::new(websocket).unwrap(), program(), awake)),
            tokio::spawn(indexer.run(shutdown.clone())),
        ];
        Self {
            status,
            shutdown,
            tasks,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Waits until a database has the last change of each registry, and every use.
pub async fn caught_up(store: &Store, authors: &[Author]) {
    let of_all = |count: fn(&Seen) -> u64| {
        let all: u64 = authors.iter().map(|author| count(author.seen())).sum();
        i64::try_from(all).unwrap()
    };
    let (uses, refused) = (of_all(|seen| seen.uses), of_all(|seen| seen.refused));
    eventually("the database has every change", async || {
        for author in authors {
            let Ok(registry) = store.registry(author.seen().address()).await else {
                return false;
            };
            if registry.sequence.get() != author.seen().changes {
                return false;
            }
        }
        let counts = "SELECT (SELECT count(*) FROM nullifiers),
                             (SELECT coalesce(sum(refused), 0)::bigint FROM verifications_by_day)";
        let found: (i64, i64) = sqlx::query_as(counts).fetch_one(store.pool()).await.unwrap();
        found == (uses, refused)
    })
    .await;
}

/// That the database is what the chain says: the roots in the registries' accounts, and row for row a new database that reads
/// the whole history from the node itself.
pub async fn assert_exact(database: &TestDatabase, world: &World, authors: &[Author]) {
    let store = &database.store;
    for seen in authors.iter().map(Author::seen) {
        let (_, account) = seen
            .rpc
            .account(&seen.registry, Commitment::Confirmed)
            .await
            .unwrap();
        let account = account.unwrap();
        let on_chain: Registry = decode_account(&account.owner, &account.data).unwrap();
        let registry = store.registry(seen.address()).await.unwrap();
        assert_eq!(registry.sequence.get(), on_chain.sequence);
        let now = i64::MAX >> 32;
        let root = store.root_to_prove(&registry, now).await.unwrap();
        assert_eq!(root.root.to_bytes(), on_chain.root);
        assert_eq!(root.root, seen.tree.root());
    }
    let fresh = TestDatabase::create().await.unwrap();
    let node = source(&[world.rpc_url().to_owned()]);
    let mut follower = Follower::new(node, fresh.store.clone(), follow());
    follower.step().await.unwrap();
    caught_up(&fresh.store, authors).await;
    let (found, fresh) = (
        rows_of_the_chain(database.pool()).await.unwrap(),
        rows_of_the_chain(fresh.pool()).await.unwrap(),
    );
    for (table, rows) in &fresh {
        assert_eq!(found[table], *rows, "{table}");
    }
    let rows = |table: &str| fresh[table].len();
    println!(
        "equal: {} events, {} leaves, {} holdings, {} uses, {} refused",
        rows("events"),
        rows("merkle_leaves"),
        rows("holdings"),
        rows("nullifiers"),
        authors.iter().map(|author| author.seen().refused).sum::<u64>()
    );
    let mut filled = vec!["events", "merkle_leaves", "roots", "tiles"];
    if authors.iter().any(|author| author.seen().uses > 0) {
        filled.extend(["holdings", "track_owners", "anonymity_sets", "growth_by_day"]);
        filled.extend(["scopes", "nullifiers", "verifications", "verifications_by_day"]);
    }
    for table in filled {
        assert!(!fresh[table].is_empty(), "{table} is compared with nothing in it");
    }
}

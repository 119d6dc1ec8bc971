use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bauta_indexer::testing::{Chain, Recorded, named, program};
use bauta_indexer::{Follower, Settings, Step};
use bauta_store::testing::TestDatabase;
use sqlx::Row;

/// A follower, its source and its database.
pub struct Scene {
    pub database: TestDatabase,
    pub source: Arc<Recorded>,
    pub follower: Follower<Recorded>,
}

impl Scene {
    pub async fn of(chain: &Chain) -> Self {
        let database = TestDatabase::create().await.unwrap();
        let source = Arc::new(Recorded::of(chain));
        let follower = Follower::new(Arc::clone(&source), database.store.clone(), settings());
        Self {
            database,
            source,
            follower,
        }
    }

    /// Steps until nothing is to be done at once.
    pub async fn settle(&mut self) -> Step {
        for _ in 0..20 {
            let step = self.follower.step().await.unwrap();
            if !step.again {
                return step;
            }
        }
        panic!("the follower goes round and round");
    }

    /// A follower that knows nothing but the database.
    pub fn restart(&mut self) {
        self.follower = Follower::new(Arc::clone(&self.source), self.database.store.clone(), settings());
    }

    /// That every row is as after following the same chain in one go.
    pub async fn assert_like_fresh(&self, chain: &Chain) {
        let mut fresh = Self::of(chain).await;
        fresh.settle().await;
        assert_eq!(rows(&self.database).await, rows(&fresh.database).await);
    }
}

pub fn settings() -> Settings {
    Settings {
        compare_interval: Duration::ZERO,
        batch_transactions: 4,
        ..Settings::new(program())
    }
}

/// A registry of holders with some, a scope, some uses; a few slots.
pub fn small_chain() -> Chain {
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = Chain::default();
    chain.initialize();
    chain.create(registry, bauta::state::RegistryKind::Holders);
    for mint in 0..6 {
        chain.wait(1);
        chain.register(registry, mint, mint / 2, 7).unwrap();
        chain.register(registry, 100 + mint, mint, 8).unwrap();
    }
    chain.wait(1);
    chain.open_scope(scope, registry);
    for track in [7, 8, 7] {
        chain.wait(1);
        chain.verify(scope, registry, track);
    }
    chain.wait(1);
    chain
}

/// Every row of every table that follows the chain, as text. Batches are counted, and two followers cut them differently.
pub async fn rows(database: &TestDatabase) -> BTreeMap<String, Vec<String>> {
    let tables = sqlx::query(
        "SELECT table_name::text FROM information_schema.tables
         WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
           AND table_name NOT IN ('_sqlx_migrations', 'journal', 'finality')",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    let mut rows = BTreeMap::new();
    for table in tables {
        let table: String = table.get(0);
        // tiles: versions that no valid root reaches depend on where batches end
        let query = match table.as_str() {
            "tiles" => {
                "SELECT to_jsonb(t)::text FROM tiles t WHERE until_sequence IS NULL ORDER BY 1".to_owned()
            }
            "roots" => "SELECT (to_jsonb(t) - 'stored')::text FROM roots t ORDER BY 1".to_owned(),
            _ => format!("SELECT (to_jsonb(t) - 'batch')::text FROM {table} t ORDER BY 1"),
        };
        let found = sqlx::query(sqlx::AssertSqlSafe(query))
            .fetch_all(database.pool())
            .await
            .unwrap();
        rows.insert(table, found.iter().map(|row| row.get(0)).collect());
    }
    rows
}

/// A table's number of rows.
pub async fn count(database: &TestDatabase, table: &str) -> i64 {
    let query = format!("SELECT count(*) FROM {table}");
    sqlx::query(sqlx::AssertSqlSafe(query))
        .fetch_one(database.pool())
        .await
        .unwrap()
        .get(0)
}

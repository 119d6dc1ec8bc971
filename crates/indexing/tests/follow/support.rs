use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bauta_indexing::chain::Head;
use bauta_indexing::testing::{TestChain, TestSource, named};
use bauta_indexing::{Follower, IndexerError, Settings, Step, request_quarantined};
use bauta_store::testing::TestDatabase;
use sqlx::Row;

/// A follower with its source and its database.
pub struct Fixture {
    pub database: TestDatabase,
    pub source: Arc<TestSource>,
    pub follower: Follower<TestSource>,
}

impl Fixture {
    pub async fn new(chain: &TestChain) -> Self {
        let database = TestDatabase::create().await.unwrap();
        let source = Arc::new(TestSource::new(chain));
        let follower = Follower::new(Arc::clone(&source), database.store.clone(), settings());
        Self {
            database,
            source,
            follower,
        }
    }

    /// Makes all slots of the chain final.
    pub fn finalize(&self, chain: &TestChain) {
        self.source.state().head = Some(Head {
            confirmed: chain.slot,
            finalized: chain.slot,
        });
    }

    /// Steps until no further step has to follow at once.
    pub async fn settle(&mut self) -> Step {
        for _ in 0..20 {
            let step = self.follower.step().await.unwrap();
            if !step.again {
                return step;
            }
        }
        panic!("20 steps were not enough");
    }

    /// Steps until one fails, and returns its error.
    pub async fn first_error(&mut self) -> IndexerError {
        for _ in 0..20 {
            if let Err(error) = self.follower.step().await {
                return error;
            }
        }
        panic!("20 steps without an error");
    }

    /// Requests the quarantined transactions that are due, and applies the answers. Returns whether
    /// some can be applied now.
    pub async fn retry_quarantined(&mut self) -> Result<bool, IndexerError> {
        match request_quarantined(&self.database.store, &self.source).await? {
            Some(answers) => self.follower.apply_quarantine_answers(answers).await,
            None => Ok(false),
        }
    }

    /// Replaces the follower by a new one, which only knows the database.
    pub fn restart(&mut self) {
        self.restart_with(settings());
    }

    /// Replaces the follower like [`Self::restart`], with other settings.
    pub fn restart_with(&mut self, settings: Settings) {
        self.follower = Follower::new(Arc::clone(&self.source), self.database.store.clone(), settings);
    }

    /// Asserts that the rows equal those of a new database that has followed the same chain without
    /// interruption.
    pub async fn assert_equals_new_database(&self, chain: &TestChain) {
        let mut new = Self::new(chain).await;
        new.settle().await;
        assert_eq!(rows(&self.database).await, rows(&new.database).await);
    }
}

pub fn settings() -> Settings {
    Settings {
        compare_interval: Duration::ZERO,
        batch_transactions: 4,
        ..Settings::new(bauta::ID)
    }
}

/// Returns a chain of a few slots with a registry of holders, 12 registrations, a scope and three
/// verifications.
pub fn small_chain() -> TestChain {
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = TestChain::default();
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

/// Returns all rows of the tables that follow the chain, as text. The batch numbers are left out,
/// because two followers divide the chain into different batches. The rollbacks and the contests of
/// one follower are left out as well.
pub async fn rows(database: &TestDatabase) -> BTreeMap<String, Vec<String>> {
    let tables = sqlx::query(
        "SELECT table_name::text FROM information_schema.tables
         WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
           AND table_name NOT IN ('_sqlx_migrations', 'journal', 'finality', 'rewinds', 'contested')",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    let mut rows = BTreeMap::new();
    for table in tables {
        let table: String = table.get(0);
        // Which old tiles exist depends on where batches end, if no valid root reaches them.
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

/// Returns the number of rows of a table.
pub async fn count(database: &TestDatabase, table: &str) -> i64 {
    let query = format!("SELECT count(*) FROM {table}");
    sqlx::query(sqlx::AssertSqlSafe(query))
        .fetch_one(database.pool())
        .await
        .unwrap()
        .get(0)
}

//! Databases for tests and benchmarks. Each is fresh and gone when its value is.
//!
//! They are made on the server that `DATABASE_URL` names, whose user must be allowed to create databases and roles; or
//! else on a private server that all tests of a process share and that ends with the process.

use std::collections::BTreeMap;
use std::error::Error;
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, process, thread};

use bauta_dev_servers::Postgres;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgPool, Row};

use crate::Store;

static SERVER: OnceLock<Result<Postgres, String>> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A database of one test.
pub struct TestDatabase {
    /// Connected to it.
    pub store: Store,
    server: String,
    name: String,
}

impl TestDatabase {
    /// A migrated one.
    pub async fn create() -> Result<Self, Box<dyn Error>> {
        let database = Self::empty().await?;
        database.store.migrate().await?;
        Ok(database)
    }

    /// One without any table.
    pub async fn empty() -> Result<Self, Box<dyn Error>> {
        let server = match env::var("DATABASE_URL") {
            Ok(url) => url,
            Err(_) => match SERVER.get_or_init(|| Postgres::start().map_err(|error| error.to_string())) {
                Ok(server) => server.url().to_owned(),
                Err(error) => return Err(error.clone().into()),
            },
        };
        Self::on(&server).await
    }

    /// One without any table on the server that a superuser reaches by this URL.
    pub async fn on(server: &str) -> Result<Self, Box<dyn Error>> {
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
        let name = format!("bauta_test_{}_{number}_{now}", process::id());
        execute(server, &format!("CREATE DATABASE {name}")).await?;
        let mut url = PgConnectOptions::from_str(server)?.to_url_lossy();
        url.set_path(&name);
        let store = Store::connect(url.as_str(), 8).await?;
        Ok(Self {
            store,
            server: server.to_owned(),
            name,
        })
    }

    /// For queries that only a test asks.
    #[must_use]
    pub const fn pool(&self) -> &PgPool {
        &self.store.pool
    }

    /// Its URL.
    pub fn url(&self) -> Result<String, Box<dyn Error>> {
        let mut url = PgConnectOptions::from_str(&self.server)?.to_url_lossy();
        url.set_path(&self.name);
        Ok(url.to_string())
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // Drop can't wait for a future on the test's own runtime. A database that stays is no reason to fail.
        let dropped = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                let drop = format!("DROP DATABASE {name} WITH (FORCE)");
                let _ = runtime.block_on(execute(&server, &drop));
            }
        });
        let _ = dropped.join();
    }
}

/// Every row that follows from the chain, as JSON, by table: equal in two databases that have read the same history, in
/// whatever batches and with whatever forks between.
///
/// Left out is what depends on where batches ended: journal, finality and checkpoint; which old roots' trees are stored,
/// and the tiles of those. So are jobs, which aren't of the chain. The tiles of current trees are in, without the change since which they are as they are.
pub async fn rows_of_the_chain(pool: &PgPool) -> Result<BTreeMap<String, Vec<String>>, sqlx::Error> {
    let tables = sqlx::query(
        "SELECT table_name::text FROM information_schema.tables
         WHERE table_schema = current_schema AND table_type = 'BASE TABLE'
           AND table_name NOT IN ('_sqlx_migrations', 'journal', 'finality', 'checkpoint', 'jobs')",
    )
    .fetch_all(pool)
    .await?;
    let mut rows = BTreeMap::new();
    for table in tables.iter().map(|row| row.get::<String, _>(0)) {
        let row = match table.as_str() {
            "roots" => "to_jsonb(t) - 'stored' AS row FROM roots t",
            "tiles" => {
                "to_jsonb(t) - '{since_sequence,until_sequence}'::text[] AS row FROM tiles t
                 WHERE until_sequence IS NULL"
            }
            other => &format!("to_jsonb(t) AS row FROM {other} t"),
        };
        let query = format!("SELECT row::text FROM (SELECT {row}) r ORDER BY 1");
        let found = sqlx::query(AssertSqlSafe(query)).fetch_all(pool).await?;
        rows.insert(table, found.iter().map(|row| row.get(0)).collect());
    }
    Ok(rows)
}

async fn execute(server: &str, sql: &str) -> Result<(), sqlx::Error> {
    let mut connection = PgConnectOptions::from_str(server)?.connect().await?;
    sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await?;
    connection.close().await
}

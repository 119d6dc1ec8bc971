//! Databases for tests and benchmarks.
//!
//! They are created on the server of `DATABASE_URL`, whose user needs the right to create databases
//! and roles. Without that variable, they are created on a private server. All tests of a process
//! share it, and it stops with the process.

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
use tokio::sync::OnceCell;

use crate::Store;

static SERVER: OnceLock<Result<Postgres, String>> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);
/// The name of the database with the newest schema on the private server. A copy of it takes less
/// time than the migrations.
static TEMPLATE: OnceCell<String> = OnceCell::const_new();

/// A new database. It is dropped with this value.
pub struct TestDatabase {
    /// A store that is connected to the database.
    pub store: Store,
    server: String,
    name: String,
}

impl TestDatabase {
    /// Creates a database with the newest schema.
    pub async fn create() -> Result<Self, Box<dyn Error>> {
        if let Some(server) = server_of_environment() {
            let database = Self::on(&server).await?;
            database.store.migrate().await?;
            return Ok(database);
        }
        let server = private_server()?;
        let template = TEMPLATE.get_or_try_init(|| create_template(server)).await?;
        Self::with(server, &format!("TEMPLATE {template}")).await
    }

    /// Creates a database without tables.
    pub async fn empty() -> Result<Self, Box<dyn Error>> {
        match server_of_environment() {
            Some(server) => Self::on(&server).await,
            None => Self::on(private_server()?).await,
        }
    }

    /// Creates a database without tables on the server of a URL, whose user must be a superuser.
    pub async fn on(server: &str) -> Result<Self, Box<dyn Error>> {
        Self::with(server, "").await
    }

    /// Creates a database with these options of `CREATE DATABASE`.
    async fn with(server: &str, options: &str) -> Result<Self, Box<dyn Error>> {
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
        let name = format!("bauta_test_{}_{number}_{now}", process::id());
        execute(server, &format!("CREATE DATABASE {name} {options}")).await?;
        let store = Store::connect(&url_of(server, &name)?, 8).await?;
        Ok(Self {
            store,
            server: server.to_owned(),
            name,
        })
    }

    /// Returns the store's pool, for queries that only a test runs.
    #[must_use]
    pub const fn pool(&self) -> &PgPool {
        &self.store.pool
    }

    /// Returns the URL of the database.
    pub fn url(&self) -> Result<String, Box<dyn Error>> {
        url_of(&self.server, &self.name)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // `drop` can't wait for a future on the runtime of the test. A database that can't be
        // dropped does not fail the test.
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

/// Returns the names of the tables that follow the chain, parents before children.
pub async fn chain_tables(pool: &PgPool) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(crate::switchover::CHAIN_TABLES)
        .fetch_all(pool)
        .await
}

/// Returns every row that follows from the chain, as JSON, by table. The rows are equal in two
/// databases that have read the same history, whatever the batches and the forks in between.
///
/// Rows that depend on the ends of batches are left out: journal, finality and checkpoint, the
/// marks of replaced roots whose trees are stored, and the tiles of those roots. The tiles of
/// current trees are included, without the change since which they are as they are.
pub async fn rows_of_the_chain(pool: &PgPool) -> Result<BTreeMap<String, Vec<String>>, sqlx::Error> {
    let mut rows = BTreeMap::new();
    for table in chain_tables(pool).await? {
        let row = match table.as_str() {
            "journal" | "finality" | "checkpoint" => continue,
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

/// Returns the server that the environment names.
fn server_of_environment() -> Option<String> {
    env::var("DATABASE_URL").ok()
}

/// Returns the URL of the server that all tests of this process share. The first call starts it.
fn private_server() -> Result<&'static str, Box<dyn Error>> {
    match SERVER.get_or_init(|| Postgres::start().map_err(|error| error.to_string())) {
        Ok(server) => Ok(server.url()),
        Err(error) => Err(error.clone().into()),
    }
}

/// Creates the template on a server and returns its name.
async fn create_template(server: &str) -> Result<String, Box<dyn Error>> {
    let name = "bauta_template".to_owned();
    // An earlier attempt may have failed after this statement.
    execute(server, &format!("DROP DATABASE IF EXISTS {name}")).await?;
    execute(server, &format!("CREATE DATABASE {name}")).await?;
    let store = Store::connect(&url_of(server, &name)?, 1).await?;
    store.migrate().await?;
    // A database can be copied while no session uses it.
    store.pool.close().await;
    Ok(name)
}

/// Returns the URL of a database on a server.
fn url_of(server: &str, database: &str) -> Result<String, Box<dyn Error>> {
    let mut url = PgConnectOptions::from_str(server)?.to_url_lossy();
    url.set_path(database);
    Ok(url.to_string())
}

async fn execute(server: &str, sql: &str) -> Result<(), sqlx::Error> {
    let mut connection = PgConnectOptions::from_str(server)?.connect().await?;
    sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await?;
    connection.close().await
}

//! The versions of the schema. Their SQL is in `migrations/` at the top of the repository.
//!
//! `sqlx::migrate!` embeds that folder. It supports what the schema needs: a version and a checksum
//! for each file, a file that runs outside a transaction if it begins with `-- no-transaction`, and
//! `set_ignore_missing` for a program that accepts a newer, compatible schema. It adds nothing to
//! the build, because the queue engine enables sqlx's macros anyway. On stable Rust the macro does
//! not notice a new file by itself; `build.rs` makes cargo check for one.
//!
//! The store takes its own lock. sqlx waits for its lock inside a statement, and that statement
//! keeps a snapshot. `CREATE INDEX CONCURRENTLY` waits for all older snapshots, so it would
//! deadlock with a second process that waits to migrate. The store polls the lock instead.
//!
//! A program works with a range of schema versions, so that two releases can run side by side
//! during an upgrade. It needs [`OLDEST_SUPPORTED`] or newer. If the schema is newer than the
//! program, the table `schema_compatibility` names the programs that can use it.

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{Store, StoreError, limits};

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// The oldest migration with which this version works.
pub const OLDEST_SUPPORTED: i64 = 54;
/// The first number of the advisory lock of migrations: "baum" in ASCII. The second number is a
/// hash of the schema.
const LOCK: i32 = 0x6261_756d;
/// The time between two attempts to take the lock.
const LOCK_INTERVAL: Duration = Duration::from_millis(50);

/// Returns the version of the newest migration of this crate.
#[must_use]
pub fn newest_migration() -> i64 {
    MIGRATOR.iter().last().map_or(0, |migration| migration.version)
}

impl Store {
    /// Brings the schema to the [newest version](newest_migration). An advisory lock makes
    /// processes that start together migrate once. Each migration is one transaction, except those
    /// that build an index concurrently. A newer schema is not changed. It is refused if it is not
    /// compatible with this version.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.migrate_to(newest_migration()).await
    }

    /// Brings the schema to `version`, for tests of later migrations.
    pub async fn migrate_to(&self, version: i64) -> Result<(), StoreError> {
        let mut connection = self.pool.acquire().await?.detach();
        let result = run(&mut connection, version).await;
        // The end of the session releases the lock.
        connection.close().await?;
        result
    }

    /// Fails if this version cannot use the schema. Services that do not migrate call it when they
    /// start.
    pub async fn check_schema(&self) -> Result<(), StoreError> {
        let mut connection = self.pool.acquire().await?;
        let found = version(&mut connection).await?;
        if let Some(missing) = first_missing(&mut connection, found).await? {
            return Err(StoreError::OlderSchema {
                found: found.min(missing - 1),
                needed: OLDEST_SUPPORTED,
            });
        }
        check_newer(&mut connection, found).await
    }
}

/// Takes the lock and runs the migrations up to `target` that are missing.
async fn run(connection: &mut PgConnection, target: i64) -> Result<(), StoreError> {
    // The time to build an index of a large table has no bound. It waits for older statements.
    limits::lift(connection).await?;
    while !sqlx::query_scalar("SELECT pg_try_advisory_lock($1, hashtext(current_schema()))")
        .bind(LOCK)
        .fetch_one(&mut *connection)
        .await?
    {
        tokio::time::sleep(LOCK_INTERVAL).await;
    }
    let found = version(connection).await?;
    check_newer(connection, found).await?;
    drop_unfinished_indexes(connection).await?;
    let mut migrator = Migrator::with_migrations(MIGRATOR.iter().cloned().collect());
    // Newer migrations were checked above.
    migrator.set_locking(false).set_ignore_missing(true);
    Ok(migrator.run_direct(Some(target), connection, false).await?)
}

/// Returns the newest migration of the database. 0: none.
async fn version(connection: &mut PgConnection) -> Result<i64, StoreError> {
    let is_migrated: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !is_migrated {
        return Ok(0);
    }
    let version = sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations");
    Ok(version.fetch_one(connection).await?)
}

/// Returns the first migration up to [`OLDEST_SUPPORTED`] that was not applied. `found` is the
/// newest applied one. It can be newer than a missing one, if migrations were added in another
/// order.
async fn first_missing(connection: &mut PgConnection, found: i64) -> Result<Option<i64>, StoreError> {
    let mut applied: Vec<i64> = Vec::new();
    if found > 0 {
        let query = sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success");
        applied = query.fetch_all(connection).await?;
    }
    Ok(MIGRATOR
        .iter()
        .map(|migration| migration.version)
        .filter(|version| *version <= OLDEST_SUPPORTED)
        .find(|version| !applied.contains(version)))
}

/// Fails if the schema has migrations that are newer than this version, unless the schema allows
/// programs of this version.
async fn check_newer(connection: &mut PgConnection, found: i64) -> Result<(), StoreError> {
    let newest = newest_migration();
    if found <= newest {
        return Ok(());
    }
    let oldest: Option<i64> = sqlx::query_scalar("SELECT oldest_migration FROM schema_compatibility")
        .fetch_optional(connection)
        .await?;
    if oldest.is_some_and(|oldest| oldest <= newest) {
        Ok(())
    } else {
        Err(StoreError::NewerSchema { found, newest })
    }
}

/// Drops the indexes that an interrupted migration left. They are not used by queries, and their
/// names would make the migration fail when it runs again.
async fn drop_unfinished_indexes(connection: &mut PgConnection) -> Result<(), StoreError> {
    let unfinished: Vec<String> = sqlx::query_scalar(
        "SELECT quote_ident(c.relname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
         WHERE NOT i.indisvalid AND c.relnamespace = current_schema()::regnamespace",
    )
    .fetch_all(&mut *connection)
    .await?;
    for index in unfinished {
        sqlx::query(AssertSqlSafe(format!(
            "DROP INDEX CONCURRENTLY IF EXISTS {index}"
        )))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

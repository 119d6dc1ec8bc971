//! The versions of the schema. Their SQL is in `migrations/` at the top of the repository.
//!
//! `sqlx::migrate!` embeds that folder. It supports what the schema needs: a version and a checksum
//! for each file, a file that runs outside a transaction if it begins with `-- no-transaction`, and
//! `set_ignore_missing` for a program that accepts a newer, compatible schema. It adds nothing to
//! the build, because the queue engine enables sqlx's macros anyway. On stable Rust the macro does
//! not notice a new file by itself; `build.rs` tells cargo to look for one.
//!
//! One limit matters for a migration outside a transaction. sqlx waits for its lock inside a
//! statement, and that statement keeps a snapshot. `CREATE INDEX CONCURRENTLY` waits for all older
//! snapshots. So it deadlocks with a second process that waits to migrate. Before the first such
//! migration, replace sqlx's lock (`set_locking(false)`) with one that polls
//! `pg_try_advisory_lock`.

use std::cmp::Ordering;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection, Row};

use crate::{Store, StoreError};

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// Returns the version of the newest migration of this crate.
#[must_use]
pub fn newest_migration() -> i64 {
    MIGRATOR.iter().last().map_or(0, |migration| migration.version)
}

impl Store {
    /// Brings the schema to the [newest version](newest_migration). An advisory lock makes
    /// processes that start together migrate once. Each migration is one transaction. A database of
    /// a newer version is refused and not changed.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.migrate_to(newest_migration()).await
    }

    /// Brings the schema to `version`, for tests of later migrations.
    pub async fn migrate_to(&self, version: i64) -> Result<(), StoreError> {
        let mut connection = self.pool.acquire().await?.detach();
        let result = MIGRATOR.run_direct(Some(version), &mut connection, false).await;
        // A migrator that fails does not release its lock. The end of the session does.
        connection.close().await?;
        let newest = newest_migration();
        result.map_err(|error| match error {
            MigrateError::VersionMissing(found) if found > newest => {
                StoreError::NewerSchema { found, newest }
            }
            other => other.into(),
        })
    }

    /// Fails if the schema is not the [newest version](newest_migration). Services that do not
    /// migrate call it when they start.
    pub async fn check_schema(&self) -> Result<(), StoreError> {
        let is_migrated: bool = sqlx::query("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
            .fetch_one(&self.pool)
            .await?
            .get(0);
        let found: i64 = if is_migrated {
            sqlx::query("SELECT coalesce(max(version), 0) FROM _sqlx_migrations")
                .fetch_one(&self.pool)
                .await?
                .get(0)
        } else {
            0
        };
        let newest = newest_migration();
        match found.cmp(&newest) {
            Ordering::Equal => Ok(()),
            Ordering::Greater => Err(StoreError::NewerSchema { found, newest }),
            Ordering::Less => Err(StoreError::OlderSchema {
                found,
                needed: newest,
            }),
        }
    }
}

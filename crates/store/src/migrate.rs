//! The schema's versions. Their SQL is in `migrations/` at the top of the repository.

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{Connection, Row, SqlSafeStr};

use crate::{Store, StoreError};

/// Every migration, oldest first. A migration that has been released is never changed.
const MIGRATIONS: [(i64, &str, &str); 11] = [
    (1, "values", include_str!("../../../migrations/0001_values.sql")),
    (
        2,
        "registries",
        include_str!("../../../migrations/0002_registries.sql"),
    ),
    (3, "tree", include_str!("../../../migrations/0003_tree.sql")),
    (4, "uses", include_str!("../../../migrations/0004_uses.sql")),
    (
        5,
        "analytics",
        include_str!("../../../migrations/0005_analytics.sql"),
    ),
    (
        6,
        "checkpoint",
        include_str!("../../../migrations/0006_checkpoint.sql"),
    ),
    (7, "roles", include_str!("../../../migrations/0007_roles.sql")),
    (8, "jobs", include_str!("../../../migrations/0008_jobs.sql")),
    (
        9,
        "job_requests",
        include_str!("../../../migrations/0009_job_requests.sql"),
    ),
    (
        10,
        "commitment",
        include_str!("../../../migrations/0010_commitment.sql"),
    ),
    (
        11,
        "job_turns",
        include_str!("../../../migrations/0011_job_turns.sql"),
    ),
];

/// The newest version that this crate knows.
pub const NEWEST: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

impl Store {
    /// Brings the schema to [`NEWEST`], under an advisory lock: services that start together do it once. Each migration is
    /// a transaction of its own. A database of a newer version is refused and left alone.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.migrate_to(NEWEST).await
    }

    /// Brings the schema up to `version`, e.g. to test what comes after it.
    pub async fn migrate_to(&self, version: i64) -> Result<(), StoreError> {
        let migrations = MIGRATIONS.iter().map(|(version, name, sql)| {
            Migration::new(
                *version,
                (*name).into(),
                MigrationType::Simple,
                sql.into_sql_str(),
                false,
            )
        });
        let migrator = Migrator::with_migrations(migrations.collect());
        let mut connection = self.pool.acquire().await?.detach();
        let result = migrator.run_direct(Some(version), &mut connection, false).await;
        // The migrator doesn't release its lock when it fails; the end of the session does.
        connection.close().await?;
        result.map_err(|error| match error {
            MigrateError::VersionMissing(found) if found > NEWEST => StoreError::NewerSchema {
                found,
                newest: NEWEST,
            },
            other => other.into(),
        })
    }

    /// For services that only read: refuses a schema that isn't the one this crate was built for.
    pub async fn check_schema(&self) -> Result<(), StoreError> {
        let migrated: bool = sqlx::query("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
            .fetch_one(&self.pool)
            .await?
            .get(0);
        let found: i64 = if migrated {
            sqlx::query("SELECT coalesce(max(version), 0) FROM _sqlx_migrations")
                .fetch_one(&self.pool)
                .await?
                .get(0)
        } else {
            0
        };
        match found {
            NEWEST => Ok(()),
            newer if newer > NEWEST => Err(StoreError::NewerSchema {
                found,
                newest: NEWEST,
            }),
            _ => Err(StoreError::OlderSchema {
                found,
                needed: NEWEST,
            }),
        }
    }
}

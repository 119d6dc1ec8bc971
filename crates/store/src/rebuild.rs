//! A second database beside the first, in a schema of its own, and the moment when it takes the first one's place.
//!
//! ```text
//!   Store::in_schema ──> another Store: migrated, filled from the chain, while the first one serves
//!   Store::begin_switch: writers wait; readers don't
//!        the other one catches up
//!   Switch::finish: rows deleted and put in, one transaction: readers see the old rows, then the new ones
//! ```
//!
//! Rows are copied, not schemas renamed: a service's prepared statements stay valid, and its reads never wait.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Postgres, Row, Transaction};

use crate::{Position, Store, StoreError, checkpoint};

/// Every table that follows the chain, parents before children.
const TABLES: [&str; 20] = [
    "config",
    "circuits",
    "registries",
    "collections",
    "holdings",
    "scopes",
    "merkle_leaves",
    "roots",
    "tiles",
    "nullifiers",
    "verifications",
    "verifications_by_hour",
    "verifications_by_day",
    "track_owners",
    "anonymity_sets",
    "growth_by_day",
    "events",
    "checkpoint",
    "finality",
    "journal",
];

impl Store {
    /// Connects to a schema of the database, which is made anew: whatever was in it is gone. The user has to be allowed to
    /// create schemas. `schema` is a plain name: letters, digits and `_`.
    pub async fn in_new_schema(url: &str, connections: u32, schema: &str) -> Result<Self, StoreError> {
        let schema = plain(schema)?;
        let options = PgConnectOptions::from_str(url).map_err(StoreError::NoAddress)?;
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(5))
            .connect_with(options.options([("search_path", schema)]))
            .await
            .map_err(StoreError::Unreachable)?;
        let store = Self { pool };
        store.drop_schema(schema).await?;
        sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA {schema}")))
            .execute(&store.pool)
            .await?;
        Ok(store)
    }

    /// Drops a schema with everything in it, if it is there.
    pub async fn drop_schema(&self, schema: &str) -> Result<(), StoreError> {
        let schema = plain(schema)?;
        sqlx::query(AssertSqlSafe(format!("DROP SCHEMA IF EXISTS {schema} CASCADE")))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Keeps every writer waiting, until the switch is finished or dropped.
    pub async fn begin_switch(&self) -> Result<Switch, StoreError> {
        let mut transaction = self.pool.begin().await?;
        checkpoint::lock(&mut transaction).await?;
        let at = checkpoint::read(&mut transaction)
            .await?
            .map(|(_, position)| position);
        Ok(Switch { transaction, at })
    }
}

/// A database whose writers wait.
pub struct Switch {
    transaction: Transaction<'static, Postgres>,
    at: Option<Position>,
}

impl Switch {
    /// Where the database is. What takes its place has to have got there.
    #[must_use]
    pub const fn checkpoint(&self) -> Option<Position> {
        self.at
    }

    /// Puts the rows of another schema in the place of all rows here. The trees of Attested registries, which come from their
    /// authorities, stay where the other schema knows the same roots. Refused when the other schema is behind.
    pub async fn finish(mut self, fresh: &Store, schema: &str) -> Result<(), StoreError> {
        let schema = plain(schema)?;
        let reached = fresh.checkpoint().await?;
        if reached < self.at {
            return Err(StoreError::NotContiguous {
                from: self.at.unwrap_or(Position::end_of_slot(0)),
                at: reached,
            });
        }
        self.carry_attested_trees(schema).await?;
        for table in TABLES.iter().rev() {
            sqlx::query(AssertSqlSafe(format!("DELETE FROM {table}")))
                .execute(&mut *self.transaction)
                .await?;
        }
        for table in TABLES {
            let columns: String = sqlx::query(
                "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
                 WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
            )
            .bind(table)
            .fetch_one(&mut *self.transaction)
            .await?
            .get(0);
            let copy = format!(
                "INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {schema}.{table}"
            );
            sqlx::query(AssertSqlSafe(copy))
                .execute(&mut *self.transaction)
                .await?;
        }
        // the journal's own numbers go on where the copied ones end
        sqlx::query(
            "SELECT setval(pg_get_serial_sequence('journal', 'id'), greatest(1, (SELECT max(id) FROM journal)))",
        )
        .execute(&mut *self.transaction)
        .await?;
        self.transaction.commit().await?;
        Ok(())
    }

    async fn carry_attested_trees(&mut self, schema: &str) -> Result<(), StoreError> {
        // registries whose every stored root is a root there too
        let same = format!(
            "SELECT f.id AS fresh_id, p.id AS old_id FROM registries p
             JOIN {schema}.registries f ON f.address::bytea = p.address::bytea
             WHERE p.kind = 'attested' AND NOT EXISTS (
                 SELECT FROM roots o WHERE o.registry_id = p.id AND o.stored AND NOT EXISTS (
                     SELECT FROM {schema}.roots n
                     WHERE n.registry_id = f.id AND n.sequence = o.sequence AND n.root::bytea = o.root::bytea))"
        );
        for statement in [
            format!(
                "INSERT INTO {schema}.tiles
                 SELECT s.fresh_id, t.level, t.position, t.since_sequence, t.until_sequence, t.hash, t.nodes
                 FROM ({same}) s JOIN tiles t ON t.registry_id = s.old_id"
            ),
            format!(
                "INSERT INTO {schema}.merkle_leaves (registry_id, index, wallet_hash, token_id, track_id, leaf_hash, created_at)
                 SELECT s.fresh_id, l.index, l.wallet_hash, l.token_id, l.track_id, l.leaf_hash, l.created_at
                 FROM ({same}) s JOIN merkle_leaves l ON l.registry_id = s.old_id"
            ),
            format!(
                "UPDATE {schema}.roots n SET stored = true
                 FROM ({same}) s JOIN roots o ON o.registry_id = s.old_id AND o.stored
                 WHERE n.registry_id = s.fresh_id AND n.sequence = o.sequence"
            ),
        ] {
            sqlx::query(AssertSqlSafe(statement))
                .execute(&mut *self.transaction)
                .await?;
        }
        Ok(())
    }
}

/// A name that needs no quotes in SQL.
fn plain(schema: &str) -> Result<&str, StoreError> {
    let is_plain = !schema.is_empty()
        && !schema.starts_with(|first: char| first.is_ascii_digit())
        && schema
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    if is_plain {
        Ok(schema)
    } else {
        Err(StoreError::Damaged(format!(
            "{schema:?} is no name of a schema: small letters, digits and _"
        )))
    }
}

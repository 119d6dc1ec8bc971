//! A rebuild of the database in a second schema, and the switchover to its rows.
//!
//! ```text
//!   Store::in_new_schema ──> a second Store: migrated and filled while the first one serves
//!   Store::begin_switchover: writers wait, readers do not
//!        the second store applies what is left
//!   Switchover::finish: deletes the old rows and copies the new ones in one transaction
//! ```
//!
//! Rows are copied and schemas are not renamed. So the prepared statements of services stay valid,
//! and readers never wait.

use sqlx::{AssertSqlSafe, Postgres, Row, Transaction};

use crate::store::parse_url;
use crate::{Position, SessionLimits, Store, StoreError, checkpoint, limits};

/// The tables that follow the chain, parents before children. Their list is in
/// `migrations/0006_checkpoint.sql`.
pub const CHAIN_TABLES: &str =
    "SELECT name FROM chain_tables() WITH ORDINALITY AS t (name, journaled, place) ORDER BY place";

impl Store {
    /// Connects to a new, empty schema of the database. An existing schema of that name is dropped
    /// first. The user needs the right to create schemas.
    ///
    /// Fails if `schema` has other characters than lower-case letters, digits and `_`, or begins
    /// with a digit.
    pub async fn in_new_schema(url: &str, connections: u32, schema: &str) -> Result<Self, StoreError> {
        let schema = check_name(schema)?;
        let options = parse_url(url)?.options([("search_path", schema)]);
        let options = SessionLimits::default().add_to(options);
        let store = Self::connect_with(options, connections).await?;
        store.drop_schema(schema).await?;
        sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA {schema}")))
            .execute(&store.pool)
            .await?;
        Ok(store)
    }

    /// Drops a schema and everything in it, if it exists.
    pub async fn drop_schema(&self, schema: &str) -> Result<(), StoreError> {
        let schema = check_name(schema)?;
        sqlx::query(AssertSqlSafe(format!("DROP SCHEMA IF EXISTS {schema} CASCADE")))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Blocks every writer of this store until the switchover is finished or dropped.
    pub async fn begin_switchover(&self) -> Result<Switchover, StoreError> {
        let mut transaction = self.begin_locked().await?;
        // It is idle while the other schema catches up. Then it copies every row.
        limits::lift_in_transaction(&mut transaction).await?;
        let last = checkpoint::last_batch(&mut transaction).await?;
        Ok(Switchover {
            transaction,
            checkpoint: last.map(|last| last.checkpoint),
        })
    }
}

/// A database whose writers wait.
pub struct Switchover {
    transaction: Transaction<'static, Postgres>,
    checkpoint: Option<Position>,
}

impl Switchover {
    /// Returns the checkpoint of this database. The new rows must reach it before [`Self::finish`].
    #[must_use]
    pub const fn checkpoint(&self) -> Option<Position> {
        self.checkpoint
    }

    /// Replaces all rows by those of another schema, which `fresh` is connected to. Fails if its
    /// checkpoint is before the one of this database.
    ///
    /// The trees of Attested registries are in no event; only their authorities have them. They are
    /// kept if the other schema has the same roots for them.
    pub async fn finish(mut self, fresh: &Store, schema: &str) -> Result<(), StoreError> {
        let schema = check_name(schema)?;
        let reached = fresh.checkpoint().await?;
        if let Some(from) = self.checkpoint.filter(|from| reached < Some(*from)) {
            return Err(StoreError::NotContiguous { from, at: reached });
        }
        self.keep_attested_trees(schema).await?;
        let tables: Vec<String> = sqlx::query_scalar(CHAIN_TABLES)
            .fetch_all(&mut *self.transaction)
            .await?;
        for table in tables.iter().rev() {
            sqlx::query(AssertSqlSafe(format!("DELETE FROM {table}")))
                .execute(&mut *self.transaction)
                .await?;
        }
        for table in &tables {
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
        // The identity column of the journal continues after the copied rows.
        sqlx::query(
            "SELECT setval(pg_get_serial_sequence('journal', 'id'), greatest(1, (SELECT max(id) FROM journal)))",
        )
        .execute(&mut *self.transaction)
        .await?;
        // The quarantine does not follow the chain. What the other schema could not read is kept,
        // and what it has applied is removed with the next request.
        sqlx::query(AssertSqlSafe(format!(
            "INSERT INTO quarantine SELECT * FROM {schema}.quarantine ON CONFLICT DO NOTHING"
        )))
        .execute(&mut *self.transaction)
        .await?;
        self.transaction.commit().await?;
        Ok(())
    }

    /// Copies the trees of Attested registries from this schema to the other one.
    async fn keep_attested_trees(&mut self, schema: &str) -> Result<(), StoreError> {
        // The registries whose stored roots are all roots in the other schema.
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

/// Refuses a name that SQL would have to quote.
fn check_name(schema: &str) -> Result<&str, StoreError> {
    let is_plain = !schema.is_empty()
        && !schema.starts_with(|first: char| first.is_ascii_digit())
        && schema
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    if is_plain {
        Ok(schema)
    } else {
        Err(StoreError::InvalidSchemaName {
            name: schema.to_owned(),
        })
    }
}

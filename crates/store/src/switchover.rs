//! A rebuild of the database in a second schema, and the switchover to its tables.
//!
//! ```text
//!   Store::in_new_schema ──> a second Store: filled while the first one serves
//!   Store::begin_switchover: writers wait, readers do not
//!        the second store applies what is left
//!   Switchover::finish: drops the old tables and moves the new ones into their schema,
//!        in one transaction
//! ```
//!
//! No row is copied. The new tables have the types of the old ones ([`empty_copy`]), so the
//! prepared statements of services stay valid.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, PgConnection, Postgres, Transaction};

use crate::store::parse_url;
use crate::{Position, SessionLimits, Store, StoreError, checkpoint, empty_copy, import, limits};

/// How long readers wait at most for one attempt to lock the tables. It is shorter than
/// `deadlock_timeout` (1 s), after which Postgres could end a reader that waits.
const LOCK_ATTEMPT: Duration = Duration::from_millis(250);
/// The time between two attempts. Readers do not wait meanwhile.
const LOCK_INTERVAL: Duration = Duration::from_millis(250);
/// How long the transactions of readers can delay the switchover before it fails.
const LOCK_TIMEOUT: Duration = Duration::from_mins(10);

/// The tables that follow the chain, parents before children. Their list is in
/// `migrations/0006_checkpoint.sql`.
pub const CHAIN_TABLES: &str =
    "SELECT name FROM chain_tables() WITH ORDINALITY AS t (name, journaled, position) ORDER BY position";

impl Store {
    /// Connects to a new schema of the database, which has the tables of the present one without
    /// their rows. An existing schema of that name is dropped first. The user must own the tables,
    /// like the user that migrates, and needs the right to create schemas.
    ///
    /// Fails if `schema` has characters other than lower-case letters, digits and `_`, or begins
    /// with a digit, and if the schema of the database is older than this version's.
    pub async fn in_new_schema(url: &str, connections: u32, schema: &str) -> Result<Self, StoreError> {
        let schema = check_name(schema)?;
        let present = Self::connect(url, 1).await?;
        present.check_schema().await?;
        let original = present.create_empty_copy(schema).await?;
        present.close().await;
        let options = parse_url(url)?.options([("search_path", format!("{schema},{original}"))]);
        let options = SessionLimits::default().add_to(options);
        Self::connect_with(options, connections).await
    }

    /// Creates the tables of the schema in use in a second schema. Returns the name of the schema
    /// in use.
    async fn create_empty_copy(&self, schema: &str) -> Result<String, StoreError> {
        self.drop_schema(schema).await?;
        let mut transaction = self.pool.begin().await?;
        let original: String = sqlx::query_scalar("SELECT current_schema()::text")
            .fetch_one(&mut *transaction)
            .await?;
        check_name(&original)?;
        empty_copy::use_schemas(&mut transaction, &[&original]).await?;
        sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA {schema}")))
            .execute(&mut *transaction)
            .await?;
        empty_copy::create(&mut transaction, &original, schema).await?;
        transaction.commit().await?;
        Ok(original)
    }

    /// Drops a schema and everything in it, if it exists.
    pub async fn drop_schema(&self, schema: &str) -> Result<(), StoreError> {
        let schema = check_name(schema)?;
        sqlx::query(AssertSqlSafe(format!("DROP SCHEMA IF EXISTS {schema} CASCADE")))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Blocks every writer of this store until the switchover is finished or dropped. Waits first
    /// for imports of trees.
    pub async fn begin_switchover(&self) -> Result<Switchover, StoreError> {
        let mut transaction = self.pool.begin().await?;
        import::lock_all_imports(&mut transaction).await?;
        checkpoint::lock(&mut transaction).await?;
        // It is idle while the other schema catches up.
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

    /// Replaces the tables that follow the chain by those of another schema, which `fresh` is
    /// connected to. Fails if its checkpoint is before the one of this database.
    ///
    /// A reader's statement waits at most a moment. A transaction of a reader that has read one of
    /// the tables delays the switchover, which fails with [`StoreError::TimedOut`] after ten
    /// minutes.
    ///
    /// If the events up to the checkpoint differ, subscribers and webhooks go back to the last event
    /// before the first difference.
    ///
    /// The trees of Attested registries are in no event; only their authorities have them. They are
    /// kept if the other schema has the same roots for them.
    pub async fn finish(mut self, fresh: &Store, schema: &str) -> Result<(), StoreError> {
        let schema = check_name(schema)?;
        let reached = fresh.checkpoint().await?;
        if let Some(from) = self.checkpoint.filter(|from| reached < Some(*from)) {
            return Err(StoreError::NotContiguous { from, at: reached });
        }
        self.record_difference(schema).await?;
        self.keep_attested_trees(schema).await?;
        // The quarantine and the contests do not follow the chain. What the other schema could not
        // read or set aside is kept, and what it has applied is removed.
        for statement in [
            format!("INSERT INTO quarantine SELECT * FROM {schema}.quarantine ON CONFLICT DO NOTHING"),
            format!(
                "DELETE FROM quarantine q WHERE EXISTS (
                     SELECT FROM {schema}.events e WHERE e.slot = q.slot AND e.signature = q.signature)"
            ),
            format!("INSERT INTO contested SELECT * FROM {schema}.contested ON CONFLICT DO NOTHING"),
            format!(
                "DELETE FROM contested c WHERE NOT c.has_other AND EXISTS (
                     SELECT FROM {schema}.events e WHERE e.slot = c.slot AND e.signature = c.signature)"
            ),
        ] {
            execute(&mut self.transaction, statement).await?;
        }
        self.change_places(schema).await?;
        self.transaction.commit().await?;
        Ok(())
    }

    /// Adds a rollback for subscribers if the events up to the checkpoint are others in the other
    /// schema. Writers wait for the comparison, and readers do not.
    async fn record_difference(&mut self, schema: &str) -> Result<(), StoreError> {
        let added: Option<i64> = sqlx::query_scalar(AssertSqlSafe(format!(
            "WITH first AS (
                 SELECT coalesce(o.slot, n.slot) AS slot,
                        coalesce(o.transaction_index, n.transaction_index) AS transaction_index,
                        coalesce(o.instruction_index, n.instruction_index) AS instruction_index,
                        coalesce(o.inner_index, n.inner_index) AS inner_index
                 FROM events o FULL JOIN (
                     SELECT e.* FROM {schema}.events e, checkpoint c
                     WHERE (e.slot, e.transaction_index, e.instruction_index, e.inner_index)
                           <= (c.slot, c.transaction_index, c.instruction_index, c.inner_index)) n
                     ON o.slot = n.slot AND o.transaction_index = n.transaction_index
                        AND o.instruction_index = n.instruction_index AND o.inner_index = n.inner_index
                        AND o.kind = n.kind AND o.signature = n.signature
                 WHERE o.slot IS NULL OR n.slot IS NULL
                 ORDER BY 1, 2, 3, 4 LIMIT 1)
             INSERT INTO rewinds (slot, transaction_index, instruction_index, inner_index)
             SELECT coalesce(e.slot, 0), coalesce(e.transaction_index, 0), coalesce(e.instruction_index, 0),
                    coalesce(e.inner_index, 0)
             FROM first f LEFT JOIN LATERAL (
                 SELECT * FROM events e
                 WHERE (e.slot, e.transaction_index, e.instruction_index, e.inner_index)
                       < (f.slot, f.transaction_index, f.instruction_index, f.inner_index)
                 ORDER BY e.slot DESC, e.transaction_index DESC, e.instruction_index DESC, e.inner_index DESC
                 LIMIT 1) e ON true
             RETURNING number"
        )))
        .fetch_optional(&mut *self.transaction)
        .await?;
        if let Some(added) = added {
            // As many as the trigger of rollbacks keeps.
            sqlx::query("DELETE FROM rewinds WHERE number <= $1 - 10000")
                .bind(added)
                .execute(&mut *self.transaction)
                .await?;
        }
        Ok(())
    }

    /// Drops the tables that follow the chain, and moves those of the other schema into their
    /// place.
    async fn change_places(&mut self, schema: &str) -> Result<(), StoreError> {
        let connection = &mut *self.transaction;
        let original: String = sqlx::query_scalar("SELECT current_schema()::text")
            .fetch_one(&mut *connection)
            .await?;
        let original = check_name(&original)?;
        let tables: Vec<String> = sqlx::query_scalar(CHAIN_TABLES)
            .fetch_all(&mut *connection)
            .await?;
        let in_schema = |schema: &str| {
            let names: Vec<_> = tables.iter().map(|table| format!("{schema}.{table}")).collect();
            names.join(", ")
        };
        let (old, new) = (in_schema(original), in_schema(schema));
        // Without statistics, the first statements would have bad plans.
        execute(connection, format!("ANALYZE {new}")).await?;
        let views: Vec<(String, String)> = sqlx::query_as(
            "SELECT format('%I.%I', current_schema(), relname),
                    CASE WHEN reloptions IS NOT NULL THEN format('WITH (%s) ', array_to_string(reloptions, ', ')) ELSE '' END
                        || 'AS ' || pg_get_viewdef(oid)
             FROM pg_class WHERE relkind = 'v' AND relnamespace = current_schema()::regnamespace ORDER BY oid",
        )
        .fetch_all(&mut *connection)
        .await?;
        // Autovacuum ends when another session waits for a table that it works on. It does so here,
        // while no reader waits, and it does not begin again.
        execute(connection, format!("LOCK TABLE {new} IN ACCESS EXCLUSIVE MODE")).await?;
        execute(
            connection,
            format!("LOCK TABLE {old} IN SHARE UPDATE EXCLUSIVE MODE"),
        )
        .await?;
        let mut locked = old.clone();
        for (view, _) in &views {
            locked = format!("{locked}, {view}");
        }
        lock_out_readers(&mut self.transaction, &locked).await?;

        let connection = &mut *self.transaction;
        // The definitions name tables without a schema, and find the new ones first.
        empty_copy::use_schemas(connection, &[schema, original]).await?;
        for (view, definition) in views {
            execute(connection, format!("CREATE OR REPLACE VIEW {view} {definition}")).await?;
        }
        // It fails if something else in the schema depends on one of the tables.
        execute(connection, format!("DROP TABLE {old}")).await?;
        for table in &tables {
            execute(
                connection,
                format!("ALTER TABLE {schema}.{table} SET SCHEMA {original}"),
            )
            .await?;
        }
        Ok(())
    }

    /// Copies the trees of Attested registries from this schema to the other one.
    async fn keep_attested_trees(&mut self, schema: &str) -> Result<(), StoreError> {
        // The registries whose stored roots are all roots in the other schema.
        let same = format!(
            "SELECT f.id AS fresh_id, p.id AS old_id FROM registries p
             JOIN {schema}.registries f ON f.address = p.address
             WHERE p.kind = 'attested' AND NOT EXISTS (
                 SELECT FROM roots o WHERE o.registry_id = p.id AND o.stored AND NOT EXISTS (
                     SELECT FROM {schema}.roots n
                     WHERE n.registry_id = f.id AND n.sequence = o.sequence AND n.root = o.root))"
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

/// Locks tables so that readers wait until the end of the transaction. Waits for the transactions
/// of readers, and meanwhile delays other readers only during its attempts.
async fn lock_out_readers(
    transaction: &mut Transaction<'static, Postgres>,
    tables: &str,
) -> Result<(), StoreError> {
    let start = Instant::now();
    loop {
        let mut attempt = transaction.begin().await?;
        set_statement_timeout(&mut attempt, LOCK_ATTEMPT).await?;
        let locked = execute(
            &mut attempt,
            format!("LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE"),
        )
        .await;
        match locked {
            Ok(()) => {
                set_statement_timeout(&mut attempt, Duration::ZERO).await?;
                attempt.commit().await?;
                return Ok(());
            }
            Err(error @ StoreError::TimedOut(_)) => {
                attempt.rollback().await?;
                if start.elapsed() > LOCK_TIMEOUT {
                    return Err(error);
                }
                tokio::time::sleep(LOCK_INTERVAL).await;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn set_statement_timeout(connection: &mut PgConnection, limit: Duration) -> Result<(), StoreError> {
    sqlx::query("SELECT set_config('statement_timeout', $1, true)")
        .bind(limit.as_millis().to_string())
        .execute(connection)
        .await?;
    Ok(())
}

async fn execute(connection: &mut PgConnection, statement: String) -> Result<(), StoreError> {
    sqlx::query(AssertSqlSafe(statement)).execute(connection).await?;
    Ok(())
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

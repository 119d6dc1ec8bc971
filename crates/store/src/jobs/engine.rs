//! The queue engine's schema. The engine creates its tables itself.

use sqlx::{AssertSqlSafe, Row};

use super::JobConnection;
use crate::{Store, StoreError};

/// Grants the role `bauta_prover` the use of the engine's tables and functions. The engine's tables
/// have row-level security, which hides all rows from a role without a policy.
const GRANTS: &str = "
DO $$
DECLARE
    engine text := current_setting('bauta.engine_schema');
    name text;
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO bauta_prover', engine);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO bauta_prover', engine);
    EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON %I.migrations FROM bauta_prover', engine);
    EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO bauta_prover', engine);
    EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %I TO bauta_prover', engine);
    FOR name IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = engine::regnamespace AND c.relrowsecurity LOOP
        EXECUTE format('DROP POLICY IF EXISTS bauta_prover ON %I.%I', engine, name);
        EXECUTE format('CREATE POLICY bauta_prover ON %I.%I TO bauta_prover USING (true) WITH CHECK (true)', engine, name);
    END LOOP;
END $$";

impl Store {
    /// Grants the role `bauta_prover` what it needs in the queue engine's schema. It can use the
    /// tables and functions, but not change them.
    pub async fn grant_queue_engine(&self, schema: &str) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        // Processes that migrate at the same time grant one after the other.
        sqlx::query("SELECT pg_advisory_xact_lock(hashtext('bauta_engine_grants')), set_config('bauta.engine_schema', $1, true)")
            .bind(schema)
            .execute(&mut *transaction)
            .await?;
        sqlx::raw_sql(GRANTS).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// Gives entries that the engine retries by itself this priority, and limits their delay. The
    /// engine delays them by up to six hours and leaves them behind all entries that have had no
    /// attempt. Returns their number.
    pub async fn prioritise_engine_retries(
        &self,
        schema: &str,
        priority: i16,
        max_delay_seconds: i64,
    ) -> Result<u64, StoreError> {
        let identifier = schema.replace('"', "\"\"");
        let sql = AssertSqlSafe(format!(
            "UPDATE \"{identifier}\"._private_jobs
             SET priority = $1, run_at = least(run_at, now() + $2::bigint * interval '1 second')
             WHERE id IN (SELECT id FROM \"{identifier}\"._private_jobs
                          WHERE attempts > 0 AND priority > $1 AND locked_at IS NULL FOR UPDATE SKIP LOCKED)"
        ));
        let prioritised = sqlx::query(sql)
            .bind(priority)
            .bind(max_delay_seconds)
            .execute(&self.pool)
            .await?;
        Ok(prioritised.rows_affected())
    }

    /// Removes the entries of these jobs from the engine's tables, in the caller's transaction. If
    /// the engine runs an attempt of a job now, the entry ends with this attempt.
    pub async fn remove_engine_entries(
        connection: &mut JobConnection,
        schema: &str,
        ids: &[&str],
    ) -> Result<(), StoreError> {
        let identifier = schema.replace('"', "\"\"");
        let sql = AssertSqlSafe(format!(
            "SELECT \"{identifier}\".remove_job(id) IS NULL FROM unnest($1::text[]) AS id"
        ));
        sqlx::query(sql).bind(ids).execute(connection).await?;
        Ok(())
    }

    /// Returns the version of the queue engine's schema. `None` if it doesn't exist.
    pub async fn queue_engine_version(&self, schema: &str) -> Result<Option<i32>, StoreError> {
        let exists: bool = sqlx::query("SELECT to_regclass(quote_ident($1) || '.migrations') IS NOT NULL")
            .bind(schema)
            .fetch_one(&self.pool)
            .await?
            .get(0);
        if !exists {
            return Ok(None);
        }
        let identifier = schema.replace('"', "\"\"");
        let sql = AssertSqlSafe(format!("SELECT max(id) FROM \"{identifier}\".migrations"));
        Ok(sqlx::query(sql).fetch_one(&self.pool).await?.get(0))
    }
}

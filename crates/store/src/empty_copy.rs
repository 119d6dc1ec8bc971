//! Creates the tables of a schema once more in another schema, without rows.
//!
//! A new table has the columns, constraints, indexes, triggers, owner and permissions of the first
//! one, under the same names, so it can take the first one's place. Types and functions are not
//! created again. So the results of a statement have the same types with both tables, and a
//! statement that a reader has prepared stays valid when the tables change places.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::StoreError;

/// Returns the names of the tables that the indexer writes, which must all be empty in a new
/// schema.
const WRITTEN: &str = "SELECT c.oid, c.relname, c.relowner, c.relacl, c.reloptions FROM pg_class c
     WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
       AND has_table_privilege('bauta_indexer', c.oid, 'INSERT')";

/// Returns the statements that create the tables of the current schema in the schema `$1`, in their
/// order. The definitions name tables without a schema.
fn statements() -> String {
    format!(
        "WITH t AS MATERIALIZED ({WRITTEN})
         SELECT statement FROM (
             SELECT 1 AS step, relname AS name, format('CREATE TABLE %I.%I (LIKE %I.%I INCLUDING DEFAULTS
                 INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING IDENTITY INCLUDING STORAGE INCLUDING COMMENTS)',
                 $1::text, relname, current_schema(), relname) AS statement FROM t
             UNION ALL
             SELECT 2, relname, format('ALTER TABLE %I.%I SET (%s)', $1::text, relname, array_to_string(reloptions, ', '))
             FROM t WHERE reloptions IS NOT NULL
             UNION ALL
             SELECT CASE contype WHEN 'f' THEN 4 ELSE 3 END, conname,
                    format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', $1::text, relname, conname, pg_get_constraintdef(c.oid))
             FROM t JOIN pg_constraint c ON conrelid = t.oid WHERE contype IN ('p', 'u', 'x', 'f')
             UNION ALL
             SELECT 3, relname, pg_get_indexdef(indexrelid, 0, true) FROM t JOIN pg_index ON indrelid = t.oid
             WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid)
             UNION ALL
             SELECT 5, tgname, pg_get_triggerdef(g.oid, true) FROM t JOIN pg_trigger g ON tgrelid = t.oid
             WHERE NOT tgisinternal
             UNION ALL
             SELECT 6, relname, format('GRANT %s ON %I.%I TO %s %s', a.privilege_type, $1::text, relname,
                 CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END,
                 CASE WHEN a.is_grantable THEN 'WITH GRANT OPTION' END)
             FROM t CROSS JOIN LATERAL aclexplode(relacl) a WHERE a.grantee <> relowner
             UNION ALL
             SELECT 7, relname, format('GRANT USAGE, CREATE ON SCHEMA %I TO %s', $1::text, relowner::regrole)
             FROM t WHERE pg_get_userbyid(relowner) <> current_user
             UNION ALL
             SELECT 8, relname, format('ALTER TABLE %I.%I OWNER TO %s', $1::text, relname, relowner::regrole)
             FROM t WHERE pg_get_userbyid(relowner) <> current_user
         ) s ORDER BY step, name, statement"
    )
}

/// Creates the tables that the indexer writes in `schema`, which must exist. `connection` must use
/// the schema `original` alone. Afterwards it uses both until the end of the transaction.
pub async fn create(connection: &mut PgConnection, original: &str, schema: &str) -> Result<(), StoreError> {
    let not_owned: Option<String> = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT relname::text FROM ({WRITTEN}) t WHERE NOT pg_has_role(relowner, 'USAGE') LIMIT 1"
    )))
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(table) = not_owned {
        return Err(StoreError::NotOwner { table });
    }
    let statements: Vec<String> = sqlx::query_scalar(AssertSqlSafe(statements()))
        .bind(schema)
        .fetch_all(&mut *connection)
        .await?;
    use_schemas(connection, &[schema, original]).await?;
    for statement in statements {
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Selects the schemas in which names are looked up, until the end of the transaction.
pub async fn use_schemas(connection: &mut PgConnection, schemas: &[&str]) -> Result<(), StoreError> {
    sqlx::query("SELECT set_config('search_path', $1::text, true)")
        .bind(schemas.join(","))
        .execute(connection)
        .await?;
    Ok(())
}

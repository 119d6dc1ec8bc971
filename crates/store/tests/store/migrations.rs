//! The versions of the schema.

use bauta_store::testing::TestDatabase;
use bauta_store::{OLDEST_SUPPORTED, Store, StoreError, newest_migration};
use sqlx::Row;

/// Returns the definitions of all parts of the schema.
pub async fn schema(database: &TestDatabase) -> Vec<String> {
    let parts = "
        SELECT format('%s.%s %s %s %s', table_name, column_name, coalesce(domain_name, data_type), is_nullable, column_default)
        FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT viewname || definition FROM pg_views WHERE schemaname = 'public'
        UNION ALL SELECT format('%s %s', relname, reloptions) FROM pg_class
        WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace
        UNION ALL SELECT format('%s %s %s', grantee, table_name, privilege_type)
        FROM information_schema.table_privileges WHERE table_schema = 'public' AND grantee LIKE 'bauta%'
        ORDER BY 1";
    let rows = sqlx::query(parts).fetch_all(database.pool()).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn from_every_earlier_version_the_schema_becomes_the_same() {
    let fresh = TestDatabase::create().await.unwrap();
    let expected = schema(&fresh).await;
    assert!(expected.len() > 150);
    for version in 0..=newest_migration() {
        let database = TestDatabase::empty().await.unwrap();
        database.store.migrate_to(version).await.unwrap();
        database.store.migrate().await.unwrap();
        assert_eq!(schema(&database).await, expected, "from version {version}");
        database.store.check_schema().await.unwrap();
    }
}

/// Writers of a large table would wait until an index is built. Tables that the same migration
/// creates are empty. The indexes of older migrations are those of small tables.
#[test]
fn every_newer_index_of_an_existing_table_is_built_concurrently() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.as_str() < "0020" {
            continue;
        }
        let sql = std::fs::read_to_string(&path).unwrap();
        for statement in sql.split(';').filter(|sql| sql.contains("INDEX")) {
            let words: Vec<&str> = statement.split_whitespace().collect();
            let Some(at) = words.iter().position(|word| *word == "ON") else {
                continue;
            };
            let is_new = sql.contains(&format!("TABLE {} ", words[at + 1]));
            assert!(is_new || words.contains(&"CONCURRENTLY"), "{name}: {statement}");
        }
    }
}

#[tokio::test]
async fn migrating_again_changes_nothing() {
    let database = TestDatabase::create().await.unwrap();
    let expected = schema(&database).await;
    database.store.migrate().await.unwrap();
    assert_eq!(schema(&database).await, expected);
}

#[tokio::test]
async fn services_that_start_together_migrate_once() {
    let database = TestDatabase::empty().await.unwrap();
    let stores: Vec<Store> = (0..4).map(|_| database.store.clone()).collect();
    let started: Vec<_> = stores
        .into_iter()
        .map(|store| tokio::spawn(async move { store.migrate().await }))
        .collect();
    for migrated in started {
        migrated.await.unwrap().unwrap();
    }
    database.store.check_schema().await.unwrap();
}

/// Migrations can be added in an order that is not that of their numbers.
#[tokio::test]
async fn a_schema_without_one_of_the_needed_migrations_is_refused() {
    let database = TestDatabase::create().await.unwrap();
    sqlx::query("DELETE FROM _sqlx_migrations WHERE version = 25")
        .execute(database.pool())
        .await
        .unwrap();
    let error = database.store.check_schema().await.unwrap_err();
    assert!(
        matches!(error, StoreError::OlderSchema { found: 24, .. }),
        "{error}"
    );
}

/// Adds a migration of a later version, with which programs are compatible that know the migration
/// `oldest`.
async fn add_later_migration(database: &TestDatabase, oldest: i64) {
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES ($1, 'from the future', true, '\\x00', 0)",
    )
    .bind(newest_migration() + 1)
    .execute(database.pool())
    .await
    .unwrap();
    sqlx::query("UPDATE schema_compatibility SET oldest_migration = $1")
        .bind(oldest)
        .execute(database.pool())
        .await
        .unwrap();
}

#[tokio::test]
async fn an_incompatible_newer_schema_is_refused_and_left_alone() {
    let database = TestDatabase::create().await.unwrap();
    let newest_here = newest_migration();
    add_later_migration(&database, newest_here + 1).await;
    let before = schema(&database).await;
    // Twice, because the first refusal must release the lock.
    for _ in 0..2 {
        let error = database.store.migrate().await.unwrap_err();
        assert!(
            matches!(error, StoreError::NewerSchema { found, newest }
                if found == newest_here + 1 && newest == newest_here),
            "{error}"
        );
        assert!(error.to_string().contains("run a newer version"), "{error}");
    }
    let error = database.store.check_schema().await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { .. }), "{error}");
    assert_eq!(schema(&database).await, before);
}

#[tokio::test]
async fn a_compatible_newer_schema_is_accepted_and_left_alone() {
    let database = TestDatabase::create().await.unwrap();
    add_later_migration(&database, newest_migration()).await;
    let before = schema(&database).await;
    database.store.migrate().await.unwrap();
    database.store.check_schema().await.unwrap();
    assert_eq!(schema(&database).await, before);
}

#[tokio::test]
async fn every_schema_in_the_supported_range_is_accepted() {
    let database = TestDatabase::empty().await.unwrap();
    for version in 1..=newest_migration() {
        database.store.migrate_to(version).await.unwrap();
        let accepted = database.store.check_schema().await;
        assert_eq!(
            accepted.is_ok(),
            version >= OLDEST_SUPPORTED,
            "{version}: {accepted:?}"
        );
    }
    // The range that the schema states contains this version.
    let oldest: i64 = sqlx::query_scalar("SELECT oldest_migration FROM schema_compatibility")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert!(oldest <= newest_migration());
}

#[tokio::test]
async fn an_index_that_an_interrupted_migration_left_is_built_again() {
    let database = TestDatabase::empty().await.unwrap();
    database.store.migrate_to(14).await.unwrap();
    // An index that was not built completely is marked as invalid.
    for statement in [
        "CREATE UNIQUE INDEX nullifiers_by_scope ON nullifiers (scope_id, hash)",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'nullifiers_by_scope'::regclass",
    ] {
        sqlx::query(statement).execute(database.pool()).await.unwrap();
    }
    database.store.migrate().await.unwrap();
    let is_valid: bool = sqlx::query_scalar(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'nullifiers_by_scope'::regclass",
    )
    .fetch_one(database.pool())
    .await
    .unwrap();
    assert!(is_valid);
}

#[tokio::test]
async fn a_migration_that_was_changed_after_it_ran_is_refused() {
    let database = TestDatabase::create().await.unwrap();
    sqlx::query("UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 3")
        .execute(database.pool())
        .await
        .unwrap();
    let error = database.store.migrate().await.unwrap_err();
    assert!(matches!(error, StoreError::Migration(_)), "{error}");
}

#[tokio::test]
async fn a_reader_refuses_an_older_schema() {
    let database = TestDatabase::empty().await.unwrap();
    let error = database.store.check_schema().await.unwrap_err();
    assert!(
        matches!(error, StoreError::OlderSchema { found: 0, needed } if needed == OLDEST_SUPPORTED),
        "{error}"
    );
    database.store.migrate_to(OLDEST_SUPPORTED - 1).await.unwrap();
    let error = database.store.check_schema().await.unwrap_err();
    assert!(matches!(error, StoreError::OlderSchema { .. }), "{error}");
}

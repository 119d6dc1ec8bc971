//! The versions of the schema.

use bauta_store::testing::TestDatabase;
use bauta_store::{Store, StoreError, newest_migration};
use sqlx::Row;

/// Returns the definitions of all parts of the schema.
async fn schema(database: &TestDatabase) -> Vec<String> {
    let parts = "
        SELECT format('%s.%s %s %s %s', table_name, column_name, coalesce(domain_name, data_type), is_nullable, column_default)
        FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
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

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let database = TestDatabase::create().await.unwrap();
    let newest_here = newest_migration();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES ($1, 'from the future', true, '\\x00', 0)",
    )
    .bind(newest_here + 1)
    .execute(database.pool())
    .await
    .unwrap();
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
        matches!(error, StoreError::OlderSchema { found: 0, needed } if needed == newest_migration()),
        "{error}"
    );
    database.store.migrate_to(newest_migration() - 1).await.unwrap();
    let error = database.store.check_schema().await.unwrap_err();
    assert!(matches!(error, StoreError::OlderSchema { .. }), "{error}");
}

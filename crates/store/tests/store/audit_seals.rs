//! The seals of the audit log.

use bauta_store::testing::TestDatabase;
use bauta_store::{AuditCheck, AuditHead, AuditRecord, Store};

use crate::roles::as_role;

/// Adds a record, and returns the end of the chain.
async fn record(store: &Store, event: &str) -> AuditHead {
    let record = AuditRecord::of(event, "operator", "subject");
    store.add_audit_records(&[record]).await.unwrap();
    store.audit_head().await.unwrap()
}

/// Makes all seals a minute older.
async fn wait_a_minute(database: &TestDatabase) {
    // From the oldest, so that no two have the same minute in between.
    let minutes: Vec<i64> = sqlx::query_scalar("SELECT minute FROM audit_seals ORDER BY minute")
        .fetch_all(database.pool())
        .await
        .unwrap();
    for minute in minutes {
        sqlx::query("UPDATE audit_seals SET minute = minute - 2 WHERE minute = $1")
            .bind(minute)
            .execute(database.pool())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_minute_has_one_seal_and_each_seal_has_more_records_than_the_one_before() {
    let database = TestDatabase::create().await.unwrap();
    let store = as_role(&database, "bauta_api").await;
    let first = record(&store, "first").await;
    assert!(store.add_audit_seal(&first, "note").await.unwrap());
    assert!(!store.add_audit_seal(&first, "note").await.unwrap(), "again");
    // Each minute of the next hour has a seal, and this head has more records than all of them.
    sqlx::query(
        "INSERT INTO audit_seals (minute, records, hash, note)
         SELECT floor(extract(epoch FROM now()) / 60)::bigint + n, n + 2, decode(repeat('01', 32), 'hex'), 'note'
         FROM generate_series(0, 60) n
         ON CONFLICT DO NOTHING",
    )
    .execute(database.pool())
    .await
    .unwrap();
    let later = AuditHead {
        records: 1_000,
        ..first
    };
    assert!(
        !store.add_audit_seal(&later, "note").await.unwrap(),
        "the minute has a seal"
    );
    sqlx::query("DELETE FROM audit_seals WHERE records > 1")
        .execute(database.pool())
        .await
        .unwrap();
    wait_a_minute(&database).await;
    assert!(
        !store.add_audit_seal(&first, "note").await.unwrap(),
        "no new record"
    );
    let (second, third) = (record(&store, "second").await, record(&store, "third").await);
    assert!(store.add_audit_seal(&third, "note").await.unwrap());
    wait_a_minute(&database).await;
    // An instance that was stopped before it could add the seal.
    assert!(
        !store.add_audit_seal(&second, "note").await.unwrap(),
        "an older head"
    );
    let seals = store.audit_seals(0, 10).await.unwrap();
    let heads: Vec<AuditHead> = seals.iter().map(|seal| seal.head).collect();
    assert_eq!(heads, [first, third]);
    assert_eq!(store.audit_seals(1, 10).await.unwrap(), seals[1..]);
    assert_eq!(store.last_audit_seal().await.unwrap().as_ref(), seals.last());
    // The role can neither change nor delete a seal.
    for statement in ["UPDATE audit_seals SET note = 'x'", "DELETE FROM audit_seals"] {
        let refused = sqlx::query(statement).execute(store.pool()).await.unwrap_err();
        assert!(refused.to_string().contains("permission denied"), "{refused}");
    }
}

/// The hashes of a log that was written again are right. Its seals are those of the old one.
#[tokio::test]
async fn a_log_that_was_written_again_or_cut_does_not_have_the_records_of_its_seals() {
    for (change, expected) in [
        ("", None),
        (
            "UPDATE audit_seals SET hash = decode(repeat('01', 32), 'hex') WHERE records = 2",
            Some(AuditCheck::Broken(2)),
        ),
        (
            "DELETE FROM audit_log WHERE number = 3;
             UPDATE audit_head SET records = 2, hash = (SELECT hash FROM audit_log WHERE number = 2)",
            Some(AuditCheck::OtherHead { records: 2, head: 3 }),
        ),
    ] {
        let database = TestDatabase::create().await.unwrap();
        let store = &database.store;
        for event in ["first", "second", "third"] {
            let head = record(store, event).await;
            assert!(store.add_audit_seal(&head, "note").await.unwrap());
            wait_a_minute(&database).await;
        }
        sqlx::raw_sql(change).execute(database.pool()).await.unwrap();
        let checked = store.check_audit_log(None).await.unwrap();
        let complete = AuditCheck::Complete(store.audit_head().await.unwrap());
        assert_eq!(checked, expected.unwrap_or(complete), "{change}");
    }
}

//! API keys and tickets: the list of keys with its number of changes, owners, revocation, single
//! use of tickets, and the timeout of statements.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bauta_store::testing::TestDatabase;
use bauta_store::{ApiKey, SessionLimits, Store, StoreError, Ticket};

use sqlx::AssertSqlSafe;

use crate::roles::as_role;

fn key(prefix: &str, owner: &str) -> ApiKey {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    ApiKey {
        prefix: prefix.to_owned(),
        owner: owner.to_owned(),
        secret_hash: [7; 32],
        permissions: vec!["prove".to_owned(), "admin".to_owned()],
        requests_per_minute: Some(u32::MAX),
        proofs_per_minute: None,
        origins: Vec::new(),
        expires_at: i64::try_from(now).unwrap() + 3_600,
    }
}

#[tokio::test]
async fn keys_that_expired_long_ago_are_deleted_in_parts_and_no_other_key_can_be() {
    let database = TestDatabase::create().await.unwrap();
    let api = as_role(&database, "bauta_api").await;
    for (prefix, owner, days) in [
        ("00000001", "00000001", 200),
        ("00000002", "00000002", 150),
        ("00000003", "00000003", 100),
        // It owns a key that is valid, and one that expired long ago.
        ("00000004", "00000004", 300),
        ("00000005", "00000004", 250),
        ("00000006", "00000004", -1),
        ("00000007", "00000007", 89),
    ] {
        assert!(database.store.add_api_key(&key(prefix, owner)).await.unwrap());
        sqlx::query("UPDATE api_keys SET expires_at = now() - $2::int * interval '1 day' WHERE prefix = $1")
            .bind(prefix)
            .bind(days)
            .execute(database.pool())
            .await
            .unwrap();
    }
    for prefix in ["00000004", "00000006", "00000007"] {
        let deleted = sqlx::query("DELETE FROM api_keys WHERE prefix = $1")
            .bind(prefix)
            .execute(api.pool())
            .await;
        let refused = deleted.unwrap_err().to_string();
        assert!(
            refused.contains("only an operator may delete"),
            "{prefix}: {refused}"
        );
    }
    for _ in 0..2 {
        assert_eq!(api.remove_expired_keys(2).await.unwrap(), 2);
    }
    let before = api.api_keys_after(None).await.unwrap().unwrap().changes;
    assert_eq!(api.remove_expired_keys(2).await.unwrap(), 0);
    let after = api.api_keys_after(Some(before)).await.unwrap();
    assert_eq!(after, None, "services read no keys again");
    let left: Vec<String> = sqlx::query_scalar("SELECT prefix FROM api_keys ORDER BY prefix")
        .fetch_all(database.pool())
        .await
        .unwrap();
    assert_eq!(left, ["00000004", "00000006", "00000007"]);
}

#[tokio::test]
async fn the_list_is_returned_only_after_a_change() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let empty = store.api_keys_after(None).await.unwrap().unwrap();
    assert!(empty.keys.is_empty());
    assert_eq!(store.api_keys_after(Some(empty.changes)).await.unwrap(), None);
    let first = key("00000001", "00000001");
    assert!(store.add_api_key(&first).await.unwrap());
    assert!(
        !store.add_api_key(&first).await.unwrap(),
        "two keys with a prefix"
    );
    let list = store.api_keys_after(Some(empty.changes)).await.unwrap().unwrap();
    assert_eq!(list.keys, [first]);
    assert!(store.revoke_api_key("00000001").await.unwrap());
    assert!(!store.revoke_api_key("00000001").await.unwrap(), "revoked twice");
    assert!(!store.revoke_api_key("00000002").await.unwrap());
    let revoked = store.api_keys_after(Some(list.changes)).await.unwrap().unwrap();
    assert!(revoked.keys[0].expires_at < list.keys[0].expires_at);
    // The clock of the database decides, also within the second of the revocation.
    assert!(list.expired.is_empty());
    assert!(revoked.expired.contains("00000001"));
    // A key that expired long ago costs no service anything.
    let older = |interval: &'static str| {
        let statement = format!("UPDATE api_keys SET expires_at = now() - interval '{interval}'");
        sqlx::query(AssertSqlSafe(statement)).execute(database.pool())
    };
    older("25 hours").await.unwrap();
    assert!(store.api_keys_after(None).await.unwrap().unwrap().keys.is_empty());
    older("23 hours").await.unwrap();
    let revoked = store.api_keys_after(None).await.unwrap().unwrap();
    assert_eq!((revoked.keys.len(), revoked.expired.len()), (1, 1));
    // The services read the keys with their roles. No service changes a key, and only the API
    // revokes keys.
    for (role, column) in [
        ("bauta_prover", "expires_at"),
        ("bauta_prover", "permissions"),
        ("bauta_api", "permissions"),
        ("bauta_api", "secret_hash"),
        ("bauta_api", "owner"),
    ] {
        let reader = as_role(&database, role).await;
        assert_eq!(
            reader.api_keys_after(None).await.unwrap().as_ref(),
            Some(&revoked),
            "{role}"
        );
        let statement = AssertSqlSafe(format!("UPDATE api_keys SET {column} = {column}"));
        let error = sqlx::query(statement).execute(reader.pool()).await.unwrap_err();
        assert!(error.to_string().contains("permission denied"), "{role}: {error}");
    }
    let api = as_role(&database, "bauta_api").await;
    assert!(!api.revoke_api_key("00000001").await.unwrap());
}

#[tokio::test]
async fn a_key_that_replaces_another_key_has_the_owner_of_the_first_and_by_default_its_limits() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    // The first key is only in the configuration of a service.
    for (prefix, owner) in [("00000002", "00000001"), ("00000003", "00000002")] {
        assert!(store.add_api_key(&key(prefix, owner)).await.unwrap());
    }
    let list = store.api_keys_after(None).await.unwrap().unwrap();
    assert!(list.keys.iter().all(|key| key.owner == "00000001"), "{list:?}");
    // Only a limit that is given differs.
    let mut third = key("00000004", "00000003");
    (third.requests_per_minute, third.proofs_per_minute) = (None, Some(5));
    assert!(store.add_api_key(&third).await.unwrap());
    let list = store.api_keys_after(None).await.unwrap().unwrap();
    let stored = list.keys.iter().find(|key| key.prefix == "00000004").unwrap();
    assert_eq!(
        (stored.requests_per_minute, stored.proofs_per_minute),
        (Some(u32::MAX), Some(5))
    );
}

#[tokio::test]
async fn a_statement_that_waits_for_a_lock_fails_after_the_timeout() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let limit = Duration::from_millis(100);
    let limits = SessionLimits {
        statement: limit,
        lock: limit,
        idle_in_transaction: Duration::from_mins(1),
    };
    let store = Store::connect_within(&url, 1, limits).await.unwrap();
    let mut lock = database.pool().begin().await.unwrap();
    sqlx::query("LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *lock)
        .await
        .unwrap();
    let error = store.revoke_api_key("00000001").await.unwrap_err();
    assert!(matches!(error, StoreError::TimedOut(_)), "{error}");
    lock.rollback().await.unwrap();
    // A transaction that does nothing is ended.
    let limits = SessionLimits {
        statement: Duration::from_mins(1),
        lock: Duration::from_mins(1),
        idle_in_transaction: limit,
    };
    let store = Store::connect_within(&url, 1, limits).await.unwrap();
    let mut idle = store.begin_job_change().await.unwrap();
    let ended = async {
        while sqlx::query_scalar::<_, i64>(
            "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND state = 'idle in transaction'",
        )
        .fetch_one(database.pool())
        .await
        .unwrap()
            > 0
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ended)
        .await
        .unwrap();
    assert!(sqlx::query("SELECT 1").execute(&mut *idle).await.is_err());
}

#[tokio::test]
async fn a_ticket_is_used_once_among_all_instances_and_each_owner_has_a_limit() {
    let database = TestDatabase::create().await.unwrap();
    let ticket = |owner: &str| Ticket {
        prefix: "00000001".to_owned(),
        owner: owner.to_owned(),
        subject: "job".to_owned(),
        origin: "https://app.example.org".to_owned(),
    };
    for role in ["bauta_prover", "bauta_api"] {
        let store = as_role(&database, role).await;
        let (first, second) = (ticket("first"), ticket("second"));
        assert!(store.add_ticket(&[1; 32], &first, 30, 1).await.unwrap());
        assert!(!store.add_ticket(&[2; 32], &first, 30, 1).await.unwrap());
        assert!(store.add_ticket(&[3; 32], &second, 30, 1).await.unwrap());
        let (one, other) = tokio::join!(store.use_ticket(&[1; 32]), database.store.use_ticket(&[1; 32]));
        let uses = [one.unwrap(), other.unwrap()];
        assert_eq!(uses.iter().flatten().collect::<Vec<_>>(), [&first], "{role}");
        assert_eq!(store.use_ticket(&[3; 32]).await.unwrap(), Some(second));
        // An expired ticket is not used, doesn't count, and is deleted when another is added.
        assert!(store.add_ticket(&[4; 32], &first, 0, 1).await.unwrap());
        assert_eq!(store.use_ticket(&[4; 32]).await.unwrap(), None);
        assert!(store.add_ticket(&[5; 32], &first, 0, 1).await.unwrap());
        assert!(store.add_ticket(&[6; 32], &first, 30, 1).await.unwrap());
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM tickets")
            .fetch_one(database.pool())
            .await
            .unwrap();
        assert_eq!(left, 1, "{role}");
        assert!(store.use_ticket(&[6; 32]).await.unwrap().is_some());
    }
}

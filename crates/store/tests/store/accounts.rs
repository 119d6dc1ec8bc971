//! Accounts: roles, logins, and the API keys of developers, with the role of the API service.

use bauta_store::testing::TestDatabase;
use bauta_store::{
    AccountId, ApiKey, AuditCheck, AuditRecord, KeyChange, NewLogin, Refreshed, Role, RolesSet, Store,
};

use crate::roles::as_role;

const ACCOUNT: AccountId = AccountId([1; 16]);
const OTHER: AccountId = AccountId([2; 16]);

fn login(number: u8) -> NewLogin {
    NewLogin {
        account: ACCOUNT,
        nonce_hash: [number; 32],
        nonce_seconds: 600,
        id_hash: [number; 32],
        secret_hash: [number; 32],
        seconds: 3_600,
    }
}

fn key(prefix: &str, origins: &[&str]) -> ApiKey {
    ApiKey {
        prefix: prefix.to_owned(),
        owner: prefix.to_owned(),
        secret_hash: [7; 32],
        permissions: vec!["relay".to_owned()],
        requests_per_minute: None,
        proofs_per_minute: None,
        origins: origins.iter().copied().map(str::to_owned).collect(),
        expires_at: 4_000_000_000,
    }
}

fn record() -> AuditRecord {
    AuditRecord::of("changed", "operator", "test")
}

async fn count(database: &TestDatabase, table: &'static str) -> i64 {
    let query = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    sqlx::query_scalar(query)
        .fetch_one(database.pool())
        .await
        .unwrap()
}

async fn add(store: &Store, key: &ApiKey) -> KeyChange {
    store
        .add_account_key(ACCOUNT, key, "name", 3, &record())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_nonce_begins_one_login_and_an_account_has_a_bounded_number_of_logins() {
    let database = TestDatabase::create().await.unwrap();
    let store = as_role(&database, "bauta_api").await;
    let same = login(1);
    let audited = record();
    let (one, another) = tokio::join!(
        store.begin_login(&same, 2, &audited),
        database.store.begin_login(&same, 2, &audited)
    );
    assert_ne!(one.unwrap(), another.unwrap());
    assert_eq!(
        (
            count(&database, "logins").await,
            count(&database, "used_nonces").await
        ),
        (1, 1)
    );
    for number in [2, 3] {
        assert!(store.begin_login(&login(number), 2, &record()).await.unwrap());
    }
    assert_eq!(count(&database, "logins").await, 2);
    // The newest login remains.
    let refreshed = store.refresh_login(&[3; 32], &[3; 32], &[4; 32]).await.unwrap();
    assert_eq!(refreshed, Refreshed::Replaced(ACCOUNT));
    // Expired rows are deleted with a later login.
    sqlx::query("UPDATE used_nonces SET expires_at = now()")
        .execute(database.pool())
        .await
        .unwrap();
    assert!(store.begin_login(&login(5), 2, &record()).await.unwrap());
    assert_eq!(count(&database, "used_nonces").await, 1);
}

#[tokio::test]
async fn of_two_uses_of_a_refresh_token_at_once_one_gets_the_next_token_and_the_login_ends() {
    let database = TestDatabase::create().await.unwrap();
    let store = as_role(&database, "bauta_api").await;
    assert!(store.begin_login(&login(1), 2, &record()).await.unwrap());
    let (one, another) = tokio::join!(
        store.refresh_login(&[1; 32], &[1; 32], &[2; 32]),
        database.store.refresh_login(&[1; 32], &[1; 32], &[3; 32])
    );
    let results = [one.unwrap(), another.unwrap()];
    assert!(results.contains(&Refreshed::Replaced(ACCOUNT)), "{results:?}");
    assert!(results.contains(&Refreshed::Reused), "{results:?}");
    for secret in [[2; 32], [3; 32]] {
        let refreshed = store.refresh_login(&[1; 32], &secret, &[4; 32]).await.unwrap();
        assert_eq!(refreshed, Refreshed::Ended);
    }
    let unknown = store.refresh_login(&[9; 32], &[9; 32], &[4; 32]).await.unwrap();
    assert_eq!(unknown, Refreshed::Unknown);
}

#[tokio::test]
async fn one_owner_remains_also_if_two_owners_remove_each_other_at_once() {
    let database = TestDatabase::create().await.unwrap();
    let store = as_role(&database, "bauta_api").await;
    for account in [ACCOUNT, OTHER] {
        store.grant_role(account, Role::Owner, &record()).await.unwrap();
        store.grant_role(account, Role::Owner, &record()).await.unwrap();
    }
    store.grant_role(OTHER, Role::Auditor, &record()).await.unwrap();
    assert_eq!(store.roles(OTHER).await.unwrap(), [Role::Owner, Role::Auditor]);
    let audited = record();
    let (one, another) = tokio::join!(
        store.set_roles(ACCOUNT, &[], &audited),
        database.store.set_roles(OTHER, &[Role::Auditor], &audited)
    );
    let mut results = [one.unwrap(), another.unwrap()];
    results.sort_by_key(|result| *result == RolesSet::Set);
    assert_eq!(results, [RolesSet::LastOwner, RolesSet::Set]);
    let accounts = store.accounts(None, 10).await.unwrap();
    let owners = accounts
        .iter()
        .filter(|account| account.roles.contains(&Role::Owner));
    assert_eq!(owners.count(), 1, "{accounts:?}");
    let last = store.accounts(Some(ACCOUNT), 10).await.unwrap();
    assert!(last.iter().all(|account| account.id == OTHER));
}

#[tokio::test]
async fn the_keys_of_an_account_are_bounded_and_those_for_servers_have_one_owner() {
    let database = TestDatabase::create().await.unwrap();
    let store = as_role(&database, "bauta_api").await;
    assert_eq!(add(&store, &key("00000001", &[])).await, KeyChange::NotDeveloper);
    store
        .grant_role(ACCOUNT, Role::Developer, &record())
        .await
        .unwrap();
    for (prefix, origins) in [("00000001", &[][..]), ("00000002", &["https://a.example"])] {
        assert_eq!(add(&store, &key(prefix, origins)).await, KeyChange::Stored);
    }
    assert_eq!(add(&store, &key("00000001", &[])).await, KeyChange::PrefixTaken);
    assert_eq!(add(&store, &key("00000003", &[])).await, KeyChange::Stored);
    assert_eq!(add(&store, &key("00000004", &[])).await, KeyChange::TooMany);
    let new = key("00000004", &[]);
    let audited = record();
    let rotated = store.rotate_account_key(ACCOUNT, "00000001", &new, 60, 3, &audited);
    assert_eq!(rotated.await.unwrap(), KeyChange::TooMany);
    let mut owners: Vec<(String, String)> = store
        .account_keys(ACCOUNT)
        .await
        .unwrap()
        .into_iter()
        .map(|known| (known.key.prefix, known.key.owner))
        .collect();
    owners.sort();
    let expected = [
        ("00000001", "00000001"),
        ("00000002", "00000002"),
        ("00000003", "00000001"),
    ];
    assert_eq!(
        owners,
        expected.map(|(prefix, owner)| (prefix.to_owned(), owner.to_owned()))
    );
    // A key that expired long ago counts no more.
    sqlx::query("UPDATE api_keys SET expires_at = now() - interval '31 days' WHERE prefix = '00000002'")
        .execute(database.pool())
        .await
        .unwrap();
    let new = key("00000004", &[]);
    let audited = record();
    let rotated = store.rotate_account_key(ACCOUNT, "00000003", &new, 60, 3, &audited);
    assert_eq!(rotated.await.unwrap(), KeyChange::Stored);
    assert!(
        !store
            .revoke_audited_key(Some(OTHER), "00000004", &record())
            .await
            .unwrap()
    );
    assert!(
        store
            .revoke_audited_key(Some(ACCOUNT), "00000004", &record())
            .await
            .unwrap()
    );
    assert!(
        !store
            .revoke_audited_key(Some(ACCOUNT), "00000004", &record())
            .await
            .unwrap()
    );
    let new = key("00000005", &[]);
    let audited = record();
    let rotated = store.rotate_account_key(ACCOUNT, "00000004", &new, 60, 30, &audited);
    assert_eq!(rotated.await.unwrap(), KeyChange::Unknown);
}

#[tokio::test]
async fn an_audit_record_that_is_changed_removed_or_inserted_is_found_and_the_log_only_grows() {
    let database = TestDatabase::create().await.unwrap();
    let store = as_role(&database, "bauta_api").await;
    for number in 0..5 {
        let refusal = AuditRecord::refusal("token_refused", &format!("code_{number}"), None);
        let audited = record();
        let (one, another) = tokio::join!(
            store.add_audit_record(&refusal),
            database.store.add_audit_record(&audited)
        );
        one.unwrap();
        another.unwrap();
    }
    let AuditCheck::Complete(head) = store.check_audit_log(None).await.unwrap() else {
        panic!("the log is broken")
    };
    assert_eq!(head, store.audit_head().await.unwrap());
    assert_eq!(head.records, 10);
    let fourth = store.audit_log(3, 1).await.unwrap().remove(0);
    let checkpoint = Some((4, fourth.hash));
    assert_eq!(
        store.check_audit_log(checkpoint).await.unwrap(),
        AuditCheck::Complete(head)
    );
    for statement in [
        "UPDATE audit_log SET actor = 'other' WHERE number = 4",
        "DELETE FROM audit_log WHERE number = 4",
        "TRUNCATE audit_log",
        "DELETE FROM audit_head",
    ] {
        let error = sqlx::query(statement).execute(store.pool()).await.unwrap_err();
        assert!(
            error.to_string().contains("permission denied"),
            "{statement}: {error}"
        );
    }
    // What the database's owner could do.
    sqlx::query("CREATE TABLE saved AS SELECT * FROM audit_log")
        .execute(database.pool())
        .await
        .unwrap();
    let cut = AuditCheck::OtherHead { records: 9, head: 10 };
    for (statement, found) in [
        (
            "UPDATE audit_log SET actor = 'other' WHERE number = 4",
            AuditCheck::Broken(4),
        ),
        (
            "UPDATE audit_log SET subject = 'x', actor = NULL WHERE number = 4",
            AuditCheck::Broken(4),
        ),
        (
            "UPDATE audit_log SET at = at + 1 WHERE number = 10",
            AuditCheck::Broken(10),
        ),
        (
            "UPDATE audit_log SET hash = decode(repeat('07', 32), 'hex') WHERE number = 1",
            AuditCheck::Broken(1),
        ),
        ("DELETE FROM audit_log WHERE number = 4", AuditCheck::Broken(4)),
        ("DELETE FROM audit_log WHERE number = 10", cut),
        (
            "WITH last AS (DELETE FROM audit_log WHERE number = 9 RETURNING *)
             UPDATE audit_log SET number = 11 WHERE number = 10",
            AuditCheck::Broken(9),
        ),
    ] {
        sqlx::query(statement).execute(database.pool()).await.unwrap();
        let checked = store.check_audit_log(None).await.unwrap();
        assert_eq!(checked, found, "{statement}");
        for statement in ["TRUNCATE audit_log", "INSERT INTO audit_log SELECT * FROM saved"] {
            sqlx::query(statement).execute(database.pool()).await.unwrap();
        }
    }
    // The whole chain is written again: only a checkpoint shows it.
    let other = (4, [7; 32]);
    assert_eq!(
        store.check_audit_log(Some(other)).await.unwrap(),
        AuditCheck::Broken(4)
    );
    let later = store.check_audit_log(Some((11, [7; 32]))).await.unwrap();
    assert_eq!(
        later,
        AuditCheck::OtherHead {
            records: 10,
            head: 11
        }
    );
}

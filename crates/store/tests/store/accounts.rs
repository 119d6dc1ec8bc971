//! Accounts: roles, logins, and the API keys of developers, with the role of the API service.

use std::time::{SystemTime, UNIX_EPOCH};

use bauta_store::testing::TestDatabase;
use bauta_store::{
    AccountId, ApiKey, AuditCheck, AuditRecord, KeyChange, KeyLimits, LoginChange, LoginEnd, NewLogin,
    Refreshed, Role, RolesSet, Store,
};
use sqlx::AssertSqlSafe;

use crate::roles::as_role;

const ACCOUNT: AccountId = AccountId([1; 16]);
const OTHER: AccountId = AccountId([2; 16]);
/// A change of a login of [`ACCOUNT`] while it has a role.
const CHANGE: LoginChange = LoginChange {
    account: ACCOUNT,
    is_recorded: true,
};
const LIMITS: KeyLimits = KeyLimits {
    valid: 3,
    for_pages: 2,
    per_day: 5,
};

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
        expires_at: in_days(365),
    }
}

fn in_days(days: u64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    i64::try_from(now + days * 86_400).unwrap()
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
        .add_account_key(ACCOUNT, key, "name", LIMITS, &record())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_nonce_begins_one_login_and_an_account_has_a_bounded_number_of_logins() {
    let database = TestDatabase::create().await.unwrap();
    let store = as_role(&database, "bauta_api").await;
    let same = login(1);
    let (one, another) = tokio::join!(store.begin_login(&same, 2), database.store.begin_login(&same, 2));
    assert_ne!(one.unwrap(), another.unwrap());
    assert_eq!(
        (
            count(&database, "logins").await,
            count(&database, "used_nonces").await
        ),
        (1, 1)
    );
    for number in [2, 3] {
        assert!(store.begin_login(&login(number), 2).await.unwrap().is_some());
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
    assert!(store.begin_login(&login(5), 2).await.unwrap().is_some());
    assert_eq!(count(&database, "used_nonces").await, 1);
}

#[tokio::test]
async fn a_refresh_token_that_is_used_twice_ends_its_login_even_if_no_record_can_be_added() {
    let database = TestDatabase::create().await.unwrap();
    let store = as_role(&database, "bauta_api").await;
    store
        .grant_role(ACCOUNT, Role::Developer, &record())
        .await
        .unwrap();
    assert!(store.begin_login(&login(1), 2).await.unwrap().is_some());
    let next = store.refresh_login(&[1; 32], &[1; 32], &[2; 32]).await.unwrap();
    assert_eq!(next, Refreshed::Replaced(ACCOUNT));
    // Another writer keeps the end of the log.
    let mut writer = database.pool().begin().await.unwrap();
    sqlx::query("SELECT FROM audit_head FOR UPDATE")
        .execute(&mut *writer)
        .await
        .unwrap();
    let reused = store.refresh_login(&[1; 32], &[1; 32], &[3; 32]).await.unwrap();
    let unrecorded = LoginChange {
        is_recorded: false,
        ..CHANGE
    };
    assert_eq!(reused, Refreshed::Reused(unrecorded));
    let newest = store.refresh_login(&[1; 32], &[2; 32], &[3; 32]).await.unwrap();
    assert_eq!(newest, Refreshed::Ended);
    drop(writer);
}

/// Everyone has any number of wallets, and records are never deleted.
#[tokio::test]
async fn logins_of_an_account_without_a_role_add_no_record_and_those_with_one_do() {
    let database = TestDatabase::create().await.unwrap();
    let store = as_role(&database, "bauta_api").await;
    let unrecorded = LoginChange {
        is_recorded: false,
        ..CHANGE
    };
    let walk = async |number: u8| {
        let begun = store.begin_login(&login(number), 9).await.unwrap().unwrap();
        let (id, secret) = ([number; 32], [number; 32]);
        let ended = store.end_login(&id, &secret).await.unwrap();
        let number = number + 1;
        store.begin_login(&login(number), 9).await.unwrap().unwrap();
        let reused = store.refresh_login(&[number; 32], &[0; 32], &[0; 32]).await;
        (begun, ended, reused.unwrap())
    };
    let expected = (
        unrecorded,
        LoginEnd::LoggedOut(unrecorded),
        Refreshed::Reused(unrecorded),
    );
    assert_eq!(walk(1).await, expected);
    assert_eq!(count(&database, "audit_log").await, 0);
    store.grant_role(ACCOUNT, Role::Auditor, &record()).await.unwrap();
    let expected = (CHANGE, LoginEnd::LoggedOut(CHANGE), Refreshed::Reused(CHANGE));
    assert_eq!(walk(3).await, expected);
    let events: Vec<String> = store
        .audit_log(1, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|stored| stored.record.event)
        .collect();
    assert_eq!(events, ["logged_in", "logged_out", "logged_in", "login_ended"]);
}

#[tokio::test]
async fn of_two_uses_of_a_refresh_token_at_once_one_gets_the_next_token_and_the_login_ends() {
    let database = TestDatabase::create().await.unwrap();
    let store = as_role(&database, "bauta_api").await;
    store
        .grant_role(ACCOUNT, Role::Developer, &record())
        .await
        .unwrap();
    assert!(store.begin_login(&login(1), 2).await.unwrap().is_some());
    let (one, another) = tokio::join!(
        store.refresh_login(&[1; 32], &[1; 32], &[2; 32]),
        database.store.refresh_login(&[1; 32], &[1; 32], &[3; 32])
    );
    let results = [one.unwrap(), another.unwrap()];
    assert!(results.contains(&Refreshed::Replaced(ACCOUNT)), "{results:?}");
    assert!(results.contains(&Refreshed::Reused(CHANGE)), "{results:?}");
    let last = store.audit_log(2, 10).await.unwrap();
    let said: Vec<_> = last
        .iter()
        .map(|stored| {
            (
                stored.record.event.as_str(),
                stored.record.code.as_deref(),
                stored.record.actor.clone(),
            )
        })
        .collect();
    let expected = (
        "login_ended",
        Some("used_refresh_token"),
        Some(ACCOUNT.to_string()),
    );
    assert_eq!(said, [expected], "one record, however often the tokens are used");
    for secret in [[2; 32], [3; 32]] {
        let refreshed = store.refresh_login(&[1; 32], &secret, &[4; 32]).await.unwrap();
        assert_eq!(refreshed, Refreshed::Ended);
    }
    let unknown = store.refresh_login(&[9; 32], &[9; 32], &[4; 32]).await.unwrap();
    assert_eq!(unknown, Refreshed::Unknown);
}

#[tokio::test]
async fn one_owner_remains_even_if_two_owners_remove_each_other_at_once() {
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
    assert_eq!(store.accounts_with_roles(9).await.unwrap().len(), accounts.len());
    let last = store.accounts(Some(ACCOUNT), 10).await.unwrap();
    assert!(last.iter().all(|account| account.id == OTHER));
}

#[tokio::test]
async fn of_many_accounts_with_a_role_those_that_are_more_than_a_developer_are_first() {
    let database = TestDatabase::create().await.unwrap();
    let store = as_role(&database, "bauta_api").await;
    for (account, role) in [(ACCOUNT, Role::Developer), (OTHER, Role::Operator)] {
        store.grant_role(account, role, &record()).await.unwrap();
    }
    assert_eq!(store.accounts_with_roles(1).await.unwrap(), [OTHER]);
    assert_eq!(store.accounts_with_roles(9).await.unwrap(), [OTHER, ACCOUNT]);
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
    // A key that was stolen is replaced although the account has as many keys as it may have.
    assert_eq!(rotate(&store, "00000001", "00000004").await, KeyChange::Stored);
    // One key is not replaced by several ones.
    assert_eq!(rotate(&store, "00000001", "00000005").await, KeyChange::TooMany);
    // A key that has expired counts no more.
    for prefix in ["00000001", "00000002"] {
        assert!(revoke(&store, Some(ACCOUNT), prefix).await);
    }
    assert_eq!(rotate(&store, "00000001", "00000005").await, KeyChange::Unknown);
    assert_eq!(add(&store, &key("00000005", &[])).await, KeyChange::Stored);
    // The valid keys are the first of the list.
    let listed = store.account_keys(ACCOUNT).await.unwrap();
    let prefixes: Vec<&str> = listed.iter().map(|known| known.key.prefix.as_str()).collect();
    assert_eq!(prefixes[..3], ["00000005", "00000004", "00000003"]);
    // New keys in a day are bounded, also those that replace others.
    assert_eq!(
        rotate(&store, "00000003", "00000006").await,
        KeyChange::TooManyToday
    );
    assert!(revoke(&store, Some(ACCOUNT), "00000003").await);
    assert_eq!(add(&store, &key("00000006", &[])).await, KeyChange::TooManyToday);
    sqlx::query("UPDATE api_keys SET created_at = now() - interval '25 hours' WHERE prefix = '00000001'")
        .execute(database.pool())
        .await
        .unwrap();
    assert_eq!(add(&store, &key("00000006", &[])).await, KeyChange::Stored);
    for (account, expected) in [(OTHER, false), (ACCOUNT, true), (ACCOUNT, false)] {
        assert_eq!(revoke(&store, Some(account), "00000004").await, expected);
    }
}

#[tokio::test]
async fn keys_for_web_pages_are_bounded_because_each_has_limits_of_its_own() {
    let database = TestDatabase::create().await.unwrap();
    let store = as_role(&database, "bauta_api").await;
    let granted = store.grant_role(ACCOUNT, Role::Developer, &record()).await;
    granted.unwrap();
    let page = ["https://a.example"];
    for prefix in ["00000001", "00000002"] {
        assert_eq!(add(&store, &key(prefix, &page)).await, KeyChange::Stored);
    }
    let third = key("00000003", &page);
    assert_eq!(add(&store, &third).await, KeyChange::TooManyForPages);
    // A key that replaces another one has its limits, and not further ones.
    assert_eq!(rotate(&store, "00000001", "00000004").await, KeyChange::Stored);
    let limits = KeyLimits { valid: 9, ..LIMITS };
    let more = async || {
        store
            .add_account_key(ACCOUNT, &third, "name", limits, &record())
            .await
    };
    assert_eq!(more().await.unwrap(), KeyChange::TooManyForPages);
    assert!(revoke(&store, Some(ACCOUNT), "00000002").await);
    assert_eq!(more().await.unwrap(), KeyChange::Stored);
}

async fn revoke(store: &Store, account: Option<AccountId>, prefix: &str) -> bool {
    let audited = record();
    store.revoke_audited_key(account, prefix, &audited).await.unwrap()
}

async fn rotate(store: &Store, prefix: &str, next: &str) -> KeyChange {
    let new = key(next, &[]);
    let audited = record();
    let rotated = store.rotate_account_key(ACCOUNT, prefix, &new, 60, LIMITS, &audited);
    rotated.await.unwrap()
}

/// What the process of the API service could do if it were taken over.
#[tokio::test]
async fn the_role_of_the_api_adds_no_key_that_only_an_operator_may_add_and_revives_none() {
    let database = TestDatabase::create().await.unwrap();
    let store = as_role(&database, "bauta_api").await;
    let mut of_operator = key("0000000a", &[]);
    of_operator.permissions = vec!["admin".to_owned()];
    of_operator.requests_per_minute = Some(0);
    of_operator.expires_at = 4_000_000_000;
    assert!(database.store.add_api_key(&of_operator).await.unwrap());
    store
        .grant_role(ACCOUNT, Role::Developer, &record())
        .await
        .unwrap();
    assert_eq!(add(&store, &key("0000000b", &[])).await, KeyChange::Stored);
    let insert = async |columns: &str, values: &str| {
        let statement = format!(
            "INSERT INTO api_keys (prefix, secret_hash, permissions, {columns})
             VALUES ('0000000c', decode(repeat('07', 32), 'hex'), {values})"
        );
        sqlx::query(AssertSqlSafe(statement)).execute(store.pool()).await
    };
    let (all, account) = ("owner, account, expires_at", "decode(repeat('01', 16), 'hex')");
    let end = "now() + interval '365 days'";
    let read = "ARRAY['read']";
    for (columns, values, rule) in [
        (
            all,
            format!("ARRAY['admin'], '0000000c', {account}, {end}"),
            "these permissions",
        ),
        (
            all,
            format!("ARRAY['read', 'admin'], '0000000c', {account}, {end}"),
            "these permissions",
        ),
        (
            "origins, owner, account, expires_at",
            format!("ARRAY['prove'], ARRAY['https://a.example'], '0000000c', {account}, {end}"),
            "these permissions",
        ),
        (
            "owner, expires_at",
            format!("{read}, '0000000c', {end}"),
            "without an account",
        ),
        (
            all,
            format!("{read}, '0000000a', {account}, {end}"),
            "belongs to another account",
        ),
        (
            all,
            format!("{read}, '0000000b', decode(repeat('02', 16), 'hex'), {end}"),
            "belongs to another",
        ),
        (
            all,
            format!("{read}, '0000000c', {account}, now() + interval '367 days'"),
            "366 days",
        ),
        (
            all,
            format!("{read}, '0000000c', {account}, 'infinity'"),
            "366 days",
        ),
        (
            "requests_per_minute, owner, account, expires_at",
            format!("{read}, 0, '0000000c', {account}, {end}"),
            "limits of its own",
        ),
    ] {
        let error = insert(columns, &values).await.unwrap_err().to_string();
        assert!(error.contains(rule), "{values}: {error}");
    }
    let error = sqlx::query("UPDATE api_keys SET expires_at = expires_at + interval '1 second'")
        .execute(store.pool())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("valid for longer"), "{error}");
    for prefix in ["0000000a", "0000000b"] {
        assert!(revoke(&store, None, prefix).await, "{prefix}");
    }
    let error = sqlx::query("UPDATE api_keys SET expires_at = now() + interval '1 day'")
        .execute(store.pool())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("valid for longer"), "{error}");
    assert_eq!(count(&database, "api_keys").await, 2);
    insert(all, &format!("{read}, '0000000b', {account}, {end}"))
        .await
        .unwrap();
}

/// A session looks tables up among its temporary ones first, unless a function says otherwise.
#[tokio::test]
async fn a_temporary_table_does_not_stand_for_the_table_that_the_trigger_of_the_keys_reads() {
    let database = TestDatabase::create().await.unwrap();
    let store = as_role(&database, "bauta_api").await;
    let mut connection = store.pool().acquire().await.unwrap();
    let schema: String = sqlx::query_scalar("SELECT current_schema()::text")
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    for statement in [
        "CREATE TEMPORARY TABLE api_keys (prefix text, owner text, account bytea)",
        "INSERT INTO pg_temp.api_keys (prefix) VALUES ('0000000c')",
    ] {
        sqlx::query(statement).execute(&mut *connection).await.unwrap();
    }
    let statement = format!(
        "INSERT INTO {schema}.api_keys (prefix, secret_hash, permissions, owner, account, expires_at)
         VALUES ('0000000c', decode(repeat('07', 32), 'hex'), ARRAY['admin'], '0000000c',
                 decode(repeat('01', 16), 'hex'), now() + interval '365 days')"
    );
    let error = sqlx::query(AssertSqlSafe(statement))
        .execute(&mut *connection)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("these permissions"), "{error}");
}

#[tokio::test]
async fn a_change_without_its_record_is_not_made() {
    let database = TestDatabase::create().await.unwrap();
    let store = as_role(&database, "bauta_api").await;
    store
        .grant_role(ACCOUNT, Role::Developer, &record())
        .await
        .unwrap();
    store.grant_role(OTHER, Role::Owner, &record()).await.unwrap();
    assert_eq!(add(&store, &key("00000001", &[])).await, KeyChange::Stored);
    assert!(store.begin_login(&login(1), 2).await.unwrap().is_some());
    let rows = async || {
        let mut rows = String::new();
        for table in [
            "accounts",
            "logins",
            "used_nonces",
            "api_keys",
            "audit_log",
            "audit_head",
        ] {
            let query =
                format!("SELECT coalesce(string_agg(t::text, ' ' ORDER BY t::text), '') FROM {table} t");
            let of_table: String = sqlx::query_scalar(AssertSqlSafe(query))
                .fetch_one(database.pool())
                .await
                .unwrap();
            rows += &of_table;
        }
        rows
    };
    let before = rows().await;
    sqlx::query("REVOKE INSERT ON audit_log FROM bauta_api")
        .execute(database.pool())
        .await
        .unwrap();
    let (audited, second) = (record(), key("00000002", &[]));
    let failed = [
        store
            .add_account_key(ACCOUNT, &second, "name", LIMITS, &audited)
            .await
            .is_err(),
        store
            .rotate_account_key(ACCOUNT, "00000001", &second, 60, LIMITS, &audited)
            .await
            .is_err(),
        store
            .revoke_audited_key(Some(ACCOUNT), "00000001", &audited)
            .await
            .is_err(),
        store.revoke_api_key("00000001").await.is_err(),
        store.set_roles(ACCOUNT, &[], &audited).await.is_err(),
        store
            .set_roles(ACCOUNT, &[Role::Auditor], &audited)
            .await
            .is_err(),
        store.grant_role(ACCOUNT, Role::Owner, &audited).await.is_err(),
        store.begin_login(&login(2), 2).await.is_err(),
        store.end_login(&[1; 32], &[1; 32]).await.is_err(),
    ];
    assert_eq!(failed, [true; 9]);
    assert_eq!(rows().await, before);
    sqlx::query("GRANT INSERT ON audit_log TO bauta_api")
        .execute(database.pool())
        .await
        .unwrap();
    let ended = store.end_login(&[1; 32], &[1; 32]).await.unwrap();
    assert_eq!(ended, LoginEnd::LoggedOut(CHANGE));
    let last = store.audit_log(4, 10).await.unwrap();
    let said: Vec<&str> = last.iter().map(|stored| stored.record.event.as_str()).collect();
    assert_eq!(said, ["logged_out"]);
}

#[tokio::test]
async fn the_commands_of_operators_that_change_keys_are_recorded() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    assert!(store.add_api_key(&key("00000001", &[])).await.unwrap());
    assert!(!store.add_api_key(&key("00000001", &[])).await.unwrap());
    assert!(store.revoke_api_key("00000001").await.unwrap());
    assert!(!store.revoke_api_key("00000001").await.unwrap());
    let records = store.audit_log(0, 10).await.unwrap();
    let records: Vec<AuditRecord> = records.into_iter().map(|stored| stored.record).collect();
    let of = |event| AuditRecord::of(event, "operator", "00000001");
    assert_eq!(records, [of("key_created"), of("key_revoked")]);
}

#[tokio::test]
async fn an_audit_record_that_is_changed_removed_or_inserted_is_found_and_the_log_only_grows() {
    let database = TestDatabase::create().await.unwrap();
    let store = as_role(&database, "bauta_api").await;
    for number in 0..5 {
        let refusal = AuditRecord::refusal("token_refused", &format!("code_{number}"), None);
        let audited = record();
        store.add_audit_records(&[refusal]).await.unwrap();
        database.store.add_audit_records(&[audited]).await.unwrap();
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

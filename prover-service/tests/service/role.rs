//! The service with the database role `bauta_prover`.

use std::str::FromStr;

use bauta_store::testing::TestDatabase;
use sqlx::{ConnectOptions, postgres::PgConnectOptions};

use crate::{
    common::{Running, command, request, text, with_jobs},
    compose_secrets,
};

/// Returns the URL of a database for sessions with a role.
fn as_role(url: &str, role: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}options=-c%20role%3D{role}")
}

#[tokio::test]
async fn the_role_bauta_prover_runs_the_service_and_its_workers_and_can_change_no_table() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let owner = command(&with_jobs(&url, &[])).arg("migrate").output().unwrap();
    assert!(owner.status.success(), "{}", text(&owner));
    let limited = as_role(&url, "bauta_prover");
    let service = Running::start_migrated(&with_jobs(&limited, &[("RUN_JOBS", "false")]));
    let worker = Running::worker_migrated(&with_jobs(&limited, &[]));
    let first = service.enqueue(&request(3), Some("a")).await;
    assert_eq!(service.result(&first).await["state"], "succeeded");
    let second = service.enqueue(&request(4), None).await;
    assert_eq!(service.delete(&format!("/jobs/{second}")).await.0, 200);
    assert_eq!(service.get("/api/workers/stats").await.0, 200);
    assert_eq!(service.ready().await.1["status"], "ready");
    assert_eq!(worker.ready().await.1["status"], "ready");
    let role = bauta_store::Store::connect(&limited, 1).await.unwrap();
    for (statement, what) in [
        ("CREATE TABLE other (a int)", "a table"),
        ("ALTER TABLE jobs ADD COLUMN a int", "a column"),
        ("TRUNCATE graphile_worker._private_jobs", "the engine's jobs"),
        (
            "INSERT INTO graphile_worker.migrations (id, breaking) VALUES (99, false)",
            "the engine's version",
        ),
        ("SELECT * FROM nullifiers", "nullifiers"),
        ("SELECT * FROM holdings", "holdings"),
        ("DELETE FROM roots", "roots"),
    ] {
        let outcome = sqlx::raw_sql(statement).execute(role.pool()).await;
        let error = outcome
            .err()
            .unwrap_or_else(|| panic!("the role changed or read {what}"));
        assert!(
            error.to_string().contains("permission denied") || error.to_string().contains("must be owner"),
            "{error}"
        );
    }
    assert!(
        !service.log().contains("housekeeping_failed"),
        "{}",
        service.log()
    );
}

#[tokio::test]
async fn the_users_of_the_compose_file_have_only_the_permissions_of_their_services() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = compose_secrets::make(folder.path());
    let read = |file: &str| std::fs::read_to_string(secrets.join(file)).unwrap();
    let login = |file: &str| {
        let settings = read(file);
        let url = settings
            .lines()
            .find_map(|line| line.strip_prefix("database_url = "));
        let options = PgConnectOptions::from_str(url.unwrap().trim_matches('"')).unwrap();
        options.to_url_lossy()
    };
    let user = |file: &str| login(file).username().to_owned();
    assert_eq!(user("owner.toml"), "bauta");
    assert!(read("indexer.toml").contains("\ndatabase_migrate = false\n"));

    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let owner = command(&with_jobs(&url, &[])).arg("migrate").output().unwrap();
    assert!(owner.status.success(), "{}", text(&owner));
    let users = read("users.sql");
    // Twice, because the compose file runs it at every start.
    for _ in 0..2 {
        sqlx::raw_sql(sqlx::AssertSqlSafe(users.clone()))
            .execute(database.pool())
            .await
            .unwrap();
    }
    for file in ["prover.toml", "indexer.toml", "api.toml"] {
        let roles: Vec<(bool, String)> = sqlx::query_as(
            "SELECT u.rolsuper OR u.rolcreaterole OR u.rolcreatedb OR u.rolreplication, g.rolname::text FROM pg_roles u
             JOIN pg_auth_members m ON m.member = u.oid JOIN pg_roles g ON g.oid = m.roleid WHERE u.rolname = $1",
        )
        .bind(user(file))
        .fetch_all(database.pool())
        .await
        .unwrap();
        assert_eq!(roles, [(false, format!("bauta_{}", user(file)))]);
    }
    let login = login("prover.toml");
    let options = PgConnectOptions::from_str(&url).unwrap();
    let options = options
        .username(login.username())
        .password(login.password().unwrap());
    let url = options.to_url_lossy().to_string();
    let settings = read("prover.toml");
    let keys = settings.lines().find_map(|line| line.strip_prefix("api_keys = "));
    let keys = ("API_KEYS", keys.unwrap().trim_matches('"'));
    let mut service = Running::start_migrated(&with_jobs(&url, &[keys]));
    let job = service.enqueue(&request(3), None).await;
    assert_eq!(service.result(&job).await["state"], "succeeded");
    assert_eq!(service.ready().await.1["status"], "ready");
    // The key of the first client may prove, and only the operator's key may administrate.
    for (file, proved, shown) in [("api_key", 200, 403), ("admin_key", 403, 200)] {
        service.identify(read(file).trim());
        assert_eq!(service.post("/prove", &request(4)).await.0, proved, "{file}");
        assert_eq!(service.get("/api/queue/stats").await.0, shown, "{file}");
    }
}

#[tokio::test]
async fn the_service_does_not_migrate_the_queue_engine() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    for arguments in [&[][..], &["worker"]] {
        let output = command(&with_jobs(&url, &[])).args(arguments).output().unwrap();
        let printed = text(&output);
        assert!(
            !output.status.success() && printed.contains("prover-service migrate"),
            "{printed}"
        );
    }
    let exists: bool = sqlx::query_scalar("SELECT to_regnamespace('graphile_worker') IS NOT NULL")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert!(!exists);
}

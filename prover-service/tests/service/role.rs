//! The service with the database role `bauta_prover`.

use bauta_store::testing::TestDatabase;

use crate::common::{Running, command, request, text, with_jobs};

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

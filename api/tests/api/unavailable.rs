//! The service without its database.

use bauta_dev_servers::Postgres;
use bauta_store::testing::TestDatabase;
use serde_json::json;

use crate::common::{Chain, Running};

/// Waits until `/health` reports this state of the database. Each response must come at once, and
/// not after the database's.
async fn wait_for_database(service: &Running, state: &str) {
    let reported = async {
        while service.read("/health").await["database"] != state {
            tokio::task::yield_now().await;
        }
    };
    let limit = std::time::Duration::from_secs(45);
    tokio::time::timeout(limit, reported).await.unwrap();
}

#[tokio::test]
async fn a_database_that_does_not_answer_does_not_delay_the_state_of_the_process() {
    let chain = Chain::new().await;
    let service = Running::start(&chain.database, &[]);
    wait_for_database(&service, "connected").await;
    let mut blocking = chain.database.pool().begin().await.unwrap();
    sqlx::query("LOCK TABLE circuits IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *blocking)
        .await
        .unwrap();
    wait_for_database(&service, "unavailable").await;
    blocking.rollback().await.unwrap();
    wait_for_database(&service, "connected").await;
}

#[tokio::test]
async fn without_postgres_requests_fail_with_503_and_the_instance_stays_in_service() {
    let server = Postgres::start().unwrap();
    let database = TestDatabase::on(server.url()).await.unwrap();
    database.store.migrate().await.unwrap();
    let service = Running::start(&database, &[]);
    assert_eq!(service.ready().await["status"], "ready");
    drop(server);
    let (status, problem) = service.get("/v1/registries").await;
    assert_eq!(
        (status, &problem["code"]),
        (503, &json!("database_away")),
        "{problem}"
    );
    wait_for_database(&service, "unavailable").await;
    let report = tokio::time::timeout(std::time::Duration::from_secs(30), async {
        loop {
            let report = service.ready().await;
            if report["status"] != "ready" {
                return report;
            }
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(report.await.unwrap()["status"], "degraded");
}

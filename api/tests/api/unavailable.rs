//! The service without its database.

use bauta_dev_servers::Postgres;
use bauta_store::testing::TestDatabase;
use serde_json::json;

use crate::common::Running;

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
    assert_eq!(service.read("/health").await["database"], "unavailable");
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

//! Who may do what.

use bauta_store::testing::TestDatabase;
use serde_json::json;

use crate::common::{Running, command, request, text, with_jobs};

/// Key and line, as the command prints them.
fn api_key(scopes: &str) -> (String, String) {
    let output = command(&[])
        .args(["api-key", "--scopes", scopes])
        .output()
        .unwrap();
    let printed = text(&output);
    let mut last = printed
        .lines()
        .map(|line| line.rsplit(' ').next().unwrap().to_owned());
    (last.next().unwrap(), last.next().unwrap())
}

#[tokio::test]
async fn with_api_keys_nobody_proves_without_one_and_nobody_sees_anothers_job() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let ((alice, alices), (bob, bobs)) = (api_key("prove"), api_key("prove,admin"));
    let lines = format!("{alices},{bobs}");
    let mut service = Running::start(&with_jobs(&url, &[("API_KEYS", &lines)]));
    let (status, problem) = service.post("/prove", &request(3)).await;
    assert_eq!((status, &problem["code"]), (401, &json!("missing_api_key")));

    service.identify(&alice);
    assert_eq!(service.post("/prove", &request(3)).await.0, 200);
    let job = service.enqueue(&request(3), Some("key")).await;
    assert_eq!(service.result(&job).await["state"], "succeeded");
    let (status, problem) = service.get("/api/queue/stats").await;
    assert_eq!((status, &problem["scope"]), (403, &json!("admin")));

    service.identify(&bob);
    assert_eq!(service.get("/api/queue/stats").await.0, 200);
    for (status, problem) in [
        service.get(&format!("/jobs/{job}")).await,
        service.delete(&format!("/jobs/{job}")).await,
        service.get(&format!("/jobs/{job}/events")).await,
    ] {
        assert_eq!((status, &problem["code"]), (404, &json!("unknown_job")));
    }
    assert_ne!(
        service.enqueue(&request(3), Some("key")).await,
        job,
        "idempotency keys are their owner's"
    );
    let log = service.log();
    for key in [alice, bob] {
        assert!(
            !log.contains(key.rsplit('_').next().unwrap()),
            "the log has an API key"
        );
    }
}

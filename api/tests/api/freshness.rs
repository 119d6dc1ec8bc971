//! The slots that responses are marked with, and those that requests need.

use bauta_store::Slot;
use serde_json::{Value, json};

use crate::common::{Chain, Running};

#[tokio::test]
async fn a_response_has_the_slots_of_the_database_and_a_request_can_need_a_slot() {
    let mut chain = Chain::new().await;
    let service = Running::start(&chain.database, &[]);
    let first = chain.slot - 1;
    let response = service.response("/v1/config").await;
    assert_eq!(response.headers()["bauta-slot"], first.to_string().as_str());
    assert!(response.headers().get("bauta-finalized-slot").is_none());
    // A slot that was applied a moment ago is there at once for a request that needs it.
    chain.apply().await;
    chain.database.store.mark_final(Slot::new(first)).await.unwrap();
    let (needed, later) = ((first + 1).to_string(), (first + 2).to_string());
    let response = service.get_with("/v1/config", "bauta-min-slot", &needed).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["bauta-slot"], needed.as_str());
    assert_eq!(
        response.headers()["bauta-finalized-slot"],
        first.to_string().as_str()
    );
    let response = service.get_with("/v1/config", "bauta-min-slot", &later).await;
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["code"], "behind");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains(&format!("slot {needed}")),
        "{problem}"
    );
    for wrong in ["x", "-1", "1.5", "", "18446744073709551616"] {
        let response = service.get_with("/v1/config", "bauta-min-slot", wrong).await;
        assert_eq!(response.status(), 400, "{wrong}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["field"], json!("Bauta-Min-Slot"));
    }
    // The task reads the slots at an interval.
    let read = async {
        while !service
            .metrics()
            .await
            .contains(&format!("bauta_api_slot {needed}"))
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), read)
        .await
        .unwrap();
    let response = service.response("/v1/config").await;
    assert_eq!(response.headers()["bauta-slot"], needed.as_str());
    let metrics = service.metrics().await;
    assert!(metrics.contains("bauta_api_behind_total 1"), "{metrics}");
}

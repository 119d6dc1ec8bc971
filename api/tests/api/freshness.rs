//! The slots that responses are marked with, and those that requests need.

use std::time::Duration;

use bauta_store::{RegistryKind, Slot};
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{Chain, Running, address};

#[tokio::test]
async fn a_response_has_the_slots_of_the_database_and_a_request_can_need_a_slot() {
    let mut chain = Chain::new().await;
    let service = Running::start(&chain.database, &[]);
    let first = chain.slot - 1;
    let response = service.response("/v1/config").await;
    assert_eq!(response.headers()["bauta-slot"], first.to_string().as_str());
    assert!(response.headers().get("bauta-finalized-slot").is_none());
    // A slot that was applied a moment ago is there at once for a request that needs it.
    chain.database.store.mark_final(Slot::new(first)).await.unwrap();
    chain.apply().await;
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
    // The task reads the slots when it is notified, and at an interval.
    wait_for_metric(&service, &format!("bauta_api_slot {needed}")).await;
    let response = service.response("/v1/config").await;
    assert_eq!(response.headers()["bauta-slot"], needed.as_str());
    let metrics = service.metrics().await;
    assert!(metrics.contains("bauta_api_behind_total 1"), "{metrics}");
}

#[tokio::test]
async fn a_replica_answers_as_far_as_it_has_followed_the_primary() {
    let (mut primary, replica) = (Chain::new().await, Chain::new().await);
    primary.create(address("registry"), RegistryKind::Managed);
    primary.apply().await;
    let (behind, ahead) = (replica.slot - 1, primary.slot - 1);
    assert!(behind < ahead);
    let url = replica.database.url().unwrap();
    let service = Running::start(&primary.database, &[("DATABASE_READ_URLS", &url)]);
    wait_for_metric(&service, "bauta_api_replicas{state=\"used\"} 1").await;
    // Without a slot, the replica answers and says how old its data is.
    let answer = async |needed: Option<u64>| {
        let request = service.request(Method::GET, "/v1/registries");
        let request = match needed {
            Some(slot) => request.header("bauta-min-slot", slot),
            None => request,
        };
        let response = request.send().await.unwrap();
        let slot = response
            .headers()
            .get("bauta-slot")
            .map(|slot| slot.to_str().unwrap().to_owned());
        (
            response.status().as_u16(),
            slot,
            response.json::<Value>().await.unwrap(),
        )
    };
    let (status, slot, body) = answer(None).await;
    assert_eq!(
        (status, slot, &body["data"]),
        (200, Some(behind.to_string()), &json!([]))
    );
    let (status, slot, body) = answer(Some(behind)).await;
    assert_eq!(
        (status, slot, &body["data"]),
        (200, Some(behind.to_string()), &json!([]))
    );
    let (status, slot, body) = answer(Some(ahead)).await;
    assert_eq!((status, slot), (200, Some(ahead.to_string())));
    assert_eq!(body["data"][0]["address"], address("registry").to_string());
    let (status, _, problem) = answer(Some(ahead + 1)).await;
    assert_eq!((status, &problem["code"]), (503, &json!("behind")));
    // A replica that is unavailable is not used.
    drop(replica);
    wait_for_metric(&service, "bauta_api_replicas{state=\"unused\"} 1").await;
    let read = async { while answer(None).await.1 != Some(ahead.to_string()) {} };
    tokio::time::timeout(Duration::from_secs(30), read).await.unwrap();
}

#[tokio::test]
async fn a_replica_that_is_far_behind_is_used_only_by_requests_that_need_no_more() {
    let (mut primary, replica) = (Chain::new().await, Chain::new().await);
    let behind = replica.slot - 1;
    primary.slot = behind + 151;
    primary.apply().await;
    let url = replica.database.url().unwrap();
    let service = Running::start(&primary.database, &[("DATABASE_READ_URLS", &url)]);
    wait_for_metric(&service, "bauta_api_replicas{state=\"unused\"} 1").await;
    let response = service.response("/v1/registries").await;
    assert_eq!(
        response.headers()["bauta-slot"],
        (behind + 151).to_string().as_str()
    );
    let read = async {
        loop {
            let response = service
                .get_with("/v1/registries", "bauta-min-slot", &behind.to_string())
                .await;
            if response.headers()["bauta-slot"] == behind.to_string().as_str() {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), read).await.unwrap();
}

async fn wait_for_metric(service: &Running, line: &str) {
    let read = async {
        while !service.metrics().await.contains(line) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), read).await.unwrap();
}

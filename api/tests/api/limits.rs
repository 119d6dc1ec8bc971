//! Rate limits.

use std::time::Duration;

use bauta_dev_servers::Redis;
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{Chain, Running};

async fn assert_limited(service: &Running, path: &str) {
    let response = service.response(path).await;
    assert_eq!(response.status(), 429, "{path}");
    let seconds: u64 = response.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=65).contains(&seconds), "{seconds}");
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["code"], "rate_limited");
}

#[tokio::test]
async fn tiles_have_their_own_limit_and_each_tile_of_a_list_counts() {
    let chain = Chain::new().await;
    let limits = [
        ("ANONYMOUS_REQUESTS_PER_MINUTE", "2"),
        ("ANONYMOUS_TILES_PER_MINUTE", "5"),
    ];
    let service = Running::start(&chain.database, &limits);
    for _ in 0..2 {
        service.read("/v1/config").await;
    }
    assert_limited(&service, "/v1/config").await;
    let tile = format!("/v1/tiles/0x{}", "07".repeat(32));
    assert_eq!(service.response(&tile).await.status(), 404);
    let body = json!({"hashes": vec![format!("0x{}", "07".repeat(32)); 4]});
    let request = service.request(Method::POST, "/v1/tiles").json(&body);
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_limited(&service, &tile).await;
    // Monitoring has no limit.
    service.read("/health").await;
}

#[tokio::test]
async fn an_address_behind_a_trusted_proxy_has_its_own_limit_and_all_together_have_another() {
    let chain = Chain::new().await;
    let limits = [
        ("ANONYMOUS_REQUESTS_PER_MINUTE", "2"),
        ("TOTAL_REQUESTS_PER_MINUTE", "3"),
        ("TRUSTED_PROXIES", "127.0.0.0/8"),
    ];
    let service = Running::start(&chain.database, &limits);
    let status = async |client: &str| {
        let response = service.get_with("/v1/config", "x-forwarded-for", client).await;
        response.status().as_u16()
    };
    for (client, expected) in [
        ("192.0.2.1", 200),
        ("192.0.2.1", 200),
        ("192.0.2.1", 429),
        ("192.0.2.2", 200),
        ("192.0.2.3", 429),
    ] {
        assert_eq!(status(client).await, expected, "{client}");
    }
}

#[tokio::test]
async fn instances_count_together_in_redis_and_alone_without_it() {
    let chain = Chain::new().await;
    let redis = Redis::start().unwrap();
    let settings = [
        ("ANONYMOUS_REQUESTS_PER_MINUTE", "3"),
        ("REDIS_URL", redis.url()),
        ("TRUSTED_PROXIES", "127.0.0.0/8"),
    ];
    let instances = [(); 2].map(|()| Running::start(&chain.database, &settings));
    let status = async |instance: usize, client: &str| {
        let response = instances[instance].get_with("/v1/config", "x-forwarded-for", client);
        response.await.status().as_u16()
    };
    for (instance, expected) in [(0, 200), (1, 200), (0, 200), (1, 429), (0, 429)] {
        assert_eq!(status(instance, "192.0.2.1").await, expected);
    }
    // Redis has no address.
    let mut connection = redis::Client::open(redis.url())
        .unwrap()
        .get_connection()
        .unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut connection).unwrap();
    assert!(
        !keys.is_empty() && keys.iter().all(|key| !key.contains("192")),
        "{keys:?}"
    );
    assert_eq!(instances[0].ready().await["status"], "ready");
    let _stopped = redis.stop();
    for instance in 0..2 {
        for expected in [200, 200, 200, 429] {
            assert_eq!(status(instance, "192.0.2.2").await, expected);
        }
    }
    // The report of the checks is kept for a moment.
    let degraded = async { while instances[0].ready().await["status"] != "degraded" {} };
    tokio::time::timeout(Duration::from_secs(30), degraded)
        .await
        .unwrap();
}

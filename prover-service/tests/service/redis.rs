//! The data that instances share in Redis, and the service without Redis.

use std::time::Duration;

use bauta_dev_servers::Redis;
use redis::Commands;
use serde_json::{Value, json};

use crate::{
    cache::{connect, count, folder, proofs_generated, prove, start},
    common::{Running, request},
};

#[tokio::test]
async fn an_instance_uses_the_proofs_of_another_and_forged_entries_are_misses() {
    let redis = Redis::start().unwrap();
    let (first_folder, second_folder) = (folder(), folder());
    let first = start(&first_folder, &[("REDIS_URL", redis.url())]);
    prove(&first, &request(3)).await;
    prove(&first, &request(4)).await;
    let second = start(&second_folder, &[("REDIS_URL", redis.url())]);
    prove(&second, &request(3)).await;
    assert_eq!(proofs_generated(&second).await, 0);
    assert_eq!(count(&second, "proofs_redis", "hit").await, 1);
    // Swaps the values of the two entries.
    let mut connection = connect(&redis);
    let keys: Vec<String> = connection.keys("bauta:proof:*").unwrap();
    let values: Vec<Vec<u8>> = connection.mget(&keys).unwrap();
    for (key, value) in keys.iter().zip(values.iter().rev()) {
        let () = connection.set(key, value).unwrap();
    }
    let third_folder = folder();
    let third = start(&third_folder, &[("REDIS_URL", redis.url())]);
    prove(&third, &request(3)).await;
    assert_eq!(proofs_generated(&third).await, 1);
    assert_eq!(count(&third, "proofs_redis", "damaged").await, 1);
}

#[tokio::test]
async fn the_result_of_a_verification_is_cached_and_cannot_be_forged() {
    let redis = Redis::start().unwrap();
    let folder = folder();
    let service = start(&folder, &[("REDIS_URL", redis.url())]);
    let (_, answer) = service.post("/prove", &request(3)).await;
    let good =
        json!({"proof": answer["proof"]["proof"], "circuitId": "ownership-v1", "public": answer["public"]});
    let mut bad = good.clone();
    bad["public"]["context"] = json!(format!("0x{:064x}", 99));
    for _ in 0..2 {
        assert_eq!(service.post("/verify", &good).await.1["valid"], true);
        let (_, verdict) = service.post("/verify", &bad).await;
        assert_eq!(verdict["valid"], false);
        assert!(verdict["reason"].is_string(), "{verdict}");
    }
    assert_eq!(count(&service, "verifications", "miss").await, 2);
    assert_eq!(count(&service, "verifications", "hit").await, 2);
    let mut connection = connect(&redis);
    let keys: Vec<String> = connection.keys("bauta:verification:*").unwrap();
    assert_eq!(keys.len(), 2);
    let values: Vec<Vec<u8>> = connection.mget(&keys).unwrap();
    for key in &keys {
        let seconds: i64 = connection.ttl(key).unwrap();
        assert!((1..=300).contains(&seconds), "{seconds}");
        for value in &values {
            let () = connection.set(key, value).unwrap();
            assert_eq!(service.post("/verify", &bad).await.1["valid"], false);
            assert_eq!(service.post("/verify", &good).await.1["valid"], true);
        }
    }
}

#[tokio::test]
async fn a_verifying_key_of_another_instance_is_found_by_its_hash() {
    let redis = Redis::start().unwrap();
    let service = Running::start(&[("REDIS_URL", redis.url())]);
    let (_, answer) = service.post("/prove", &request(3)).await;
    let hash = answer["proof"]["metadata"]["model_hash"].as_str().unwrap();
    let mut connection = connect(&redis);
    let published: Vec<u8> = connection
        .get(format!("bauta:verifying_key:{}", &hash[2..]))
        .unwrap();
    // A key that this instance doesn't have: alpha and IC0 are swapped.
    let mut other = published.clone();
    let end = other.len() - 64;
    other[..64].copy_from_slice(&published[end - 64..end]);
    other[end - 64..end].copy_from_slice(&published[..64]);
    let other_hash = hex::encode(bauta_primitives::sha256(&other));
    let form = |hash: &str| json!({"proof": answer["proof"]["proof"], "model_hash": format!("0x{hash}"), "public": answer["public"]});
    let (status, problem) = service.post("/verify", &form(&other_hash)).await;
    assert_eq!((status, &problem["code"]), (404, &json!("unknown_circuit")));
    let redis_key = format!("bauta:verifying_key:{other_hash}");
    // A key under the hash of another key is refused.
    let () = connection.set(&redis_key, &published).unwrap();
    assert_eq!(service.post("/verify", &form(&other_hash)).await.0, 404);
    assert_eq!(count(&service, "verifying_keys", "damaged").await, 1);
    let () = connection.set(&redis_key, &other).unwrap();
    let (status, verdict) = service.post("/verify", &form(&other_hash)).await;
    assert_eq!((status, &verdict["valid"]), (200, &json!(false)), "{verdict}");
    assert_eq!(count(&service, "verifying_keys", "hit").await, 1);
}

/// Waits until the check of Redis has this status.
async fn wait_for_redis(service: &Running, status: &str) -> Value {
    let reached = async {
        loop {
            let (_, ready) = service.ready().await;
            if ready["checks"]["redis"]["status"] == status {
                return ready;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), reached)
        .await
        .unwrap_or_else(|_| panic!("Redis never became {status}"))
}

#[tokio::test]
async fn without_redis_proving_works_readiness_is_degraded_and_the_service_reconnects() {
    let redis = Redis::start().unwrap();
    let url = redis.url().to_owned();
    let folder = folder();
    let service = start(&folder, &[("REDIS_URL", &url)]);
    wait_for_redis(&service, "ok").await;
    prove(&service, &request(3)).await;
    let stopped = redis.stop();
    // Every request succeeds, whether or not the service has noticed the loss already.
    for index in 4..8 {
        prove(&service, &request(index)).await;
    }
    let ready = wait_for_redis(&service, "degraded").await;
    assert_eq!(ready["status"], "degraded");
    let reason = ready["checks"]["redis"]["reason"].as_str().unwrap();
    assert!(reason.contains("proving and verifying work"), "{reason}");
    assert_eq!(service.ready().await.0, 200);
    prove(&service, &request(3)).await;
    assert_eq!(proofs_generated(&service).await, 5, "the cache on disk works");
    assert!(count(&service, "proofs_redis", "error").await > 0);
    let metrics = service.metrics().await;
    assert!(metrics.contains("bauta_prover_redis_up 0"), "{metrics}");
    assert!(metrics.contains(r#"check_up{check="redis"} 0"#), "{metrics}");

    let redis = stopped.start().unwrap();
    assert_eq!(redis.url(), url);
    wait_for_redis(&service, "ok").await;
    prove(&service, &request(9)).await;
    let mut connection = connect(&redis);
    let kept: Vec<String> = connection.keys("bauta:proof:*").unwrap();
    assert_eq!(kept.len(), 1, "Redis is used again");
    let keys: Vec<String> = connection.keys("bauta:verifying_key:*").unwrap();
    assert_eq!(keys.len(), 1, "an empty Redis gets the verifying keys again");
    assert!(
        !service
            .log()
            .contains(url.split(':').nth(2).unwrap().split('@').next().unwrap())
    );
}

#[tokio::test]
async fn the_service_starts_without_redis() {
    let service = Running::start(&[("REDIS_URL", "redis://default:hunter22@127.0.0.1:1/")]);
    let (status, ready) = service.ready().await;
    assert_eq!((status, &ready["status"]), (200, &json!("degraded")));
    assert_eq!(service.post("/prove", &request(3)).await.0, 200);
    assert!(!service.log().contains("hunter22"));
}

#[tokio::test]
async fn instances_share_a_rate_limit_and_without_redis_each_counts_alone() {
    let redis = Redis::start().unwrap();
    let environment = [("REDIS_URL", redis.url()), ("ANONYMOUS_PROOFS_PER_MINUTE", "3")];
    let (first, second) = (Running::start(&environment), Running::start(&environment));
    wait_for_redis(&first, "ok").await;
    wait_for_redis(&second, "ok").await;
    for service in [&first, &second, &first] {
        assert_eq!(service.post("/prove", &request(3)).await.0, 200);
    }
    for service in [&first, &second] {
        service.assert_rate_limited().await;
    }
    let mut connection = connect(&redis);
    let keys: Vec<String> = connection.keys("bauta:counts:*").unwrap();
    assert_eq!(keys.len(), 1, "{keys:?}");
    assert!(!keys[0].contains("127.0.0.1"), "Redis contains an address");
    let plain = blake3::hash(b"127.0.0.1").to_hex();
    assert!(
        !keys[0].contains(plain.as_str()),
        "an address can be found by trying all addresses"
    );
    let milliseconds: i64 = connection.pttl(&keys[0]).unwrap();
    assert!((1..=65_000).contains(&milliseconds), "{milliseconds}");
    drop(redis);
    wait_for_redis(&second, "degraded").await;
    for _ in 0..3 {
        assert_eq!(second.post("/prove", &request(3)).await.0, 200);
    }
    assert_eq!(second.post("/prove", &request(3)).await.0, 429);
}

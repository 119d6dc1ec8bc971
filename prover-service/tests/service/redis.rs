//! What instances share, and what happens without it.

use std::time::Duration;

use bauta_dev_servers::Redis;
use redis::Commands;
use serde_json::{Value, json};

use crate::{
    cache::{connect, count, folder, made, prove, start},
    common::{Running, request},
};

#[tokio::test]
async fn what_one_instance_proved_another_finds_in_redis_and_plants_there_are_misses() {
    let redis = Redis::start().unwrap();
    let (ours, theirs) = (folder(), folder());
    let first = start(&ours, &[("REDIS_URL", redis.url())]);
    prove(&first, &request(3)).await;
    prove(&first, &request(4)).await;
    let second = start(&theirs, &[("REDIS_URL", redis.url())]);
    prove(&second, &request(3)).await;
    assert_eq!(made(&second).await, 0);
    assert_eq!(count(&second, "proofs_redis", "hit").await, 1);
    // Each entry gets the other's value.
    let mut connection = connect(&redis);
    let keys: Vec<String> = connection.keys("bauta:proof:*").unwrap();
    let values: Vec<Vec<u8>> = connection.mget(&keys).unwrap();
    for (key, value) in keys.iter().zip(values.iter().rev()) {
        let () = connection.set(key, value).unwrap();
    }
    let third_folder = folder();
    let third = start(&third_folder, &[("REDIS_URL", redis.url())]);
    prove(&third, &request(3)).await;
    assert_eq!(made(&third).await, 1);
    assert_eq!(count(&third, "proofs_redis", "damaged").await, 1);
}

#[tokio::test]
async fn the_result_of_a_verification_is_kept_and_cant_be_planted() {
    let redis = Redis::start().unwrap();
    let folder = folder();
    let service = start(&folder, &[("REDIS_URL", redis.url())]);
    let (_, answer) = service.post("/prove", &request(3)).await;
    let good =
        json!({"proof": answer["proof"]["proof"], "circuitId": "membership-v1", "public": answer["public"]});
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
async fn a_key_that_another_instance_published_verifies_by_its_hash_alone() {
    let redis = Redis::start().unwrap();
    let service = Running::start(&[("REDIS_URL", redis.url())]);
    let (_, answer) = service.post("/prove", &request(3)).await;
    let hash = answer["proof"]["metadata"]["model_hash"].as_str().unwrap();
    let mut connection = connect(&redis);
    let published: Vec<u8> = connection
        .get(format!("bauta:verifying_key:{}", &hash[2..]))
        .unwrap();
    // A key that this instance doesn't have: alpha and IC0 have changed places.
    let mut other = published.clone();
    let end = other.len() - 64;
    other[..64].copy_from_slice(&published[end - 64..end]);
    other[end - 64..end].copy_from_slice(&published[..64]);
    let other_hash = hex::encode(bauta_primitives::sha256(&other));
    let form = |hash: &str| json!({"proof": answer["proof"]["proof"], "model_hash": format!("0x{hash}"), "public": answer["public"]});
    let (status, problem) = service.post("/verify", &form(&other_hash)).await;
    assert_eq!((status, &problem["code"]), (404, &json!("unknown_circuit")));
    let place = format!("bauta:verifying_key:{other_hash}");
    // Under a name that isn't its hash it is nobody's key.
    let () = connection.set(&place, &published).unwrap();
    assert_eq!(service.post("/verify", &form(&other_hash)).await.0, 404);
    assert_eq!(count(&service, "verifying_keys", "damaged").await, 1);
    let () = connection.set(&place, &other).unwrap();
    let (status, verdict) = service.post("/verify", &form(&other_hash)).await;
    assert_eq!((status, &verdict["valid"]), (200, &json!(false)), "{verdict}");
    assert_eq!(count(&service, "verifying_keys", "hit").await, 1);
}

/// Waits until /ready says this of Redis.
async fn until(service: &Running, status: &str) -> Value {
    let said = async {
        loop {
            let (_, ready) = service.get("/ready").await;
            if ready["checks"]["redis"]["status"] == status {
                return ready;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), said)
        .await
        .unwrap_or_else(|_| panic!("never {status}"))
}

#[tokio::test]
async fn without_redis_proving_goes_on_and_says_what_is_lost_and_it_recovers_by_itself() {
    let redis = Redis::start().unwrap();
    let url = redis.url().to_owned();
    let folder = folder();
    let service = start(&folder, &[("REDIS_URL", &url)]);
    until(&service, "ok").await;
    prove(&service, &request(3)).await;
    let stopped = redis.stop();
    // Whether or not it has been noticed: every request has its answer.
    for index in 4..8 {
        prove(&service, &request(index)).await;
    }
    let ready = until(&service, "degraded").await;
    assert_eq!(ready["status"], "degraded");
    let reason = ready["checks"]["redis"]["reason"].as_str().unwrap();
    assert!(reason.contains("proving goes on"), "{reason}");
    assert_eq!(service.get("/ready").await.0, 200);
    prove(&service, &request(3)).await;
    assert_eq!(made(&service).await, 5, "the disk's cache is still there");
    assert!(count(&service, "proofs_redis", "error").await > 0);
    let metrics = service.metrics().await;
    assert!(metrics.contains("bauta_prover_redis_up 0"), "{metrics}");
    assert!(metrics.contains(r#"check_up{check="redis"} 0"#), "{metrics}");

    let redis = stopped.start().unwrap();
    assert_eq!(redis.url(), url);
    until(&service, "ok").await;
    prove(&service, &request(9)).await;
    let mut connection = connect(&redis);
    let kept: Vec<String> = connection.keys("bauta:proof:*").unwrap();
    assert_eq!(kept.len(), 1, "it is used again");
    let keys: Vec<String> = connection.keys("bauta:verifying_key:*").unwrap();
    assert_eq!(keys.len(), 1, "an empty Redis gets the verifying keys again");
    assert!(
        !service
            .log()
            .contains(url.split(':').nth(2).unwrap().split('@').next().unwrap())
    );
}

#[tokio::test]
async fn a_start_without_redis_is_a_start() {
    let service = Running::start(&[("REDIS_URL", "redis://default:hunter22@127.0.0.1:1/")]);
    let (status, ready) = service.get("/ready").await;
    assert_eq!((status, &ready["status"]), (200, &json!("degraded")));
    assert_eq!(service.post("/prove", &request(3)).await.0, 200);
    assert!(!service.log().contains("hunter22"));
}

#[tokio::test]
async fn a_rate_limit_is_one_for_all_instances_and_without_redis_one_for_each() {
    let redis = Redis::start().unwrap();
    let environment = [("REDIS_URL", redis.url()), ("PROOFS_PER_MINUTE", "3")];
    let (first, second) = (Running::start(&environment), Running::start(&environment));
    until(&first, "ok").await;
    until(&second, "ok").await;
    for service in [&first, &second, &first] {
        assert_eq!(service.post("/prove", &request(3)).await.0, 200);
    }
    for service in [&first, &second] {
        service.is_told_to_come_again().await;
    }
    let mut connection = connect(&redis);
    let keys: Vec<String> = connection.keys("bauta:rate:*").unwrap();
    assert_eq!(keys.len(), 1, "{keys:?}");
    assert!(!keys[0].contains("127.0.0.1"), "an address is in Redis");
    let plain = blake3::hash(b"127.0.0.1").to_hex();
    assert!(
        !keys[0].contains(plain.as_str()),
        "an address can be searched for"
    );
    let milliseconds: i64 = connection.pttl(&keys[0]).unwrap();
    assert!((1..=60_001).contains(&milliseconds), "{milliseconds}");
    drop(redis);
    until(&second, "degraded").await;
    for _ in 0..3 {
        assert_eq!(second.post("/prove", &request(3)).await.0, 200);
    }
    assert_eq!(second.post("/prove", &request(3)).await.0, 429);
}

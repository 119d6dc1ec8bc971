//! The service while Postgres is unavailable, and while Redis doesn't answer.

use std::{process::Command, time::Duration};

use bauta_dev_servers::{Postgres, Redis};
use bauta_store::testing::TestDatabase;
use serde_json::{Value, json};

use crate::{
    access::api_key,
    cache::{connect, folder, prove, start},
    common::{Running, request, with_jobs},
};

/// Waits until a check of `/ready` has this status. Returns the response.
async fn wait_for_check(address: std::net::SocketAddr, check: &str, status: &str) -> (u16, Value) {
    let reached = async {
        loop {
            let response = reqwest::get(format!("http://{address}/ready")).await.unwrap();
            let (code, ready) = (
                response.status().as_u16(),
                response.json::<Value>().await.unwrap(),
            );
            if ready["checks"][check]["status"] == status {
                return (code, ready);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), reached)
        .await
        .unwrap_or_else(|_| panic!("{check} never became {status}"))
}

#[tokio::test]
async fn without_postgres_requests_that_contain_their_path_are_proved_and_a_worker_is_not_ready() {
    let postgres = Postgres::start().unwrap();
    let database = TestDatabase::on(postgres.url()).await.unwrap();
    database.store.migrate().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[]));
    let worker = Running::worker(&with_jobs(&url, &[]));
    wait_for_check(service.metrics, "database", "ok").await;
    wait_for_check(worker.metrics, "database", "ok").await;
    drop(postgres);
    let (status, ready) = wait_for_check(service.metrics, "database", "degraded").await;
    assert_eq!((status, &ready["status"]), (200, &json!("degraded")), "{ready}");
    let reason = ready["checks"]["database"]["reason"].as_str().unwrap();
    assert!(
        reason.contains("requests that contain their path are proved"),
        "{reason}"
    );
    for internal in ["127.0.0.1", "refused", "onnection", "os error"] {
        assert!(!reason.contains(internal), "{internal} is in: {reason}");
    }
    assert_eq!(service.post("/prove", &request(3)).await.0, 200);
    let mut job = request(3);
    job["wait"] = json!(false);
    let (status, problem) = service.post("/prove", &job).await;
    assert_eq!(
        (status, &problem["code"]),
        (503, &json!("database_away")),
        "{problem}"
    );
    let metric = r#"check_up{check="database"} 0"#;
    assert!(service.metrics().await.contains(metric), "the alert's metric");
    assert_eq!(wait_for_check(worker.metrics, "database", "failed").await.0, 503);
}

#[tokio::test]
async fn a_worker_resumes_when_postgres_is_available_again() {
    let postgres = Postgres::start().unwrap();
    let database = TestDatabase::on(postgres.url()).await.unwrap();
    database.store.migrate().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let _worker = Running::worker(&with_jobs(&url, &[]));
    let job = service.enqueue(&request(3), None).await;
    assert_eq!(service.result(&job).await["state"], "succeeded");
    postgres.crash_and_restart().unwrap();
    let job = service.enqueue(&request(4), None).await;
    assert_eq!(service.result(&job).await["state"], "succeeded");
}

#[tokio::test]
async fn a_statement_that_waits_for_a_lock_fails_after_the_timeout_of_the_settings() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let (key, line) = api_key("prove");
    let settings = [
        ("API_KEYS", line.as_str()),
        ("STATEMENT_TIMEOUT_MS", "300"),
        ("REQUEST_TIMEOUT_MS", "60000"),
    ];
    let mut service = Running::start(&with_jobs(&url, &settings));
    service.identify(&key);
    let mut lock = database.pool().begin().await.unwrap();
    sqlx::query("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *lock)
        .await
        .unwrap();
    // Without the timeout, the request itself would time out after a minute: 504.
    let (status, problem) = service.get("/jobs").await;
    assert_eq!(
        (status, &problem["code"]),
        (503, &json!("database_away")),
        "{problem}"
    );
    lock.rollback().await.unwrap();
    assert_eq!(service.get("/jobs").await.0, 200);
}

/// Pauses a process until it is dropped.
struct Stopped(String);

impl Stopped {
    fn new(redis: &Redis) -> Self {
        let information: String = redis::cmd("INFO")
            .arg("server")
            .query(&mut connect(redis))
            .unwrap();
        let id = information
            .lines()
            .find_map(|line| line.strip_prefix("process_id:"));
        let stopped = Self(id.unwrap().to_owned());
        stopped.send("-STOP");
        stopped
    }

    fn send(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.0]).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        self.send("-CONT");
    }
}

#[tokio::test]
async fn a_redis_that_accepts_connections_and_never_answers_delays_no_request() {
    let (redis, folder) = (Redis::start().unwrap(), folder());
    let service = start(
        &folder,
        &[
            ("REDIS_URL", redis.url()),
            ("ANONYMOUS_REQUESTS_PER_MINUTE", "1000"),
        ],
    );
    wait_for_check(service.metrics, "redis", "ok").await;
    prove(&service, &request(3)).await;
    let stopped = Stopped::new(&redis);
    for index in 4..8 {
        let request = request(index);
        let proved = prove(&service, &request);
        tokio::time::timeout(Duration::from_mins(1), proved)
            .await
            .unwrap();
    }
    assert_eq!(wait_for_check(service.metrics, "redis", "degraded").await.0, 200);
    drop(stopped);
    wait_for_check(service.metrics, "redis", "ok").await;
}

/// Requests that wait for a lock hold all connections of requests. Other work has its own.
#[tokio::test]
async fn while_requests_hold_all_their_connections_the_service_is_ready() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let (key, line) = api_key("prove");
    let service = Running::start(&with_jobs(
        &url,
        &[("API_KEYS", &line), ("STATEMENT_TIMEOUT_MS", "60000")],
    ));
    let mut lock = database.store.pool().begin().await.unwrap();
    sqlx::query("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *lock)
        .await
        .unwrap();
    let client = reqwest::Client::new();
    let requests: Vec<_> = (0..12)
        .map(|index| {
            let mut job = request(index);
            job["wait"] = json!(false);
            let url = format!("http://{}/prove", service.address);
            tokio::spawn(client.post(url).bearer_auth(&key).json(&job).send())
        })
        .collect();
    let waiting = async {
        loop {
            let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
            let waiting: i64 = sqlx::query_scalar(sql)
                .fetch_one(database.store.pool())
                .await
                .unwrap();
            // Half of the 8 connections are for requests. The housekeeping waits too.
            if waiting >= 5 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waiting)
        .await
        .unwrap();
    // The first report of this service.
    let (status, ready) = service.ready().await;
    assert_eq!((status, &ready["status"]), (200, &json!("ready")), "{ready}");
    drop(lock);
    for request in requests {
        request.await.unwrap().unwrap();
    }
}

//! Jobs.

use std::time::Duration;

use bauta_store::testing::TestDatabase;
use serde_json::{Value, json};

use crate::{
    access::api_key,
    common::{Running, request, with_jobs},
};

async fn verify(service: &Running, job: &Value) {
    let answer = &job["answer"];
    let form =
        json!({"proof": answer["proof"]["proof"], "circuitId": "ownership-v1", "public": answer["public"]});
    let (_, verdict) = service.post("/verify", &form).await;
    assert_eq!(verdict["valid"], true, "{job}");
}

#[tokio::test]
async fn every_route_also_has_the_prefix_of_the_version_and_a_created_job_has_a_location() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let mut body = request(3);
    body["wait"] = json!(false);
    for (prefix, websocket) in [("", "/ws"), ("/v1", "/v1/ws")] {
        let path = format!("{prefix}/prove");
        let (status, headers, accepted) = service.post_with(&path, ("accept", "*/*"), &body).await;
        assert_eq!(status, 202, "{accepted}");
        let location = headers["location"].to_str().unwrap();
        assert_eq!(
            location,
            format!("{prefix}/jobs/{}", accepted["job_id"].as_str().unwrap())
        );
        assert_eq!(accepted["status_url"], location);
        assert_eq!(accepted["events_url"], format!("{location}/events"));
        assert_eq!(accepted["websocket_url"], websocket);
        assert_eq!(service.get(location).await.0, 200);
    }
    let (_, document) = service.get("/v1/openapi.json").await;
    assert_eq!(document["servers"][0]["url"], "/v1");
    for path in ["/v1/health", "/v1/circuits", "/v1/models"] {
        assert_eq!(service.get(path).await.0, 200, "{path}");
    }
}

#[tokio::test]
async fn a_job_ends_with_a_proof_and_its_witness_is_deleted() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[]));
    let id = service.enqueue(&request(3), None).await;
    let job = service.result(&id).await;
    assert_eq!(job["state"], "succeeded", "{job}");
    verify(&service, &job).await;
    assert_eq!(service.get(&format!("/jobs/{id}")).await, (200, job));
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM jobs WHERE witness IS NOT NULL")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(left, 0);
    let (status, problem) = service.delete(&format!("/jobs/{id}")).await;
    assert_eq!((status, &problem["code"]), (409, &json!("job_ended")));
}

#[tokio::test]
async fn an_idempotency_key_returns_the_same_job_and_is_refused_for_another_request() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let (key, line) = api_key("prove");
    let mut service = Running::start(&with_jobs(&url, &[("API_KEYS", &line)]));
    service.identify(&key);
    let first = service.enqueue(&request(3), Some("a")).await;
    assert_eq!(service.enqueue(&request(3), Some("a")).await, first);
    assert_ne!(service.enqueue(&request(3), Some("b")).await, first);
    service.result(&first).await;
    assert_eq!(service.enqueue(&request(3), Some("a")).await, first);
    let mut other = request(4);
    other["wait"] = false.into();
    let (status, _, problem) = service
        .post_with("/prove", ("idempotency-key", "a"), &other)
        .await;
    assert_eq!(
        (status, &problem["code"]),
        (422, &json!("idempotency_key_reused")),
        "{problem}"
    );
}

#[tokio::test]
async fn a_client_without_an_api_key_can_not_use_up_the_idempotency_keys_of_others() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let first = service.enqueue(&request(3), Some("1")).await;
    // A client with another secret. Neither of them knows the key of the other one.
    let second = service.enqueue(&request(4), Some("1")).await;
    assert_ne!(first, second);
    for (number, job) in [(3, &first), (4, &second)] {
        assert_eq!(&service.enqueue(&request(number), Some("1")).await, job);
    }
}

#[tokio::test]
async fn a_cancelled_job_is_not_proved() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let cancelled = service.enqueue(&request(3), None).await;
    let other = service.enqueue(&request(4), None).await;
    let (status, job) = service.delete(&format!("/jobs/{cancelled}")).await;
    assert_eq!((status, &job["state"]), (200, &json!("cancelled")));
    let _worker = Running::worker(&with_jobs(&url, &[]));
    assert_eq!(service.result(&other).await["state"], "succeeded");
    assert_eq!(service.result(&cancelled).await["state"], "cancelled");
}

#[tokio::test]
async fn a_full_queue_refuses_with_429_and_invalid_requests_are_never_queued() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let (key, line) = api_key("prove");
    let operator = &crate::common::operator().1;
    let lines = format!("{line},{operator}");
    let settings = [
        ("RUN_JOBS", "false"),
        ("MAX_QUEUED_JOBS", "4"),
        ("API_KEYS", &lines),
    ];
    let mut service = Running::start(&with_jobs(&url, &settings));
    let mut bad = request(3);
    bad["wait"] = false.into();
    bad["private"]["index"] = 4.into();
    assert_eq!(service.post("/prove", &bad).await.0, 400);
    let (_, stats) = service.get("/api/queue/stats").await;
    assert_eq!(stats["totalQueued"], 0);
    service.enqueue(&request(3), None).await;
    service.enqueue(&request(3), None).await;
    let mut third = request(3);
    third["wait"] = false.into();
    let (status, headers, problem) = service.post_with("/prove", ("accept", "*/*"), &third).await;
    assert_eq!((status, &problem["code"]), (429, &json!("queue_full")));
    assert!(headers.contains_key("retry-after"));
    let (_, stats) = service.get("/api/queue/stats").await;
    assert_eq!(stats["totalQueued"], 2);
    // Clients without a key have half of the queue together. The other half is for API keys.
    service.identify(&key);
    service.enqueue(&request(3), None).await;
    service.enqueue(&request(3), None).await;
    let (status, problem) = service.post("/prove", &third).await;
    assert_eq!((status, &problem["code"]), (429, &json!("queue_full")));
}

#[tokio::test]
async fn after_a_rotation_old_witnesses_can_be_decrypted_and_a_worker_without_the_key_returns_the_job() {
    const NEW: &str = "new:4343434343434343434343434343434343434343434343434343434343434343";
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let both = format!("{NEW},{}", crate::common::WITNESS_KEYS);
    let id = service.enqueue(&request(3), None).await;
    let without = Running::worker(&with_jobs(&url, &[("WITNESS_KEYS", NEW)]));
    let log = without.log_with("job_returned").await;
    assert!(
        log.contains("encrypted with the key test, which WITNESS_KEYS doesn't contain"),
        "{log}"
    );
    drop(without);
    let _worker = Running::worker(&with_jobs(&url, &[("WITNESS_KEYS", &both)]));
    assert_eq!(service.result(&id).await["state"], "succeeded");
}

#[tokio::test]
async fn a_job_with_a_changed_witness_fails_without_a_retry() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let id = service.enqueue(&request(3), None).await;
    sqlx::query("UPDATE jobs SET witness = set_byte(witness, 60, get_byte(witness, 60) # 1)")
        .execute(database.pool())
        .await
        .unwrap();
    let _worker = Running::worker(&with_jobs(&url, &[]));
    let job = service.result(&id).await;
    assert_eq!(job["state"], "failed", "{job}");
    assert_eq!(job["error"]["code"], "witness_unreadable", "{job}");
}

#[tokio::test]
async fn a_job_fails_at_its_deadline_and_is_listed_as_failed() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(
        &url,
        &[("RUN_JOBS", "false"), ("JOB_DEADLINE_MS", "1000")],
    ));
    let id = service.enqueue(&request(3), None).await;
    let job = service.result(&id).await;
    assert_eq!(job["state"], "failed", "{job}");
    assert_eq!(job["error"]["code"], "deadline_exceeded", "{job}");
    // Failed jobs of all owners are listed.
    let (status, failed) = service.get("/api/queue/failed").await;
    assert_eq!(status, 200, "{failed}");
    let jobs = failed["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 1, "{failed}");
    assert_eq!(
        (&jobs[0]["job_id"], &jobs[0]["owner"]),
        (&json!(id), &json!("")),
        "{failed}"
    );
    assert_eq!(jobs[0]["error"], job["error"], "{failed}");
}

#[tokio::test]
async fn a_job_that_fails_at_its_deadline_leaves_the_engines_queue() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let settings = [("RUN_JOBS", "false"), ("JOB_DEADLINE_MS", "1000")];
    let service = Running::start(&with_jobs(&url, &settings));
    for number in 3..6 {
        let id = service.enqueue(&request(number), None).await;
        assert_eq!(service.result(&id).await["state"], "failed");
    }
    let entries: i64 = sqlx::query_scalar("SELECT count(*) FROM graphile_worker._private_jobs")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(entries, 0);
}

#[tokio::test]
async fn workers_register_themselves_through_the_queue() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let (_, stats) = service.get("/api/workers/stats").await;
    assert_eq!(stats["workers"], json!([]));
    let _worker = Running::worker(&with_jobs(&url, &[]));
    let id = service.enqueue(&request(3), None).await;
    service.result(&id).await;
    let (_, stats) = service.get("/api/workers/stats").await;
    assert_eq!(stats["workers"].as_array().unwrap().len(), 1, "{stats}");
    assert_eq!(stats["recommended"], 1, "{stats}");
    // The housekeeping sets the metrics for an autoscaler.
    let exported = async {
        while !service.metrics().await.contains("\nbauta_prover_workers 1\n") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), exported)
        .await
        .unwrap();
    assert!(
        service
            .metrics()
            .await
            .contains("\nbauta_prover_workers_recommended 1\n")
    );
    assert!(stats["serviceTimeMs"].as_f64().unwrap() > 0.0, "{stats}");
    let body = json!({"id": "w", "url": "http://w", "maxConcurrency": 4});
    let (status, answer) = service.post("/api/workers/register", &body).await;
    assert_eq!((status, &answer["registered"]), (200, &json!(true)));
    service.log_with("worker_registered").await;
}

#[tokio::test]
async fn without_a_database_jobs_are_refused_with_no_database() {
    let service = Running::start(&[]);
    let mut body = request(3);
    body["wait"] = false.into();
    let (status, problem) = service.post("/prove", &body).await;
    assert_eq!((status, &problem["code"]), (501, &json!("no_database")));
}

#[tokio::test]
async fn an_unknown_job_is_reported_as_unknown() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[]));
    let id = "01890000-0000-7000-8000-000000000000";
    for (status, problem) in [
        service.get(&format!("/jobs/{id}")).await,
        service.get(&format!("/jobs/{id}/events")).await,
        service.delete(&format!("/jobs/{id}")).await,
    ] {
        assert_eq!((status, &problem["code"]), (404, &json!("unknown_job")));
    }
    assert_eq!(service.get("/jobs/x").await.0, 400);
}

#[tokio::test]
async fn a_retryable_failure_is_retried_with_back_off() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    // A timeout of 1 ms is too short for any proof, so the worker returns the job.
    let impatient = Running::worker(&with_jobs(&url, &[("PROOF_TIMEOUT_MS", "1")]));
    let id = service.enqueue(&request(3), None).await;
    let log = impatient.log_with("job_returned").await;
    assert!(log.contains("Proof generation exceeded timeout (1ms)"), "{log}");
    // The engine reschedules the job after that line.
    let rescheduled = async {
        let later = "SELECT run_at > now() + interval '0.5 s' FROM graphile_worker._private_jobs";
        while !sqlx::query_scalar::<_, bool>(later)
            .fetch_one(database.pool())
            .await
            .unwrap()
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_mins(1), rescheduled).await;
    assert!(waited.is_ok(), "the retry has a delay");
    drop(impatient);
    let _worker = Running::worker(&with_jobs(&url, &[]));
    let job = service.result(&id).await;
    assert_eq!(job["state"], "succeeded", "{job}");
    assert!(job["attempts"].as_u64().unwrap() >= 2, "{job}");
}

#[tokio::test]
async fn a_job_whose_last_attempt_failed_has_the_error_of_this_attempt() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let id = service.enqueue(&request(3), None).await;
    sqlx::query("UPDATE jobs SET attempts = 9")
        .execute(database.pool())
        .await
        .unwrap();
    let _impatient = Running::worker(&with_jobs(&url, &[("PROOF_TIMEOUT_MS", "1")]));
    let job = service.result(&id).await;
    assert_eq!(job["error"]["code"], "proof_failed", "{job}");
    let detail = job["error"]["detail"].as_str().unwrap();
    assert!(detail.contains("exceeded timeout"), "{detail}");
}

#[tokio::test]
async fn a_job_whose_attempt_failed_runs_before_a_backlog_of_newer_jobs() {
    const BACKLOG: i64 = 80;
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let mut impatient = Running::worker(&with_jobs(&url, &[("PROOF_TIMEOUT_MS", "1")]));
    let retried = service.enqueue(&request(3), None).await;
    impatient.log_with("job_returned").await;
    // Ends a running attempt, so that no entry stays locked.
    impatient.terminate();
    assert!(impatient.exits_with_success());
    let idle = async {
        let idle = "SELECT state = 'queued' AND attempts >= 1 AND NOT EXISTS
                        (SELECT FROM graphile_worker._private_jobs WHERE locked_at IS NOT NULL OR run_at > now())
                    FROM jobs";
        while !sqlx::query_scalar::<_, bool>(idle)
            .fetch_one(database.pool())
            .await
            .unwrap()
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_mins(1), idle).await;
    assert!(waited.is_ok(), "the job is back in the queue after an attempt");
    let mut other = request(4);
    for number in 0..BACKLOG {
        other["public"]["context"] = format!("0x{number:064x}").into();
        service.enqueue(&other, None).await;
    }
    let _worker = Running::worker(&with_jobs(&url, &[("MAX_CONCURRENT_PROOFS", "1")]));
    let job = service.result(&retried).await;
    assert_eq!(job["state"], "succeeded", "{job}");
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM jobs WHERE state = 'queued'")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert!(
        left > BACKLOG / 2,
        "only {left} newer jobs were left when the retried job ended"
    );
}

#[tokio::test]
async fn a_job_whose_attempt_the_database_failed_is_retried_before_jobs_without_an_attempt() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    // Results are refused until the test allows them, however many attempts there are.
    sqlx::raw_sql(
        "CREATE FUNCTION refuse_result() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF NEW.state = 'succeeded' THEN
                 RAISE EXCEPTION 'a test';
             END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER refuse_result BEFORE UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION refuse_result()",
    )
    .execute(database.pool())
    .await
    .unwrap();
    let mut worker = Running::worker(&with_jobs(&url, &[]));
    let retried = service.enqueue(&request(3), None).await;
    let entries = async |condition: &'static str| {
        let sql = format!("SELECT count(*) = 1 FROM graphile_worker._private_jobs WHERE {condition}");
        let reached = async {
            while !sqlx::query_scalar::<_, bool>(sqlx::AssertSqlSafe(sql.clone()))
                .fetch_one(database.pool())
                .await
                .unwrap()
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        // A later attempt starts up to a minute after the one before.
        let waited = tokio::time::timeout(Duration::from_secs(150), reached).await;
        assert!(waited.is_ok(), "the engine's entry never had {condition}");
    };
    entries("attempts >= 1 AND last_error LIKE '%a test%'").await;
    // Ends a running attempt, so that the entry doesn't stay locked.
    worker.terminate();
    assert!(worker.exits_with_success());
    sqlx::raw_sql("DROP TRIGGER refuse_result ON jobs")
        .execute(database.pool())
        .await
        .unwrap();
    entries("locked_at IS NULL AND priority < 0 AND run_at <= now()").await;
    let newer = service.enqueue(&request(4), None).await;
    let _worker = Running::worker(&with_jobs(&url, &[("MAX_CONCURRENT_PROOFS", "1")]));
    for job in [&retried, &newer] {
        assert_eq!(service.result(job).await["state"], "succeeded");
    }
    let first: String = sqlx::query_scalar("SELECT id::text FROM jobs ORDER BY ended_at LIMIT 1")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(first, retried);
}

#[tokio::test]
async fn a_client_can_not_cause_responses_with_5xx_by_repeating_a_job_without_a_proof() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let settings = [("RUN_JOBS", "false"), ("PROOF_TIMEOUT_MS", "300")];
    let service = Running::start(&with_jobs(&url, &settings));
    let key = ("idempotency-key", "a");
    // The job doesn't end in time. The client gets the job and can repeat the request.
    for _ in 0..2 {
        let (status, headers, accepted) = service.post_with("/prove", key, &request(3)).await;
        assert_eq!(status, 202, "{accepted}");
        assert_eq!(headers["location"], accepted["status_url"].as_str().unwrap());
    }
    let batch = json!({"requests": [request(4)]});
    let (status, headers, problem) = service.post_with("/prove/batch", key, &batch).await;
    assert_eq!(
        (status, &problem["code"]),
        (409, &json!("batch_pending")),
        "{problem}"
    );
    assert!(headers.contains_key("retry-after"));
    let job = service.enqueue(&request(3), Some("a")).await;
    assert_eq!(service.delete(&format!("/jobs/{job}")).await.0, 200);
    let (status, _, problem) = service.post_with("/prove", key, &request(3)).await;
    assert_eq!(
        (status, &problem["code"]),
        (409, &json!("job_failed")),
        "{problem}"
    );
    assert_eq!(problem["job_error"], "cancelled");
    // A job that the service failed.
    sqlx::query(
        "UPDATE jobs SET state = 'failed', ended_at = now(), witness = NULL, error_code = 'proof_failed',
                error_detail = 'a test' WHERE state = 'queued'",
    )
    .execute(database.pool())
    .await
    .unwrap();
    let (status, _, problem) = service.post_with("/prove/batch", key, &batch).await;
    assert_eq!(
        (status, &problem["job_error"]),
        (409, &json!("proof_failed")),
        "{problem}"
    );
}

#[tokio::test]
async fn requests_that_wait_for_a_job_are_limited_for_each_client_and_leave_room_for_others() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let (key, line) = api_key("prove");
    let settings = [
        ("RUN_JOBS", "false"),
        ("API_KEYS", line.as_str()),
        ("MAX_STREAMS_PER_CLIENT", "2"),
        ("MAX_CONCURRENT_REQUESTS", "6"),
    ];
    let mut service = Running::start(&with_jobs(&url, &settings));
    service.identify(&key);
    let body = request(3);
    let wait = |number: u32| {
        let request = service.request(reqwest::Method::POST, "/prove").json(&body);
        let sent = request.header("idempotency-key", number.to_string()).send();
        async move { sent.await.unwrap().status().as_u16() }
    };
    // The requests that are not refused wait for as long as a proof may take.
    let mut waiting: Vec<_> = (0..3).map(|number| Box::pin(wait(number))).collect();
    let (status, refused, _) = tokio::time::timeout(
        Duration::from_mins(1),
        futures_util::future::select_all(&mut waiting),
    )
    .await
    .expect("the third request is refused at once");
    assert_eq!(status, 429);
    drop(waiting.swap_remove(refused));
    assert_eq!(service.get("/health").await.0, 200);
    // A repeated request whose job has ended doesn't wait, so the limit doesn't apply to it.
    let ended = service.enqueue(&request(4), Some("ended")).await;
    assert_eq!(service.delete(&format!("/jobs/{ended}")).await.0, 200);
    let ended = request(4);
    let replayed = service.post_with("/prove", ("idempotency-key", "ended"), &ended);
    let refused = tokio::select! {
        (status, _, problem) = replayed => (status, problem["code"].clone()),
        _ = futures_util::future::select_all(&mut waiting) => panic!("a waiting request ended"),
    };
    assert_eq!(refused, (409, json!("job_failed")));
}

#[tokio::test]
async fn a_batch_that_does_not_fit_into_the_queue_leaves_no_job() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let settings = [("RUN_JOBS", "false"), ("MAX_QUEUED_JOBS", "4")];
    let service = Running::start(&with_jobs(&url, &settings));
    let batch = json!({"requests": [request(3), request(4), request(5)]});
    let key = ("idempotency-key", "a");
    let (status, _, problem) = service.post_with("/prove/batch", key, &batch).await;
    assert_eq!(
        (status, &problem["code"]),
        (429, &json!("queue_full")),
        "{problem}"
    );
    let (_, stats) = service.get("/api/queue/stats").await;
    assert_eq!(stats["totalQueued"], 0);
}

#[tokio::test]
async fn a_repeated_request_that_waits_returns_the_first_proof_and_rechecks_nothing() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let (api_key, line) = api_key("prove");
    let mut service = Running::start(&with_jobs(&url, &[("API_KEYS", &line)]));
    service.identify(&api_key);
    let mut first_request = request(3);
    first_request["tag"] = json!("mine");
    let key = ("idempotency-key", "a");
    let (status, _, first) = service.post_with("/prove", key, &first_request).await;
    assert_eq!(status, 200, "{first}");
    // A proof has random parts, so a second proof would differ.
    let (status, _, second) = service.post_with("/prove", key, &first_request).await;
    assert_eq!((status, &second), (200, &first));
    // The job is the same if the client doesn't wait.
    let job = service.enqueue(&first_request, Some("a")).await;
    assert_eq!(service.result(&job).await["answer"], first);
    let (status, _, problem) = service.post_with("/prove", key, &request(4)).await;
    assert_eq!(
        (status, &problem["code"]),
        (422, &json!("idempotency_key_reused"))
    );
    // A service that can't prove the request any more still has its result.
    service.crash();
    let settings = [
        ("RUN_JOBS", "false"),
        ("PROOFS_PER_MINUTE", "1"),
        ("API_KEYS", &line),
    ];
    let mut service = Running::start(&with_jobs(&url, &settings));
    service.identify(&api_key);
    for _ in 0..3 {
        let (status, _, replayed) = service.post_with("/prove", key, &first_request).await;
        assert_eq!((status, &replayed), (200, &first));
    }
}

#[tokio::test]
async fn a_cancelled_job_leaves_the_engines_queue_and_ended_jobs_are_bounded() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(
        &url,
        &[("RUN_JOBS", "false"), ("MAX_ENDED_JOBS", "3")],
    ));
    for _ in 0..6 {
        let job = service.enqueue(&request(3), None).await;
        assert_eq!(service.delete(&format!("/jobs/{job}")).await.0, 200);
    }
    let entries: i64 = sqlx::query_scalar("SELECT count(*) FROM graphile_worker._private_jobs")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(entries, 0);
    let bounded = async {
        while sqlx::query_scalar::<_, i64>("SELECT count(*) FROM jobs")
            .fetch_one(database.pool())
            .await
            .unwrap()
            > 3
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_mins(1), bounded).await;
    assert!(waited.is_ok(), "more than three ended jobs are left");
}

#[tokio::test]
async fn a_repeated_batch_returns_the_first_proofs() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let (api_key, line) = api_key("prove");
    let mut service = Running::start(&with_jobs(&url, &[("API_KEYS", &line)]));
    service.identify(&api_key);
    let batch = json!({"requests": [request(3), request(4)]});
    let key = ("idempotency-key", "a");
    let (status, _, first) = service.post_with("/prove/batch", key, &batch).await;
    assert_eq!(status, 200, "{first}");
    assert_eq!(first["proofs"].as_array().unwrap().len(), 2);
    let (status, _, second) = service.post_with("/prove/batch", key, &batch).await;
    assert_eq!((status, &second), (200, &first));
    for other in [
        json!({"requests": [request(3)]}),
        json!({"requests": [request(4), request(3)]}),
        json!({"requests": [request(3), request(4), request(5)]}),
    ] {
        let (status, _, problem) = service.post_with("/prove/batch", key, &other).await;
        assert_eq!(
            (status, &problem["code"]),
            (422, &json!("idempotency_key_reused")),
            "{problem}"
        );
    }
    // A single request may have the same key.
    let (status, _, single) = service.post_with("/prove", key, &request(5)).await;
    assert_eq!(status, 200, "{single}");
}

#[tokio::test]
async fn a_worker_alternates_between_api_keys_and_runs_urgent_jobs_first() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let ((alice, line_of_alice), (bob, line_of_bob)) = (api_key("prove"), api_key("prove"));
    let lines = format!("{line_of_alice},{line_of_bob}");
    let mut service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false"), ("API_KEYS", &lines)]));
    service.identify(&alice);
    let mut jobs_of_alice = Vec::new();
    for _ in 0..12 {
        jobs_of_alice.push(service.enqueue(&request(3), None).await);
    }
    let mut urgent = request(3);
    urgent["priority"] = json!(1);
    let urgent = service.enqueue(&urgent, None).await;
    service.identify(&bob);
    let job_of_bob = service.enqueue(&request(4), None).await;
    let _worker = Running::worker(&with_jobs(&url, &[("MAX_CONCURRENT_PROOFS", "1")]));
    service.result(&job_of_bob).await;
    service.identify(&alice);
    service.result(&jobs_of_alice[11]).await;
    let order: Vec<String> = sqlx::query_scalar("SELECT id::text FROM jobs ORDER BY ended_at")
        .fetch_all(database.pool())
        .await
        .unwrap();
    let position = |id: &String| order.iter().position(|other| other == id).unwrap();
    // Twelve jobs were created before each of these two.
    let (bob_at, urgent_at) = (position(&job_of_bob), position(&urgent));
    assert!(bob_at < 3, "Bob's job has position {bob_at}");
    assert!(urgent_at < 4, "the urgent job has position {urgent_at}");
    assert_eq!(order.len(), 14, "all jobs ended");
}

//! Workers that die, and services that are told to end.

use std::time::{Duration, Instant};

use bauta_local::Redis;
use bauta_store::testing::TestDatabase;
use sqlx::PgPool;

use crate::common::{Running, request, with_jobs};

async fn count(pool: &PgPool, condition: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM jobs WHERE {condition}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .fetch_one(pool)
        .await
        .unwrap()
}

/// Waits until so many jobs have ended.
async fn until_ended(pool: &PgPool, jobs: i64, patience: Duration) {
    let deadline = Instant::now() + patience;
    while count(pool, "ended_at IS NOT NULL").await < jobs {
        let ended = count(pool, "ended_at IS NOT NULL").await;
        assert!(Instant::now() < deadline, "{ended} of {jobs} ended");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn jobs_of_killed_workers_all_end_once_in_success() {
    const JOBS: i64 = 100;
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    // A second end of a job would be written here.
    sqlx::raw_sql(
        "CREATE TABLE ends (id uuid);
         CREATE FUNCTION note_end() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO ends VALUES (NEW.id); RETURN NEW; END $$;
         CREATE TRIGGER note_end AFTER UPDATE ON jobs FOR EACH ROW
             WHEN (NEW.ended_at IS NOT NULL) EXECUTE FUNCTION note_end();",
    )
    .execute(database.pool())
    .await
    .unwrap();
    let request = request(3);
    for _ in 0..JOBS {
        service.enqueue(&request, None).await;
    }
    let start = || Running::worker(&with_jobs(&url, &[]));
    let mut workers = [start(), start()];
    // Whenever a worker is in the middle of something, it dies, and another takes its place.
    for kill in 0..4 {
        let ended = count(database.pool(), "ended_at IS NOT NULL").await;
        until_ended(database.pool(), (ended + 5).min(JOBS), Duration::from_mins(1)).await;
        let victim = &mut workers[kill % 2];
        victim.crash();
        *victim = start();
    }
    until_ended(database.pool(), JOBS, Duration::from_mins(2)).await;
    assert_eq!(count(database.pool(), "state = 'succeeded'").await, JOBS);
    let ends: Vec<i64> = sqlx::query_scalar("SELECT count(*) FROM ends GROUP BY id")
        .fetch_all(database.pool())
        .await
        .unwrap();
    assert_eq!(ends.len(), usize::try_from(JOBS).unwrap());
    assert!(ends.iter().all(|times| *times == 1), "a job ended twice");
}

#[tokio::test]
async fn a_dead_workers_job_goes_to_another_within_seconds() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let id = service.enqueue(&request(3), None).await;
    let mut worker = Running::worker(&with_jobs(&url, &[]));
    service.result(&id).await;
    worker.crash();
    // The state that a worker leaves which died in the middle: begun, locked by it, its last heartbeat just now.
    let id = service.enqueue(&request(4), None).await;
    sqlx::raw_sql(
        "UPDATE jobs SET state = 'running', attempts = 1 WHERE state = 'queued';
         UPDATE graphile_worker._private_workers SET last_heartbeat_at = now();
         UPDATE graphile_worker._private_jobs SET locked_at = now(), attempts = 1,
             locked_by = (SELECT id FROM graphile_worker._private_workers LIMIT 1);",
    )
    .execute(database.pool())
    .await
    .unwrap();
    let started = Instant::now();
    let _other = Running::worker(&with_jobs(&url, &[]));
    let job = service.result(&id).await;
    assert_eq!(job["state"], "succeeded", "{job}");
    assert_eq!(job["attempts"], 2, "{job}");
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "after {:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_job_that_kills_its_workers_is_given_up() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let id = service.enqueue(&request(3), None).await;
    sqlx::query("UPDATE jobs SET attempts = 10")
        .execute(database.pool())
        .await
        .unwrap();
    let _worker = Running::worker(&with_jobs(&url, &[]));
    let job = service.result(&id).await;
    assert_eq!(job["state"], "failed", "{job}");
    assert_eq!(job["error"]["code"], "too_many_attempts", "{job}");
}

#[tokio::test]
async fn jobs_outlive_the_instance_that_took_them() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let mut service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let id = service.enqueue(&request(3), None).await;
    service.crash();
    let service = Running::start(&with_jobs(&url, &[]));
    assert_eq!(service.result(&id).await["state"], "succeeded");
}

#[tokio::test]
async fn told_to_end_it_finishes_what_it_has_begun_and_keeps_nobody_waiting() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let redis = Redis::start().unwrap();
    let mut service = Running::start(&with_jobs(
        &url,
        &[("REDIS_URL", redis.url()), ("MAX_CONCURRENT_PROOFS", "1")],
    ));
    // Those who follow something that never comes don't hold it up.
    let mut follower = service.subscribe("never").await;
    follower.next().await;
    let job = service.enqueue(&request(3), None).await;
    service.result(&job).await;
    let requests: Vec<_> = (0..4).map(request).collect();
    let mut answers: Vec<_> = requests
        .iter()
        .map(|request| Box::pin(service.post_with("/prove", ("x-request-id", "mine"), request)))
        .collect();
    // All of them wait, or are being proved.
    let polled = futures_util::future::join_all(answers.iter_mut());
    let waiting = async {
        let mut subscriber = service.subscribe("mine").await;
        while subscriber.next().await["data"]["stage"] != "proving" {}
    };
    tokio::select! {
        _ = polled => panic!("they were answered before the signal"),
        () = waiting => {}
    }
    service.tell_to_end();
    for answer in answers {
        assert_eq!(answer.await.0, 200);
    }
    assert!(service.ended_well());
}

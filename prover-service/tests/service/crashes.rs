//! Workers that are killed, and services that shut down.

use std::{
    env,
    process::Stdio,
    time::{Duration, Instant},
};

use bauta_dev_servers::{Postgres, Redis};
use bauta_store::testing::TestDatabase;
use sqlx::PgPool;

use crate::common::{Running, command, request, text, with_jobs};

async fn count(pool: &PgPool, condition: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM jobs WHERE {condition}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .fetch_one(pool)
        .await
        .unwrap()
}

async fn ended(pool: &PgPool) -> i64 {
    count(pool, "ended_at IS NOT NULL").await
}

/// Returns the number of jobs of the drill: 500, or the number that `cargo xtask drill service`
/// sets.
fn jobs() -> i64 {
    env::var("BAUTA_DRILL_JOBS").map_or(500, |jobs| jobs.parse().expect("BAUTA_DRILL_JOBS is a number"))
}

#[tokio::test]
async fn jobs_of_killed_workers_all_succeed_and_end_exactly_once() {
    /// Interval at which a worker is killed. With few jobs, workers are killed more often.
    const KILL_INTERVAL: Duration = Duration::from_secs(5);
    const MIN_KILLS: i64 = 6;
    let jobs = jobs();
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    // This table records each end of a job, so it shows a second end.
    sqlx::raw_sql(
        "CREATE TABLE ends (id uuid);
         CREATE FUNCTION record_end() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO ends VALUES (NEW.id); RETURN NEW; END $$;
         CREATE TRIGGER record_end AFTER UPDATE ON jobs FOR EACH ROW
             WHEN (NEW.ended_at IS NOT NULL) EXECUTE FUNCTION record_end();",
    )
    .execute(database.pool())
    .await
    .unwrap();
    let start = || Running::worker(&with_jobs(&url, &[]));
    let mut workers = [start(), start()];
    let enqueue = async {
        let mut request = request(3);
        for number in 0..jobs {
            // All requests differ, so no proof comes from the cache.
            request["public"]["context"] = format!("0x{number:064x}").into();
            service.enqueue(&request, None).await;
        }
    };
    // Kills a worker in the middle of its work and starts another.
    let kill = async {
        let mut kills = 0;
        loop {
            let (ended, started) = (ended(database.pool()).await, Instant::now());
            let next_kill = (ended + jobs / MIN_KILLS).min(jobs);
            while self::ended(database.pool()).await < next_kill && started.elapsed() < KILL_INTERVAL {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            if self::ended(database.pool()).await >= jobs {
                break kills;
            }
            let victim = &mut workers[kills % 2];
            victim.crash();
            *victim = start();
            kills += 1;
        }
    };
    let timeout = Duration::from_mins(1) + Duration::from_millis(500) * u32::try_from(jobs).unwrap();
    let both = tokio::time::timeout(timeout, async { tokio::join!(enqueue, kill) }).await;
    let Ok(((), kills)) = both else {
        panic!("{} of {jobs} ended", ended(database.pool()).await);
    };
    println!("{jobs} jobs, {kills} workers killed");
    assert!(kills > 2, "only {kills} workers were killed");
    assert_eq!(count(database.pool(), "state = 'succeeded'").await, jobs);
    let ends: Vec<i64> = sqlx::query_scalar("SELECT count(*) FROM ends GROUP BY id")
        .fetch_all(database.pool())
        .await
        .unwrap();
    assert_eq!(ends.len(), usize::try_from(jobs).unwrap());
    assert!(ends.iter().all(|times| *times == 1), "a job ended twice");
}

#[tokio::test]
async fn another_worker_takes_over_the_job_of_a_dead_worker_within_seconds() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let id = service.enqueue(&request(3), None).await;
    let mut worker = Running::worker(&with_jobs(&url, &[]));
    service.result(&id).await;
    worker.crash();
    // The state after a worker died during a job: the job is running and locked, and the last
    // heartbeat is recent.
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
        started.elapsed() < Duration::from_mins(1),
        "after {:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_job_that_kills_its_workers_fails_after_ten_attempts() {
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
async fn jobs_survive_a_crash_of_the_instance_that_accepted_them() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let mut service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let id = service.enqueue(&request(3), None).await;
    service.crash();
    let service = Running::start(&with_jobs(&url, &[]));
    assert_eq!(service.result(&id).await["state"], "succeeded");
}

#[tokio::test]
async fn a_crash_of_postgres_stops_no_service_and_loses_no_job_and_no_subscription() {
    // Unlike in other tests, committed data survives a crash of the server.
    let server = Postgres::start_with(&["fsync=off"]).unwrap();
    let database = TestDatabase::on(server.url()).await.unwrap();
    database.store.migrate().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let _worker = Running::worker(&with_jobs(&url, &[("MAX_CONCURRENT_PROOFS", "1")]));
    let mut jobs = Vec::new();
    for index in 0..12 {
        jobs.push(service.enqueue(&request(index), None).await);
    }
    let mut subscriber = service.subscribe(&jobs[11]).await;
    subscriber.next().await;
    service.result(&jobs[0]).await;
    server.crash_and_restart().unwrap();
    // Requests that need no database work.
    assert_eq!(service.post("/prove", &request(3)).await.0, 200);
    let messages = subscriber.until_result().await;
    assert_eq!(
        messages.last().unwrap()["data"]["state"],
        "succeeded",
        "{messages:?}"
    );
    for job in &jobs {
        let job = service.result(job).await;
        assert_eq!(job["state"], "succeeded", "{job}");
    }
}

#[tokio::test]
async fn processes_that_start_at_the_same_time_migrate_once() {
    let database = TestDatabase::empty().await.unwrap();
    let url = database.url().unwrap();
    let environment = with_jobs(&url, &[]);
    let started: Vec<_> = (0..8)
        .map(|_| {
            let mut migrate = command(&environment);
            migrate
                .arg("migrate")
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            migrate.spawn().unwrap()
        })
        .collect();
    for process in started {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
    }
}

#[tokio::test]
async fn a_worker_that_shuts_down_finishes_its_running_jobs_and_leaves_the_others_queued() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let mut jobs = Vec::new();
    for index in 0..16 {
        jobs.push(service.enqueue(&request(index), None).await);
    }
    let mut worker = Running::worker(&with_jobs(&url, &[("MAX_CONCURRENT_PROOFS", "2")]));
    service.result(&jobs[1]).await;
    worker.terminate();
    assert!(worker.exits_with_success());
    assert_eq!(count(database.pool(), "state = 'running'").await, 0);
    assert!(count(database.pool(), "state = 'queued'").await > 0);
    let _other = Running::worker(&with_jobs(&url, &[]));
    for job in &jobs {
        let job = service.result(job).await;
        assert_eq!(
            (&job["state"], &job["attempts"]),
            (&"succeeded".into(), &1.into()),
            "{job}"
        );
    }
}

#[tokio::test]
async fn a_service_that_shuts_down_finishes_its_requests_and_ignores_subscriptions() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let redis = Redis::start().unwrap();
    let mut service = Running::start(&with_jobs(
        &url,
        &[("REDIS_URL", redis.url()), ("MAX_CONCURRENT_PROOFS", "1")],
    ));
    // A subscription to a request that never arrives doesn't delay the shutdown.
    let mut subscriber = service.subscribe("never").await;
    subscriber.next().await;
    let job = service.enqueue(&request(3), None).await;
    service.result(&job).await;
    let requests: Vec<_> = (0..4).map(request).collect();
    let answers = requests
        .iter()
        .map(|request| service.post_with("/prove", ("x-request-id", "mine"), request));
    let mut answers = Box::pin(futures_util::future::join_all(answers));
    // All requests wait or are being proved. Some may have ended already.
    let waiting = async {
        let mut subscriber = service.subscribe("mine").await;
        while subscriber.next().await["data"]["stage"] != "proving" {}
    };
    tokio::select! {
        _ = &mut answers => panic!("all requests ended before the signal"),
        () = waiting => {}
    }
    service.terminate();
    for (status, _, answer) in answers.await {
        assert_eq!(status, 200, "{answer}");
    }
    assert!(service.exits_with_success());
}

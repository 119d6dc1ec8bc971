//! Websockets and event streams: their number, and their end at shutdown.

use std::time::Duration;

use bauta_store::testing::TestDatabase;
use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::json;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{self, Message, protocol::frame::coding::CloseCode},
};

use crate::{
    access::api_key,
    common::{Running, request, with_jobs},
};

#[tokio::test]
async fn a_websocket_counts_as_a_connection_until_it_is_closed() {
    let service = Running::start(&[("MAX_CONNECTIONS", "1")]);
    let websocket = service.websocket().await;
    let mut other = Box::pin(service.get("/health"));
    let answered = tokio::time::timeout(Duration::from_millis(300), &mut other).await;
    assert!(answered.is_err(), "a second connection was accepted");
    drop(websocket);
    let answered = tokio::time::timeout(Duration::from_mins(1), other).await;
    assert_eq!(answered.expect("the connection is released").0, 200);
}

#[tokio::test]
async fn a_client_has_a_limited_number_of_websockets_and_event_streams() {
    let (key, line) = api_key("prove");
    let mut service = Running::start(&[("MAX_STREAMS_PER_CLIENT", "2"), ("API_KEYS", &line)]);
    let websocket = service.websocket().await;
    let events = "/requests/mine/events";
    let mut stream = service.request(Method::GET, events).send().await.unwrap();
    assert!(stream.chunk().await.unwrap().is_some());
    let (status, problem) = service.get(events).await;
    assert_eq!(
        (status, &problem["code"]),
        (429, &json!("too_many_streams")),
        "{problem}"
    );
    let refused = connect_async(format!("ws://{}/ws", service.address)).await;
    let Err(tungstenite::Error::Http(response)) = refused else {
        panic!("the third stream was accepted");
    };
    assert_eq!(response.status(), 429);
    // Each client has its own limit, and a closed stream does not count.
    drop(websocket);
    let reopened = async {
        while connect_async(format!("ws://{}/ws", service.address))
            .await
            .is_err()
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let reopened = tokio::time::timeout(Duration::from_mins(1), reopened).await;
    assert!(reopened.is_ok(), "the closed websocket still counts");
    service.identify(&key);
    let mut stream = service.request(Method::GET, events).send().await.unwrap();
    assert!(stream.chunk().await.unwrap().is_some());
}

#[tokio::test]
async fn pings_do_not_keep_a_websocket_without_a_subscription_open() {
    let service = Running::start(&[("WEBSOCKET_IDLE_TIMEOUT_MS", "400")]);
    let (mut websocket, _) = connect_async(format!("ws://{}/ws", service.address))
        .await
        .unwrap();
    let closed = async {
        while websocket.send(Message::Ping("".into())).await.is_ok() {
            match tokio::time::timeout(Duration::from_millis(50), websocket.next()).await {
                Ok(Some(Ok(Message::Pong(_)))) | Err(_) => {}
                Ok(_) => break,
            }
        }
    };
    let closed = tokio::time::timeout(Duration::from_mins(1), closed).await;
    assert!(closed.is_ok(), "the websocket is still open");
}

#[tokio::test]
async fn followers_of_a_job_share_one_query_of_postgres() {
    const FOLLOWERS: usize = 40;
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let job = service.enqueue(&request(3), None).await;
    let mut followers = Vec::new();
    for _ in 0..FOLLOWERS {
        let request = service.request(Method::GET, &format!("/jobs/{job}/events"));
        let mut follower = request.send().await.unwrap();
        assert!(follower.chunk().await.unwrap().is_some());
        followers.push(follower);
    }
    let reads = || async {
        sqlx::query_scalar::<_, i64>(
            "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'jobs_pkey'",
        )
        .fetch_one(database.pool())
        .await
        .unwrap()
    };
    // A session that becomes idle reports its statistics within 10 s.
    tokio::time::sleep(Duration::from_secs(12)).await;
    let before = reads().await;
    // The check of followed jobs runs every 5 s.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let during = reads().await - before;
    assert!(
        during < 10,
        "{during} reads of one job in 8 s for {FOLLOWERS} followers"
    );
    // A lost notification delays the end only until the next check.
    sqlx::query("UPDATE jobs SET state = 'cancelled', ended_at = now(), witness = NULL")
        .execute(database.pool())
        .await
        .unwrap();
    let ended = async {
        for follower in &mut followers {
            while follower.chunk().await.unwrap().is_some() {}
        }
    };
    let ended = tokio::time::timeout(Duration::from_mins(1), ended).await;
    assert!(ended.is_ok(), "a follower did not get the end of the job");
}

#[tokio::test]
async fn followers_that_lost_the_connection_read_their_jobs_a_few_at_a_time() {
    const FOLLOWERS: usize = 20;
    const AT_A_TIME: i64 = 4;
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(
        &url,
        &[("RUN_JOBS", "false"), ("DATABASE_CONNECTIONS", "40")],
    ));
    let mut followers = Vec::new();
    for number in 0..FOLLOWERS {
        let job = service.enqueue(&request(3), Some(&format!("key-{number}"))).await;
        let request = service.request(Method::GET, &format!("/jobs/{job}/events"));
        let mut follower = request.send().await.unwrap();
        assert!(follower.chunk().await.unwrap().is_some());
        followers.push(follower);
    }
    // The reads wait for this lock, so that they can be counted.
    let mut lock = database.pool().begin().await.unwrap();
    sqlx::query("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *lock)
        .await
        .unwrap();
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE 'LISTEN%bauta_jobs%'",
    )
    .execute(database.pool())
    .await
    .unwrap();
    let reads = || async {
        sqlx::query_scalar::<_, i64>(
            "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%FROM jobs WHERE id = $1::text::uuid'",
        )
        .fetch_one(database.pool())
        .await
        .unwrap()
    };
    let reached = async {
        while reads().await < AT_A_TIME {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), reached)
        .await
        .expect("the followers read their jobs again");
    for _ in 0..20 {
        assert!(reads().await <= AT_A_TIME);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    lock.rollback().await.unwrap();
}

#[tokio::test]
async fn at_shutdown_websockets_get_a_close_frame_and_event_streams_end() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let mut service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let (mut websocket, _) = connect_async(format!("ws://{}/ws", service.address))
        .await
        .unwrap();
    let job = service.enqueue(&request(4), None).await;
    let client = reqwest::Client::new();
    let events = format!("http://{}/jobs/{job}/events", service.address);
    let mut events = client.get(events).send().await.unwrap();
    assert!(events.chunk().await.unwrap().is_some(), "the current state");

    service.terminate();
    let message = tokio::time::timeout(Duration::from_mins(1), websocket.next()).await;
    let Some(Ok(Message::Close(Some(frame)))) = message.expect("a message") else {
        panic!("the websocket was closed without a close frame");
    };
    assert_eq!(frame.code, CloseCode::Away);
    assert_eq!(
        events.chunk().await.unwrap(),
        None,
        "the stream ends without an error"
    );
    assert!(service.exits_with_success());
}

/// Sets the largest number of open files of a process. `None` sets the largest possible number.
fn set_open_files(service: &Running, files: Option<u64>) {
    let limit = getrlimit(Resource::Nofile);
    let changed = Rlimit {
        current: files.or(limit.maximum),
        ..limit
    };
    let process = Pid::from_raw(i32::try_from(service.id()).unwrap());
    prlimit(process, Resource::Nofile, changed).unwrap();
}

#[tokio::test]
async fn a_service_that_can_open_no_more_files_keeps_running() {
    let service = Running::start(&[]);
    set_open_files(&service, Some(3));
    service.log_with("measurement_failed").await;
    set_open_files(&service, None);
    assert_eq!(service.get("/health").await.0, 200);
}

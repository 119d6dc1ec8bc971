//! Progress of jobs and requests, wherever they are worked on.

use std::time::Duration;

use bauta_store::testing::TestDatabase;
use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    access::api_key,
    common::{Running, request, with_jobs},
};

fn stages(messages: &[Value]) -> Vec<&str> {
    messages
        .iter()
        .map(|message| {
            message["data"]["stage"]
                .as_str()
                .or(message["data"]["state"].as_str())
                .unwrap()
        })
        .collect()
}

#[tokio::test]
async fn a_waiting_request_is_followed_by_the_id_that_its_client_gave_it() {
    let service = Running::start(&[]);
    // Before it comes, while it waits, and after it has ended.
    let mut early = service.subscribe("mine.1").await;
    let first = early.next().await;
    assert_eq!(first["data"]["stage"], "awaited", "{first}");
    assert_eq!(first["requestId"], "mine.1");
    let (status, _, _) = service
        .post_with("/prove", ("x-request-id", "mine.1"), &request(3))
        .await;
    assert_eq!(status, 200);
    let messages = early.until_result().await;
    assert_eq!(
        stages(&messages),
        ["waiting", "proving", "succeeded"],
        "{messages:?}"
    );
    let late = service.subscribe("mine.1").await.until_result().await;
    assert_eq!(stages(&late), ["succeeded"], "{late:?}");
    // One that fails says so, and an id may be used again.
    let (status, _, _) = service
        .post_with("/prove", ("x-request-id", "mine.1"), &request(4))
        .await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn server_sent_events_tell_of_a_waiting_request_what_a_websocket_tells() {
    let service = Running::start(&[]);
    let events = service.events_at("/requests/mine.8/events");
    let body = request(3);
    let (events, (status, ..)) = tokio::join!(
        events,
        service.post_with("/prove", ("x-request-id", "mine.8"), &body)
    );
    assert_eq!(status, 200);
    let result = ("result".to_owned(), json!({"state": "succeeded"}));
    assert!(events.len() > 1, "{events:?}");
    assert_eq!(events.last(), Some(&result));
    assert_eq!(service.events_at("/requests/mine.8/events").await, [result]);
    let (status, problem) = service.get("/requests/no%20id/events").await;
    assert_eq!((status, &problem["field"]), (400, &json!("id")), "{problem}");
}

#[tokio::test]
async fn a_message_that_is_none_is_answered_by_field_and_rule() {
    let service = Running::start(&[]);
    let mut subscriber = service.websocket().await;
    for (message, named) in [
        (json!({"type": "subscribe"}), "requestId"),
        (json!({"type": "subscribe", "requestId": "no id"}), "1 to 64"),
        (
            json!({"type": "subscribe", "requestId": "x".repeat(65)}),
            "1 to 64",
        ),
        (json!({"type": "unsubscribe"}), "subscribe"),
        (json!([]), "subscribe"),
    ] {
        subscriber.say(&message).await;
        let told = subscriber.next().await;
        assert_eq!(
            (&told["type"], &told["data"]["code"]),
            (&json!("error"), &json!("invalid_input")),
            "{told}"
        );
        let detail = told["data"]["detail"].as_str().unwrap();
        assert!(detail.contains(named), "{detail}");
    }
}

#[tokio::test]
async fn with_figures_of_others_every_message_says_how_long_it_should_take() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[]));
    assert_eq!(service.post("/prove", &request(3)).await.0, 200);
    let mut subscriber = service.subscribe("mine.2").await;
    assert_eq!(
        subscriber.next().await["data"]["eta_ms"],
        Value::Null,
        "nobody knows when it comes"
    );
    service
        .post_with("/prove", ("x-request-id", "mine.2"), &request(3))
        .await;
    let messages = subscriber.until_result().await;
    for message in &messages[..2] {
        assert!(message["data"]["eta_ms"].as_u64().unwrap() > 0, "{message}");
    }
    // Jobs: once the housekeeping has seen one end.
    let job = service.enqueue(&request(3), None).await;
    service.result(&job).await;
    let known = async {
        loop {
            let job = service.enqueue(&request(3), None).await;
            let messages = service.subscribe(&job).await.until_result().await;
            let etas: Vec<_> = messages
                .iter()
                .map(|message| message["data"]["eta_ms"].clone())
                .collect();
            let (_, before) = etas.split_last().unwrap();
            if before.iter().any(|eta| eta.as_u64().is_some_and(|eta| eta > 0)) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), known)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_request_is_followed_from_an_instance_that_doesnt_work_on_it() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let works = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let watches = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let mut subscriber = watches.subscribe("mine.3").await;
    assert_eq!(subscriber.next().await["data"]["stage"], "awaited");
    let (status, _, _) = works
        .post_with("/prove", ("x-request-id", "mine.3"), &request(3))
        .await;
    assert_eq!(status, 200);
    let messages = subscriber.until_result().await;
    assert_eq!(
        stages(&messages),
        ["waiting", "proving", "succeeded"],
        "{messages:?}"
    );
    // A late subscriber gets the present state from the other instance, which is asked for it.
    let late = watches.subscribe("mine.3").await.until_result().await;
    assert_eq!(stages(&late), ["awaited", "succeeded"], "{late:?}");
}

#[tokio::test]
async fn a_job_is_followed_stage_by_stage_from_an_instance_that_doesnt_work_on_it() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let job = service.enqueue(&request(3), None).await;
    let mut subscriber = service.subscribe(&job).await;
    assert_eq!(subscriber.next().await["data"]["stage"], "queued");
    let _worker = Running::worker(&with_jobs(&url, &[]));
    let messages = subscriber.until_result().await;
    assert_eq!(
        stages(&messages),
        ["running", "proving", "succeeded"],
        "{messages:?}"
    );
}

#[tokio::test]
async fn an_end_whose_message_was_lost_is_heard_of_however_much_is_said_by_and_of_others() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let job = service.enqueue(&request(3), None).await;
    // The same id in other letters.
    let mut subscriber = service.subscribe(&job.to_uppercase()).await;
    assert_eq!(subscriber.next().await["data"]["stage"], "queued");
    // An end that nobody is told of.
    sqlx::query("UPDATE jobs SET state = 'cancelled', ended_at = now(), witness = NULL")
        .execute(database.pool())
        .await
        .unwrap();
    let told = async {
        loop {
            tokio::select! {
                message = subscriber.next() => return message,
                () = tokio::time::sleep(Duration::from_millis(300)) => {}
            }
            // The client says that it is there, and there is news of another job.
            subscriber.ping().await;
            sqlx::query(r#"SELECT pg_notify('bauta_jobs', '{"id": "x", "state": "running"}')::text"#)
                .execute(database.pool())
                .await
                .unwrap();
        }
    };
    let told = tokio::time::timeout(Duration::from_secs(30), told).await;
    let told = told.expect("the subscriber looks for itself");
    assert_eq!(
        (&told["type"], &told["data"]["state"]),
        (&json!("result"), &json!("cancelled")),
        "{told}"
    );
}

#[tokio::test]
async fn a_listener_that_lost_its_connection_listens_again_and_subscribers_miss_nothing() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let [first, second] = [
        service.enqueue(&request(3), None).await,
        service.enqueue(&request(4), None).await,
    ];
    let mut followers = [service.subscribe(&first).await, service.subscribe(&second).await];
    for follower in &mut followers {
        assert_eq!(follower.next().await["data"]["stage"], "queued");
    }
    let ended = sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND query = 'LISTEN \"bauta_jobs\"'",
    );
    assert_eq!(ended.fetch_all(database.pool()).await.unwrap().len(), 1);
    // One job ends while nobody listens, one when somebody does again.
    service.delete(&format!("/jobs/{first}")).await;
    assert_eq!(followers[0].next().await["data"]["state"], "cancelled");
    service.log_with("listener_away").await;
    service.delete(&format!("/jobs/{second}")).await;
    assert_eq!(followers[1].next().await["data"]["state"], "cancelled");
}

#[tokio::test]
async fn a_client_that_goes_while_it_waits_leaves_the_line() {
    let service = Running::start(&[("MAX_CONCURRENT_PROOFS", "1")]);
    let requests: Vec<Value> = (0..16).map(request).collect();
    let others = requests.iter().map(|request| service.post("/prove", request));
    let others = futures_util::future::join_all(others);
    let mut subscriber = service.subscribe("mine.7").await;
    assert_eq!(subscriber.next().await["data"]["stage"], "awaited");
    let goes = async {
        while service.get("/health").await.1["proofs_generated"] == 0 {}
        let mine = request(17);
        let mut asked = Box::pin(service.post_with("/prove", ("x-request-id", "mine.7"), &mine));
        let waiting = async {
            let message = subscriber.next().await;
            assert_eq!(message["data"]["stage"], "waiting", "{message}");
        };
        tokio::select! {
            _ = &mut asked => panic!("it was answered while others waited"),
            () = waiting => {}
        }
        drop(asked);
        subscriber.until_result().await
    };
    let (answers, messages) = tokio::join!(others, goes);
    assert!(answers.iter().all(|(status, _)| *status == 200));
    assert_eq!(stages(&messages), ["failed"], "{messages:?}");
    let lines = service.lines("audit", "proof_requested", 17).await;
    let left = lines.iter().find(|line| line["outcome"] == "abandoned").unwrap();
    assert_eq!(left["request_id"], "mine.7", "{left}");
    assert_eq!(service.get("/health").await.1["proofs_generated"], 16);
}

#[tokio::test]
async fn nobody_follows_anothers_request() {
    let ((alice, alices), (bob, bobs)) = (api_key("prove"), api_key("prove"));
    let lines = format!("{alices},{bobs}");
    let mut service = Running::start(&[("API_KEYS", &lines)]);
    service.identify(&bob);
    let mut spy = service.subscribe("mine.4").await;
    assert_eq!(spy.next().await["data"]["stage"], "awaited");
    service.identify(&alice);
    let (status, _, _) = service
        .post_with("/prove", ("x-request-id", "mine.4"), &request(3))
        .await;
    assert_eq!(status, 200);
    // What would have been said of hers comes before what is said of his.
    service.identify(&bob);
    service
        .post_with("/prove", ("x-request-id", "his.1"), &request(3))
        .await;
    spy.follow("his.1").await;
    let next = spy.next().await;
    assert_eq!(
        (&next["requestId"], &next["type"]),
        (&json!("his.1"), &json!("result")),
        "{next}"
    );
}

/// Resident memory, as the service says it.
async fn memory(service: &Running) -> f64 {
    let metrics = service.metrics().await;
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("process_resident_memory_bytes "));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_client_that_never_reads_holds_no_memory_and_is_closed() {
    let service = Running::start(&[]);
    let before = memory(&service).await;
    // Little room on its own side, so that the service is soon unable to send.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(service.address).await.unwrap();
    let (mut client, _) = tokio_tungstenite::client_async(format!("ws://{}/ws", service.address), stream)
        .await
        .unwrap();
    let mut sent = 0;
    let closed = async {
        loop {
            let subscribe = json!({"type": "subscribe", "requestId": format!("mine.{sent}")}).to_string();
            if client.send(Message::Text(subscribe.into())).await.is_err() {
                return;
            }
            sent += 1;
        }
    };
    let waited = tokio::time::timeout(Duration::from_mins(2), closed).await;
    assert!(waited.is_ok(), "it was never closed, after {sent} messages");
    let held = memory(&service).await - before;
    assert!(held < 2e7, "{held} bytes for {sent} messages that nobody reads");
    // Others are served as before.
    service
        .post_with("/prove", ("x-request-id", "other.1"), &request(3))
        .await;
    let messages = service.subscribe("other.1").await.until_result().await;
    assert_eq!(stages(&messages), ["succeeded"]);
}

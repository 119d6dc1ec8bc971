//! Progress of jobs and requests, at the instance that works on them and at others.

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
async fn a_request_can_be_followed_by_the_id_that_its_client_gave_it() {
    let service = Running::start(&[]);
    // A subscription before the request, during it, and after its end.
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
    // An id can be used again.
    let (status, _, _) = service
        .post_with("/prove", ("x-request-id", "mine.1"), &request(4))
        .await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn the_websockets_of_earlier_systems_have_per_cent_and_the_versioned_one_has_the_share() {
    let service = Running::start(&[]);
    for (path, id, expected) in [
        ("/", "mine.1", [0.0, 5.0, 30.0]),
        ("/ws", "mine.2", [0.0, 5.0, 30.0]),
        ("/v1/ws", "mine.3", [0.0, 0.05, 0.3]),
    ] {
        let mut subscriber = service.websocket_at(path).await;
        subscriber.subscribe_to(id).await;
        let mut found = vec![subscriber.next().await];
        assert_eq!(found[0]["data"]["stage"], "awaited");
        let body = request(3);
        let sent = service.post_with("/prove", ("x-request-id", id), &body);
        assert_eq!(sent.await.0, 200);
        found.extend(subscriber.until_result().await);
        let found = found
            .iter()
            .filter_map(|message| message["data"]["progress"].as_f64());
        let found: Vec<f64> = found.collect();
        assert_eq!(found, expected, "{path}");
    }
}

#[tokio::test]
async fn server_sent_events_have_the_progress_of_a_request() {
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
async fn an_invalid_message_is_answered_with_field_and_rule() {
    let service = Running::start(&[]);
    let mut subscriber = service.websocket().await;
    for (message, expected) in [
        (json!({"type": "subscribe"}), "requestId"),
        (json!({"type": "subscribe", "requestId": "no id"}), "1 to 64"),
        (
            json!({"type": "subscribe", "requestId": "x".repeat(65)}),
            "1 to 64",
        ),
        (json!({"type": "unsubscribe"}), "subscribe"),
        (json!([]), "subscribe"),
    ] {
        subscriber.send(&message).await;
        let error = subscriber.next().await;
        assert_eq!(
            (&error["type"], &error["data"]["code"]),
            (&json!("error"), &json!("invalid_input")),
            "{error}"
        );
        let detail = error["data"]["detail"].as_str().unwrap();
        assert!(detail.contains(expected), "{detail}");
    }
}

#[tokio::test]
async fn after_the_first_proof_every_progress_has_an_estimate() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[]));
    assert_eq!(service.post("/prove", &request(3)).await.0, 200);
    let mut subscriber = service.subscribe("mine.2").await;
    assert_eq!(
        subscriber.next().await["data"]["eta_ms"],
        Value::Null,
        "the request has not been sent"
    );
    service
        .post_with("/prove", ("x-request-id", "mine.2"), &request(3))
        .await;
    let messages = subscriber.until_result().await;
    for message in &messages[..2] {
        assert!(message["data"]["eta_ms"].as_u64().unwrap() > 0, "{message}");
    }
    // Jobs have an estimate after the housekeeping has measured one.
    let job = service.enqueue(&request(3), None).await;
    service.result(&job).await;
    let estimated = async {
        loop {
            let job = service.enqueue(&request(3), None).await;
            let messages = service.subscribe(&job).await.until_result().await;
            let etas: Vec<_> = messages
                .iter()
                .map(|message| message["data"]["eta_ms"].clone())
                .collect();
            let (_, before_result) = etas.split_last().unwrap();
            if before_result
                .iter()
                .any(|eta| eta.as_u64().is_some_and(|eta| eta > 0))
            {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), estimated)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_request_can_be_followed_at_another_instance() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let proving = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let other = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let mut subscriber = other.subscribe("mine.3").await;
    assert_eq!(subscriber.next().await["data"]["stage"], "awaited");
    let (status, _, _) = proving
        .post_with("/prove", ("x-request-id", "mine.3"), &request(3))
        .await;
    assert_eq!(status, 200);
    let messages = subscriber.until_result().await;
    assert_eq!(
        stages(&messages),
        ["waiting", "proving", "succeeded"],
        "{messages:?}"
    );
    // A late subscription gets the current state from the proving instance.
    let late = other.subscribe("mine.3").await.until_result().await;
    assert_eq!(stages(&late), ["awaited", "succeeded"], "{late:?}");
}

#[tokio::test]
async fn a_job_can_be_followed_stage_by_stage_at_another_instance() {
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
async fn a_lost_message_delays_the_result_only_until_the_next_poll() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let job = service.enqueue(&request(3), None).await;
    // The same id in upper case.
    let mut subscriber = service.subscribe(&job.to_uppercase()).await;
    assert_eq!(subscriber.next().await["data"]["stage"], "queued");
    // Ends the job without a notification.
    sqlx::query("UPDATE jobs SET state = 'cancelled', ended_at = now(), witness = NULL")
        .execute(database.pool())
        .await
        .unwrap();
    let result = async {
        loop {
            tokio::select! {
                message = subscriber.next() => return message,
                () = tokio::time::sleep(Duration::from_millis(300)) => {}
            }
            // The client sends a ping, and there is a notification about another job.
            subscriber.ping().await;
            sqlx::query(r#"SELECT pg_notify('bauta_jobs', '{"id": "x", "state": "running"}')::text"#)
                .execute(database.pool())
                .await
                .unwrap();
        }
    };
    let result = tokio::time::timeout(Duration::from_mins(1), result).await;
    let result = result.expect("the subscription polls the database");
    assert_eq!(
        (&result["type"], &result["data"]["state"]),
        (&json!("result"), &json!("cancelled")),
        "{result}"
    );
}

#[tokio::test]
async fn a_listener_reconnects_and_subscriptions_miss_no_result() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let [first, second] = [
        service.enqueue(&request(3), None).await,
        service.enqueue(&request(4), None).await,
    ];
    let mut subscribers = [service.subscribe(&first).await, service.subscribe(&second).await];
    for subscriber in &mut subscribers {
        assert_eq!(subscriber.next().await["data"]["stage"], "queued");
    }
    let terminated = sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND query = 'LISTEN \"bauta_jobs\"'",
    );
    assert_eq!(terminated.fetch_all(database.pool()).await.unwrap().len(), 1);
    // One job ends without a listener, and one after the listener has reconnected.
    service.delete(&format!("/jobs/{first}")).await;
    assert_eq!(subscribers[0].next().await["data"]["state"], "cancelled");
    service.log_with("listener_disconnected").await;
    service.delete(&format!("/jobs/{second}")).await;
    assert_eq!(subscribers[1].next().await["data"]["state"], "cancelled");
}

#[tokio::test]
async fn a_client_that_disconnects_leaves_the_queue() {
    let service = Running::start(&[("MAX_CONCURRENT_PROOFS", "1")]);
    let requests: Vec<Value> = (0..16).map(request).collect();
    let others = requests.iter().map(|request| service.post("/prove", request));
    let others = futures_util::future::join_all(others);
    let mut subscriber = service.subscribe("mine.7").await;
    assert_eq!(subscriber.next().await["data"]["stage"], "awaited");
    let disconnect = async {
        while service.get("/health").await.1["proofs_generated"] == 0 {}
        let body = request(17);
        let mut post = Box::pin(service.post_with("/prove", ("x-request-id", "mine.7"), &body));
        let waiting = async {
            let message = subscriber.next().await;
            assert_eq!(message["data"]["stage"], "waiting", "{message}");
        };
        tokio::select! {
            _ = &mut post => panic!("the request ended before earlier ones"),
            () = waiting => {}
        }
        drop(post);
        subscriber.until_result().await
    };
    let (answers, messages) = tokio::join!(others, disconnect);
    assert!(answers.iter().all(|(status, _)| *status == 200));
    assert_eq!(stages(&messages), ["failed"], "{messages:?}");
    let lines = service.lines("audit", "proof_requested", 17).await;
    let abandoned = lines.iter().find(|line| line["outcome"] == "abandoned").unwrap();
    assert_eq!(abandoned["request_id"], "mine.7", "{abandoned}");
    assert_eq!(service.get("/health").await.1["proofs_generated"], 16);
}

#[tokio::test]
async fn a_request_can_be_followed_only_with_its_own_api_key() {
    let ((alice, line_of_alice), (bob, line_of_bob)) = (api_key("prove"), api_key("prove"));
    let lines = format!("{line_of_alice},{line_of_bob}");
    let mut service = Running::start(&[("API_KEYS", &lines)]);
    service.identify(&bob);
    let mut subscriber = service.subscribe("mine.4").await;
    assert_eq!(subscriber.next().await["data"]["stage"], "awaited");
    service.identify(&alice);
    let (status, _, _) = service
        .post_with("/prove", ("x-request-id", "mine.4"), &request(3))
        .await;
    assert_eq!(status, 200);
    // An event of Alice's request would arrive before the event of Bob's request.
    service.identify(&bob);
    service
        .post_with("/prove", ("x-request-id", "bob.1"), &request(3))
        .await;
    subscriber.subscribe_to("bob.1").await;
    let next = subscriber.next().await;
    assert_eq!(
        (&next["requestId"], &next["type"]),
        (&json!("bob.1"), &json!("result")),
        "{next}"
    );
}

#[tokio::test]
async fn a_websocket_that_subscribes_too_often_gets_an_error_and_stays_open() {
    let service = Running::start(&[]);
    let mut subscriber = service.websocket().await;
    // More than twice the limit: a minute can end meanwhile.
    for _ in 0..1_300 {
        subscriber.subscribe_to("mine.9").await;
    }
    let refused = loop {
        let message = subscriber.next().await;
        if message["type"] == "error" {
            break message;
        }
    };
    assert_eq!(refused["data"]["code"], "rate_limited", "{refused}");
    let detail = refused["data"]["detail"].as_str().unwrap();
    assert!(detail.contains("600 per minute"), "{detail}");
    subscriber.ping().await;
}

/// Returns the resident memory that the service reports.
async fn memory(service: &Running) -> f64 {
    let metrics = service.metrics().await;
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("process_resident_memory_bytes "));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_client_that_never_reads_uses_no_memory_and_is_disconnected() {
    let service = Running::start(&[]);
    let before = memory(&service).await;
    // The client has a small receive buffer, so that the service soon can't send.
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
    assert!(
        waited.is_ok(),
        "the connection was not closed after {sent} messages"
    );
    let used = memory(&service).await - before;
    assert!(used < 2e7, "{used} bytes for {sent} unread messages");
    // Other clients are served as before.
    service
        .post_with("/prove", ("x-request-id", "other.1"), &request(3))
        .await;
    let messages = service.subscribe("other.1").await.until_result().await;
    assert_eq!(stages(&messages), ["succeeded"]);
}

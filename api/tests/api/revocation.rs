//! A revoked API key is refused everywhere within a second: requests, tickets, and the streams that
//! it has opened, at each instance. `cargo xtask drill revocation` prints the times and compares them
//! with the second, on a machine that does nothing else.

use std::{
    env,
    time::{Duration, Instant},
};

use bauta_service_common::{NewApiKey, Quota};
use futures_util::{StreamExt as _, future::join_all};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use crate::common::{Chain, Running};

const PAGE: &str = "https://app.example.org";
/// The longest wait for each of the ends.
const WAIT: Duration = Duration::from_mins(1);
/// The time that the service promises.
const PROMISED: Duration = Duration::from_secs(1);
/// Number of tickets that are tried one after the other at each instance.
const TICKETS: usize = 60;
/// Time between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

async fn ticket(service: &Running, key: &str, route: &str) -> Response {
    let request = service
        .request(Method::POST, "/v1/tickets")
        .bearer_auth(key)
        .json(&json!({"route": route, "origin": PAGE}));
    request.send().await.unwrap()
}

async fn issued(service: &Running, key: &str, route: &str) -> String {
    let body: Value = ticket(service, key, route).await.json().await.unwrap();
    body["ticket"].as_str().expect("the key is valid").to_owned()
}

async fn stream(service: &Running, ticket: &str) -> Response {
    let path = format!("/v1/events?ticket={ticket}");
    service.get_with(&path, "origin", PAGE).await
}

/// Waits until the key is refused.
async fn requests_are_refused(service: &Running, key: &str) {
    while ticket(service, key, "events").await.status() != 401 {
        tokio::time::sleep(PAUSE).await;
    }
}

/// Waits until a ticket is refused that was issued before.
async fn tickets_are_refused(service: &Running, tickets: &[String]) {
    for ticket in tickets {
        let response = stream(service, ticket).await;
        if response.status() == 401 {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
    panic!("{} tickets were accepted", tickets.len());
}

/// Waits until the service ends a stream.
async fn stream_ends(mut response: Response) {
    assert_eq!(response.status(), 200);
    while response.chunk().await.unwrap().is_some() {}
}

/// Waits until the service closes a websocket. Returns the reason.
async fn websocket_closes(service: &Running, ticket: &str) -> impl Future<Output = String> + use<> {
    let url = format!("ws://{}/v1/ws?ticket={ticket}", service.address);
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("origin", PAGE.parse().unwrap());
    let (mut socket, _) = connect_async(request).await.unwrap();
    async move {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(Some(frame)))) => return frame.reason.to_string(),
                Some(Ok(_)) => {}
                ended => panic!("closed without a reason: {ended:?}"),
            }
        }
    }
}

/// Waits for an end. Returns the time since the revocation.
async fn after(revoked: Instant, end: impl Future<Output = ()>) -> Duration {
    let ended = tokio::time::timeout(WAIT, end).await;
    ended.expect("the key is refused");
    revoked.elapsed()
}

#[tokio::test]
async fn a_revoked_key_is_refused_for_requests_tickets_and_open_streams_at_every_instance() {
    let chain = Chain::new().await;
    let store = &chain.database.store;
    let random = || NewApiKey::random(&["read"], 4_000_000_000, Quota::default());
    let (key, other) = (random(), random());
    for key in [&key, &other] {
        assert!(store.add_api_key(&key.row).await.unwrap());
    }
    let settings = [("REQUESTS_PER_MINUTE", "0"), ("EVENT_STREAMS_PER_CLIENT", "500")];
    let services = [(); 2].map(|()| Running::start(&chain.database, &settings));
    let mut tickets = [Vec::new(), Vec::new()];
    for (service, tickets) in services.iter().zip(&mut tickets) {
        for _ in 0..TICKETS {
            tickets.push(issued(service, &key.key, "events").await);
        }
    }
    let (mut waits, mut others) = (Vec::new(), Vec::new());
    for (service, tickets) in services.iter().zip(tickets) {
        let open = stream(service, &issued(service, &key.key, "events").await).await;
        let socket = websocket_closes(service, &issued(service, &key.key, "ws").await).await;
        others.push(stream(service, &issued(service, &other.key, "events").await).await);
        waits.push((service, tickets, open, socket));
    }
    assert!(store.revoke_api_key(&key.row.prefix).await.unwrap());
    let revoked = Instant::now();
    let key_text = key.key.as_str();
    let times = join_all(
        waits
            .into_iter()
            .map(|(service, tickets, open, socket)| async move {
                let closed = async {
                    let reason = socket.await;
                    assert!(reason.contains("no longer valid"), "{reason}");
                };
                tokio::join!(
                    after(revoked, requests_are_refused(service, key_text)),
                    after(revoked, tickets_are_refused(service, &tickets)),
                    after(revoked, stream_ends(open)),
                    after(revoked, closed),
                )
            }),
    );
    let times = times.await;
    let is_drill = env::var("BAUTA_DRILL_REVOCATION").is_ok();
    for (requests, tickets, stream, websocket) in times {
        println!("requests {requests:?}, tickets {tickets:?}, stream {stream:?}, websocket {websocket:?}");
        for time in [requests, tickets, stream, websocket] {
            assert!(!is_drill || time <= PROMISED, "{time:?}");
        }
    }
    // A request that comes a second later is refused however busy the machine is.
    tokio::time::sleep(PROMISED.saturating_sub(revoked.elapsed())).await;
    for service in &services {
        assert_eq!(ticket(service, &key.key, "events").await.status(), 401);
        assert_eq!(ticket(service, &other.key, "events").await.status(), 200);
        service
            .wait_for_line(|line| line["target"] == "audit" && line["event"] == "stream_ended")
            .await;
    }
    // The streams of another key stay open.
    for mut open in others {
        open.chunk().await.unwrap().expect("the first id");
        // A heartbeat, or nothing.
        let next = tokio::time::timeout(PAUSE, open.chunk()).await;
        assert!(next.is_err() || next.unwrap().unwrap().is_some());
    }
}

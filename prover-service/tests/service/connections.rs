//! Websockets and event streams: their number, and their end at shutdown.

use std::time::Duration;

use bauta_store::testing::TestDatabase;
use futures_util::StreamExt;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, protocol::frame::coding::CloseCode},
};

use crate::common::{Running, request, with_jobs};

#[tokio::test]
async fn a_websocket_counts_as_a_connection_until_it_is_closed() {
    let service = Running::start(&[("MAX_CONNECTIONS", "1")]);
    let websocket = service.websocket().await;
    let mut other = Box::pin(service.get("/health"));
    let answered = tokio::time::timeout(Duration::from_millis(300), &mut other).await;
    assert!(answered.is_err(), "a second connection was accepted");
    drop(websocket);
    let answered = tokio::time::timeout(Duration::from_secs(10), other).await;
    assert_eq!(answered.expect("the connection is released").0, 200);
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
    let message = tokio::time::timeout(Duration::from_secs(10), websocket.next()).await;
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

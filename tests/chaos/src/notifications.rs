//! Injects faults into the notifications of a websocket.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{accept_async, connect_async};

use crate::faults::{Shared, count};

/// Serves one connection.
pub async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let mut faults = shared.faults.subscribe();
    if faults.borrow().unavailable {
        count(&shared.counts.refused);
        return;
    }
    tokio::select! {
        // If one side ends its connection, for whatever reason, the other connection ends as well.
        _ = forward(stream, &shared) => {}
        _ = faults.wait_for(|faults| faults.unavailable) => count(&shared.counts.refused),
    }
}

async fn forward(stream: TcpStream, shared: &Shared) -> Result<(), Error> {
    let (mut to_reader, mut from_reader) = accept_async(stream).await?.split();
    let (node, _) = connect_async(&shared.websocket).await?;
    let (mut to_node, mut from_node) = node.split();
    // A notification that is sent after the next one.
    let mut held_back: Option<Message> = None;
    loop {
        tokio::select! {
            message = from_reader.next() => match message.transpose()? {
                Some(message) if message.is_text() => to_node.send(message).await?,
                Some(message) if message.is_close() => return Ok(()),
                None => return Ok(()),
                // Each socket responds to pings itself.
                Some(_) => {}
            },
            message = from_node.next() => match message.transpose()? {
                Some(message) if message.is_text() => {
                    for message in distort(shared, message, &mut held_back).await {
                        to_reader.send(message).await?;
                    }
                }
                Some(message) if message.is_close() => return Ok(()),
                None => return Ok(()),
                Some(_) => {}
            },
        }
    }
}

/// Returns the messages to forward in place of `message`: none, the message itself, or more.
async fn distort(shared: &Shared, message: Message, held_back: &mut Option<Message>) -> Vec<Message> {
    let text: Value = message
        .to_text()
        .ok()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    if text["method"].is_null() {
        // This is a response, not a notification.
        return vec![message];
    }
    let faults = shared.faults.borrow().clone();
    let signature = &text["params"]["result"]["value"]["signature"];
    if signature
        .as_str()
        .is_some_and(|signature| shared.omits(signature, faults.omitted))
    {
        count(&shared.counts.omitted);
        return Vec::new();
    }
    if shared.happens(faults.dropped) {
        count(&shared.counts.dropped);
        return Vec::new();
    }
    shared.delay(faults.max_delay).await;
    if held_back.is_none() && shared.happens(faults.reordered) {
        *held_back = Some(message);
        return Vec::new();
    }
    let mut forwarded = vec![message];
    if shared.happens(faults.duplicated) {
        count(&shared.counts.duplicated);
        forwarded.push(forwarded[0].clone());
    }
    if let Some(earlier) = held_back.take() {
        count(&shared.counts.reordered);
        forwarded.push(earlier);
    }
    forwarded
}

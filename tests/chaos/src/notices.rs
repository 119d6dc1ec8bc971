//! The websocket's side of a proxy.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{accept_async, connect_async};

use crate::faults::{Shared, count};

/// One connection.
pub async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let mut faults = shared.faults.subscribe();
    if faults.borrow().away {
        count(&shared.told.refused);
        return;
    }
    tokio::select! {
        // how either side ends it, the other one's connection ends with it
        _ = pass(stream, &shared) => {}
        _ = faults.wait_for(|faults| faults.away) => count(&shared.told.refused),
    }
}

async fn pass(stream: TcpStream, shared: &Shared) -> Result<(), Error> {
    let (mut to_reader, mut from_reader) = accept_async(stream).await?.split();
    let (node, _) = connect_async(&shared.websocket).await?;
    let (mut to_node, mut from_node) = node.split();
    // a notice that waits for the next one to pass it
    let mut held: Option<Message> = None;
    loop {
        tokio::select! {
            message = from_reader.next() => match message.transpose()? {
                Some(message) if message.is_text() => to_node.send(message).await?,
                Some(message) if message.is_close() => return Ok(()),
                None => return Ok(()),
                // pings are answered on either side by itself
                Some(_) => {}
            },
            message = from_node.next() => match message.transpose()? {
                Some(message) if message.is_text() => {
                    for message in distort(shared, message, &mut held).await {
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

/// What is passed on of a message: nothing, itself, or more.
async fn distort(shared: &Shared, message: Message, held: &mut Option<Message>) -> Vec<Message> {
    let text: Value = message
        .to_text()
        .ok()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    if text["method"].is_null() {
        // an answer, not a notice
        return vec![message];
    }
    let faults = shared.faults.borrow().clone();
    let signature = &text["params"]["result"]["value"]["signature"];
    if signature
        .as_str()
        .is_some_and(|signature| shared.hides(signature, faults.hidden))
    {
        count(&shared.told.hidden);
        return Vec::new();
    }
    if shared.happens(faults.dropped) {
        count(&shared.told.dropped);
        return Vec::new();
    }
    shared.wait(faults.delay).await;
    if held.is_none() && shared.happens(faults.reordered) {
        *held = Some(message);
        return Vec::new();
    }
    let mut passed = vec![message];
    if shared.happens(faults.repeated) {
        count(&shared.told.repeated);
        passed.push(passed[0].clone());
    }
    if let Some(earlier) = held.take() {
        count(&shared.told.reordered);
        passed.push(earlier);
    }
    passed
}

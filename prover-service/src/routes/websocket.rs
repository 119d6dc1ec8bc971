use std::{num::NonZeroU32, pin::pin, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::{
        OriginalUri, State,
        ws::{
            CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code,
            rejection::WebSocketUpgradeRejection,
        },
    },
    http::HeaderMap,
    response::Response,
};
use bauta_service_common::{InvalidField, Problem, Query, RateLimitError, RequestId};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    is_versioned,
    limits::RateLimitKey,
    problems,
    state::AppState,
    tickets::{StreamCaller, TicketParameter},
};
use crate::events::{ClientEvent, Subscription};

/// Largest message of a client in bytes.
const MAX_MESSAGE_BYTES: usize = 1024;
/// Size of the read buffer of a connection in bytes.
const READ_BUFFER_BYTES: usize = 4096;
/// A connection is closed if its client doesn't receive a message within this time.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest number of subscriptions of a websocket in a minute. Each one may make work for all
/// instances.
const SUBSCRIPTIONS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(600).expect("600 is not zero");
const MINUTE: Duration = Duration::from_mins(1);

/// A message of a client.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum ClientMessage {
    /// Subscribes to a job or a request. Replaces the previous subscription.
    Subscribe {
        #[serde(rename = "requestId")]
        request_id: String,
    },
}

/// The websocket, at `GET /` and `GET /ws`.
///
/// A client sends `{"type": "subscribe", "requestId": ID}`. The id is a job's id, or the id that
/// the client gave a request in the header `x-request-id`. The client can subscribe before it sends
/// the request.
///
/// The service sends `{"type": "progress", "requestId", "data": {"stage", "progress", "eta_ms"}}`
/// with the current progress and for each change. At `/v1/ws`, `progress` is the completed share
/// from 0 to 1. At `/` and `/ws`, it is in per cent, as in earlier systems. At the end it sends
/// `{"type": "result", "requestId", "data"}`. `data` is the job, or for a request `{"state"}`.
pub async fn websocket(
    State(state): State<Arc<AppState>>,
    Extension(key): Extension<RateLimitKey>,
    uri: OriginalUri,
    headers: HeaderMap,
    Query(ticket): Query<TicketParameter>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let client = state.authorise_stream(&headers, &ticket).await?;
    let upgrade = upgrade.map_err(|rejection| problems::websocket_expected(&rejection.body_text()))?;
    let stream = state
        .streams
        .open(key.client())
        .map_err(problems::too_many_streams)?;
    let unit = if is_versioned(&uri) {
        Unit::Share
    } else {
        Unit::PerCent
    };
    Ok(upgrade
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES)
        .read_buffer_size(READ_BUFFER_BYTES)
        // Only the message that is being sent is buffered.
        .write_buffer_size(0)
        .on_upgrade(move |socket| async move {
            // The client caused the error: it disconnected.
            let _ = serve(socket, &state, &client, &key, unit).await;
            drop(stream);
        }))
}

/// Counts the subscriptions of a websocket. A minute begins with the first one after the previous
/// minute.
struct Subscriptions {
    minute: Instant,
    count: u32,
}

impl Subscriptions {
    /// Counts a subscription. Refuses it if the minute has had the largest number.
    fn take(&mut self, now: Instant) -> Result<(), RateLimitError> {
        if now.duration_since(self.minute) >= MINUTE {
            (self.minute, self.count) = (now, 0);
        }
        if self.count == SUBSCRIPTIONS_PER_MINUTE.get() {
            return Err(RateLimitError::Exceeded {
                per_minute: SUBSCRIPTIONS_PER_MINUTE,
                retry_after: MINUTE.saturating_sub(now.duration_since(self.minute)),
            });
        }
        self.count += 1;
        Ok(())
    }
}

/// The unit of the progress that a client receives.
#[derive(Clone, Copy)]
enum Unit {
    /// From 0 to 1.
    Share,
    /// From 0 to 100.
    PerCent,
}

impl Unit {
    /// Converts the progress in an event, which is a share.
    fn convert(self, data: &mut Value) {
        if let (Self::PerCent, Some(share)) = (self, data["progress"].as_f64()) {
            data["progress"] = (share * 100.0).round().into();
        }
    }
}

async fn serve(
    mut socket: WebSocket,
    state: &AppState,
    client: &StreamCaller,
    key: &RateLimitKey,
    unit: Unit,
) -> Result<(), axum::Error> {
    let mut subscription: Option<(String, Subscription)> = None;
    // Messages that don't subscribe, such as pings, don't extend this time.
    let mut idle_until = Instant::now() + state.websocket_idle_timeout;
    let mut subscriptions = Subscriptions {
        minute: Instant::now(),
        count: 0,
    };
    let mut ended = pin!(state.until_ended(&client.caller));
    loop {
        let next_event = async {
            if let Some((id, subscription)) = &mut subscription {
                Some((id.clone(), subscription.next_event().await))
            } else {
                tokio::time::sleep_until(idle_until).await;
                None
            }
        };
        tokio::select! {
            is_refused = &mut ended => return send(&mut socket, close_message(is_refused)).await,
            message = socket.recv() => {
                let Some(message) = message.transpose()? else { return Ok(()) };
                let text = match message {
                    Message::Text(text) => text,
                    Message::Close(_) => return Ok(()),
                    _ => continue,
                };
                // A refused message has an error as its response, and the socket is read on. So a
                // client that doesn't read is still disconnected.
                let requested = match subscriptions.take(Instant::now()) {
                    Ok(()) => requested_id(state, client, key, &text).await,
                    Err(exceeded) => Err(exceeded.into()),
                };
                match requested {
                    Ok(id) => {
                        let events = &state.events;
                        subscription = Some((id.clone(), events.subscribe(id, client.caller.owner.clone())));
                    }
                    Err(problem) => {
                        let data = json!({"code": problem.code(), "detail": problem.detail()});
                        send(&mut socket, text_message(&json!({"type": "error", "data": data}))).await?;
                    }
                }
            }
            next = next_event => {
                let Some((id, ClientEvent { event, mut data, is_last })) = next else { return Ok(()) };
                if event == "progress" {
                    unit.convert(&mut data);
                }
                if is_last {
                    subscription = None;
                    idle_until = Instant::now() + state.websocket_idle_timeout;
                }
                let message = json!({"type": event, "requestId": id, "data": data});
                send(&mut socket, text_message(&message)).await?;
            }
        }
    }
}

/// Parses a client's message and returns the id to subscribe to. Counts the message as a request,
/// because a subscription makes work for all instances. Checks the client's API key again, because
/// a websocket can be open for long.
async fn requested_id(
    state: &AppState,
    client: &StreamCaller,
    key: &RateLimitKey,
    text: &str,
) -> Result<String, Problem> {
    let ClientMessage::Subscribe { request_id } = serde_json::from_str(text).map_err(|error| {
        let rule = format!("must be {{\"type\": \"subscribe\", \"requestId\": ID}}: {error}");
        InvalidField::new("message", rule)
    })?;
    if !RequestId::is_valid(request_id.as_bytes()) {
        return Err(Problem::invalid("requestId", RequestId::RULE));
    }
    client.check(&request_id)?;
    state.take_request(key).await?;
    // Writes a record if the key isn't valid any more. So the message is counted before.
    state.check_again(&client.caller).await?;
    Ok(request_id)
}

/// The close message of a shutdown, whose code makes the client connect to another instance, or of a
/// client whose API key is no longer valid.
fn close_message(is_refused: bool) -> Message {
    let (code, reason) = if is_refused {
        (close_code::POLICY, "the API key is no longer valid")
    } else {
        (close_code::AWAY, "the service is shutting down")
    };
    Message::Close(Some(CloseFrame {
        code,
        reason: Utf8Bytes::from_static(reason),
    }))
}

fn text_message(message: &Value) -> Message {
    Message::Text(message.to_string().into())
}

async fn send(socket: &mut WebSocket, message: Message) -> Result<(), axum::Error> {
    let sent = tokio::time::timeout(SEND_TIMEOUT, socket.send(message));
    sent.await.map_err(axum::Error::new)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_websocket_subscribes_at_most_600_times_in_a_minute() {
        let start = Instant::now();
        let mut subscriptions = Subscriptions {
            minute: start,
            count: 0,
        };
        let mut accepted = |now| (0..1_000).filter(|_| subscriptions.take(now).is_ok()).count();
        assert_eq!(accepted(start), 600);
        assert_eq!(accepted(start + MINUTE - Duration::from_millis(1)), 0);
        // A long pause accumulates nothing.
        assert_eq!(accepted(start + 5 * MINUTE), 600);
        assert_eq!(accepted(start + 5 * MINUTE), 0);
        assert_eq!(accepted(start + 6 * MINUTE), 600);
    }

    #[test]
    fn a_refused_subscription_has_the_time_until_the_next_minute() {
        let start = Instant::now();
        let mut subscriptions = Subscriptions {
            minute: start,
            count: SUBSCRIPTIONS_PER_MINUTE.get(),
        };
        let refused = subscriptions.take(start + Duration::from_secs(20));
        let expected = RateLimitError::Exceeded {
            per_minute: SUBSCRIPTIONS_PER_MINUTE,
            retry_after: Duration::from_secs(40),
        };
        assert_eq!(refused, Err(expected));
    }
}

use std::{pin::pin, time::Duration};

use axum::{
    Extension,
    extract::ws::{
        CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code,
        rejection::WebSocketUpgradeRejection,
    },
    http::HeaderMap,
    response::Response,
};
use bauta_service_common::{InvalidField, Problem, Query};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use utoipa::IntoParams;

use super::{
    event_filter::{EventMessage, EventParameters, EventStream},
    problems::{self, Failure, ProblemDocument},
    state::Reads,
    tickets::{self, Ended, client_of_stream},
};
use crate::limits::{Client, Kind};

/// Largest message of a client in bytes.
const MAX_MESSAGE_BYTES: usize = 2 << 10;
/// Size of the read buffer of a connection in bytes.
const READ_BUFFER_BYTES: usize = 4 << 10;
/// A connection is closed if its client doesn't receive a message within this time.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// Time after which a connection is closed. The client opens another one, and resumes.
const MAX_AGE: Duration = Duration::from_mins(10);
/// A connection is closed after this number of refused messages.
const MAX_REFUSED: usize = 20;
/// Time without a subscription after which a connection is closed.
const IDLE: Duration = Duration::from_secs(30);

/// The parameters of the websocket.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WebsocketParameters {
    /// A ticket of a web page (`POST /v1/tickets`).
    ticket: Option<String>,
}

/// A message of a client.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ClientMessage {
    /// Subscribes. Replaces the subscription before.
    Subscribe(EventParameters),
}

/// Opens a websocket for events.
///
/// The client sends `{"type": "subscribe", "scope", "registry", "types", "commitment", "after"}`,
/// with the meaning of `GET /v1/events`. Another subscription replaces the one before. The service
/// sends `{"type": "subscribed", "id"}`, and then `{"type": "event", "id", "data"}`, `reverted`,
/// `heartbeat` and `slow`. `id` is the resume token for `after`. An error is
/// `{"type": "error", "data": {"code", "detail", "errors"}}`, with the fields that break their rule.
/// A connection is closed after ten minutes, after 30 seconds without a subscription, after 20 errors,
/// and within a second after the API key of its ticket was revoked.
#[utoipa::path(
    get,
    path = "/v1/ws",
    tag = "events",
    params(WebsocketParameters),
    responses(
        (status = 101, description = "The connection is a websocket"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 426, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; API key with a ticket; **which scope, registry and events**",
        "keeps": "nothing"
    })))
)]
pub async fn websocket(
    state: Reads,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    Query(parameters): Query<WebsocketParameters>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Failure> {
    let upgrade = upgrade.map_err(|rejection| problems::websocket_expected(&rejection.body_text()))?;
    let ticket = parameters.ticket.as_deref();
    let opened = client_of_stream(&state, &headers, ticket, tickets::WEBSOCKET, &client.name).await?;
    let guard = opened.open(&state.event_streams)?;
    Ok(upgrade
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES)
        .read_buffer_size(READ_BUFFER_BYTES)
        // Only the message that is being sent is buffered.
        .write_buffer_size(0)
        .on_upgrade(move |socket| async move {
            // The client caused the error: it disconnected.
            let ended = opened.until_ended(state.shared());
            let _ = serve(socket, &state, &client, ended).await;
            drop(guard);
        }))
}

async fn serve(
    mut socket: WebSocket,
    state: &Reads,
    client: &Client,
    ended: impl Future<Output = Ended>,
) -> Result<(), axum::Error> {
    let mut ended = pin!(ended);
    let end = Instant::now() + MAX_AGE;
    let idle_until = Instant::now() + IDLE;
    let mut events: Option<EventStream> = None;
    let mut refused = 0;
    loop {
        let next = async {
            if let Some(events) = &mut events {
                events.next().await
            } else {
                sleep_until(idle_until).await;
                None
            }
        };
        tokio::select! {
            ended = &mut ended => {
                let reason = match ended {
                    Ended::Shutdown => "the service is shutting down",
                    Ended::KeyRefused => "the API key of the ticket is no longer valid",
                };
                return close(&mut socket, reason).await;
            }
            () = sleep_until(end) => return close(&mut socket, "the connection is ten minutes old").await,
            message = socket.recv() => {
                let text = match message.transpose()? {
                    Some(Message::Text(text)) => text,
                    None | Some(Message::Close(_)) => return Ok(()),
                    // Pings don't extend the time without a subscription.
                    Some(_) => continue,
                };
                match subscribe(state, client, &text).await {
                    Ok(opened) => {
                        let id = opened.token();
                        send(&mut socket, &json!({"type": "subscribed", "id": id})).await?;
                        events = Some(opened);
                    }
                    Err(failure) => {
                        let problem = failure.problem();
                        send(&mut socket, &json!({"type": "error", "data": error_data(problem)})).await?;
                        refused += 1;
                        if refused >= MAX_REFUSED {
                            return close(&mut socket, "too many messages were refused").await;
                        }
                    }
                }
            }
            next = next => {
                let Some(EventMessage { kind, id, data }) = next else {
                    let reason = match events {
                        Some(_) => "the subscription has ended: subscribe with the last id",
                        None => "there is no subscription",
                    };
                    return close(&mut socket, reason).await;
                };
                let mut message = json!({"type": kind, "id": id});
                if let Some(data) = data {
                    message["data"] = data;
                }
                send(&mut socket, &message).await?;
            }
        }
    }
}

/// Returns the code and the detail of a problem, and all fields that break their rule.
fn error_data(problem: &Problem) -> Value {
    let mut all = problem.to_json(None);
    let members = all.as_object_mut().into_iter().flatten();
    members
        .filter(|(name, _)| ["code", "detail", "errors", "field", "rule"].contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.take()))
        .collect()
}

/// Opens the stream of a client's message. Counts the message as a request.
async fn subscribe(state: &Reads, client: &Client, text: &str) -> Result<EventStream, Failure> {
    state.limits.take(client, Kind::Other).await?;
    let ClientMessage::Subscribe(parameters) = serde_json::from_str(text).map_err(|_| {
        let rule = "must be {\"type\": \"subscribe\"}, with scope, registry, types, commitment and after";
        Problem::from(InvalidField::new("message", rule))
    })?;
    EventStream::open(state, &parameters, None).await
}

/// Closes a connection so that its client opens another one.
async fn close(socket: &mut WebSocket, reason: &'static str) -> Result<(), axum::Error> {
    let frame = CloseFrame {
        code: close_code::AWAY,
        reason: Utf8Bytes::from_static(reason),
    };
    let sent = tokio::time::timeout(SEND_TIMEOUT, socket.send(Message::Close(Some(frame))));
    sent.await.map_err(axum::Error::new)?
}

async fn send(socket: &mut WebSocket, message: &Value) -> Result<(), axum::Error> {
    let message = Message::Text(message.to_string().into());
    let sent = tokio::time::timeout(SEND_TIMEOUT, socket.send(message));
    sent.await.map_err(axum::Error::new)?
}

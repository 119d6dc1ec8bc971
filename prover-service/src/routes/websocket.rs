use std::time::Duration;

use axum::{
    Extension,
    extract::{
        State as Extract,
        ws::{
            CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code,
            rejection::WebSocketUpgradeRejection,
        },
    },
    http::{HeaderMap, StatusCode},
    response::Response,
};
use bauta_service_common::{Caller, Problem, RequestId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{PROVE, State, events::ID_RULE, limits::Asker};
use crate::events::{Follower, Told};

/// Largest message of a client.
const LARGEST_MESSAGE: usize = 1024;
/// What is read at once: a client holds no more.
const READ_BUFFER: usize = 4096;

/// A client that follows nothing for so long is gone.
const IDLE: Duration = Duration::from_mins(1);
/// A client that doesn't take a message for so long is gone.
const SLOW: Duration = Duration::from_secs(10);

/// What a client says.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Said {
    /// Follow a job or a request; the one followed before isn't any more.
    Subscribe {
        #[serde(rename = "requestId")]
        request_id: String,
    },
}

/// `GET /` and `GET /ws`: `{"type": "subscribe", "requestId": ID}` is answered with `{"type": "progress", "requestId", "data": {"stage",
/// "progress", "eta_ms"}}` from the present state on, and at the end with `{"type": "result", "requestId", "data": the job}`. The id is a job's, or
/// the one that a client gave a request (`x-request-id`), before or after it came; its result is `{"state"}` alone.
pub async fn websocket(
    Extract(state): Extract<State>,
    Extension(asker): Extension<Asker>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let caller = state.authorise(&headers, PROVE)?;
    let upgrade = upgrade.map_err(|rejection| {
        let detail = format!("this route is a websocket: {}", rejection.body_text());
        Problem::new(StatusCode::UPGRADE_REQUIRED, "websocket_expected", detail)
    })?;
    Ok(upgrade
        .max_message_size(LARGEST_MESSAGE)
        .max_frame_size(LARGEST_MESSAGE)
        .read_buffer_size(READ_BUFFER)
        // Nothing waits to be sent but the message that is being sent.
        .write_buffer_size(0)
        .on_upgrade(|socket| async move {
            // An error is the client's: it went away.
            let _ = converse(socket, &state, &caller, &asker).await;
        }))
}

async fn converse(
    mut socket: WebSocket,
    state: &State,
    caller: &Caller,
    asker: &Asker,
) -> Result<(), axum::Error> {
    let mut followed: Option<(String, Follower)> = None;
    loop {
        let told = async {
            if let Some((id, follower)) = &mut followed {
                Some((id.clone(), follower.tell().await))
            } else {
                tokio::time::sleep(IDLE).await;
                None
            }
        };
        tokio::select! {
            () = state.0.shutdown.cancelled() => return send(&mut socket, goodbye()).await,
            said = socket.recv() => {
                let Some(said) = said.transpose()? else { return Ok(()) };
                let text = match said {
                    Message::Text(text) => text,
                    Message::Close(_) => return Ok(()),
                    _ => continue,
                };
                match subscribed(state, asker, &text).await {
                    Ok(id) => {
                        let follower = state.0.events.follow(id.clone(), caller.prefix.clone());
                        followed = Some((id, follower));
                    }
                    Err(problem) => {
                        let data = json!({"code": problem.code(), "detail": problem.detail()});
                        send(&mut socket, text_of(&json!({"type": "error", "data": data}))).await?;
                    }
                }
            }
            told = told => {
                let Some((id, Told { event, data, last })) = told else { return Ok(()) };
                if last {
                    followed = None;
                }
                send(&mut socket, text_of(&json!({"type": event, "requestId": id, "data": data}))).await?;
            }
        }
    }
}

/// The id that a client wants to follow. Every such question counts as a request: each makes work at all instances.
async fn subscribed(state: &State, asker: &Asker, text: &str) -> Result<String, Problem> {
    let Said::Subscribe { request_id } = serde_json::from_str(text).map_err(|error| {
        let rule = format!("must be {{\"type\": \"subscribe\", \"requestId\": ID}}: {error}");
        Problem::invalid("message", rule)
    })?;
    if !RequestId::allows(request_id.as_bytes()) {
        return Err(Problem::invalid("requestId", ID_RULE));
    }
    state.take_request(asker).await?;
    Ok(request_id)
}

/// So that a client knows that it isn't to blame, and connects to another instance.
fn goodbye() -> Message {
    Message::Close(Some(CloseFrame {
        code: close_code::AWAY,
        reason: Utf8Bytes::from_static("the service is ending"),
    }))
}

fn text_of(message: &Value) -> Message {
    Message::Text(message.to_string().into())
}

async fn send(socket: &mut WebSocket, message: Message) -> Result<(), axum::Error> {
    let sent = tokio::time::timeout(SLOW, socket.send(message));
    sent.await.map_err(axum::Error::new)?
}

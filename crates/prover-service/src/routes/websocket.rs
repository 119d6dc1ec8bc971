use std::time::Duration;

use axum::{
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
use bauta_service::{Caller, Problem};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{PROVE, State, jobs::document};
use crate::events::{Follower, Heard};

/// Largest message of a client.
const LARGEST_MESSAGE: usize = 1024;

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
        .on_upgrade(|socket| async move {
            // An error is the client's: it went away.
            let _ = converse(socket, &state, &caller).await;
        }))
}

async fn converse(mut socket: WebSocket, state: &State, caller: &Caller) -> Result<(), axum::Error> {
    let mut followed: Option<(String, Follower)> = None;
    loop {
        let news = async {
            if let Some((id, follower)) = &mut followed {
                Some((id.clone(), follower.next().await))
            } else {
                tokio::time::sleep(IDLE).await;
                None
            }
        };
        tokio::select! {
            () = state.0.shutdown.cancelled() => return say_goodbye(socket).await,
            said = socket.recv() => {
                let Some(said) = said.transpose()? else { return Ok(()) };
                let text = match said {
                    Message::Text(text) => text,
                    Message::Close(_) => return Ok(()),
                    _ => continue,
                };
                match serde_json::from_str(&text) {
                    Ok(Said::Subscribe { request_id }) => {
                        let follower = state.0.events.follow(request_id.clone(), caller.prefix.clone());
                        followed = Some((request_id, follower));
                    }
                    Err(error) => send(&mut socket, &json!({"type": "error", "data": {
                        "code": "invalid_input",
                        "detail": format!("a message must be {{\"type\": \"subscribe\", \"requestId\": ID}}: {error}"),
                    }})).await?,
                }
            }
            news = news => {
                let Some((id, heard)) = news else { return Ok(()) };
                let message = match heard {
                    Ok(Some(Heard::Progress(progress))) => json!({"type": "progress", "requestId": id, "data": progress}),
                    Ok(Some(Heard::Answered(news))) => {
                        followed = None;
                        json!({"type": "result", "requestId": id, "data": {"state": news.stage}})
                    }
                    Ok(Some(Heard::Ended(job))) => {
                        followed = None;
                        match document(*job) {
                            Ok(job) => json!({"type": "result", "requestId": id, "data": job}),
                            Err(problem) => failure(&id, &problem),
                        }
                    }
                    Ok(None) => {
                        followed = None;
                        json!({"type": "error", "requestId": id, "data": {
                            "code": "unknown_job",
                            "detail": "there is no job or request with that id",
                        }})
                    }
                    Err(error) => {
                        followed = None;
                        failure(&id, &Problem::unavailable("database_away", "the database can't be reached; subscribe again", &error))
                    }
                };
                send(&mut socket, &message).await?;
            }
        }
    }
}

/// So that a client knows that it isn't to blame, and connects to another instance.
async fn say_goodbye(mut socket: WebSocket) -> Result<(), axum::Error> {
    let goodbye = Message::Close(Some(CloseFrame {
        code: close_code::AWAY,
        reason: Utf8Bytes::from_static("the service is ending"),
    }));
    let sent = tokio::time::timeout(SLOW, socket.send(goodbye)).await;
    sent.map_err(axum::Error::new)?
}

fn failure(id: &str, problem: &Problem) -> Value {
    json!({"type": "error", "requestId": id, "data": {"code": problem.code(), "detail": problem.detail()}})
}

async fn send(socket: &mut WebSocket, message: &Value) -> Result<(), axum::Error> {
    let sent = socket.send(Message::Text(message.to_string().into()));
    tokio::time::timeout(SLOW, sent).await.map_err(axum::Error::new)?
}

//! Events in the form that websockets and server-sent events have.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Subscription, job_document, subscription::Update};

/// An event for a client.
pub struct ClientEvent {
    /// `progress`, `result` or `error`.
    pub event: &'static str,
    /// The stage of a progress, the job or state of a result, or the code and detail of an error.
    pub data: Value,
    /// Whether it is the last event of the subscription.
    pub is_last: bool,
}

impl Subscription {
    /// Waits for the next event. The first call returns the current state immediately. Dropping the
    /// future loses no event.
    pub async fn next_event(&mut self) -> ClientEvent {
        match self.next_update().await {
            Ok(Some(Update::Progress(progress))) => ClientEvent::new("progress", &progress),
            Ok(Some(Update::RequestEnded(progress))) => {
                ClientEvent::new("result", &json!({"state": progress.stage}))
            }
            Ok(Some(Update::JobEnded(job))) => match job_document(*job) {
                Ok(job) => ClientEvent::new("result", &job),
                Err(error) => ClientEvent::failure("internal", "the job's answer can't be read", &error),
            },
            Ok(None) => ClientEvent::error("unknown_job", "there is no job or request with that id"),
            Err(error) => {
                let detail = "the database is unavailable; subscribe again";
                ClientEvent::failure("database_away", detail, &error)
            }
        }
    }
}

impl ClientEvent {
    fn new(event: &'static str, data: &impl Serialize) -> Self {
        Self {
            event,
            data: serde_json::to_value(data).expect("an event has only strings and numbers"),
            is_last: event != "progress",
        }
    }

    fn error(code: &str, detail: &str) -> Self {
        Self::new("error", &json!({"code": code, "detail": detail}))
    }

    /// Creates an error event whose cause is logged and not sent.
    fn failure(code: &str, detail: &str, cause: &impl std::fmt::Display) -> Self {
        tracing::warn!(event = "subscriber_lost", code, %cause);
        Self::error(code, detail)
    }
}

//! News in the words of websockets and server-sent events.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Follower, Heard, JobDocument};

/// What a client is told.
pub struct Told {
    /// `progress`, `result` or `error`.
    pub event: &'static str,
    /// A progress's stage, a result's job or state, an error's code and detail.
    pub data: Value,
    /// Whether nothing comes after it.
    pub last: bool,
}

impl Follower {
    /// The next news, at once the first time.
    pub async fn tell(&mut self) -> Told {
        match self.next().await {
            Ok(Some(Heard::Progress(news))) => Told::new("progress", &news),
            Ok(Some(Heard::Answered(news))) => Told::new("result", &json!({"state": news.stage})),
            Ok(Some(Heard::Ended(job))) => match JobDocument::of(*job) {
                Ok(job) => Told::new("result", &job),
                Err(error) => Told::away("internal", "the job's answer can't be read", &error),
            },
            Ok(None) => Told::error("unknown_job", "there is no job or request with that id"),
            Err(error) => {
                let detail = "the database can't be reached; subscribe again";
                Told::away("database_away", detail, &error)
            }
        }
    }
}

impl Told {
    fn new(event: &'static str, data: &impl Serialize) -> Self {
        Self {
            event,
            data: serde_json::to_value(data).expect("news have only text and numbers"),
            last: event != "progress",
        }
    }

    fn error(code: &str, detail: &str) -> Self {
        Self::new("error", &json!({"code": code, "detail": detail}))
    }

    fn away(code: &str, detail: &str, cause: &impl std::fmt::Display) -> Self {
        tracing::warn!(event = "subscriber_lost", code, %cause);
        Self::error(code, detail)
    }
}

//! Requests in progress that clients can follow by the id that they gave them.

use std::time::Duration;

use super::{Events, MAX_ENDED_REQUESTS, Progress, RequestKey};
use crate::time;

/// A request in progress at this instance. Dropping it announces the end.
pub struct TrackedRequest {
    events: Events,
    key: RequestKey,
    is_success: bool,
}

impl Events {
    /// Starts to track a request. `None` if another request of the client with this id is in
    /// progress: the id stays that request's.
    pub fn track(&self, owner: &str, id: &str, eta: Option<Duration>) -> Option<TrackedRequest> {
        let key = RequestKey {
            owner: owner.to_owned(),
            id: id.to_owned(),
        };
        let progress = progress("waiting", 0.05, eta);
        {
            let requests = &mut *self.requests();
            match requests.progress.get(&key) {
                Some(existing) if existing.fraction < 1.0 => return None,
                Some(_) => requests.ended.retain(|ended| *ended != key),
                None => {}
            }
            requests.progress.insert(key.clone(), progress.clone());
        }
        self.publish(key.clone(), progress);
        Some(TrackedRequest {
            events: self.clone(),
            key,
            is_success: false,
        })
    }
}

impl TrackedRequest {
    /// Announces that the proof has started.
    pub fn set_proving(&self, eta: Option<Duration>) {
        let progress = progress("proving", 0.3, eta);
        self.events
            .requests()
            .progress
            .insert(self.key.clone(), progress.clone());
        self.events.publish(self.key.clone(), progress);
    }

    /// Announces that the request succeeded.
    pub fn succeed(mut self) {
        self.is_success = true;
    }
}

impl Drop for TrackedRequest {
    fn drop(&mut self) {
        let stage = if self.is_success { "succeeded" } else { "failed" };
        let progress = progress(stage, 1.0, Some(Duration::ZERO));
        {
            // Both collections change under one lock, so that a new request with this id finds it
            // in both or in neither.
            let requests = &mut *self.events.requests();
            requests.progress.insert(self.key.clone(), progress.clone());
            requests.ended.push_back(self.key.clone());
            if requests.ended.len() > MAX_ENDED_REQUESTS
                && let Some(oldest) = requests.ended.pop_front()
            {
                requests.progress.remove(&oldest);
            }
        }
        self.events.publish(self.key.clone(), progress);
    }
}

fn progress(stage: &str, fraction: f64, eta: Option<Duration>) -> Progress {
    Progress {
        stage: stage.to_owned(),
        fraction,
        eta_ms: eta.map(time::milliseconds),
    }
}

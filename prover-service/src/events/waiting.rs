//! Requests that wait for their answer, and can be followed under the id that their client gave them.

use std::time::Duration;

use super::{Events, Key, News, REMEMBERED};
use crate::time;

/// A request that waits here. When this is dropped it has ended.
pub struct Waiting {
    events: Events,
    key: Key,
    succeeded: bool,
}

impl Events {
    /// A request begins to wait. None if the client has another one under this id, which goes on being the one.
    pub fn track(&self, owner: &str, id: &str, eta: Option<Duration>) -> Option<Waiting> {
        let key = Key {
            owner: owner.to_owned(),
            id: id.to_owned(),
        };
        let news = news("waiting", 0.05, eta);
        {
            let requests = &mut *self.requests();
            match requests.by_key.get(&key) {
                Some(there) if there.progress < 1.0 => return None,
                Some(_) => requests.ended.retain(|ended| *ended != key),
                None => {}
            }
            requests.by_key.insert(key.clone(), news.clone());
        }
        self.announce(key.clone(), news);
        Some(Waiting {
            events: self.clone(),
            key,
            succeeded: false,
        })
    }
}

impl Waiting {
    /// Its proof is begun.
    pub fn begun(&self, eta: Option<Duration>) {
        self.say(news("proving", 0.3, eta));
    }

    /// It has its proof.
    pub fn succeeded(mut self) {
        self.succeeded = true;
    }

    fn say(&self, news: News) {
        self.events
            .requests()
            .by_key
            .insert(self.key.clone(), news.clone());
        self.events.announce(self.key.clone(), news);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let stage = if self.succeeded { "succeeded" } else { "failed" };
        let news = news(stage, 1.0, Some(Duration::ZERO));
        {
            // At once: whoever comes with the same id finds it in both or in none.
            let requests = &mut *self.events.requests();
            requests.by_key.insert(self.key.clone(), news.clone());
            requests.ended.push_back(self.key.clone());
            if requests.ended.len() > REMEMBERED
                && let Some(oldest) = requests.ended.pop_front()
            {
                requests.by_key.remove(&oldest);
            }
        }
        self.events.announce(self.key.clone(), news);
    }
}

fn news(stage: &str, progress: f64, eta: Option<Duration>) -> News {
    News {
        stage: stage.to_owned(),
        progress,
        eta_ms: eta.map(time::milliseconds),
    }
}

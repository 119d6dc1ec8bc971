//! The number of websockets, event streams or waiting requests of each client.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Counts what clients hold open for a long time: websockets and event streams, or requests that
/// wait for a job. Refuses more than the limits.
pub struct Streams {
    open: Arc<Open>,
    max_per_client: usize,
    max_total: usize,
    max_anonymous: usize,
}

#[derive(Default)]
struct Open(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    by_client: HashMap<String, usize>,
    total: usize,
    anonymous: usize,
}

/// A limit of open streams is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The client has too many.
    #[error("the client has {max} open streams, which is the limit; close one first")]
    OfClient {
        /// The limit.
        max: usize,
    },
    /// All clients without a credential together have too many.
    #[error(
        "clients without an API key together have {max} open streams, which is the limit; retry later, or use a key"
    )]
    Anonymous {
        /// The limit.
        max: usize,
    },
    /// All clients together have too many.
    #[error("all clients together have {max} open streams, which is the limit; retry later")]
    Total {
        /// The limit.
        max: usize,
    },
}

/// Something that a client holds open. It no longer counts when it is dropped.
pub struct StreamGuard {
    open: Arc<Open>,
    client: String,
    is_anonymous: bool,
}

impl Streams {
    /// Allows each client `max_per_client`, and all clients together `max_total`.
    #[must_use]
    pub fn new(max_per_client: usize, max_total: usize) -> Self {
        Self {
            open: Arc::default(),
            max_per_client,
            max_total,
            max_anonymous: max_total,
        }
    }

    /// Like [`Self::new`], and keeps a quarter of all for clients with a credential.
    #[must_use]
    pub fn with_reserve(max_per_client: usize, max_total: usize) -> Self {
        Self {
            max_anonymous: max_total - max_total / 4,
            ..Self::new(max_per_client, max_total)
        }
    }

    /// Counts one more of a client until the guard is dropped.
    pub fn open(&self, client: &str) -> Result<StreamGuard, StreamError> {
        self.count(client, false)
    }

    /// Counts one more of a client without a credential until the guard is dropped. These clients
    /// can't have what is kept for the others.
    pub fn open_anonymous(&self, client: &str) -> Result<StreamGuard, StreamError> {
        self.count(client, true)
    }

    fn count(&self, client: &str, is_anonymous: bool) -> Result<StreamGuard, StreamError> {
        let client = client.to_owned();
        let mut counts = self.open.lock();
        let of_client = counts.by_client.get(&client).copied().unwrap_or_default();
        if of_client >= self.max_per_client {
            let max = self.max_per_client;
            return Err(StreamError::OfClient { max });
        }
        if counts.total >= self.max_total {
            let max = self.max_total;
            return Err(StreamError::Total { max });
        }
        if is_anonymous && counts.anonymous >= self.max_anonymous {
            let max = self.max_anonymous;
            return Err(StreamError::Anonymous { max });
        }
        counts.by_client.insert(client.clone(), of_client + 1);
        counts.total += 1;
        counts.anonymous += usize::from(is_anonymous);
        drop(counts);
        Ok(StreamGuard {
            open: self.open.clone(),
            client,
            is_anonymous,
        })
    }
}

impl Open {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StreamGuard {
    fn drop(&mut self) {
        let mut counts = self.open.lock();
        counts.total -= 1;
        counts.anonymous -= usize::from(self.is_anonymous);
        if let Some(of_client) = counts.by_client.get_mut(&self.client) {
            *of_client -= 1;
            if *of_client == 0 {
                counts.by_client.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_and_all_clients_together_have_a_limit_and_a_closed_stream_no_longer_counts() {
        let streams = Streams::new(2, 3);
        let of_alice = [streams.open("alice"), streams.open("alice")];
        assert!(of_alice.iter().all(Result::is_ok));
        assert_eq!(
            streams.open("alice").err(),
            Some(StreamError::OfClient { max: 2 })
        );
        let of_bob = streams.open("bob");
        assert!(of_bob.is_ok());
        assert_eq!(streams.open("carol").err(), Some(StreamError::Total { max: 3 }));
        drop(of_alice);
        assert!(streams.open("carol").is_ok() && streams.open("alice").is_ok());
    }

    #[test]
    fn clients_without_a_credential_leave_a_quarter_to_the_others() {
        let streams = Streams::with_reserve(8, 8);
        let anonymous: Vec<_> = ["a", "b", "c", "d", "e", "f"]
            .iter()
            .map(|client| streams.open_anonymous(client).unwrap())
            .collect();
        assert_eq!(
            streams.open_anonymous("g").err(),
            Some(StreamError::Anonymous { max: 6 })
        );
        let with_key = [streams.open("key"), streams.open("key")];
        assert!(with_key.iter().all(Result::is_ok));
        assert_eq!(streams.open("key").err(), Some(StreamError::Total { max: 8 }));
        drop(anonymous);
        assert!(streams.open_anonymous("g").is_ok());
    }
}

//! The number of websockets, event streams and waiting requests of each client.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bauta_service_common::Problem;

use super::{limits::RateLimitKey, problems};

/// Counts what clients hold open for a long time: websockets and event streams, or requests that
/// wait for a job. Refuses more than the limits.
pub struct Streams {
    open: Arc<Open>,
    max_per_client: usize,
    max_total: usize,
}

#[derive(Default)]
struct Open(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    by_client: HashMap<String, usize>,
    total: usize,
}

/// Something that a client holds open. It no longer counts when it is dropped.
pub struct StreamGuard {
    open: Arc<Open>,
    client: String,
}

impl Streams {
    /// Allows each client `max_per_client`, and all clients together `max_total`.
    pub fn new(max_per_client: usize, max_total: usize) -> Self {
        Self {
            open: Arc::default(),
            max_per_client,
            max_total,
        }
    }

    /// Counts one more of a client until the guard is dropped.
    pub fn open(&self, key: &RateLimitKey) -> Result<StreamGuard, Problem> {
        let client = key.client().to_owned();
        let mut counts = self.open.lock();
        let of_client = counts.by_client.get(&client).copied().unwrap_or_default();
        if of_client >= self.max_per_client {
            return Err(problems::too_many_streams(self.max_per_client));
        }
        if counts.total >= self.max_total {
            return Err(problems::too_many_waiting(self.max_total));
        }
        counts.by_client.insert(client.clone(), of_client + 1);
        counts.total += 1;
        drop(counts);
        Ok(StreamGuard {
            open: self.open.clone(),
            client,
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
        if let Some(of_client) = counts.by_client.get_mut(&self.client) {
            *of_client -= 1;
            if *of_client == 0 {
                counts.by_client.remove(&self.client);
            }
        }
    }
}

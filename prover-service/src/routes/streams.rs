//! The number of websockets and event streams of each client.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bauta_service_common::Problem;

use super::{limits::RateLimitKey, problems};

/// Counts the open websockets and event streams of each client, and refuses more than the limit.
pub struct Streams {
    open: Arc<Open>,
    max_per_client: usize,
}

#[derive(Default)]
struct Open(Mutex<HashMap<String, usize>>);

/// An open websocket or event stream. It no longer counts when it is dropped.
pub struct StreamGuard {
    open: Arc<Open>,
    client: String,
}

impl Streams {
    /// Allows each client this number of streams.
    pub fn new(max_per_client: usize) -> Self {
        Self {
            open: Arc::default(),
            max_per_client,
        }
    }

    /// Counts a stream of a client until the guard is dropped.
    pub fn open(&self, key: &RateLimitKey) -> Result<StreamGuard, Problem> {
        let client = key.client().to_owned();
        let mut open = self.open.lock();
        let streams = open.entry(client.clone()).or_default();
        if *streams >= self.max_per_client {
            return Err(problems::too_many_streams(self.max_per_client));
        }
        *streams += 1;
        drop(open);
        Ok(StreamGuard {
            open: self.open.clone(),
            client,
        })
    }
}

impl Open {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StreamGuard {
    fn drop(&mut self) {
        let mut open = self.open.lock();
        if let Some(streams) = open.get_mut(&self.client) {
            *streams -= 1;
            if *streams == 0 {
                open.remove(&self.client);
            }
        }
    }
}

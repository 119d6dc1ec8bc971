//! Pairings outside of proofs: verifications for clients, and verifications of cached proofs.
//!
//! A pairing takes milliseconds of processor time, and anonymous clients can request it. So there
//! are as many worker slots for pairings as processors, and clients take turns.

use std::thread;

use crate::{Admission, FairQueue};

/// Largest number of waiting pairings.
const MAX_WAITING: usize = 1024;
/// Largest number of waiting pairings of one client.
const MAX_WAITING_PER_CLIENT: usize = 128;

/// Why a pairing wasn't computed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PairingError {
    /// Too many pairings wait.
    #[error("the queue is full: {waiting} verifications wait; retry later")]
    QueueFull {
        /// Number of waiting pairings, of all clients or of this one.
        waiting: usize,
    },
    /// The computation panicked.
    #[error("the verification ended without a result")]
    Thread,
}

/// Computes pairings outside the async threads. Cheap to clone.
#[derive(Clone)]
pub struct Pairings(FairQueue);

/// The pairings of one client.
#[derive(Clone, Copy)]
pub struct ClientPairings<'a> {
    pairings: &'a Pairings,
    client: &'a str,
}

impl ClientPairings<'_> {
    /// Does the same as [`Pairings::run`].
    pub async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PairingError> {
        self.pairings.run(self.client, work).await
    }
}

impl Default for Pairings {
    fn default() -> Self {
        Self::new(thread::available_parallelism().map_or(1, usize::from))
    }
}

impl Pairings {
    fn new(worker_slots: usize) -> Self {
        Self(FairQueue::new(
            worker_slots,
            MAX_WAITING,
            MAX_WAITING_PER_CLIENT,
            |_| (),
        ))
    }

    /// Returns the pairings of a client.
    #[must_use]
    pub const fn of<'a>(&'a self, client: &'a str) -> ClientPairings<'a> {
        ClientPairings {
            pairings: self,
            client,
        }
    }

    /// Waits for the client's turn and runs the work. Dropping the future leaves the queue. Work
    /// that has started is not interrupted.
    pub async fn run<T: Send + 'static>(
        &self,
        client: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PairingError> {
        let worker_slot = self.0.acquire(client, Admission::Request).await;
        let worker_slot = worker_slot.map_err(|full| PairingError::QueueFull {
            waiting: full.waiting,
        })?;
        let result = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(worker_slot);
            result
        });
        result.await.map_err(|_| PairingError::Thread)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    };

    use futures_util::future::join_all;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn no_more_pairings_run_at_a_time_than_worker_slots_and_clients_take_turns() {
        let pairings = Pairings::new(2);
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let order = Arc::new(Mutex::new(Vec::new()));
        let run = |client: &'static str| {
            let (running, most, order) = (running.clone(), most.clone(), order.clone());
            pairings.run(client, move || {
                most.fetch_max(1 + running.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst);
                thread::sleep(std::time::Duration::from_millis(2));
                order.lock().unwrap().push(client);
                running.fetch_sub(1, Ordering::SeqCst);
            })
        };
        let mut all: Vec<_> = (0..60).map(|_| run("alice")).collect();
        all.push(run("bob"));
        assert!(join_all(all).await.iter().all(Result::is_ok));
        assert_eq!(most.load(Ordering::SeqCst), 2);
        let position = order.lock().unwrap().iter().position(|client| *client == "bob");
        assert!(position.unwrap() < 10, "{position:?} of 61");
    }

    #[tokio::test]
    async fn one_client_can_not_fill_the_queue_and_a_panic_releases_the_worker_slot() {
        let pairings = Pairings::new(1);
        let panicked: Result<(), _> = pairings.run("alice", || panic!("a test")).await;
        assert_eq!(panicked, Err(PairingError::Thread));
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let blocked = pairings.run("alice", move || receiver.recv().is_ok());
        let more = join_all((0..=MAX_WAITING_PER_CLIENT).map(|_| pairings.run("alice", || true)));
        let other = async {
            let full = pairings.run("alice", || true).await;
            sender.send(()).unwrap();
            (full, pairings.run("bob", || true).await)
        };
        let (blocked, more, (full, bob)) = tokio::join!(blocked, more, other);
        assert_eq!((blocked, bob), (Ok(true), Ok(true)));
        let waiting = MAX_WAITING_PER_CLIENT;
        assert_eq!(full, Err(PairingError::QueueFull { waiting }));
        assert_eq!(more.iter().filter(|result| result.is_err()).count(), 1);
    }
}

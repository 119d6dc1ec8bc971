//! Turns for the requests that use the node. Several clients can have one address, behind the same
//! proxy or router, so the requests of an address wait for each other and are not refused at once.
//!
//! ```text
//!   request --> one of the few turns of its client --> one of all turns --> the node
//! ```
//!
//! A client has only a part of all turns, so its slow requests leave turns for other clients.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bauta_service_common::{StreamGuard, Streams};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::EligibilityError;

/// Largest number of requests of all clients that wait or run.
pub const MAX_OPEN: usize = 160;
/// Largest number of requests of one client that wait or run. The limit of requests allows fewer
/// lookups in a minute.
pub const MAX_OPEN_OF_CLIENT: usize = 20;
/// The longest time that a request waits.
pub const MAX_WAIT: Duration = Duration::from_secs(20);
/// Clients without a request are forgotten when there are this many.
const MANY_CLIENTS: usize = 2 * MAX_OPEN;

/// A fixed number of requests that run at a time, of all clients and of each.
pub struct Turns {
    open: Streams,
    all: Arc<Semaphore>,
    of_clients: Mutex<HashMap<String, Arc<Semaphore>>>,
    running_of_client: usize,
    max_wait: Duration,
}

/// The right to use the node. Dropping it ends the turn.
pub struct Turn {
    _of_client: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
    _open: StreamGuard,
}

impl Turns {
    /// Lets `running` requests run at a time, and `running_of_client` of each client.
    pub fn new(running_of_client: usize, running: usize) -> Self {
        Self {
            open: Streams::new(MAX_OPEN_OF_CLIENT, MAX_OPEN),
            all: Arc::new(Semaphore::new(running)),
            of_clients: Mutex::default(),
            running_of_client,
            max_wait: MAX_WAIT,
        }
    }

    /// Waits for a turn of a client.
    pub async fn wait(&self, client: &str) -> Result<Turn, EligibilityError> {
        let open = self.open.open(client).map_err(|_| EligibilityError::Busy)?;
        let of_client = self.of_client(client);
        let turn = async {
            let of_client = of_client.acquire_owned().await?;
            let of_all = self.all.clone().acquire_owned().await?;
            Ok::<_, tokio::sync::AcquireError>((of_client, of_all))
        };
        match tokio::time::timeout(self.max_wait, turn).await {
            Ok(Ok((of_client, of_all))) => Ok(Turn {
                _of_client: of_client,
                _of_all: of_all,
                _open: open,
            }),
            // The semaphores are never closed.
            Ok(Err(_)) | Err(_) => Err(EligibilityError::Busy),
        }
    }

    fn of_client(&self, client: &str) -> Arc<Semaphore> {
        let mut clients = self.of_clients.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= MANY_CLIENTS {
            clients.retain(|_, turns| Arc::strong_count(turns) > 1);
        }
        let new = || Arc::new(Semaphore::new(self.running_of_client));
        clients.entry(client.to_owned()).or_insert_with(new).clone()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, future::join_all, poll};

    use super::*;

    #[tokio::test]
    async fn clients_with_one_address_wait_and_leave_turns_for_other_addresses() {
        let turns = Turns::new(2, 3);
        let first = turns.wait("office").await.unwrap();
        let _second = turns.wait("office").await.unwrap();
        let mut third = Box::pin(turns.wait("office"));
        assert!(poll!(&mut third).is_pending());
        let mut more = Box::pin(join_all((3..MAX_OPEN_OF_CLIENT).map(|_| turns.wait("office"))));
        assert!(poll!(&mut more).is_pending());
        let refused = turns.wait("office").await;
        assert!(matches!(refused, Err(EligibilityError::Busy)));

        let other = turns.wait("home").now_or_never();
        let _other = other.expect("the office can't have all turns").unwrap();
        let mut last = Box::pin(turns.wait("home"));
        assert!(poll!(&mut last).is_pending());
        drop(first);
        // It was the first to wait for one of all turns.
        assert!(last.now_or_never().is_some());
        assert!(third.now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_request_that_waits_too_long_is_refused() {
        let turns = Turns {
            max_wait: Duration::ZERO,
            ..Turns::new(1, 1)
        };
        let _first = turns.wait("office").await.unwrap();
        let waited = turns.wait("home").await;
        assert!(matches!(waited, Err(EligibilityError::Busy)));
    }

    #[tokio::test]
    async fn the_memory_for_clients_is_bounded() {
        let turns = Turns::new(1, 1);
        for client in 0..10 * MANY_CLIENTS {
            drop(turns.wait(&client.to_string()).await.unwrap());
        }
        assert!(turns.of_clients.lock().unwrap().len() <= MANY_CLIENTS);
    }
}

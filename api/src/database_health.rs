//! Reads whether the database is available, and whether it has circuits. A task does this, so that
//! requests for the state of the process never wait.

use std::time::Duration;

use bauta_service_common::Service;
use bauta_store::{Store, StoreError};
use tokio::sync::watch;

/// Interval at which the state of the database is read.
const INTERVAL: Duration = Duration::from_secs(1);
/// A database that takes longer is unavailable.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The known state of the database.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum DatabaseState {
    /// It doesn't answer.
    Unavailable,
    /// It answers, and no circuit is registered.
    Empty,
    /// It answers, and has circuits.
    Loaded,
}

/// The present state of the database.
pub struct DatabaseHealth(watch::Receiver<DatabaseState>);

impl DatabaseHealth {
    /// Reads the state, and starts the task that reads it again until the service shuts down.
    pub async fn start(store: Store, service: &Service) -> Self {
        let (sender, state) = watch::channel(read(&store).await);
        let shutdown = service.shutdown();
        service.spawn("the state of the database", async move {
            let follow = async {
                loop {
                    tokio::time::sleep(INTERVAL).await;
                    sender.send_replace(read(&store).await);
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = follow => {}
            }
            Ok::<_, StoreError>(())
        });
        Self(state)
    }

    /// Returns the state. It is at most a few seconds old.
    pub fn state(&self) -> DatabaseState {
        *self.0.borrow()
    }
}

async fn read(store: &Store) -> DatabaseState {
    match tokio::time::timeout(TIMEOUT, store.circuits()).await {
        Ok(Ok(circuits)) if circuits.is_empty() => DatabaseState::Empty,
        Ok(Ok(_)) => DatabaseState::Loaded,
        Ok(Err(_)) | Err(_) => DatabaseState::Unavailable,
    }
}

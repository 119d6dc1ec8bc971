//! Deletes the rows of API keys that expired long ago.

use std::{convert::Infallible, time::Duration};

use bauta_service_common::Service;
use bauta_store::Store;

/// Interval at which rows are deleted.
const INTERVAL: Duration = Duration::from_hours(1);
/// Largest number of rows that one statement deletes.
const BATCH: u32 = 1_000;

/// Starts the task that deletes rows in a database, which must be the primary.
pub fn start(store: Store, service: &Service) {
    let shutdown = service.shutdown();
    service.spawn("the retention of API keys", async move {
        while !shutdown.is_cancelled() {
            remove(&store).await;
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
        Ok::<_, Infallible>(())
    });
}

async fn remove(store: &Store) {
    loop {
        match store.remove_expired_keys(BATCH).await {
            Ok(removed) if removed < u64::from(BATCH) => return,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(event = "keys_not_deleted", %error);
                return;
            }
        }
    }
}

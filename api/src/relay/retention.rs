//! Deletes relays some time after their end.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bauta_service_common::Service;

use super::Shared;

/// Interval at which old relays are deleted.
const INTERVAL: Duration = Duration::from_hours(1);
/// Largest number of relays that one statement deletes.
const BATCH: u32 = 1_000;

/// Starts the task that deletes relays `days` days after their end.
pub fn spawn(shared: &Arc<Shared>, days: u32, service: &Service) {
    let (shared, shutdown) = (shared.clone(), service.shutdown());
    service.spawn("the retention of relays", async move {
        while !shutdown.is_cancelled() {
            prune(&shared, days).await;
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
        Ok::<_, Infallible>(())
    });
}

async fn prune(shared: &Shared, days: u32) {
    loop {
        match shared.store.prune_relays(days, BATCH).await {
            Ok(pruned) if pruned < u64::from(BATCH) => return,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(event = "relays_not_deleted", %error);
                return;
            }
        }
    }
}

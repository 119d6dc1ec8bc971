//! Seals the audit log: stores a signed checkpoint in each minute with new records.

use std::{convert::Infallible, time::Duration};

use bauta_service_common::Service;
use bauta_store::{Store, StoreError};

use crate::accounts::Checkpoints;

/// Time between two looks at the end of the log. The database has at most one seal for a minute.
const INTERVAL: Duration = Duration::from_secs(5);

/// Starts the task that seals the log. All instances do this, and each minute has one seal.
pub fn start(store: Store, checkpoints: Checkpoints, service: &Service) {
    let shutdown = service.shutdown();
    service.spawn("the seals of the audit log", async move {
        let mut sealed = 0;
        while !shutdown.is_cancelled() {
            if let Err(error) = seal(&store, &checkpoints, &mut sealed).await {
                tracing::warn!(event = "audit_not_sealed", %error);
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
        Ok::<_, Infallible>(())
    });
}

/// Adds a seal if the log has more records than the last seal. `sealed` is the number of records
/// that are known to have one.
async fn seal(store: &Store, checkpoints: &Checkpoints, sealed: &mut u64) -> Result<(), StoreError> {
    let head = store.audit_head().await?;
    if head.records <= *sealed {
        return Ok(());
    }
    store.add_audit_seal(&head, &checkpoints.sign(&head)).await?;
    // It can be that of another instance.
    *sealed = store.last_audit_seal().await?.map_or(0, |seal| seal.head.records);
    Ok(())
}

//! Wakes the indexer when a websocket reports a transaction of the program.
//!
//! A notification is never used as an event. Without notifications the indexer still polls the
//! chain, only a little later.

use std::sync::Arc;
use std::time::Duration;

use bauta_rpc::{CommitmentLevel, Pubsub, RpcError};
use solana_address::Address;
use tokio::sync::Notify;

/// The first back-off between two attempts to connect.
const MIN_BACKOFF: Duration = Duration::from_millis(250);
/// The longest back-off between two attempts to connect.
const MAX_BACKOFF: Duration = Duration::from_secs(15);

/// Notifies `wake_up` whenever the node reports a transaction that names the program. Never
/// returns: when the connection ends, this function connects again.
pub async fn wake(node: Pubsub, program: Address, wake_up: Arc<Notify>) {
    let mut backoff = MIN_BACKOFF;
    loop {
        let error = listen(&node, program, &wake_up, &mut backoff).await;
        tracing::warn!(event = "websocket_closed", %error);
        // Notifications may have been lost when the connection ended.
        wake_up.notify_one();
        tokio::time::sleep(backoff).await;
        backoff = (backoff * 2).min(MAX_BACKOFF);
    }
}

/// Listens until the connection ends, and returns its error. Resets the back-off when the
/// subscription succeeds.
async fn listen(node: &Pubsub, program: Address, wake_up: &Notify, backoff: &mut Duration) -> RpcError {
    let mut notifications = match node.logs(&program, CommitmentLevel::Confirmed).await {
        Ok(notifications) => notifications,
        Err(error) => return error,
    };
    *backoff = MIN_BACKOFF;
    // The node does not send notifications for the time before the subscription.
    wake_up.notify_one();
    loop {
        match notifications.next().await {
            Ok(_) => wake_up.notify_one(),
            Err(error) => return error,
        }
    }
}

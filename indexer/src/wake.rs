//! A websocket that says "look now". What it says is never taken for an event, and when it says nothing the follower looks
//! all the same, a little later.

use std::sync::Arc;
use std::time::Duration;

use bauta_rpc::{Commitment, Pubsub, RpcError};
use solana_address::Address;
use tokio::sync::Notify;

/// Between two tries to connect: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));

/// Notifies whenever the node mentions the program. Runs for ever; connects again whenever the connection ends.
pub async fn wake(node: Pubsub, program: Address, awake: Arc<Notify>) {
    let mut pause = PAUSES.0;
    loop {
        let ended = listen(&node, program, &awake, &mut pause).await;
        tracing::warn!(event = "websocket_ended", error = %ended);
        // whatever was said meanwhile was missed
        awake.notify_one();
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Listens until the connection ends; returns how.
async fn listen(node: &Pubsub, program: Address, awake: &Notify, pause: &mut Duration) -> RpcError {
    let mut notices = match node.logs(&program, Commitment::Confirmed).await {
        Ok(notices) => notices,
        Err(error) => return error,
    };
    *pause = PAUSES.0;
    // what happened before the subscription is looked for now: subscribe first, then read
    awake.notify_one();
    loop {
        match notices.next().await {
            Ok(_) => awake.notify_one(),
            Err(error) => return error,
        }
    }
}

//! Checks at the start whether the nodes still have the history that the database needs.

use bauta_store::{Slot, Store, StoreError};

use crate::chain::Source;
use crate::metrics;

/// Logs and publishes how far back the blocks of each node reach. Returns the nodes that no longer
/// have the slot after the checkpoint: what happened in between is missing from their lists. An
/// empty database needs the history of the program from its beginning.
pub async fn check_retention<S: Source>(store: &Store, source: &S) -> Result<Vec<String>, StoreError> {
    let checkpoint = store.checkpoint().await?;
    let needed = checkpoint.map_or(Slot::ZERO, |at| at.slot.saturating_add(1));
    let mut too_short = Vec::new();
    for node in source.retention().await {
        match node.first_slot {
            Ok(first) => {
                metrics::node_first_slot(&node.node, first);
                if first > needed {
                    tracing::warn!(
                        event = "history_too_short",
                        node = node.node,
                        first_slot = first.get(),
                        needed_slot = needed.get(),
                        "add a node with full history, unless the program was deployed later"
                    );
                    too_short.push(node.node);
                } else {
                    tracing::info!(event = "history", node = node.node, first_slot = first.get());
                }
            }
            Err(error) => tracing::warn!(event = "history_unknown", node = node.node, %error),
        }
    }
    Ok(too_short)
}

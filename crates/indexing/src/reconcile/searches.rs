//! Searches the histories of accounts that differ for missing transactions.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bauta_store::Store;
use solana_address::Address;

use super::Comparison;
use crate::chain::Source;
use crate::missing::{self, Unapplied};
use crate::{IndexerError, metrics};

/// The number of accounts for which a round searches, at most. If more differ, the next rounds
/// search for the others.
const MAX_SEARCHED_ACCOUNTS: usize = 100;
/// How long a search takes at most. A node can deliver a history without an end, and the other
/// accounts are compared afterwards.
const MAX_SEARCH_TIME: Duration = Duration::from_mins(10);
/// How many times as long as a search took the account is not searched for again, when its whole
/// history explained nothing.
const PAUSE_FACTOR: u32 = 10;

/// The searches of the last rounds.
#[derive(Default)]
pub struct Searches {
    /// Until when an account is not searched for again, because its whole history explained
    /// nothing.
    fruitless: HashMap<Address, Instant>,
}

impl Searches {
    /// Searches for missing transactions at the addresses of the accounts that differ, until it
    /// finds some.
    pub async fn explain<S: Source>(
        &mut self,
        store: &Store,
        source: &Arc<S>,
        round: &mut Comparison,
    ) -> Result<(), IndexerError> {
        let start = Instant::now();
        self.fruitless.retain(|_, until| *until > start);
        let addresses: Vec<Address> = round
            .differing
            .iter()
            .map(|(_, address)| *address)
            .filter(|address| !self.fruitless.contains_key(address))
            .take(MAX_SEARCHED_ACCOUNTS)
            .collect();
        let searched = missing::search(store, source, &addresses, round.up_to);
        let searched = tokio::time::timeout(MAX_SEARCH_TIME, searched).await;
        let searched = searched.unwrap_or_else(|_| Ok(Unapplied::default()));
        let Unapplied {
            with_events,
            unreturned,
        } = match searched {
            Ok(searched) => searched,
            Err(IndexerError::Source(error)) => {
                metrics::reconcile_failure("history");
                tracing::warn!(event = "reconcile_failed", kind = "history", %error);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if with_events.is_empty() {
            let until = Instant::now() + start.elapsed() * PAUSE_FACTOR;
            self.fruitless
                .extend(addresses.into_iter().map(|address| (address, until)));
        }
        (round.found, round.unreturned) = (with_events, unreturned);
        let differing = round.differing.iter().map(|(_, address)| *address);
        round.unexplained = differing
            .filter(|address| self.fruitless.contains_key(address))
            .collect();
        Ok(())
    }
}

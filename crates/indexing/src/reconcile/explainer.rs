use std::collections::{HashMap, HashSet};

use solana_address::Address;

use super::{Comparison, Outcome};
use crate::chain::Source;
use crate::follow::{Follower, SearchRange};
use crate::{IndexerError, UnexplainedDifferences};

/// The number of consecutive rounds with an unexplained difference after which the checkpoint
/// stops.
const MAX_UNEXPLAINED_ROUNDS: u32 = 3;
/// The number of accounts for which a round searches, at most. If more differ, the next rounds
/// search for the others.
const MAX_SEARCHED_ACCOUNTS: usize = 100;

/// Searches for the missing transactions that explain differences.
#[derive(Default)]
pub struct Explainer {
    /// The number of consecutive rounds in which an account had an unexplained difference.
    unexplained: HashMap<Address, u32>,
}

impl Explainer {
    /// Searches for missing transactions at the addresses of accounts that differ.
    pub async fn explain<S: Source>(
        &mut self,
        follower: &mut Follower<S>,
        comparison: &Comparison,
    ) -> Result<Outcome, IndexerError> {
        let differing = &comparison.differing;
        let Some((kind, address)) = differing.first().copied() else {
            if !comparison.is_reached || comparison.failure.is_some() {
                return Ok(Outcome::Inconclusive);
            }
            self.unexplained.clear();
            return Ok(Outcome::Agreement {
                up_to: comparison.agreed,
            });
        };
        let differs: HashSet<Address> = differing.iter().map(|(_, address)| *address).collect();
        self.unexplained.retain(|address, _| differs.contains(address));
        let addresses: Vec<_> = differing
            .iter()
            .take(MAX_SEARCHED_ACCOUNTS)
            .map(|(_, address)| *address)
            .collect();
        let finalized = follower.store().finalized_slot().await?;
        let listed = HashSet::new();
        for after in [finalized, None] {
            let range = SearchRange {
                after,
                until: comparison.up_to,
                newer: None,
                listed: &listed,
            };
            if follower.search_missing(&addresses, &range).await? {
                tracing::warn!(event = "missing_transactions", accounts = addresses.len());
                return Ok(Outcome::Repaired);
            }
        }
        let mut limit_reached = false;
        for address in &addresses {
            let rounds = self.unexplained.entry(*address).or_default();
            *rounds += 1;
            limit_reached |= *rounds >= MAX_UNEXPLAINED_ROUNDS;
        }
        if !limit_reached {
            return Ok(Outcome::Inconclusive);
        }
        Err(UnexplainedDifferences {
            differences: differing.len(),
            kind,
            address,
        }
        .into())
    }
}

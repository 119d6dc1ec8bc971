use std::collections::{HashMap, HashSet};

use solana_address::Address;

use super::{Comparison, Outcome};
use crate::chain::Source;
use crate::follow::Follower;
use crate::{IndexerError, UnexplainedDifferences};

/// The number of consecutive rounds with an unexplained difference after which the checkpoint
/// stops.
const MAX_UNEXPLAINED_ROUNDS: u32 = 3;

/// Applies the missing transactions that explain differences, and counts the rounds without one.
#[derive(Default)]
pub struct Explainer {
    /// The number of consecutive rounds in which an account had an unexplained difference.
    unexplained: HashMap<Address, u32>,
}

impl Explainer {
    /// Makes the next steps apply the missing transactions that a comparison found.
    pub async fn explain<S: Source>(
        &mut self,
        follower: &mut Follower<S>,
        comparison: &Comparison,
    ) -> Result<Outcome, IndexerError> {
        let Some((kind, address)) = comparison.differing.first().copied() else {
            if !comparison.is_reached || comparison.failure.is_some() {
                return Ok(Outcome::Inconclusive);
            }
            self.unexplained.clear();
            return Ok(Outcome::Agreement {
                up_to: comparison.agreed,
            });
        };
        let found = follower.apply_missing(&comparison.found).await?;
        let differing = &comparison.differing;
        let differs: HashSet<Address> = differing.iter().map(|(_, address)| *address).collect();
        self.unexplained.retain(|address, _| differs.contains(address));
        if found {
            tracing::warn!(event = "missing_transactions", accounts = differing.len());
            return Ok(Outcome::Repaired);
        }
        follower.quarantine_unreturned(&comparison.unreturned).await?;
        let mut limit_reached = false;
        for address in &comparison.unexplained {
            let rounds = self.unexplained.entry(*address).or_default();
            *rounds += 1;
            limit_reached |= *rounds >= MAX_UNEXPLAINED_ROUNDS;
        }
        if !limit_reached {
            return Ok(Outcome::Inconclusive);
        }
        if follower.contest_for_accounts().await? {
            self.unexplained.clear();
            return Ok(Outcome::Repaired);
        }
        Err(UnexplainedDifferences {
            differences: differing.len(),
            kind,
            address,
        }
        .into())
    }
}

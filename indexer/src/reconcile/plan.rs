//! Divides the reconciliation of many accounts into rounds.

use bauta_primitives::FieldElement;
use bauta_store::{RegistryKind, Store, StoreError};

use super::kind::AccountKind;

/// The number of accounts of one kind that a round compares, approximately.
const ACCOUNTS_PER_ROUND: u64 = 10_000;
/// The number of scopes whose nullifiers a round compares.
const SCOPES_PER_ROUND: usize = 64;

/// What one round compares.
pub struct RoundPlan {
    /// The kinds of accounts, and parts of kinds.
    pub kinds: Vec<AccountKind>,
    /// The number of consecutive rounds that compare every account once.
    pub cycle: u64,
}

impl RoundPlan {
    /// Returns the plan of a round. The first round has the number 0.
    pub async fn for_round(store: &Store, round: u64) -> Result<Self, StoreError> {
        let mut plan = Self {
            kinds: vec![
                AccountKind::Config,
                AccountKind::Circuits,
                AccountKind::Registries,
                AccountKind::Scopes,
            ],
            cycle: 1,
        };
        for registry in store.registries().await? {
            if registry.kind == RegistryKind::Holders {
                plan.kinds.push(AccountKind::Collections(registry.clone()));
                let parts = Parts::for_round(registry.next_index, 0xff, round);
                let holdings = |first_byte| AccountKind::Holdings(registry.clone(), first_byte);
                plan.kinds.extend(parts.first_bytes.into_iter().map(holdings));
                plan.cycle = plan.cycle.max(parts.cycle);
            }
        }
        let scopes = store.scopes().await?;
        let groups = scopes.len().div_ceil(SCOPES_PER_ROUND).max(1);
        let group = usize::try_from(round % groups as u64).unwrap_or(0);
        for scope in scopes
            .into_iter()
            .skip(group * SCOPES_PER_ROUND)
            .take(SCOPES_PER_ROUND)
        {
            let count = store.nullifier_count(&scope).await?;
            // A group of scopes is compared once in `groups` rounds. Its part changes each time. A
            // nullifier is below the modulus, which limits its first byte.
            let parts = Parts::for_round(count, FieldElement::MODULUS[0], round / groups as u64);
            let nullifiers = |first_byte| AccountKind::Nullifiers(Box::new(scope.clone()), first_byte);
            plan.kinds.extend(parts.first_bytes.into_iter().map(nullifiers));
            plan.cycle = plan.cycle.max(parts.cycle * groups as u64);
        }
        plan.cycle = plan.cycle.max(groups as u64);
        Ok(plan)
    }
}

/// The parts of a kind that one round compares. A part consists of the accounts whose key begins
/// with the same byte.
struct Parts {
    /// The first bytes of the keys. `None` means all keys.
    first_bytes: Vec<Option<u8>>,
    /// The number of consecutive rounds that compare every part once.
    cycle: u64,
}

impl Parts {
    /// Returns the parts of a round, for a kind with `count` accounts whose keys begin with at most
    /// `last_byte`.
    fn for_round(count: u64, last_byte: u8, round: u64) -> Self {
        let bytes = u64::from(last_byte) + 1;
        let cycle = count.div_ceil(ACCOUNTS_PER_ROUND).clamp(1, bytes);
        let first_bytes = if cycle == 1 {
            vec![None]
        } else {
            (0..=last_byte)
                .filter(|byte| u64::from(*byte) * cycle / bytes == round % cycle)
                .map(Some)
                .collect()
        };
        Self { first_bytes, cycle }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_part_is_compared_once_in_a_cycle() {
        for (count, last_byte) in [
            (0, 0xff),
            (ACCOUNTS_PER_ROUND, 0xff),
            (ACCOUNTS_PER_ROUND + 1, 0xff),
            (7 * ACCOUNTS_PER_ROUND, 0x30),
            (1 << 40, 0x30),
        ] {
            let cycle = Parts::for_round(count, last_byte, 0).cycle;
            let all: Vec<_> = (5..5 + cycle)
                .flat_map(|round| Parts::for_round(count, last_byte, round).first_bytes)
                .collect();
            let different: BTreeSet<_> = all.iter().copied().collect();
            assert_eq!(all.len(), different.len(), "{count}");
            let expected: BTreeSet<_> = if cycle == 1 {
                [None].into()
            } else {
                (0..=last_byte).map(Some).collect()
            };
            assert_eq!(different, expected, "{count}");
        }
    }
}

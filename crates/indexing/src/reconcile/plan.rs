//! Divides the reconciliation of all accounts into parts, and the parts into rounds.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use bauta_primitives::FieldElement;
use bauta_store::{RegistryKind, Slot, Store, StoreError};

use super::kind::{AccountKind, NULLIFIER_PREFIX_BYTES};

/// The limits of the requests for accounts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReconcileLimits {
    /// The number of accounts that one request is expected to return, at most. An answer that is
    /// too long is requested again in smaller parts.
    pub accounts_per_request: u64,
    /// The number of accounts after which a round ends. A request counts as
    /// [`Self::REQUEST_WEIGHT`] further accounts.
    pub accounts_per_round: u64,
}

impl ReconcileLimits {
    /// What a request costs, in accounts.
    pub const REQUEST_WEIGHT: u64 = 100;
}

impl Default for ReconcileLimits {
    /// A nullifier takes about 200 bytes in an answer, so a request for 30,000 accounts has 6 MB.
    fn default() -> Self {
        Self {
            accounts_per_request: 30_000,
            accounts_per_round: 10_000,
        }
    }
}

/// The accounts that one request returns.
#[derive(Clone)]
pub struct Part {
    pub kind: AccountKind,
    /// The expected number of accounts.
    pub accounts: u64,
}

impl Part {
    /// What the comparison of this part costs, in accounts.
    pub const fn weight(&self) -> u64 {
        self.accounts.saturating_add(ReconcileLimits::REQUEST_WEIGHT)
    }

    /// Divides the part by one more byte of the accounts' keys. Returns `None` if its accounts have
    /// no such key.
    pub fn split(&self) -> Option<Vec<Self>> {
        let parts = |kinds: Vec<AccountKind>| -> Vec<Self> {
            let accounts = self.accounts / (kinds.len() as u64).max(1);
            kinds.into_iter().map(|kind| Self { kind, accounts }).collect()
        };
        match &self.kind {
            AccountKind::Nullifiers(scope, prefix) => {
                // A nullifier is below the modulus, which limits its first byte.
                let last = if prefix.is_empty() {
                    FieldElement::MODULUS[0]
                } else {
                    0xff
                };
                let prefixes = longer(prefix, NULLIFIER_PREFIX_BYTES, last)?;
                let kind = |prefix| AccountKind::Nullifiers(Arc::clone(scope), prefix);
                Some(parts(prefixes.map(kind).collect()))
            }
            AccountKind::Holdings(registry, prefix) => {
                let prefixes = longer(prefix, 32, 0xff)?;
                let kind = |prefix| AccountKind::Holdings(Arc::clone(registry), prefix);
                Some(parts(prefixes.map(kind).collect()))
            }
            _ => None,
        }
    }

    /// Adds the part to a list, divided as often as the limit requires.
    fn add_to(self, list: &mut VecDeque<Self>, limit: u64) {
        match (self.accounts > limit).then(|| self.split()).flatten() {
            Some(parts) => parts.into_iter().for_each(|part| part.add_to(list, limit)),
            None => list.push_back(self),
        }
    }
}

/// Puts parts before all others of a queue, in their order.
pub fn prepend(queue: &mut VecDeque<Part>, parts: Vec<Part>) {
    parts.into_iter().rev().for_each(|part| queue.push_front(part));
}

/// Returns the prefixes that continue a prefix with a byte up to `last`. Returns `None` if the
/// prefix already has all `length` bytes of a key.
fn longer(prefix: &[u8], length: usize, last: u8) -> Option<impl Iterator<Item = Vec<u8>>> {
    (prefix.len() < length).then(|| (0..=last).map(move |byte| [prefix, &[byte]].concat()))
}

/// One comparison of all accounts, over as many rounds as it takes.
pub struct Cycle {
    /// The parts that have not been compared, or that differed.
    pub open: VecDeque<Part>,
    /// The number of compared parts.
    pub compared: usize,
    /// The slot up to which the compared parts agree.
    pub up_to: Slot,
    /// The indices of the nodes whose accounts were compared.
    pub nodes: BTreeSet<usize>,
}

impl Cycle {
    /// The kinds with few accounts. Each round compares them.
    pub const IN_EACH_ROUND: [AccountKind; 4] = [
        AccountKind::Config,
        AccountKind::Circuits,
        AccountKind::Registries,
        AccountKind::Scopes,
    ];

    /// Begins a cycle with all other accounts.
    pub async fn begin(store: &Store, limits: &ReconcileLimits) -> Result<Self, StoreError> {
        let mut open = VecDeque::new();
        for registry in store.registries().await? {
            if registry.kind == RegistryKind::Holders {
                let accounts = registry.next_index;
                let registry = Arc::new(registry);
                open.push_back(Part {
                    kind: AccountKind::Collections(Arc::clone(&registry)),
                    accounts: 0,
                });
                let holdings = Part {
                    kind: AccountKind::Holdings(registry, Vec::new()),
                    accounts,
                };
                holdings.add_to(&mut open, limits.accounts_per_request);
            }
        }
        let counts: HashMap<i32, u64> = store.verification_counts().await?.into_iter().collect();
        for scope in store.scopes().await? {
            let accounts = counts.get(&scope.id).copied().unwrap_or(0);
            let nullifiers = Part {
                kind: AccountKind::Nullifiers(Arc::new(scope), Vec::new()),
                accounts,
            };
            nullifiers.add_to(&mut open, limits.accounts_per_request);
        }
        Ok(Self {
            open,
            compared: 0,
            up_to: Slot::MAX,
            nodes: BTreeSet::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use bauta_primitives::tree::Depth;
    use bauta_store::{Registry, Sequence};
    use solana_address::Address;

    use super::*;

    fn prefixes(accounts: u64) -> Vec<Vec<u8>> {
        let registry = Arc::new(Registry {
            id: 1,
            address: Address::default(),
            authority: Address::default(),
            nonce: 0,
            kind: RegistryKind::Holders,
            depth: Depth::Ten,
            leaf_format: 1,
            root_ttl_seconds: 1,
            sealed: false,
            next_index: accounts,
            sequence: Sequence::ZERO,
        });
        let part = Part {
            kind: AccountKind::Holdings(registry, Vec::new()),
            accounts,
        };
        let mut parts = VecDeque::new();
        part.add_to(&mut parts, ReconcileLimits::default().accounts_per_request);
        let prefix = |part: Part| match part.kind {
            AccountKind::Holdings(_, prefix) => prefix,
            _ => panic!("another kind"),
        };
        parts.into_iter().map(prefix).collect()
    }

    #[test]
    fn the_parts_of_a_kind_contain_every_key_once() {
        for (accounts, length) in [(0, 0), (30_000, 0), (30_001, 1), (7_000_000, 1), (100_000_000, 2)] {
            let prefixes = prefixes(accounts);
            assert_eq!(prefixes.len(), 256_usize.pow(length), "{accounts}");
            assert!(prefixes.iter().all(|prefix| prefix.len() == length as usize));
            assert_eq!(prefixes.iter().collect::<BTreeSet<_>>().len(), prefixes.len());
        }
    }

    #[test]
    fn no_request_is_expected_to_return_more_accounts_than_the_limit() {
        let limit = ReconcileLimits::default().accounts_per_request;
        let accounts: u64 = 1_000_000_000;
        assert!(accounts / prefixes(accounts).len() as u64 <= limit);
    }
}

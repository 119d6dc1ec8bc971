//! Compares the database with the program's accounts: what a node's history hides, its accounts still show.
//!
//! ```text
//!   for each kind of account:
//!     before  what the database says
//!     chain   getProgramAccounts, as of a slot ── step until the checkpoint has passed that slot
//!     after   what the database says now
//!        chain differs from both ──> suspect ──hunt by the account's own address──> found: undone, read again
//!                                                                                  nothing, several times: stop
//! ```
//!
//! An account that is as it was before, or as it is after, has only moved meanwhile. Kinds with many accounts are looked at
//! over several rounds, by the first byte of what names them; what agrees as a whole is what a whole cycle of rounds has seen.

mod kinds;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use bauta_store::Slot;
use solana_address::Address;

use crate::chain::{Account, AccountFilter, Source};
use crate::follow::Follower;
use crate::{IndexerError, metrics};
use kinds::{Kind, Turn};

/// How often an account must differ without an explanation before that is a reason to stop.
const PATIENCE: u32 = 3;
/// How long the checkpoint may take to pass a slot that accounts were read at.
const REACH: Duration = Duration::from_secs(20);
/// How many slots newer than the slot that it names a node's answer may be, and how long these slots are waited for.
const NEWER: u64 = 2;
const SOON: Duration = Duration::from_secs(2);
/// Between two steps towards a slot.
const STEP: Duration = Duration::from_millis(50);
/// Of a kind that has more accounts than this, about so many are looked at in a round.
const PART: u64 = 10_000;
/// More scopes than this are looked at so many at a time.
const SCOPES: usize = 64;

/// What accounts say, by what names them; equal bytes are equal accounts.
type Said = HashMap<[u8; 32], Vec<u8>>;

/// How a reconciliation stands, from one round to the next.
#[derive(Default)]
pub struct Reconciler {
    /// Rounds so far: which part of large kinds is looked at next.
    rounds: u64,
    /// Accounts that differed without an explanation, and how often.
    unexplained: HashMap<Address, u32>,
    /// The slots of the last rounds, none of which found a difference.
    agreed: VecDeque<Slot>,
}

/// What a round found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// What was looked at agrees.
    Agrees {
        /// Everything up to this slot is in the database, as far as accounts show. `None`: not every part has been looked at yet.
        up_to: Option<Slot>,
    },
    /// Something was missing and has been found; it is being read again.
    Mended,
    /// The checkpoint didn't get to the accounts' slot, or a difference has to be looked at again.
    Later,
}

impl Reconciler {
    /// Compares once.
    pub async fn round<S: Source>(&mut self, follower: &mut Follower<S>) -> Result<Outcome, IndexerError> {
        let mut up_to = Slot::MAX;
        let mut differing: Vec<(&'static str, Address)> = Vec::new();
        let mut found: HashMap<&'static str, usize> = HashMap::new();
        let Turn { kinds, cycle } = kinds::all(follower.store(), self.rounds).await?;
        for kind in kinds {
            let before = kind.stored(follower.store()).await?;
            let (slot, accounts) = follower.source().accounts(&kind.filter()).await?;
            if !reach(follower, slot, REACH).await? {
                return Ok(Outcome::Later);
            }
            up_to = up_to.min(slot);
            let mut suspects = suspects(follower, &kind, &before, &accounts).await?;
            if !suspects.is_empty() {
                // A node may answer what is a little newer than the slot that it names; then the database soon has it, too.
                reach(follower, slot.saturating_add(NEWER), SOON).await?;
                suspects = self::suspects(follower, &kind, &before, &accounts).await?;
            }
            *found.entry(kind.name()).or_default() += suspects.len();
            differing.extend(suspects.into_iter().map(|address| (kind.name(), address)));
        }
        for (kind, differences) in found {
            metrics::differences(kind, differences);
        }
        if differing.is_empty() {
            self.rounds += 1;
            self.unexplained.clear();
            return Ok(Outcome::Agrees {
                up_to: self.agreed_up_to(up_to, cycle),
            });
        }
        // the same parts are looked at again until they agree
        self.agreed.clear();
        self.explain(follower, &differing, up_to).await
    }

    /// Takes in a round that found no difference as of a slot. Returns up to where a whole cycle of rounds has found none.
    fn agreed_up_to(&mut self, slot: Slot, cycle: u64) -> Option<Slot> {
        let cycle = usize::try_from(cycle).unwrap_or(usize::MAX);
        self.agreed.push_back(slot);
        while self.agreed.len() > cycle {
            self.agreed.pop_front();
        }
        (self.agreed.len() == cycle).then(|| self.agreed.iter().min().copied())?
    }

    /// Looks for what is missing at the addresses of accounts that differ.
    async fn explain<S: Source>(
        &mut self,
        follower: &mut Follower<S>,
        differing: &[(&'static str, Address)],
        up_to: Slot,
    ) -> Result<Outcome, IndexerError> {
        self.unexplained
            .retain(|address, _| differing.iter().any(|(_, differs)| differs == address));
        let addresses: Vec<_> = differing.iter().map(|(_, address)| *address).collect();
        let floor = follower.store().finalized_slot().await?;
        for floor in [floor, None] {
            if follower.hunt(&addresses, floor, up_to, &HashSet::new()).await? {
                tracing::warn!(event = "hole", accounts = addresses.len());
                return Ok(Outcome::Mended);
            }
        }
        let mut patient = true;
        for address in &addresses {
            let times = self.unexplained.entry(*address).or_default();
            *times += 1;
            patient &= *times < PATIENCE;
        }
        if patient {
            return Ok(Outcome::Later);
        }
        let (kind, address) = differing[0];
        Err(IndexerError::Unexplained {
            differences: differing.len(),
            first: format!("{kind} {address}"),
        })
    }
}

/// Steps until the checkpoint has passed a slot; `false` if that takes longer than `patience`.
async fn reach<S: Source>(
    follower: &mut Follower<S>,
    slot: Slot,
    patience: Duration,
) -> Result<bool, IndexerError> {
    let begun = Instant::now();
    while begun.elapsed() < patience {
        let at = follower.store().checkpoint().await?;
        if at.is_some_and(|at| at.slot >= slot) {
            return Ok(true);
        }
        follower.step().await?;
        tokio::time::sleep(STEP).await;
    }
    Ok(false)
}

/// The addresses of accounts that are neither as the database said before nor as it says now.
async fn suspects<S: Source>(
    follower: &Follower<S>,
    kind: &Kind,
    before: &Said,
    accounts: &[Account],
) -> Result<BTreeSet<Address>, IndexerError> {
    let mut chain = Said::new();
    let mut addresses = HashMap::new();
    for account in accounts {
        if let Some((name, said)) = kind.read(account) {
            addresses.insert(name, account.address);
            chain.insert(name, said);
        }
    }
    let differs = |from: &Said, name: &[u8; 32]| chain.get(name) != from.get(name);
    let names: BTreeSet<[u8; 32]> = chain.keys().chain(before.keys()).copied().collect();
    let moved: Vec<_> = names.into_iter().filter(|name| differs(before, name)).collect();
    if moved.is_empty() {
        return Ok(BTreeSet::new());
    }
    let after = kind.stored(follower.store()).await?;
    let mut suspects = BTreeSet::new();
    for name in moved.iter().filter(|name| differs(&after, name)) {
        let was = match chain.get(name) {
            Some(said) => kind.was(follower.store(), name, said).await?,
            None => false,
        };
        if !was {
            suspects.insert(addresses.get(name).copied().unwrap_or_else(|| kind.address(name)));
        }
    }
    Ok(suspects)
}

/// A filter for accounts of one type.
fn of_type(discriminator: &[u8]) -> AccountFilter {
    AccountFilter {
        has: vec![(0, discriminator.to_vec())],
        part: None,
    }
}

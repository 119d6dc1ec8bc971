//! The relay: sends verifications so that no wallet of the member appears on the chain. The
//! operator pays (`sponsored`), the owner of an API key (`key`), or the recipient
//! (`in_transaction`).
//!
//! ```text
//!   request --> checks: ours? budget? open? valid root? unused? proof? simulation?      (checks)
//!                 |             consumer programs of scopes with a gate                 (consumers)
//!                 |             the recipient signs and pays                            (payment)
//!                 |
//!                 v   one row for each nullifier, with a reservation in the budget      (store)
//!   Sender: sign --> store --> send to all nodes --> confirmed --> finalized            (sender)
//!                 ^                     |
//!                 +-- certainly dead <--+     several nodes agree                       (nodes)
//!
//!   Bookkeeper: every transaction of each wallet --> the ledger                         (books)
//!   rent of nullifiers, after the end of a scope --> back to the wallet                 (rent)
//! ```
//!
//! Nothing is paid for a request that the program would refuse, unless the chain changes between
//! the last simulation and the execution. A client can't use this to make the service pay often:
//! after two failed transactions a nullifier is refused.

mod agreement;
mod attempt;
mod books;
pub mod budgets;
mod checked;
mod checks;
pub mod consumers;
mod error;
mod instructions;
mod node;
mod nodes;
mod payment;
mod policy;
mod rent;
mod request;
mod retention;
mod sealer;
mod sender;
mod transaction;
pub mod wallets;

use std::{sync::Arc, time::Duration};

use bauta_service_common::Service;
use bauta_store::{
    AddedRelay, AuditRecord, NewRelay, OpenRelay, RandomId, RelayLease, RelayLimits, RelayStatus, Scope,
    Store,
};
use rand::{Rng, RngCore, rngs::OsRng};
use solana_address::Address;
use tokio::sync::{Semaphore, mpsc};

pub use self::{
    checks::Proofs,
    consumers::Consumer,
    error::{RelayError, RelaySetupError},
    payment::Proposal,
    request::{
        ConsumerAccount, ConsumerCall, Fee, MAX_CALL_ACCOUNTS, MAX_CALL_BYTES, MAX_DELAY_SECONDS,
        MAX_PAYLOAD_BYTES, MIN_VALIDITY_SECONDS, RelayRequest,
    },
};
use self::{
    consumers::Consumers, nodes::Nodes, policy::Policy, sealer::Sealer, sender::Sender, transaction::Fees,
    wallets::Wallets,
};
use crate::{metrics, settings::RelaySettings};

/// Seconds for which a relay belongs to the instance that sends it. Another one continues when the
/// instance has not extended it.
const LEASE_SECONDS: u32 = 15;
/// Largest number of relays that wait for the sender of this instance.
const QUEUE: usize = 1_024;
/// Largest number of requests that are simulated at a time.
const MAX_SIMULATIONS: usize = 32;

/// Accepts relays. The tasks that [`Relay::start`] spawns send them.
pub struct Relay {
    shared: Arc<Shared>,
    new: mpsc::Sender<OpenRelay>,
    simulations: Semaphore,
}

/// The outcome of a request.
#[derive(Debug)]
pub enum Submitted {
    /// It has this relay.
    Relay(RandomId),
    /// The recipient must sign this transaction. Nothing is stored.
    ToSign(Proposal),
}

/// What the tasks of the relay share.
struct Shared {
    store: Store,
    wallets: Wallets,
    nodes: Nodes,
    sealer: Sealer,
    policy: Policy,
    consumers: Consumers,
    fees: Fees,
    /// The id of this instance in leases.
    instance: RandomId,
}

/// The API key that pays for a relay.
#[derive(Clone, Copy, Debug)]
pub struct PayingKey<'a> {
    /// The prefix of the first key of its owner, which the budget belongs to.
    pub owner: &'a str,
    /// The prefix of the key itself.
    pub prefix: &'a str,
}

impl Relay {
    /// Reads the keys of the wallets and starts the tasks. Returns `None` if the settings name no
    /// wallet.
    pub async fn start(
        settings: &RelaySettings,
        node: Option<&str>,
        store: &Store,
        service: &Service,
    ) -> Result<Option<Self>, RelaySetupError> {
        if settings.payers.is_empty() {
            return Ok(None);
        }
        let key = settings.key.as_ref().ok_or(RelaySetupError::NoKey)?;
        let nodes = Nodes::new(&settings.nodes, node)?;
        let wallets = Wallets::open(settings).await?;
        let shared = Arc::new(Shared {
            store: store.clone(),
            wallets,
            nodes,
            sealer: Sealer::new(key)?,
            policy: Policy::new(settings)?,
            consumers: Consumers::new(&settings.consumers)?,
            fees: Fees::new(settings.max_price),
            instance: random_id(),
        });
        let (new, incoming) = mpsc::channel(QUEUE);
        metrics::register_relay(settings.payers.len(), settings.min_balance);
        Sender::new(shared.clone(), incoming).spawn(service);
        books::spawn(&shared, service);
        let interval = Duration::from_secs(settings.reclaim_interval_seconds.into());
        rent::spawn(&shared, interval, service);
        retention::spawn(&shared, settings.retention_days, service);
        Ok(Some(Self {
            shared,
            new,
            simulations: Semaphore::new(MAX_SIMULATIONS),
        }))
    }

    /// Returns the wallets that can pay for a relay now. A proof names one of them as its relayer.
    pub async fn wallets(&self) -> Result<Vec<Address>, RelayError> {
        let known = self.shared.store.relay_wallets().await?;
        let most = self.shared.fees.most();
        let can_pay = |address: &Address| {
            known.iter().any(|wallet| {
                let free = wallet.balance.saturating_sub(wallet.reserved);
                wallet.wallet == *address && free >= self.shared.policy.min_balance.saturating_add(most)
            })
        };
        Ok(self.shared.wallets.addresses().filter(can_pay).collect())
    }

    /// Returns how relays in a scope can be paid for. In a scope with a gate, they need a consumer
    /// program that the operator has listed.
    pub fn fees(&self, scope: &Scope, now: i64) -> Vec<Fee> {
        if scope.gate.is_some() && self.consumers().is_empty() {
            return Vec::new();
        }
        self.shared.policy.fees(scope, now)
    }

    /// Returns whether a kind of fee is accepted at all.
    pub fn accepts(&self, fee: Fee) -> bool {
        self.shared.policy.accepts(fee)
    }

    /// Returns the lamports that remain in each wallet.
    pub fn min_balance(&self) -> u64 {
        self.shared.policy.min_balance
    }

    /// Returns the instructions of consumer programs that relays may call.
    pub fn consumers(&self) -> &[Consumer] {
        self.shared.consumers.listed()
    }

    /// Returns the state of a relay. `None` if there is none with this id.
    pub async fn status(&self, id: RandomId) -> Result<Option<RelayStatus>, RelayError> {
        Ok(self.shared.store.relay_status(id).await?)
    }

    /// Checks a request and adds it to the queue. `key` is the API key of a request whose fee a key
    /// pays.
    ///
    /// The same request has the same relay. With an idempotency key, this is so in every state of
    /// the relay, and nothing is checked again. If the recipient pays and has not signed, returns
    /// the transaction to sign. While the sponsorship is paused, the operator pays for no new relay.
    pub async fn submit(
        &self,
        proofs: &Proofs<'_>,
        request: &RelayRequest,
        key: Option<PayingKey<'_>>,
        idempotency_key: Option<&str>,
        is_sponsorship_paused: bool,
    ) -> Result<Submitted, RelayError> {
        let shared = &self.shared;
        let hash = shared.sealer.hash(request);
        let key_hash = idempotency_key.map(|key| shared.sealer.idempotency_hash(key, &hash));
        if let Some(key_hash) = &key_hash
            && let Some(id) = shared.store.find_repeated_relay(key_hash).await?
        {
            return Ok(Submitted::Relay(id));
        }
        let wallet = shared
            .wallets
            .get(&request.relayer)
            .ok_or(RelayError::OtherRelayer)?;
        let limits = shared.policy.limits(request, key.map(|key| key.owner))?;
        let found = shared.store.find_relay(request.scope, request.nullifier, &hash);
        if let Some(found) = found.await? {
            return accepted(found, [0; 16]).map(Submitted::Relay);
        }
        if is_sponsorship_paused && request.fee == Fee::Sponsored {
            return Err(RelayError::SponsorshipPaused);
        }
        let checked = checks::check(shared, proofs, &self.simulations, request).await?;
        if request.fee == Fee::InTransaction && request.signed_transaction.is_none() {
            return payment::propose(shared, checked).await.map(Submitted::ToSign);
        }
        let (hashes, prefix) = ((hash, key_hash), key.map(|key| key.prefix));
        let id = self.add(&checked, request, wallet.address(), (&limits, prefix), hashes);
        id.await.map(Submitted::Relay)
    }

    async fn add(
        &self,
        checked: &checked::CheckedRequest,
        request: &RelayRequest,
        wallet: Address,
        (limits, prefix): (&RelayLimits, Option<&str>),
        (request_hash, idempotency_hash): ([u8; 32], Option<[u8; 32]>),
    ) -> Result<RandomId, RelayError> {
        let shared = &self.shared;
        let id = random_id();
        let delay_seconds = match request.max_delay_seconds {
            0 => 0,
            most => OsRng.gen_range(0..=most),
        };
        let call_lamports = match &checked.call {
            Some(call) => shared.consumers.find(call.program_id, &call.data)?.lamports,
            None => 0,
        };
        let relay = NewRelay {
            id,
            scope: request.scope,
            nullifier: request.nullifier,
            wallet,
            request_hash,
            idempotency_hash,
            request: shared.sealer.seal(&id, &checked.to_bytes()),
            expiry: request.expiry,
            delay_seconds,
            reserved: shared.fees.most_of(checked, call_lamports),
            has_deposit: checked.verify.payer == wallet,
            instance: shared.instance,
            lease_seconds: LEASE_SECONDS,
            record: prefix.map(accepted_record),
        };
        let added = shared.store.add_relay(&relay, limits).await?;
        if added == AddedRelay::Added && delay_seconds == 0 {
            let open = OpenRelay {
                lease: RelayLease::first(id, shared.instance),
                scope: relay.scope,
                nullifier: relay.nullifier,
                wallet,
                request: relay.request,
                is_confirmed: false,
                expiry: relay.expiry,
                age_seconds: 0,
                attempt: None,
            };
            // If the queue is full, the lease ends and the relay is sent later.
            let _ = self.new.try_send(open);
        }
        accepted(added, id)
    }
}

/// Returns the audit record of a relay that a key pays for. It names neither the relay nor its scope:
/// the ledger has what was paid, and nothing else is kept for longer than the relay.
fn accepted_record(prefix: &str) -> AuditRecord {
    AuditRecord {
        event: "relay_accepted".to_owned(),
        code: None,
        actor: Some(prefix.to_owned()),
        subject: None,
    }
}

fn accepted(added: AddedRelay, new: RandomId) -> Result<RandomId, RelayError> {
    Err(match added {
        AddedRelay::Added => return Ok(new),
        AddedRelay::Same(id) => return Ok(id),
        AddedRelay::InFlight => RelayError::InFlight,
        AddedRelay::Used => RelayError::NullifierUsed,
        AddedRelay::FailedTwice => RelayError::FailedTwice,
        AddedRelay::BudgetExhausted => RelayError::BudgetExhausted,
        AddedRelay::WalletExhausted => RelayError::WalletExhausted,
        AddedRelay::TooManyOpen => RelayError::TooManyOpen,
        AddedRelay::TooManyOpenOfBudget => RelayError::TooManyOpenOfKey,
    })
}

fn random_id() -> RandomId {
    let mut id = [0; 16];
    OsRng.fill_bytes(&mut id);
    id
}

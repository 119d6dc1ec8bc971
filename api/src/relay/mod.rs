//! The relay: pays for verifications in scopes that the operator sponsors, so that no wallet of the
//! member appears on the chain.
//!
//! ```text
//!   request --> checks: ours? sponsored? open? valid root? unused? proof? simulation?   (checks)
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
mod checks;
mod error;
mod nodes;
mod policy;
mod rent;
mod request;
mod retention;
mod sealer;
mod sender;
mod transaction;
mod wallets;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bauta_circuits::PreparedVerifyingKey;
use bauta_service_common::Service;
use bauta_store::{
    AddedRelay, NewRelay, OpenRelay, RandomId, RelayLease, RelayLimits, RelayStatus, Scope, Store,
};
use rand::{Rng, RngCore, rngs::OsRng};
use solana_address::Address;
use tokio::sync::{Semaphore, mpsc};

pub use self::{
    error::{RelayError, RelaySetupError},
    policy::Sponsored,
    request::{MAX_DELAY_SECONDS, MAX_PAYLOAD_BYTES, MIN_VALIDITY_SECONDS, RelayRequest},
};
use self::{
    nodes::Nodes, policy::Policy, sealer::Sealer, sender::Sender, transaction::Fees, wallets::Wallets,
};
use crate::{metrics, settings::RelaySettings, verifying_keys::VerifyingKeys};

/// Seconds for which a relay belongs to the instance that sends it. Another one continues when the
/// instance has not extended it.
const LEASE_SECONDS: u32 = 15;
/// Largest number of relays that wait for the sender of this instance.
const QUEUE: usize = 1_024;
/// Largest number of requests whose proofs are verified at a time.
const MAX_CHECKS: usize = 32;

/// Accepts relays. The tasks that [`Relay::start`] spawns send them.
pub struct Relay {
    shared: Arc<Shared>,
    new: mpsc::Sender<OpenRelay>,
    checks: Semaphore,
    prepared: Mutex<HashMap<[u8; 32], Arc<PreparedVerifyingKey>>>,
}

/// What accepting and sending have in common.
struct Shared {
    store: Store,
    wallets: Wallets,
    nodes: Nodes,
    sealer: Sealer,
    policy: Policy,
    fees: Fees,
    /// The id of this instance in leases.
    instance: RandomId,
}

impl Relay {
    /// Reads the keys of the wallets and starts the tasks. Returns `None` if the settings name no
    /// wallet.
    pub fn start(
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
        let wallets = Wallets::from_files(&settings.payers)?;
        let shared = Arc::new(Shared {
            store: store.clone(),
            wallets,
            nodes,
            sealer: Sealer::new(key)?,
            policy: Policy::new(settings)?,
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
            checks: Semaphore::new(MAX_CHECKS),
            prepared: Mutex::default(),
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

    /// Returns whether the operator pays for relays in a scope.
    pub fn sponsors(&self, scope: &Scope, now: i64) -> bool {
        let policy = &self.shared.policy;
        scope.gate.is_none() && policy.limits(&scope.address).is_ok() && policy.check(scope, now).is_ok()
    }

    /// Returns the state of a relay. `None` if there is none with this id.
    pub async fn status(&self, id: RandomId) -> Result<Option<RelayStatus>, RelayError> {
        Ok(self.shared.store.relay_status(id).await?)
    }

    /// Checks a request and adds it to the queue. Returns the relay's id. The same request has the
    /// same relay. With an idempotency key, this is so whatever has become of the relay, and
    /// nothing is checked again.
    pub async fn submit(
        &self,
        keys: &VerifyingKeys,
        request: &RelayRequest,
        idempotency_key: Option<&str>,
    ) -> Result<RandomId, RelayError> {
        let shared = &self.shared;
        let hash = shared.sealer.hash(request);
        let key_hash = idempotency_key.map(|key| shared.sealer.idempotency_hash(key, &hash));
        if let Some(key_hash) = &key_hash
            && let Some(id) = shared.store.find_repeated_relay(key_hash).await?
        {
            return Ok(id);
        }
        let wallet = shared
            .wallets
            .get(&request.relayer)
            .ok_or(RelayError::OtherRelayer)?;
        let limits = shared.policy.limits(&request.scope)?;
        let found = shared.store.find_relay(request.scope, request.nullifier, &hash);
        if let Some(found) = found.await? {
            return accepted(found, [0; 16]);
        }
        // The semaphore is never closed.
        let permit = self.checks.acquire().await.map_err(|_| RelayError::Busy)?;
        let checked = checks::check(shared, keys, &self.prepared, request).await?;
        drop(permit);
        let hashes = (hash, key_hash);
        self.add(&checked, request, wallet.address(), &limits, hashes)
            .await
    }

    async fn add(
        &self,
        checked: &request::CheckedRequest,
        request: &RelayRequest,
        wallet: Address,
        limits: &RelayLimits,
        (request_hash, idempotency_hash): ([u8; 32], Option<[u8; 32]>),
    ) -> Result<RandomId, RelayError> {
        let shared = &self.shared;
        let id = random_id();
        let delay_seconds = match request.max_delay_seconds {
            0 => 0,
            most => OsRng.gen_range(0..=most),
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
            reserved: shared.fees.most(),
            instance: shared.instance,
            lease_seconds: LEASE_SECONDS,
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

fn accepted(added: AddedRelay, new: RandomId) -> Result<RandomId, RelayError> {
    Err(match added {
        AddedRelay::Added => return Ok(new),
        AddedRelay::Same(id) => return Ok(id),
        AddedRelay::InFlight => RelayError::InFlight,
        AddedRelay::FailedTwice => RelayError::FailedTwice,
        AddedRelay::BudgetExhausted => RelayError::BudgetExhausted,
        AddedRelay::WalletExhausted => RelayError::WalletExhausted,
        AddedRelay::TooManyOpen => RelayError::TooManyOpen,
    })
}

fn random_id() -> RandomId {
    let mut id = [0; 16];
    OsRng.fill_bytes(&mut id);
    id
}

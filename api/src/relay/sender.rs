//! Sends relays until they are finalized or certainly dead.
//!
//! ```text
//!   lease --> attempt: simulate, sign, store, send --> status every 50 ms --> confirmed
//!                ^                                        |                      |
//!                |                           send again every 2 s     status every second
//!                +---- dead: two nodes agree <-----------+                      |
//!                                                                            finalized
//! ```
//!
//! A transaction is stored before it is sent. If this instance dies at any moment, another one
//! finds the transaction when the lease ends, and continues. Every step needs a lease. If another
//! instance has leased the relay since, the database refuses each change, and the result of a step
//! that began before is dropped.
//!
//! A transaction is sent again for two minutes at most. Its blockhash has expired by then. After
//! that, the sender only reads whether the transaction was executed.

#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use bauta_client::{ProgramError, addresses};
use bauta_rpc::{CommitmentLevel, ExecutionError, SignatureStatus};
use bauta_service_common::Service;
use bauta_store::{NullifierUse, OpenRelay, RelayEnd, RelayLease, RelayState};
use solana_signature::Signature;
use tokio::{
    sync::mpsc,
    task::{Id, JoinError, JoinSet},
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

use super::{
    LEASE_SECONDS, Shared,
    agreement::{Fate, complete},
    attempt::{Step, attempt, end_relay, not_executed, nullifier_use, used_by},
    error::RelayError,
};
use crate::metrics;

/// Interval at which the status of transactions that are not confirmed is read.
const STATUS_INTERVAL: Duration = Duration::from_millis(50);
/// Interval of everything that is less urgent.
const UPKEEP_INTERVAL: Duration = Duration::from_millis(500);
/// Interval at which a transaction is sent again.
const RESEND_INTERVAL: Duration = Duration::from_secs(2);
/// Time for which a transaction is sent again. A blockhash is valid for 150 blocks, about a minute.
const RESEND_TIME: Duration = Duration::from_mins(2);
/// Time after which a transaction that one node reported as confirmed is sent again, if it is not
/// finalized. A node can be wrong.
const FINALIZE_TIME: Duration = Duration::from_secs(40);
/// Interval at which leases are extended.
const RENEW_INTERVAL: Duration = Duration::from_secs(4);
/// Time until a step that failed is repeated.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// Seconds until a relay whose step panicked is leased again.
const PANIC_PAUSE_SECONDS: u32 = 2;
/// Largest number of relays that an instance sends at a time.
const MAX_RELAYS: usize = 2_000;
/// Largest number of relays for which upkeep lets a step run at a time. After an outage, every
/// relay has one to do, and each makes several calls to every node.
const MAX_STEPS: usize = 128;
/// Largest number of relays that are leased at once.
const LEASE_BATCH: u16 = 256;
/// Largest number of transactions of a relay.
const MAX_ATTEMPTS: u16 = 3;

/// A relay that this instance sends.
struct Tracked {
    relay: OpenRelay,
    /// The bytes of the last transaction. Empty if there is none.
    transaction: Arc<Vec<u8>>,
    accepted: Instant,
    /// When this instance sent the last transaction first, and last.
    first_sent: Instant,
    sent: Instant,
    /// Whether the last transaction is being sent.
    is_sending: bool,
    /// A step for this relay runs, or may not run before this time.
    busy: bool,
    not_before: Instant,
    /// When a node first reported that the transaction was executed, successfully or not.
    executed: Option<Instant>,
}

impl Tracked {
    /// Tracks a relay whose last transaction this instance has not sent yet.
    fn new(relay: OpenRelay, transaction: Vec<u8>, now: Instant) -> Self {
        Self {
            accepted: now
                .checked_sub(Duration::from_secs(relay.age_seconds))
                .unwrap_or(now),
            executed: relay.is_confirmed.then_some(now),
            transaction: Arc::new(transaction),
            first_sent: now,
            sent: now,
            is_sending: false,
            busy: false,
            not_before: now,
            relay,
        }
    }

    fn last_attempt(&self) -> u16 {
        self.relay.attempt.as_ref().map_or(0, |attempt| attempt.number)
    }

    /// Returns whether the last transaction should be sent again.
    fn is_to_be_sent(&self, now: Instant) -> bool {
        let is_executed = self
            .executed
            .is_some_and(|at| now.duration_since(at) < FINALIZE_TIME);
        !is_executed
            && !self.is_sending
            && now.duration_since(self.sent) >= RESEND_INTERVAL
            && now.duration_since(self.first_sent) < RESEND_TIME
    }
}

/// The status of the last transaction of a relay.
type Status = (RelayLease, Signature, Option<SignatureStatus>);

/// The result of a step.
enum Done {
    Attempted(RelayLease, Result<Step, RelayError>),
    Fate(RelayLease, Fate, Option<NullifierUse>),
    Ended(RelayLease, bool),
    Sent(RelayLease),
    Statuses(Vec<Status>),
    Finalized(Vec<Status>),
    Confirmed(Vec<RelayLease>),
    Heights(Vec<Option<u64>>),
    Leased(Vec<OpenRelay>),
    Renewed(Vec<RelayLease>, Option<Vec<RelayLease>>),
    Nothing,
}

/// Work that runs at most once at a time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Work {
    Statuses,
    Finalized,
    Heights,
    Lease,
    Renew,
}

/// What a step is about. If the step panics, nothing else is lost.
#[derive(Clone, Copy)]
enum Subject {
    Relay(RelayLease),
    Work(Work),
    /// A change of the database that is not repeated.
    Record,
}

/// The task that sends relays.
pub struct Sender {
    shared: Arc<Shared>,
    incoming: mpsc::Receiver<OpenRelay>,
    relays: HashMap<RelayLease, Tracked>,
    tasks: JoinSet<Done>,
    subjects: HashMap<Id, Subject>,
    running: HashSet<Work>,
    /// The finalized height of each node.
    heights: Vec<Option<u64>>,
    renewed: Instant,
}

impl Sender {
    /// Creates the task. `incoming` has relays that this instance has accepted and leased.
    pub fn new(shared: Arc<Shared>, incoming: mpsc::Receiver<OpenRelay>) -> Self {
        Self {
            shared,
            incoming,
            relays: HashMap::new(),
            tasks: JoinSet::new(),
            subjects: HashMap::new(),
            running: HashSet::new(),
            heights: Vec::new(),
            renewed: Instant::now(),
        }
    }

    /// Runs the task until the service shuts down. Relays that are not confirmed then are released,
    /// so that another instance continues.
    pub fn spawn(mut self, service: &Service) {
        let shutdown = service.shutdown();
        service.spawn("the sender of relays", async move {
            self.run(&shutdown).await;
            self.tasks.shutdown().await;
            if let Err(error) = self.shared.store.release_relays(self.shared.instance).await {
                tracing::warn!(event = "relays_not_released", %error);
            }
            Ok::<_, Infallible>(())
        });
    }

    async fn run(&mut self, shutdown: &CancellationToken) {
        let mut status = tokio::time::interval(STATUS_INTERVAL);
        let mut upkeep = tokio::time::interval(UPKEEP_INTERVAL);
        status.set_missed_tick_behavior(MissedTickBehavior::Delay);
        upkeep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                Some(relay) = self.incoming.recv(), if self.relays.len() < MAX_RELAYS => self.begin(relay),
                Some(joined) = self.tasks.join_next_with_id() => self.joined(joined),
                _ = status.tick() => self.read_statuses(),
                _ = upkeep.tick() => self.upkeep(),
            }
        }
    }

    /// Starts a step in its own task.
    fn step(&mut self, subject: Subject, step: impl Future<Output = Done> + Send + 'static) {
        let task = self.tasks.spawn(step);
        self.subjects.insert(task.id(), subject);
    }

    fn joined(&mut self, joined: Result<(Id, Done), JoinError>) {
        match joined {
            Ok((id, done)) => {
                self.subjects.remove(&id);
                self.finish(done);
            }
            Err(error) => {
                metrics::record_relay_panic();
                tracing::error!(event = "relay_step_panicked", %error);
                match self.subjects.remove(&error.id()) {
                    Some(Subject::Relay(lease)) => self.release(lease),
                    Some(Subject::Work(work)) => {
                        self.running.remove(&work);
                    }
                    Some(Subject::Record) | None => {}
                }
            }
        }
    }

    /// Releases a relay whose step panicked. It is leased again, by this instance or another one.
    fn release(&mut self, lease: RelayLease) {
        self.relays.remove(&lease);
        let shared = self.shared.clone();
        self.step(Subject::Record, async move {
            if let Err(error) = shared.store.release_relay(&lease, PANIC_PAUSE_SECONDS).await {
                tracing::warn!(event = "relay_not_released", %error);
            }
            Done::Nothing
        });
    }

    /// Begins or continues a relay. What was known with an earlier lease is dropped.
    fn begin(&mut self, relay: OpenRelay) {
        let (lease, now) = (relay.lease, Instant::now());
        let has_newer = |known: &RelayLease| known.relay == lease.relay && known.epoch > lease.epoch;
        if self.relays.keys().any(has_newer) {
            return;
        }
        let stored = relay.attempt.as_ref();
        let opened = stored.and_then(|attempt| self.shared.sealer.open(&lease.relay, &attempt.transaction));
        let tracked = Tracked::new(relay, opened.unwrap_or_default(), now);
        let (has_attempt, is_executed) = (tracked.relay.attempt.is_some(), tracked.executed.is_some());
        self.relays.retain(|known, _| known.relay != lease.relay);
        self.relays.insert(lease, tracked);
        if !has_attempt {
            self.attempt(lease);
        } else if !is_executed {
            self.send(lease);
        }
    }

    /// Creates and stores the next transaction of a relay. The former one must be dead.
    fn attempt(&mut self, lease: RelayLease) {
        let Some(tracked) = self.relays.get_mut(&lease) else {
            return;
        };
        tracked.busy = true;
        let (shared, relay) = (self.shared.clone(), tracked.relay.clone());
        let age = tracked.accepted.elapsed().as_secs();
        self.step(Subject::Relay(lease), async move {
            Done::Attempted(lease, attempt(&shared, &relay, age).await)
        });
    }

    /// Sends the last transaction of a relay to all nodes. A relay has one such task at a time.
    fn send(&mut self, lease: RelayLease) {
        let Some(tracked) = self.relays.get_mut(&lease) else {
            return;
        };
        tracked.sent = Instant::now();
        let (shared, transaction) = (self.shared.clone(), tracked.transaction.clone());
        if transaction.is_empty() {
            return;
        }
        tracked.is_sending = true;
        self.step(Subject::Relay(lease), async move {
            shared.nodes.send(&transaction).await;
            Done::Sent(lease)
        });
    }

    fn end(&mut self, lease: RelayLease, end: RelayEnd) {
        let Some(tracked) = self.relays.get_mut(&lease) else {
            return;
        };
        tracked.busy = true;
        let (shared, last) = (self.shared.clone(), tracked.last_attempt());
        self.step(Subject::Relay(lease), async move {
            Done::Ended(lease, end_relay(&shared, &lease, last, &end).await)
        });
    }

    /// Reads the statuses of the transactions that are not confirmed.
    fn read_statuses(&mut self) {
        if self.running.contains(&Work::Statuses) {
            return;
        }
        let wanted = self.signatures(|tracked| tracked.executed.is_none());
        if wanted.is_empty() {
            return;
        }
        self.running.insert(Work::Statuses);
        let shared = self.shared.clone();
        self.step(Subject::Work(Work::Statuses), async move {
            let signatures: Vec<Signature> = wanted.iter().map(|(_, signature)| *signature).collect();
            let found = shared
                .nodes
                .statuses(&signatures, false)
                .await
                .unwrap_or_default();
            Done::Statuses(join(wanted, found))
        });
    }

    fn signatures(&self, select: impl Fn(&Tracked) -> bool) -> Vec<(RelayLease, Signature)> {
        self.relays
            .iter()
            .filter(|(_, tracked)| select(tracked) && !tracked.busy)
            .filter_map(|(id, tracked)| Some((*id, tracked.relay.attempt.as_ref()?.signature)))
            .collect()
    }

    fn upkeep(&mut self) {
        let now = Instant::now();
        self.lease();
        if now.duration_since(self.renewed) >= RENEW_INTERVAL && !self.running.contains(&Work::Renew) {
            self.renew(now);
        }
        if !self.relays.is_empty() && !self.running.contains(&Work::Heights) {
            self.running.insert(Work::Heights);
            let shared = self.shared.clone();
            self.step(Subject::Work(Work::Heights), async move {
                Done::Heights(shared.nodes.finalized_heights().await)
            });
        }
        self.read_finalized();
        let (mut sends, mut steps, mut running) = (Vec::new(), Vec::new(), 0);
        for (id, tracked) in &self.relays {
            if tracked.busy {
                running += 1;
                continue;
            }
            if tracked.not_before > now {
                continue;
            }
            match &tracked.relay.attempt {
                None => steps.push((
                    tracked.not_before,
                    *id,
                    Self::attempt as fn(&mut Self, RelayLease),
                )),
                Some(attempt) if self.shared.nodes.is_past(&attempt.last_heights, &self.heights) => {
                    steps.push((tracked.not_before, *id, Self::find_fate));
                }
                Some(_) if tracked.is_to_be_sent(now) => sends.push(*id),
                Some(_) => {}
            }
        }
        for id in sends {
            self.send(id);
        }
        // Those that have waited longest are first.
        steps.sort_unstable_by_key(|(not_before, ..)| *not_before);
        for (_, id, step) in steps.into_iter().take(MAX_STEPS.saturating_sub(running)) {
            step(self, id);
        }
    }

    fn lease(&mut self) {
        if self.running.contains(&Work::Lease) || self.relays.len() >= MAX_RELAYS {
            return;
        }
        self.running.insert(Work::Lease);
        let shared = self.shared.clone();
        self.step(Subject::Work(Work::Lease), async move {
            // Another instance has the keys of other wallets.
            let wallets: Vec<_> = shared.wallets.addresses().collect();
            let leased = shared
                .store
                .lease_relays(shared.instance, &wallets, LEASE_SECONDS, LEASE_BATCH)
                .await;
            Done::Leased(leased.unwrap_or_else(|error| {
                tracing::warn!(event = "relays_not_leased", %error);
                Vec::new()
            }))
        });
    }

    fn renew(&mut self, now: Instant) {
        self.renewed = now;
        self.running.insert(Work::Renew);
        let shared = self.shared.clone();
        let leases: Vec<RelayLease> = self.relays.keys().copied().collect();
        self.step(Subject::Work(Work::Renew), async move {
            let renewed = shared.store.renew_relays(&leases, LEASE_SECONDS).await;
            Done::Renewed(leases, renewed.ok())
        });
    }

    /// Reads which of the executed transactions are finalized.
    fn read_finalized(&mut self) {
        if self.running.contains(&Work::Finalized) {
            return;
        }
        let wanted = self.signatures(|tracked| tracked.executed.is_some());
        if wanted.is_empty() {
            return;
        }
        self.running.insert(Work::Finalized);
        let shared = self.shared.clone();
        self.step(Subject::Work(Work::Finalized), async move {
            let signatures: Vec<Signature> = wanted.iter().map(|(_, signature)| *signature).collect();
            let found = shared.nodes.finalized(&signatures).await;
            Done::Finalized(join(wanted, found))
        });
    }

    fn find_fate(&mut self, lease: RelayLease) {
        let Some(tracked) = self.relays.get_mut(&lease) else {
            return;
        };
        let Some(attempt) = &tracked.relay.attempt else {
            return;
        };
        tracked.busy = true;
        let (shared, signature, last) = (
            self.shared.clone(),
            attempt.signature,
            attempt.last_heights.clone(),
        );
        let nullifier = addresses::nullifier(&tracked.relay.scope, tracked.relay.nullifier).address;
        self.step(Subject::Relay(lease), async move {
            let fate = shared.nodes.fate(signature, &last, nullifier).await;
            Done::Fate(lease, fate, nullifier_use(&shared, &lease).await)
        });
    }

    fn finish(&mut self, done: Done) {
        match done {
            Done::Attempted(lease, outcome) => self.attempted(lease, outcome),
            Done::Fate(lease, fate, used) => self.decide(lease, fate, used),
            Done::Ended(lease, ended) => {
                if ended {
                    self.relays.remove(&lease);
                } else {
                    self.retry(lease);
                }
            }
            Done::Sent(lease) => {
                if let Some(tracked) = self.relays.get_mut(&lease) {
                    tracked.is_sending = false;
                }
            }
            Done::Statuses(statuses) => {
                self.running.remove(&Work::Statuses);
                self.executed(statuses);
            }
            Done::Finalized(statuses) => {
                self.running.remove(&Work::Finalized);
                for (id, signature, status) in statuses {
                    self.finalized(id, signature, status);
                }
            }
            Done::Confirmed(ids) => self.count_confirmed(&ids),
            Done::Heights(heights) => {
                self.running.remove(&Work::Heights);
                let attempts = self
                    .relays
                    .values_mut()
                    .filter_map(|it| it.relay.attempt.as_mut());
                for attempt in attempts {
                    complete(&mut attempt.last_heights, &heights);
                }
                self.heights = heights;
            }
            Done::Leased(leased) => {
                self.running.remove(&Work::Lease);
                for relay in leased {
                    self.begin(relay);
                }
            }
            Done::Renewed(leased, renewed) => {
                self.running.remove(&Work::Renew);
                // If the database is unavailable, another instance can't take the relays either.
                if let Some(renewed) = renewed {
                    for id in leased.iter().filter(|id| !renewed.contains(id)) {
                        self.relays.remove(id);
                    }
                }
            }
            Done::Nothing => {}
        }
    }

    fn retry(&mut self, id: RelayLease) {
        if let Some(tracked) = self.relays.get_mut(&id) {
            tracked.busy = false;
            tracked.not_before = Instant::now() + RETRY_INTERVAL;
        }
    }

    fn attempted(&mut self, id: RelayLease, outcome: Result<Step, RelayError>) {
        match outcome {
            Ok(Step::Stored(attempt, transaction)) => {
                let Some(tracked) = self.relays.get_mut(&id) else {
                    return;
                };
                if attempt.number > 1 {
                    metrics::record_relay_rebuilt();
                }
                tracked.relay.attempt = Some(attempt);
                tracked.transaction = Arc::new(transaction);
                tracked.executed = None;
                tracked.first_sent = Instant::now();
                tracked.busy = false;
                self.send(id);
            }
            Ok(Step::Ended | Step::Lost) => {
                self.relays.remove(&id);
            }
            Err(error) => {
                tracing::warn!(event = "relay_not_sent", %error);
                self.retry(id);
            }
        }
    }

    /// Continues after it was found whether the last transaction can still be executed. The
    /// finalized events decide who used the nullifier: a node that doesn't return a transaction may
    /// have deleted it.
    fn decide(&mut self, lease: RelayLease, fate: Fate, used: Option<NullifierUse>) {
        let Some(tracked) = self.relays.get_mut(&lease) else {
            return;
        };
        tracked.busy = false;
        let attempts = tracked.last_attempt();
        match (used, fate) {
            (Some(used), _) => self.end(lease, used_by(used)),
            (None, Fate::Possible | Fate::NullifierUsed) => self.retry(lease),
            (None, Fate::Dead) if attempts >= MAX_ATTEMPTS => {
                self.end(lease, not_executed(RelayState::Expired, "not_executed"));
            }
            (None, Fate::Dead) => self.attempt(lease),
        }
    }

    /// Records transactions that nodes have executed.
    fn executed(&mut self, statuses: Vec<Status>) {
        let mut confirmed = Vec::new();
        for (id, signature, status) in statuses {
            let Some(tracked) = self.current(id, signature) else {
                continue;
            };
            let Some(status) = status.filter(|status| status.level >= CommitmentLevel::Confirmed) else {
                continue;
            };
            tracked.executed = Some(Instant::now());
            // A failure counts only when it is final.
            if status.error.is_none() {
                confirmed.push(id);
            }
        }
        if confirmed.is_empty() {
            return;
        }
        let shared = self.shared.clone();
        self.step(Subject::Record, async move {
            match shared.store.confirm_relays(&confirmed).await {
                Ok(confirmed) => Done::Confirmed(confirmed),
                Err(error) => {
                    tracing::warn!(event = "relays_not_confirmed", %error);
                    Done::Nothing
                }
            }
        });
    }

    fn count_confirmed(&self, ids: &[RelayLease]) {
        for tracked in ids.iter().filter_map(|id| self.relays.get(id)) {
            metrics::record_relay_confirmed(tracked.accepted.elapsed());
        }
    }

    fn finalized(&mut self, id: RelayLease, signature: Signature, status: Option<SignatureStatus>) {
        let (Some(_), Some(status)) = (self.current(id, signature), status) else {
            return;
        };
        let end = match &status.error {
            None => RelayEnd::Finalized { signature },
            Some(error) => RelayEnd::Failed {
                signature,
                reason: reason(error),
            },
        };
        self.end(id, end);
    }

    /// Returns a relay if this is its last transaction.
    fn current(&mut self, id: RelayLease, signature: Signature) -> Option<&mut Tracked> {
        let tracked = self.relays.get_mut(&id)?;
        let is_last = tracked
            .relay
            .attempt
            .as_ref()
            .is_some_and(|it| it.signature == signature);
        (is_last && !tracked.busy).then_some(tracked)
    }
}

fn join(wanted: Vec<(RelayLease, Signature)>, found: Vec<Option<SignatureStatus>>) -> Vec<Status> {
    wanted
        .into_iter()
        .zip(found)
        .map(|((lease, signature), status)| (lease, signature, status))
        .collect()
}

/// Returns the reason of a failed transaction that clients see.
fn reason(error: &ExecutionError) -> String {
    error.program_error().map_or_else(
        || "transaction_failed".to_owned(),
        |(_, code)| ProgramError::from_code(code).name,
    )
}

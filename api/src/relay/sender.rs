//! Sends relays until they are finalized or certainly dead.
//!
//! ```text
//!   lease --> attempt: simulate, sign, store, send --> status every 50 ms --> confirmed
//!                ^                                        |                      |
//!                |                           send again every 2 s     status every second
//!                +---- dead: two nodes say so <-----------+                      |
//!                                                                            finalized
//! ```
//!
//! A transaction is stored before it is sent. If this instance dies at any moment, another one
//! finds the transaction when the lease ends, and continues.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use bauta_client::{ProgramError, addresses};
use bauta_rpc::{CommitmentLevel, ExecutionError, SignatureStatus};
use bauta_service_common::Service;
use bauta_store::{OpenRelay, RandomId, RelayEnd, RelayState};
use solana_signature::Signature;
use tokio::{sync::mpsc, task::JoinSet, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::{
    LEASE_SECONDS, Shared,
    attempt::{Step, attempt, end_relay},
    error::RelayError,
    nodes::{Fate, complete},
};
use crate::metrics;

/// Interval at which the status of transactions that are not confirmed is read.
const STATUS_INTERVAL: Duration = Duration::from_millis(50);
/// Interval of everything that is less urgent.
const UPKEEP_INTERVAL: Duration = Duration::from_millis(500);
/// Interval at which a transaction is sent again.
const RESEND_INTERVAL: Duration = Duration::from_secs(2);
/// Interval at which leases are extended.
const RENEW_INTERVAL: Duration = Duration::from_secs(4);
/// Time until a step that failed is repeated.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// Largest number of relays that an instance sends at a time.
const MAX_RELAYS: usize = 2_000;
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
    sent: Instant,
    /// A step for this relay runs, or may not run before this time.
    busy: bool,
    not_before: Instant,
    /// A transaction was executed, successfully or not.
    is_executed: bool,
}

/// The result of a step.
enum Done {
    Attempted(RandomId, Result<Step, RelayError>),
    Fate(RandomId, Fate),
    Ended(RandomId, bool),
    Statuses(Vec<(RandomId, Signature, Option<SignatureStatus>)>),
    Finalized(Vec<(RandomId, Signature, Option<SignatureStatus>)>),
    Confirmed(Vec<RandomId>),
    Heights(Vec<Option<u64>>),
    Leased(Vec<OpenRelay>),
    Renewed(Vec<RandomId>, Option<Vec<RandomId>>),
    Nothing,
}

/// Work that runs at most once at a time.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Work {
    Statuses,
    Finalized,
    Heights,
    Lease,
    Renew,
}

/// The task that sends relays.
pub struct Sender {
    shared: Arc<Shared>,
    incoming: mpsc::Receiver<OpenRelay>,
    relays: HashMap<RandomId, Tracked>,
    tasks: JoinSet<Done>,
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
                Some(relay) = self.incoming.recv() => self.begin(relay),
                Some(done) = self.tasks.join_next() => match done {
                    Ok(done) => self.finish(done),
                    Err(error) => {
                        tracing::error!(event = "relay_step_failed", %error);
                        // It is not known which step it was. The leases end, and the relays are
                        // leased again.
                        self.relays.clear();
                        self.running.clear();
                        self.tasks.abort_all();
                    }
                },
                _ = status.tick() => self.read_statuses(),
                _ = upkeep.tick() => self.upkeep(),
            }
        }
    }

    /// Begins or continues a relay.
    fn begin(&mut self, relay: OpenRelay) {
        let (id, now) = (relay.id, Instant::now());
        let stored = relay.attempt.as_ref();
        let opened = stored.and_then(|attempt| self.shared.sealer.open(&id, &attempt.transaction));
        let tracked = Tracked {
            accepted: now
                .checked_sub(Duration::from_secs(relay.age_seconds))
                .unwrap_or(now),
            is_executed: relay.is_confirmed,
            transaction: Arc::new(opened.unwrap_or_default()),
            sent: now,
            busy: false,
            not_before: now,
            relay,
        };
        let has_attempt = tracked.relay.attempt.is_some();
        let is_executed = tracked.is_executed;
        self.relays.insert(id, tracked);
        if !has_attempt {
            self.attempt(id);
        } else if !is_executed {
            self.send(id);
        }
    }

    /// Creates and stores the next transaction of a relay. The former one must be dead.
    fn attempt(&mut self, id: RandomId) {
        let Some(tracked) = self.relays.get_mut(&id) else {
            return;
        };
        tracked.busy = true;
        let (shared, relay) = (self.shared.clone(), tracked.relay.clone());
        let age = tracked.accepted.elapsed().as_secs();
        self.tasks
            .spawn(async move { Done::Attempted(id, attempt(&shared, &relay, age).await) });
    }

    /// Sends the last transaction of a relay to all nodes.
    fn send(&mut self, id: RandomId) {
        let Some(tracked) = self.relays.get_mut(&id) else {
            return;
        };
        tracked.sent = Instant::now();
        let (shared, transaction) = (self.shared.clone(), tracked.transaction.clone());
        if transaction.is_empty() {
            return;
        }
        self.tasks.spawn(async move {
            shared.nodes.send(&transaction).await;
            Done::Nothing
        });
    }

    fn end(&mut self, id: RandomId, end: RelayEnd) {
        let Some(tracked) = self.relays.get_mut(&id) else {
            return;
        };
        tracked.busy = true;
        let shared = self.shared.clone();
        self.tasks
            .spawn(async move { Done::Ended(id, end_relay(&shared, id, &end).await) });
    }

    /// Reads the statuses of the transactions that are not confirmed.
    fn read_statuses(&mut self) {
        if self.running.contains(&Work::Statuses) {
            return;
        }
        let wanted = self.signatures(|tracked| !tracked.is_executed);
        if wanted.is_empty() {
            return;
        }
        self.running.insert(Work::Statuses);
        let shared = self.shared.clone();
        self.tasks.spawn(async move {
            let signatures: Vec<Signature> = wanted.iter().map(|(_, signature)| *signature).collect();
            let found = shared
                .nodes
                .statuses(&signatures, false)
                .await
                .unwrap_or_default();
            Done::Statuses(join(wanted, found))
        });
    }

    fn signatures(&self, select: impl Fn(&Tracked) -> bool) -> Vec<(RandomId, Signature)> {
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
            self.tasks
                .spawn(async move { Done::Heights(shared.nodes.finalized_heights().await) });
        }
        self.read_finalized();
        let idle = |tracked: &&Tracked| !tracked.busy && tracked.not_before <= now;
        let (mut sends, mut attempts, mut fates) = (Vec::new(), Vec::new(), Vec::new());
        for (id, tracked) in self.relays.iter().filter(|(_, tracked)| idle(tracked)) {
            match &tracked.relay.attempt {
                None => attempts.push(*id),
                Some(attempt) if self.shared.nodes.is_past(&attempt.last_heights, &self.heights) => {
                    fates.push(*id);
                }
                Some(_) if tracked.is_executed => {}
                Some(_) if now.duration_since(tracked.sent) >= RESEND_INTERVAL => sends.push(*id),
                Some(_) => {}
            }
        }
        for id in sends {
            self.send(id);
        }
        for id in attempts {
            self.attempt(id);
        }
        for id in fates {
            self.find_fate(id);
        }
    }

    fn lease(&mut self) {
        if self.running.contains(&Work::Lease) || self.relays.len() >= MAX_RELAYS {
            return;
        }
        self.running.insert(Work::Lease);
        let shared = self.shared.clone();
        self.tasks.spawn(async move {
            let leased = shared
                .store
                .lease_relays(shared.instance, LEASE_SECONDS, LEASE_BATCH)
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
        let (shared, ids): (_, Vec<RandomId>) = (self.shared.clone(), self.relays.keys().copied().collect());
        self.tasks.spawn(async move {
            let renewed = shared
                .store
                .renew_relays(shared.instance, LEASE_SECONDS, &ids)
                .await;
            Done::Renewed(ids, renewed.ok())
        });
    }

    /// Reads which of the executed transactions are finalized.
    fn read_finalized(&mut self) {
        if self.running.contains(&Work::Finalized) {
            return;
        }
        let wanted = self.signatures(|tracked| tracked.is_executed);
        if wanted.is_empty() {
            return;
        }
        self.running.insert(Work::Finalized);
        let shared = self.shared.clone();
        self.tasks.spawn(async move {
            let signatures: Vec<Signature> = wanted.iter().map(|(_, signature)| *signature).collect();
            let found = shared.nodes.finalized(&signatures).await;
            Done::Finalized(join(wanted, found))
        });
    }

    fn find_fate(&mut self, id: RandomId) {
        let Some(tracked) = self.relays.get_mut(&id) else {
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
        self.tasks
            .spawn(async move { Done::Fate(id, shared.nodes.fate(signature, &last, nullifier).await) });
    }

    fn finish(&mut self, done: Done) {
        match done {
            Done::Attempted(id, outcome) => self.attempted(id, outcome),
            Done::Fate(id, fate) => self.decide(id, fate),
            Done::Ended(id, ended) => {
                if ended {
                    self.relays.remove(&id);
                } else {
                    self.retry(id);
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
                    // A relay that is here already was leased again because it was not renewed.
                    if !self.relays.contains_key(&relay.id) {
                        self.begin(relay);
                    }
                }
            }
            Done::Renewed(asked, renewed) => {
                self.running.remove(&Work::Renew);
                // If the database is unavailable, another instance can't take the relays either.
                if let Some(renewed) = renewed {
                    for id in asked.iter().filter(|id| !renewed.contains(id)) {
                        self.relays.remove(id);
                    }
                }
            }
            Done::Nothing => {}
        }
    }

    fn retry(&mut self, id: RandomId) {
        if let Some(tracked) = self.relays.get_mut(&id) {
            tracked.busy = false;
            tracked.not_before = Instant::now() + RETRY_INTERVAL;
        }
    }

    fn attempted(&mut self, id: RandomId, outcome: Result<Step, RelayError>) {
        match outcome {
            Ok(Step::Stored(attempt, transaction)) => {
                let Some(tracked) = self.relays.get_mut(&id) else {
                    return;
                };
                tracked.relay.attempt = Some(attempt);
                tracked.transaction = Arc::new(transaction);
                tracked.is_executed = false;
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

    /// Continues after it was found whether the last transaction can still be executed.
    fn decide(&mut self, id: RandomId, fate: Fate) {
        let Some(tracked) = self.relays.get_mut(&id) else {
            return;
        };
        tracked.busy = false;
        let attempts = tracked.relay.attempt.as_ref().map_or(0, |attempt| attempt.number);
        let ended = |state, reason: &str| RelayEnd::NotExecuted {
            state,
            reason: reason.to_owned(),
        };
        match fate {
            Fate::Possible => self.retry(id),
            Fate::NullifierUsed => self.end(id, ended(RelayState::Refused, "nullifier_used")),
            Fate::Dead if attempts >= MAX_ATTEMPTS => {
                self.end(id, ended(RelayState::Expired, "not_executed"));
            }
            Fate::Dead => {
                metrics::record_relay_rebuilt();
                self.attempt(id);
            }
        }
    }

    /// Records transactions that nodes have executed.
    fn executed(&mut self, statuses: Vec<(RandomId, Signature, Option<SignatureStatus>)>) {
        let mut confirmed = Vec::new();
        for (id, signature, status) in statuses {
            let Some(tracked) = self.current(id, signature) else {
                continue;
            };
            let Some(status) = status.filter(|status| status.level >= CommitmentLevel::Confirmed) else {
                continue;
            };
            tracked.is_executed = true;
            // A failure counts only when it is final.
            if status.error.is_none() {
                confirmed.push(id);
            }
        }
        if confirmed.is_empty() {
            return;
        }
        let shared = self.shared.clone();
        self.tasks.spawn(async move {
            match shared.store.confirm_relays(&confirmed).await {
                Ok(confirmed) => Done::Confirmed(confirmed),
                Err(error) => {
                    tracing::warn!(event = "relays_not_confirmed", %error);
                    Done::Nothing
                }
            }
        });
    }

    fn count_confirmed(&self, ids: &[RandomId]) {
        for tracked in ids.iter().filter_map(|id| self.relays.get(id)) {
            metrics::record_relay_confirmed(tracked.accepted.elapsed());
        }
    }

    fn finalized(&mut self, id: RandomId, signature: Signature, status: Option<SignatureStatus>) {
        let (Some(_), Some(status)) = (self.current(id, signature), status) else {
            return;
        };
        let end = match &status.error {
            None => RelayEnd::Finalized,
            Some(error) => RelayEnd::Failed {
                reason: reason(error),
            },
        };
        self.end(id, end);
    }

    /// Returns a relay if this is its last transaction.
    fn current(&mut self, id: RandomId, signature: Signature) -> Option<&mut Tracked> {
        let tracked = self.relays.get_mut(&id)?;
        let is_last = tracked
            .relay
            .attempt
            .as_ref()
            .is_some_and(|it| it.signature == signature);
        (is_last && !tracked.busy).then_some(tracked)
    }
}

fn join(
    wanted: Vec<(RandomId, Signature)>,
    found: Vec<Option<SignatureStatus>>,
) -> Vec<(RandomId, Signature, Option<SignatureStatus>)> {
    wanted
        .into_iter()
        .zip(found)
        .map(|((id, signature), status)| (id, signature, status))
        .collect()
}

/// Returns the reason of a failed transaction that clients see.
fn reason(error: &ExecutionError) -> String {
    error.program_error().map_or_else(
        || "transaction_failed".to_owned(),
        |(_, code)| ProgramError::from_code(code).name,
    )
}

//! A fair queue for worker slots.
//!
//! A worker slot is the right to run one piece of work: a proof, a pairing, or a lookup at a node.
//! Waiting requests get worker slots in the order of start-time fair queueing, as jobs do: a burst
//! of requests from one owner does not delay the requests of others. An owner is an API key, or for
//! work without one an address.
//!
//! An owner can be limited to a part of the worker slots. Its slow requests then leave slots for
//! other owners.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// A fixed number of worker slots and a bounded queue of requests that wait for them. Cheap to
/// clone: all clones are the same queue.
#[derive(Clone)]
pub struct FairQueue(Arc<Mutex<Inner>>);

struct Inner {
    worker_slots: usize,
    free_worker_slots: usize,
    max_running_per_owner: usize,
    /// Number of used worker slots of each owner that has some.
    running: HashMap<String, usize>,
    max_waiting: usize,
    max_waiting_per_owner: usize,
    /// By turn. Requests of the same turn are in the order of their arrival.
    waiting: BTreeMap<Position, Waiter>,
    /// Number of requests that have waited, for the order of arrival.
    arrivals: u64,
    /// The turn of the request that left the queue last.
    current_turn: u64,
    /// The last turn of each owner. Turns that can't affect another request are removed.
    last_turns: HashMap<String, u64>,
    /// Is called with the number of waiting requests when it changes.
    on_change: fn(usize),
}

/// The last turns of owners are cleaned up if there are more than this number.
const MAX_LAST_TURNS: usize = 1024;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    turn: u64,
    arrival: u64,
}

struct Waiter {
    owner: String,
    sender: oneshot::Sender<WorkerSlot>,
}

/// Whether the limits of the queue apply.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// A request is refused if the queue is full.
    Request,
    /// A job is always admitted. The job queue has its own limit, and it starts no more jobs at a
    /// time than there are worker slots.
    Job,
}

/// The right to run one piece of work. Dropping it passes the worker slot to the next waiting
/// request.
pub struct WorkerSlot {
    queue: FairQueue,
    owner: String,
}

/// The queue is full: for all, for one API key, or for all clients without one.
#[derive(Debug, PartialEq, Eq)]
pub struct QueueFull {
    /// Number of waiting requests, of all or of this key.
    pub waiting: usize,
}

/// A request's position in the queue. Dropping it removes the request.
struct QueuePosition<'a> {
    queue: &'a FairQueue,
    position: Position,
}

impl FairQueue {
    /// Creates a queue. `max_waiting` bounds all waiting requests, and `max_waiting_per_owner`
    /// those of one owner, so that one owner can't fill the queue. `on_change` is called with the
    /// number of waiting requests when it changes.
    #[must_use]
    pub fn new(
        worker_slots: usize,
        max_waiting: usize,
        max_waiting_per_owner: usize,
        on_change: fn(usize),
    ) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            worker_slots,
            free_worker_slots: worker_slots,
            max_running_per_owner: worker_slots,
            running: HashMap::new(),
            max_waiting,
            max_waiting_per_owner,
            waiting: BTreeMap::new(),
            arrivals: 0,
            current_turn: 0,
            last_turns: HashMap::new(),
            on_change,
        })))
    }

    /// Lets an owner use at most this many worker slots. By default, it can use all.
    #[must_use]
    pub fn with_max_running_per_owner(self, max: usize) -> Self {
        self.lock().max_running_per_owner = max;
        self
    }

    /// Waits for a worker slot. Requests without an API key (an empty owner) share one flow.
    /// Dropping the future leaves the queue.
    pub async fn acquire(&self, owner: &str, admission: Admission) -> Result<WorkerSlot, QueueFull> {
        let (position, receiver) = {
            let mut inner = self.lock();
            // A free worker slot means that every waiting request has an owner without a right to
            // it.
            if inner.free_worker_slots > 0 && inner.may_run(owner) {
                inner.start(owner);
                return Ok(self.worker_slot(owner.to_owned()));
            }
            if admission == Admission::Request {
                inner.check_limits(owner)?;
            }
            let next_turn = inner.last_turns.get(owner).map_or(0, |last| last + 1);
            let turn = next_turn.max(inner.current_turn);
            inner.last_turns.insert(owner.to_owned(), turn);
            inner.arrivals += 1;
            let position = Position {
                turn,
                arrival: inner.arrivals,
            };
            let (sender, receiver) = oneshot::channel();
            let owner = owner.to_owned();
            inner.waiting.insert(position, Waiter { owner, sender });
            (inner.on_change)(inner.waiting.len());
            let position = QueuePosition {
                queue: self,
                position,
            };
            (position, receiver)
        };
        let worker_slot = receiver.await;
        drop(position);
        Ok(worker_slot.expect("a waiter that is removed from the queue is sent a worker slot"))
    }

    /// Returns the number of waiting requests and jobs.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Returns whether exactly one worker slot is in use and nothing waits.
    #[must_use]
    pub fn has_one_user(&self) -> bool {
        let inner = self.lock();
        inner.free_worker_slots + 1 == inner.worker_slots && inner.waiting.is_empty()
    }

    fn worker_slot(&self, owner: String) -> WorkerSlot {
        WorkerSlot {
            queue: self.clone(),
            owner,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn check_limits(&self, owner: &str) -> Result<(), QueueFull> {
        let waiting = self.waiting.len();
        if waiting >= self.max_waiting {
            return Err(QueueFull { waiting });
        }
        let same_owner = |waiter: &&Waiter| waiter.owner == owner;
        let queued_by_owner = self.waiting.values().filter(same_owner).count();
        if queued_by_owner >= self.max_waiting_per_owner {
            return Err(QueueFull {
                waiting: queued_by_owner,
            });
        }
        Ok(())
    }

    fn may_run(&self, owner: &str) -> bool {
        self.running.get(owner).copied().unwrap_or_default() < self.max_running_per_owner
    }

    fn start(&mut self, owner: &str) {
        self.free_worker_slots -= 1;
        *self.running.entry(owner.to_owned()).or_default() += 1;
    }

    fn end(&mut self, owner: &str) {
        self.free_worker_slots += 1;
        if let Some(running) = self.running.get_mut(owner) {
            *running -= 1;
            if *running == 0 {
                self.running.remove(owner);
            }
        }
    }

    /// Removes the next waiting request that may run, and counts it as running.
    fn start_next(&mut self) -> Option<Waiter> {
        let may_run = |(_, waiter): &(&Position, &Waiter)| self.may_run(&waiter.owner);
        let position = *self.waiting.iter().find(may_run)?.0;
        let waiter = self.waiting.remove(&position)?;
        self.current_turn = self.current_turn.max(position.turn);
        self.start(&waiter.owner);
        Some(waiter)
    }

    /// Removes turns that are over. An owner without a last turn gets the current turn, as an owner
    /// whose last turn is over does.
    fn remove_old_turns(&mut self) {
        if self.last_turns.len() > MAX_LAST_TURNS.max(2 * self.waiting.len()) {
            let current_turn = self.current_turn;
            self.last_turns.retain(|_, last| *last >= current_turn);
        }
    }
}

impl Drop for WorkerSlot {
    fn drop(&mut self) {
        let next = {
            let mut inner = self.queue.lock();
            inner.end(&self.owner);
            // At most one request may run now: the owner's next one, or the first of all.
            let next = inner.start_next();
            inner.remove_old_turns();
            (inner.on_change)(inner.waiting.len());
            next
        };
        if let Some(Waiter { owner, sender }) = next {
            // If the request was dropped at this moment, sending fails and returns the slot.
            // Dropping it passes it on.
            let _ = sender.send(self.queue.worker_slot(owner));
        }
    }
}

impl Drop for QueuePosition<'_> {
    fn drop(&mut self) {
        let mut inner = self.queue.lock();
        inner.waiting.remove(&self.position);
        (inner.on_change)(inner.waiting.len());
    }
}

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::Pin, task::Poll};

    use futures_util::poll;

    use super::*;

    type Waiting<'a> = Pin<Box<dyn Future<Output = Result<WorkerSlot, QueueFull>> + 'a>>;

    /// Adds a request to the queue.
    async fn wait<'a>(queue: &'a FairQueue, owner: &'a str) -> Waiting<'a> {
        let mut waiting: Waiting<'a> = Box::pin(queue.acquire(owner, Admission::Request));
        assert!(poll!(&mut waiting).is_pending());
        waiting
    }

    #[tokio::test]
    async fn many_requests_of_one_key_do_not_delay_the_first_request_of_another_key() {
        let queue = FairQueue::new(1, 100, 50, |_| ());
        let slot = queue.acquire("alice", Admission::Request).await.unwrap();
        let mut of_alice = Vec::new();
        for _ in 0..10 {
            of_alice.push(wait(&queue, "alice").await);
        }
        let of_bob = wait(&queue, "bob").await;
        drop(slot);
        // One request of Alice is before Bob's.
        let slot = of_alice.remove(0).await.unwrap();
        drop(slot);
        let slot = of_bob.await.unwrap();
        drop(slot);
        for waiting in of_alice {
            drop(waiting.await.unwrap());
        }
        assert!(queue.acquire("carol", Admission::Request).await.is_ok());
    }

    #[tokio::test]
    async fn the_queue_has_a_limit_for_each_key_and_for_all() {
        let queue = FairQueue::new(1, 4, 2, |_| ());
        let full = |waiting| Some(QueueFull { waiting });
        let _slot = queue.acquire("", Admission::Request).await.unwrap();
        // Clients without a key have the share of one key.
        let anonymous = [wait(&queue, "").await, wait(&queue, "").await];
        assert_eq!(queue.acquire("", Admission::Request).await.err(), full(2));
        drop(anonymous);
        let _of_alice = [wait(&queue, "alice").await, wait(&queue, "alice").await];
        assert_eq!(queue.acquire("alice", Admission::Request).await.err(), full(2));
        let _of_bob = [wait(&queue, "bob").await, wait(&queue, "bob").await];
        assert_eq!(queue.acquire("carol", Admission::Request).await.err(), full(4));
        assert_eq!(queue.waiting(), 4);
    }

    #[tokio::test]
    async fn an_owner_with_its_part_of_the_slots_waits_while_others_run() {
        let queue = FairQueue::new(3, 100, 50, |_| ()).with_max_running_per_owner(2);
        let first = queue.acquire("alice", Admission::Request).await.unwrap();
        let _second = queue.acquire("alice", Admission::Request).await.unwrap();
        let mut third = wait(&queue, "alice").await;
        // A slot is free, so the first request of another owner does not wait.
        let of_bob = queue.acquire("bob", Admission::Request).await.unwrap();
        let mut of_carol = wait(&queue, "carol").await;
        // Alice has her part, so the slot goes to the next owner.
        drop(of_bob);
        let of_carol = match poll!(&mut of_carol) {
            Poll::Ready(slot) => slot.unwrap(),
            Poll::Pending => panic!("Carol waits for Alice"),
        };
        assert!(poll!(&mut third).is_pending());
        drop(first);
        assert!(matches!(poll!(&mut third), Poll::Ready(Ok(_))));
        drop(of_carol);
    }

    #[tokio::test]
    async fn the_memory_for_owners_that_run_is_bounded() {
        let queue = FairQueue::new(2, 10, 10, |_| ()).with_max_running_per_owner(1);
        for owner in 0..100 {
            drop(
                queue
                    .acquire(&owner.to_string(), Admission::Request)
                    .await
                    .unwrap(),
            );
        }
        assert!(queue.lock().running.is_empty());
    }

    #[tokio::test]
    async fn a_job_is_admitted_to_a_queue_that_is_full_of_requests() {
        let queue = FairQueue::new(1, 2, 1, |_| ());
        let slot = queue.acquire("", Admission::Request).await.unwrap();
        let requests = (wait(&queue, "alice").await, wait(&queue, "bob").await);
        assert!(queue.acquire("carol", Admission::Request).await.is_err());
        let mut job: Waiting = Box::pin(queue.acquire("alice", Admission::Job));
        assert!(poll!(&mut job).is_pending());
        assert_eq!(queue.waiting(), 3);
        drop(slot);
        drop(requests);
        assert!(job.await.is_ok());
    }

    #[tokio::test]
    async fn the_memory_for_turns_is_bounded() {
        let queue = FairQueue::new(1, 10, 10, |_| ());
        for owner in 0..10 * MAX_LAST_TURNS {
            let slot = queue.acquire("first", Admission::Request).await.unwrap();
            let owner = owner.to_string();
            let mut waiting = wait(&queue, &owner).await;
            let more = (wait(&queue, "b").await, wait(&queue, "b").await);
            drop(slot);
            assert!(poll!(&mut waiting).is_ready());
            drop(more);
            // Tokio lets a task poll only a limited number of times before it yields.
            tokio::task::yield_now().await;
        }
        assert!(queue.lock().last_turns.len() <= MAX_LAST_TURNS + 1);
    }

    #[tokio::test]
    async fn a_dropped_request_leaves_the_queue_and_returns_its_slot() {
        let queue = FairQueue::new(1, 10, 10, |_| ());
        let slot = queue.acquire("alice", Admission::Request).await.unwrap();
        let (first, mut second) = (wait(&queue, "alice").await, wait(&queue, "alice").await);
        drop(first);
        assert_eq!(queue.waiting(), 1);
        // The slot is sent to a request that is dropped before it receives it.
        drop(slot);
        drop(second);
        assert!(queue.acquire("bob", Admission::Request).await.is_ok());
        let slot = queue.acquire("bob", Admission::Request).await.unwrap();
        assert!(queue.has_one_user());
        second = wait(&queue, "alice").await;
        assert!(!queue.has_one_user());
        drop(slot);
        assert!(matches!(poll!(&mut second), Poll::Ready(Ok(_))));
    }
}

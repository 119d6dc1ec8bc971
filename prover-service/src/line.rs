//! The line of those who wait for a slot to prove in. Turns are fair between API keys (start-time fair queueing, as for jobs): whoever asks for a
//! hundred proofs doesn't keep another's first one waiting for a hundred.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use crate::metrics;

/// A bounded number of slots, and a bounded line before them. Cheap to clone.
#[derive(Clone)]
pub struct Line(Arc<Mutex<Parts>>);

struct Parts {
    slots: usize,
    free: usize,
    most_waiting: usize,
    most_of_one: usize,
    /// By turn, and in the order of their coming.
    waiting: BTreeMap<(u64, u64), Waiter>,
    came: u64,
    /// The turn of the newest that left the line.
    turn: u64,
    /// The last turn of each API key: as many as there are keys.
    last: HashMap<String, u64>,
}

struct Waiter {
    owner: String,
    sender: oneshot::Sender<Slot>,
}

/// Who is let into the line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// A request, if there is room.
    Request,
    /// A job, always: there was room for it in the queue, and no more of them come at a time than there are slots.
    Job,
}

/// A slot, given to the next in the line when this is dropped.
pub struct Slot(Line);

/// The line is full: so many wait, of all or of this key.
#[derive(Debug, PartialEq, Eq)]
pub struct Full(pub usize);

/// A place in the line, left when this is dropped.
struct Place<'a> {
    line: &'a Line,
    at: (u64, u64),
}

impl Line {
    /// With so many slots, and room for so many to wait, of one API key for so many of them: others find room, too.
    pub fn new(slots: usize, most_waiting: usize, most_of_one: usize) -> Self {
        Self(Arc::new(Mutex::new(Parts {
            slots,
            free: slots,
            most_waiting,
            most_of_one,
            waiting: BTreeMap::new(),
            came: 0,
            turn: 0,
            last: HashMap::new(),
        })))
    }

    /// A slot, when the turn comes. Those without an API key share all of the line.
    pub async fn slot(&self, owner: &str, admission: Admission) -> Result<Slot, Full> {
        let (place, receiver) = {
            let mut parts = self.parts();
            if parts.free > 0 {
                parts.free -= 1;
                return Ok(Slot(self.clone()));
            }
            if admission == Admission::Request {
                parts.check_room(owner)?;
            }
            let after_last = parts.last.get(owner).map_or(0, |last| last + 1);
            let turn = after_last.max(parts.turn);
            parts.last.insert(owner.to_owned(), turn);
            parts.came += 1;
            let at = (turn, parts.came);
            let (sender, receiver) = oneshot::channel();
            let owner = owner.to_owned();
            parts.waiting.insert(at, Waiter { owner, sender });
            metrics::queue_depth(parts.waiting.len());
            (Place { line: self, at }, receiver)
        };
        let slot = receiver.await;
        drop(place);
        Ok(slot.expect("whoever is taken out of the line, and didn't leave it, is given a slot"))
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.parts().waiting.len()
    }

    /// Whether the one slot that is taken is the only one, and nobody waits.
    pub fn has_one(&self) -> bool {
        let parts = self.parts();
        parts.free + 1 == parts.slots && parts.waiting.is_empty()
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Parts {
    /// Whether another request finds room.
    fn check_room(&self, owner: &str) -> Result<(), Full> {
        if self.waiting.len() >= self.most_waiting {
            return Err(Full(self.waiting.len()));
        }
        let same = |waiter: &&Waiter| waiter.owner == owner;
        let hers = self.waiting.values().filter(same).count();
        if !owner.is_empty() && hers >= self.most_of_one {
            return Err(Full(hers));
        }
        Ok(())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let next = {
            let mut parts = self.0.parts();
            let next = parts.waiting.pop_first();
            match &next {
                Some(((turn, _), _)) => parts.turn = *turn,
                None => parts.free += 1,
            }
            metrics::queue_depth(parts.waiting.len());
            next
        };
        if let Some((_, waiter)) = next {
            // Whoever has gone in this moment gives it back: the slot in the error is dropped.
            let _ = waiter.sender.send(Self(self.0.clone()));
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut parts = self.line.parts();
        parts.waiting.remove(&self.at);
        metrics::queue_depth(parts.waiting.len());
    }
}

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::Pin, task::Poll};

    use futures_util::poll;

    use super::*;

    type Waiting<'a> = Pin<Box<dyn Future<Output = Result<Slot, Full>> + 'a>>;

    /// Somebody who stands in the line from now on.
    async fn wait<'a>(line: &'a Line, owner: &'a str) -> Waiting<'a> {
        let mut waiting: Waiting<'a> = Box::pin(line.slot(owner, Admission::Request));
        assert!(poll!(&mut waiting).is_pending());
        waiting
    }

    #[tokio::test]
    async fn a_key_with_many_requests_doesnt_keep_anothers_first_one_waiting() {
        let line = Line::new(1, 100, 50);
        let slot = line.slot("alice", Admission::Request).await.unwrap();
        let mut hers = Vec::new();
        for _ in 0..10 {
            hers.push(wait(&line, "alice").await);
        }
        let his = wait(&line, "bob").await;
        drop(slot);
        // One of hers was before him.
        let slot = hers.remove(0).await.unwrap();
        drop(slot);
        let slot = his.await.unwrap();
        drop(slot);
        for waiting in hers {
            drop(waiting.await.unwrap());
        }
        assert!(line.slot("carol", Admission::Request).await.is_ok());
    }

    #[tokio::test]
    async fn a_key_has_its_part_of_the_line_and_all_have_the_whole() {
        let line = Line::new(1, 4, 2);
        let _slot = line.slot("", Admission::Request).await.unwrap();
        let _hers = [wait(&line, "alice").await, wait(&line, "alice").await];
        assert_eq!(line.slot("alice", Admission::Request).await.err(), Some(Full(2)));
        let _his = [wait(&line, "bob").await, wait(&line, "bob").await];
        assert_eq!(line.slot("carol", Admission::Request).await.err(), Some(Full(4)));
        assert_eq!(line.waiting(), 4);
    }

    #[tokio::test]
    async fn a_job_finds_room_in_a_line_that_is_full_of_requests() {
        let line = Line::new(1, 2, 1);
        let slot = line.slot("", Admission::Request).await.unwrap();
        let (hers, his) = (wait(&line, "alice").await, wait(&line, "bob").await);
        assert!(line.slot("carol", Admission::Request).await.is_err());
        let mut job: Waiting = Box::pin(line.slot("alice", Admission::Job));
        assert!(poll!(&mut job).is_pending());
        assert_eq!(line.waiting(), 3);
        drop(slot);
        drop((hers, his));
        assert!(job.await.is_ok());
    }

    #[tokio::test]
    async fn whoever_goes_leaves_no_place_and_no_slot_behind() {
        let line = Line::new(1, 10, 10);
        let slot = line.slot("alice", Admission::Request).await.unwrap();
        let (first, mut second) = (wait(&line, "alice").await, wait(&line, "alice").await);
        drop(first);
        assert_eq!(line.waiting(), 1);
        // The slot is on its way to one who goes before it is taken.
        drop(slot);
        drop(second);
        assert!(line.slot("bob", Admission::Request).await.is_ok());
        let slot = line.slot("bob", Admission::Request).await.unwrap();
        assert!(line.has_one());
        second = wait(&line, "alice").await;
        assert!(!line.has_one());
        drop(slot);
        assert!(matches!(poll!(&mut second), Poll::Ready(Ok(_))));
    }
}

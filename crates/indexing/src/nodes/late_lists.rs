//! The lists of nodes that answer late, or that were unavailable for some time.
//!
//! A list that is not there in time is not awaited, and it is not lost: a later call returns it. A
//! node that was unavailable lists its part of the slots that became final in the meantime.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bauta_rpc::RpcError;
use bauta_store::Slot;
use tokio::task::JoinHandle;

use super::history;
use crate::chain::ListedTransaction;

/// By how many slots before the requested ones the list of a node can begin: an hour on a public
/// cluster.
const MAX_CATCH_UP: u64 = 9_000;

/// The lists of the program's transactions, by node.
pub struct LateLists {
    nodes: Mutex<Vec<NodeLists>>,
    /// How long the list of a node is awaited before the list of another one counts alone.
    await_time: Duration,
}

#[derive(Default)]
struct NodeLists {
    /// The slot up to which the node's lists were returned.
    returned: Option<Slot>,
    /// The slot after which the last list begins that counts as returned.
    begin: Slot,
    /// A list that was not there in time.
    late: Option<PendingList>,
    /// When the first list was requested.
    requested_at: Option<Instant>,
    /// When the node last returned a list.
    answered_at: Option<Instant>,
}

impl NodeLists {
    /// Returns whether the node has returned a list a short time ago, or may return its first one.
    fn is_awaited(&self, time: Duration) -> bool {
        let is_recent = |at: Option<Instant>| at.is_some_and(|at| at.elapsed() < time);
        match self.answered_at {
            None => self.late.is_some() && is_recent(self.requested_at),
            answered => is_recent(answered),
        }
    }
}

/// A request for a list.
pub struct PendingList {
    /// The slot after which the list begins. `None` means the beginning of the chain.
    pub begin: Option<Slot>,
    /// The last slot of the list.
    pub until: Slot,
    pub task: JoinHandle<Result<Vec<ListedTransaction>, RpcError>>,
}

impl LateLists {
    pub fn new(nodes: usize) -> Self {
        let nodes = std::iter::repeat_with(NodeLists::default).take(nodes).collect();
        Self {
            nodes: Mutex::new(nodes),
            await_time: super::AWAIT_TIME,
        }
    }

    /// Changes how long the list of a node is awaited.
    pub const fn set_await_time(&mut self, time: Duration) {
        self.await_time = time;
    }

    fn with_node<T>(&self, node: usize, f: impl FnOnce(&mut NodeLists) -> T) -> T {
        // A panic cannot leave the fields inconsistent.
        f(&mut self.nodes.lock().unwrap_or_else(PoisonError::into_inner)[node])
    }

    /// Returns the slot up to which two nodes have listed the program's transactions, of the nodes
    /// that `is_used` accepts. `None` if no second node is awaited.
    pub fn listed_by_two(&self, is_used: impl Fn(usize) -> bool) -> Option<Slot> {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let awaited = nodes
            .iter()
            .enumerate()
            .filter(|(node, lists)| is_used(*node) && lists.is_awaited(self.await_time));
        let mut listed: Vec<Slot> = awaited
            .map(|(_, lists)| lists.returned.unwrap_or(Slot::ZERO))
            .collect();
        listed.sort_unstable_by(|a, b| b.cmp(a));
        listed.get(1).copied()
    }

    /// Returns the slot after which the next list of a node begins: `after`, or the end of the last
    /// list that was returned, if that is earlier.
    fn begin(&self, node: usize, after: Option<Slot>) -> Option<Slot> {
        let earliest = after.map_or(Slot::ZERO, |after| {
            Slot::new(after.get().saturating_sub(MAX_CATCH_UP))
        });
        let returned = self.with_node(node, |lists| {
            lists.requested_at.get_or_insert_with(Instant::now);
            let returned = lists.returned.get_or_insert(after.unwrap_or(Slot::ZERO));
            // What is earlier is never listed.
            *returned = earliest.max(*returned);
            *returned
        });
        let begin = after?.min(returned);
        (begin > Slot::ZERO).then_some(begin)
    }

    /// Records that the last list of a node that counts as returned is not used after all. The next
    /// one that is used begins where that one began.
    pub fn leave_out(&self, node: usize) {
        self.with_node(node, |lists| {
            lists.returned = lists.returned.map(|returned| returned.min(lists.begin));
        });
    }

    /// Makes all nodes list the slots after `slot` again. Until then, no node counts as having listed
    /// them.
    pub fn list_again_after(&self, slot: Slot) {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        for lists in nodes.iter_mut() {
            lists.returned = lists.returned.map(|returned| returned.min(slot));
            // A list that was requested before can begin after the slot.
            if let Some(list) = lists.late.take() {
                list.task.abort();
            }
        }
    }

    /// Returns the list of a node, or the late one, as soon as it is there. If the caller does not
    /// wait for it, a later call returns it. `request` gets the slot after which the list begins.
    ///
    /// `is_used` returns whether the node is used at the present moment. A list does not count as
    /// returned if the node is not used when the list arrives, or if the list begins after the end of
    /// the last one that counts. Otherwise the slots between them would never be listed.
    pub async fn next(
        &self,
        node: usize,
        is_used: impl Fn() -> bool,
        after: Option<Slot>,
        request: impl FnOnce(Option<Slot>) -> PendingList,
    ) -> Result<Vec<ListedTransaction>, RpcError> {
        let begin = if is_used() { self.begin(node, after) } else { after };
        let late = self.with_node(node, |lists| lists.late.take());
        let mut kept = KeptList {
            lists: self,
            node,
            list: Some(late.unwrap_or_else(|| request(begin))),
        };
        let Some(list) = &mut kept.list else {
            return Ok(Vec::new());
        };
        let (begin, until) = (list.begin.unwrap_or(Slot::ZERO), list.until);
        let listed = (&mut list.task).await;
        kept.list = None;
        let listed = listed.map_err(|_| RpcError::InvalidResponse {
            method: history::METHOD,
            reason: "the request was cancelled".into(),
        })?;
        let reached = match &listed {
            Ok(_) => Some(until),
            // The node does not have the earlier slots any more, or lists too much in them.
            Err(
                RpcError::InvalidResponse {
                    method: history::METHOD_OF_RETENTION,
                    ..
                }
                | RpcError::ResponseTooLong { .. },
            ) => after,
            Err(_) => None,
        };
        let is_used = is_used();
        self.with_node(node, |lists| {
            if is_used && lists.returned.is_some_and(|returned| begin <= returned) {
                lists.begin = begin;
                lists.returned = lists.returned.max(reached);
            }
            if listed.is_ok() {
                lists.answered_at = Some(Instant::now());
            }
        });
        listed
    }
}

/// Keeps a list for a later call when it is dropped.
struct KeptList<'a> {
    lists: &'a LateLists,
    node: usize,
    list: Option<PendingList>,
}

impl Drop for KeptList<'_> {
    fn drop(&mut self) {
        if let Some(list) = self.list.take() {
            self.lists.with_node(self.node, |lists| lists.late = Some(list));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(begin: Option<Slot>, until: u64) -> PendingList {
        PendingList {
            begin,
            until: Slot::new(until),
            task: tokio::spawn(async { Ok(Vec::new()) }),
        }
    }

    fn pending(begin: Option<Slot>, until: u64) -> PendingList {
        PendingList {
            begin,
            until: Slot::new(until),
            task: tokio::spawn(std::future::pending()),
        }
    }

    #[tokio::test]
    async fn what_is_listed_again_is_not_listed_by_two_until_two_nodes_have_returned_it() {
        let lists = LateLists::new(2);
        let by_two = || lists.listed_by_two(|_| true);
        let after = Some(Slot::new(10));
        for node in 0..2 {
            let next = lists.next(node, || true, after, |begin| list(begin, 50));
            next.await.unwrap();
        }
        assert_eq!(by_two(), Some(Slot::new(50)));
        // A list that is not there in time.
        tokio::select! {
            _ = lists.next(0, || true, after, |begin| pending(begin, 60)) => panic!("the list never arrives"),
            () = tokio::task::yield_now() => {}
        }
        lists.list_again_after(Slot::new(20));
        assert_eq!(by_two(), Some(Slot::new(20)));
        for (node, listed) in [(0, 20), (1, 70)] {
            let request = |begin| {
                assert_eq!(begin, Some(Slot::new(20)));
                list(begin, 70)
            };
            let next = lists.next(node, || true, Some(Slot::new(50)), request);
            next.await.unwrap();
            assert_eq!(by_two(), Some(Slot::new(listed)));
        }
    }

    #[tokio::test]
    async fn what_only_one_node_has_listed_waits_for_the_second_one_for_a_minute() {
        let lists = LateLists::new(2);
        let by_two = || lists.listed_by_two(|_| true);
        let after = Some(Slot::new(10));
        let next = lists.next(0, || true, after, |begin| list(begin, 50));
        next.await.unwrap();
        // The second node has got no request, or fails.
        assert_eq!(by_two(), None);
        // It gets a request, and does not answer in time.
        let late = lists.next(1, || true, after, |begin| pending(begin, 50));
        tokio::time::timeout(Duration::ZERO, late).await.unwrap_err();
        assert_eq!(by_two(), Some(Slot::new(10)));
        let long_ago = Instant::now().checked_sub(lists.await_time).unwrap();
        lists.with_node(1, |node| node.requested_at = Some(long_ago));
        assert_eq!(by_two(), None);
        lists.with_node(1, |node| node.late = Some(list(after, 40)));
        let next = lists.next(1, || true, after, |begin| list(begin, 0));
        next.await.unwrap();
        assert_eq!(by_two(), Some(Slot::new(40)));
        assert_eq!(lists.listed_by_two(|node| node == 0), None);
        lists.with_node(1, |node| node.answered_at = Some(long_ago));
        assert_eq!(by_two(), None);
    }

    #[tokio::test]
    async fn what_a_node_lists_while_it_is_left_out_is_listed_again() {
        let lists = LateLists::new(1);
        let begins = std::cell::RefCell::new(Vec::new());
        let next = async |is_used, after, until| {
            let request = |begin| {
                begins.borrow_mut().push(begin);
                list(begin, until)
            };
            let after = Some(Slot::new(after));
            lists.next(0, || is_used, after, request).await.unwrap();
        };
        next(true, 10, 50).await;
        next(true, 20, 60).await;
        // The list up to slot 60 is the reason.
        lists.leave_out(0);
        next(false, 70, 100).await;
        next(false, 80, 110).await;
        next(true, 90, 120).await;
        next(true, 100, 130).await;
        let expected = [10, 20, 70, 80, 20, 100].map(|slot| Some(Slot::new(slot)));
        assert_eq!(begins.into_inner(), expected);
    }

    #[tokio::test]
    async fn a_node_that_is_left_out_lists_again_what_the_follower_has_forgotten() {
        let lists = LateLists::new(1);
        let next = lists.next(0, || true, Some(Slot::new(40)), |begin| list(begin, 50));
        next.await.unwrap();
        lists.list_again_after(Slot::new(20));
        lists.leave_out(0);
        assert_eq!(lists.with_node(0, |node| node.returned), Some(Slot::new(20)));
    }

    #[tokio::test]
    async fn a_list_with_a_gap_before_it_does_not_count_as_returned() {
        let lists = LateLists::new(1);
        let returned = || lists.with_node(0, |node| node.returned);
        let slot = |slot| Some(Slot::new(slot));
        let next = lists.next(0, || true, slot(10), |begin| list(begin, 50));
        next.await.unwrap();
        // It is requested while the node is left out, and arrives when the node is used again.
        let late = lists.next(0, || false, slot(70), |begin| pending(begin, 100));
        tokio::time::timeout(Duration::ZERO, late).await.unwrap_err();
        lists.with_node(0, |node| node.late = Some(list(slot(70), 100)));
        let next = lists.next(0, || true, slot(80), |_| panic!("the late list is returned"));
        next.await.unwrap();
        assert_eq!(returned(), slot(50));
        // The next list begins where the last one ended that counts.
        let next = lists.next(0, || true, slot(80), |begin| list(begin, 110));
        next.await.unwrap();
        assert_eq!(returned(), slot(110));
    }

    #[tokio::test]
    async fn a_list_of_a_node_that_is_left_out_meanwhile_does_not_count_as_returned() {
        let lists = LateLists::new(1);
        let is_used = std::cell::Cell::new(true);
        let request = |begin| {
            is_used.set(false);
            list(begin, 50)
        };
        let next = lists.next(0, || is_used.get(), Some(Slot::new(10)), request);
        next.await.unwrap();
        assert_eq!(lists.with_node(0, |node| node.returned), Some(Slot::new(10)));
    }

    #[tokio::test]
    async fn the_list_of_a_node_begins_at_most_an_hour_earlier() {
        let lists = LateLists::new(1);
        let next = lists.next(0, || true, Some(Slot::new(10)), |begin| list(begin, 50));
        next.await.unwrap();
        let after = Slot::new(2 * MAX_CATCH_UP);
        let request = |begin| {
            assert_eq!(begin, Some(Slot::new(MAX_CATCH_UP)));
            list(begin, 30_000)
        };
        lists.next(0, || true, Some(after), request).await.unwrap();
        let returned = lists.with_node(0, |node| node.returned);
        assert_eq!(returned, Some(Slot::new(30_000)));
    }
}

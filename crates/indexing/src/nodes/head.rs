//! Determines the newest slot of the chain when nodes contradict each other.
//!
//! A checkpoint beyond the chain would hide all transactions until the chain reaches it. Therefore,
//! if there are several nodes, a slot that only one of them reports is accepted only within a limit
//! beyond the newest slot that two of them have reported.
//!
//! What is finalized is written without a journal. Therefore a slot counts as finalized only if two
//! nodes say so, and if it is as far behind the newest confirmed slot as the protocol requires.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bauta_rpc::{CommitmentLevel, RpcError};
use bauta_store::Slot;
use futures_util::future::join_all;

use super::node::Node;
use crate::SourceError;
use crate::chain::Head;

/// By how many slots one node can be ahead of every other node. On a public cluster this is one
/// minute.
const MAX_SLOTS_AHEAD: u64 = 150;
/// By how many slots a node can be behind another accepted one before it is not used for the newest
/// slot. It is more than [`MAX_SLOTS_AHEAD`], so that a node that is ahead of the chain has no
/// effect.
const MAX_SLOTS_BEHIND: u64 = MAX_SLOTS_AHEAD + 25;
/// How long the newest slot that two nodes have reported can stay the same before another accepted
/// node that is ahead of it is used.
const MAX_STANDSTILL: Duration = Duration::from_secs(30);
/// The limit grows by one slot in this time since two nodes agreed. It is half of the slot time of
/// a public cluster.
const LIMIT_SLOT_TIME: Duration = Duration::from_millis(200);
/// The time between two comparisons of all nodes while they agree.
const COMPARE_INTERVAL: Duration = Duration::from_secs(1);
/// By how many slots the newest finalized slot is behind the newest confirmed one, at least: the
/// number of confirmations after which a block is final.
const FINALITY_DEPTH: u64 = 31;
/// How long only one node can respond before the slot that it reports as finalized counts.
const ALONE_TIME: Duration = Duration::from_mins(1);
/// The time limit of a node in a comparison.
const COMPARE_TIMEOUT: Duration = Duration::from_secs(2);

/// The newest slots that two nodes have reported.
#[derive(Default)]
pub struct HeadAgreement {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The slot, and when it was first reported by two nodes.
    agreed: Option<(Slot, Instant)>,
    /// The newest accepted slot of the last comparison.
    newest: Option<Slot>,
    /// The newest slot that two nodes have reported as finalized.
    finalized: Option<Slot>,
    /// Since when only one node has responded, and what it reports as finalized.
    alone: Option<(Instant, Slot)>,
    compared_at: Option<Instant>,
}

impl HeadAgreement {
    fn with_state<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        // A panic cannot leave the two fields inconsistent.
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns whether a comparison of all nodes is due. If so, records that it has been done.
    fn is_comparison_due(&self) -> bool {
        self.with_state(|state| {
            let is_due = state
                .compared_at
                .is_none_or(|last| last.elapsed() >= COMPARE_INTERVAL);
            if is_due {
                state.compared_at = Some(Instant::now());
            }
            is_due
        })
    }

    /// Records the slots that nodes reported at about the same time. Two nodes have reached the
    /// second highest of them.
    fn record(&self, heads: &[Head]) {
        let descending = |slot: fn(&Head) -> Slot| {
            let mut slots: Vec<Slot> = heads.iter().map(slot).collect();
            slots.sort_unstable_by(|a, b| b.cmp(a));
            slots
        };
        let slots = descending(|head| head.confirmed);
        let finalized = descending(|head| head.finalized);
        self.with_state(|state| {
            match finalized.as_slice() {
                [_, second, ..] => {
                    state.finalized = state.finalized.max(Some(*second));
                    state.alone = None;
                }
                [only] => {
                    let since = state.alone.map_or_else(Instant::now, |(since, _)| since);
                    state.alone = Some((since, *only));
                }
                [] => {}
            }
            let agreed = match (slots.as_slice(), state.agreed) {
                ([_, second, ..], _) => *second,
                // Only one node has ever responded, so there is nothing to compare with.
                ([only], None) => *only,
                _ => return,
            };
            if state.agreed.is_none_or(|(slot, _)| agreed > slot) {
                state.agreed = Some((agreed, Instant::now()));
            }
        });
        let newest = slots.into_iter().find(|slot| self.accepts(*slot));
        self.with_state(|state| state.newest = newest);
    }

    /// Returns whether another node is so far ahead of a slot that the slot's node is faulty: its
    /// newest slot does not move, or moves too slowly.
    fn is_behind(&self, slot: Slot) -> bool {
        self.with_state(|state| {
            let ahead = state.newest.map_or(0, |newest| newest.slots_since(slot));
            let stands_still = state
                .agreed
                .is_some_and(|(_, since)| since.elapsed() >= MAX_STANDSTILL);
            ahead > MAX_SLOTS_BEHIND || (ahead > 0 && stands_still)
        })
    }

    /// Returns the newest slot that is accepted from a single node. `None` if no slot has been
    /// recorded.
    fn limit(&self) -> Option<Slot> {
        self.with_state(|state| {
            let (slot, since) = state.agreed?;
            let passed = since.elapsed().as_millis() / LIMIT_SLOT_TIME.as_millis();
            Some(
                slot.saturating_add(MAX_SLOTS_AHEAD)
                    .saturating_add(u64::try_from(passed).unwrap_or(u64::MAX)),
            )
        })
    }

    /// Returns the newest slot that two nodes have reported as finalized. If only one has responded
    /// for a minute or ever, what it reports counts.
    pub fn finalized(&self) -> Slot {
        self.with_state(|state| {
            let alone = state
                .alone
                .filter(|(since, _)| state.finalized.is_none() || since.elapsed() >= ALONE_TIME);
            let alone = alone.map(|(_, slot)| slot);
            state.finalized.max(alone).unwrap_or(Slot::ZERO)
        })
    }

    /// Replaces the finalized slot of a head by the one that counts.
    pub fn with_finalized(&self, head: Head) -> Head {
        Head {
            finalized: at_depth(self.finalized(), head.confirmed),
            ..head
        }
    }

    fn accepts(&self, slot: Slot) -> bool {
        self.limit().is_some_and(|limit| slot <= limit)
    }
}

/// Limits a finalized slot to the depth that the protocol requires.
fn at_depth(finalized: Slot, confirmed: Slot) -> Slot {
    finalized.min(Slot::new(confirmed.get().saturating_sub(FINALITY_DEPTH)))
}

/// Reads the newest slots of one node.
pub async fn read(node: Arc<Node>) -> Result<Head, RpcError> {
    let (confirmed, finalized) = tokio::try_join!(
        node.request("getSlot", node.rpc().slot(CommitmentLevel::Confirmed)),
        node.request("getSlot", node.rpc().slot(CommitmentLevel::Finalized)),
    )?;
    let confirmed = Slot::new(confirmed);
    Ok(Head {
        confirmed,
        finalized: at_depth(Slot::new(finalized), confirmed),
    })
}

/// Returns the head of the preferred node, `preferred`, if it is accepted, has reached `at_least`
/// and is not far behind another node. Otherwise compares all nodes and returns the newest accepted
/// head.
pub async fn choose(
    nodes: &[Arc<Node>],
    agreement: &Arc<HeadAgreement>,
    preferred: Head,
    at_least: Slot,
) -> Result<Head, SourceError> {
    if agreement.accepts(preferred.confirmed)
        && preferred.confirmed >= at_least
        && !agreement.is_behind(preferred.confirmed)
    {
        if agreement.is_comparison_due() {
            // The comparison runs in a task of its own, so that an unresponsive node causes no
            // delay.
            let (nodes, agreement) = (nodes.to_vec(), Arc::clone(agreement));
            tokio::spawn(async move { compare(&nodes, &agreement).await });
        }
        return Ok(preferred);
    }
    // The preferred node is behind or far ahead, or the nodes have not been compared yet.
    let mut accepted = None;
    let mut disputed = None;
    for (node, head) in compare(nodes, agreement).await {
        if agreement.is_behind(head.confirmed) {
            node.invalid_response(
                "getSlot",
                format!("slot {} is far behind another node", head.confirmed),
            );
        }
        let newest = if agreement.accepts(head.confirmed) {
            &mut accepted
        } else {
            node.invalid_response(
                "getSlot",
                format!("no other node has reached slot {}", head.confirmed),
            );
            &mut disputed
        };
        if newest.is_none_or(|newest: Head| newest.confirmed < head.confirmed) {
            *newest = Some(head);
        }
    }
    match (accepted, disputed) {
        (Some(head), disputed) if head.confirmed >= at_least || disputed.is_none() => Ok(head),
        (_, Some(disputed)) => Err(SourceError::DisputedHead {
            slot: disputed.confirmed,
            limit: agreement.limit().unwrap_or(Slot::ZERO),
        }),
        _ => Err(SourceError::Unavailable {
            what: "the newest slot",
            reason: "no node responded in time".into(),
        }),
    }
}

/// Reads the heads of all nodes that respond in time, and records their slots.
async fn compare(nodes: &[Arc<Node>], agreement: &HeadAgreement) -> Vec<(Arc<Node>, Head)> {
    let requests = nodes.iter().map(|node| async move {
        let response = tokio::time::timeout(COMPARE_TIMEOUT, read(Arc::clone(node))).await;
        Some((Arc::clone(node), response.ok()?.ok()?))
    });
    let heads: Vec<_> = join_all(requests).await.into_iter().flatten().collect();
    let reported: Vec<Head> = heads.iter().map(|(_, head)| *head).collect();
    agreement.record(&reported);
    heads
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(finalized: u64) -> Head {
        Head {
            confirmed: Slot::new(1_000),
            finalized: Slot::new(finalized),
        }
    }

    #[test]
    fn a_slot_that_only_one_of_several_nodes_reports_as_finalized_is_not_final() {
        let agreement = HeadAgreement::default();
        agreement.record(&[head(960), head(900)]);
        assert_eq!(agreement.with_finalized(head(960)), head(900));
        // A node that is behind does not undo what two nodes have reported.
        agreement.record(&[head(960), head(800)]);
        assert_eq!(agreement.with_finalized(head(960)), head(900));
        // The other node does not respond for a moment, and then for more than a minute.
        agreement.record(&[head(960)]);
        assert_eq!(agreement.with_finalized(head(960)), head(900));
        let long_ago = Instant::now().checked_sub(ALONE_TIME).unwrap();
        agreement.with_state(|state| state.alone = state.alone.map(|(_, slot)| (long_ago, slot)));
        assert_eq!(agreement.with_finalized(head(960)), head(960));
        agreement.record(&[head(960), head(910)]);
        assert_eq!(agreement.with_finalized(head(960)), head(910));
    }

    #[test]
    fn a_node_whose_newest_slot_stands_still_or_is_far_behind_is_not_used() {
        let at = |confirmed| Head {
            confirmed: Slot::new(confirmed),
            finalized: Slot::ZERO,
        };
        let agreement = HeadAgreement::default();
        agreement.record(&[at(1_000), at(1_040)]);
        assert!(!agreement.is_behind(Slot::new(1_000)));
        let since = |age: Duration| Instant::now().checked_sub(age).unwrap();
        agreement.with_state(|state| state.agreed = Some((Slot::new(1_000), since(MAX_STANDSTILL))));
        assert!(agreement.is_behind(Slot::new(1_000)));
        assert!(!agreement.is_behind(Slot::new(1_040)));
        // Two nodes report newer slots.
        agreement.record(&[at(1_010), at(1_100)]);
        assert!(!agreement.is_behind(Slot::new(1_010)));
        agreement.record(&[at(1_020), at(1_170)]);
        assert!(!agreement.is_behind(Slot::new(1_020)));
        // A slot that is not accepted shows nothing.
        agreement.record(&[at(1_030), at(1_000_000)]);
        assert!(!agreement.is_behind(Slot::new(1_030)));
        agreement.with_state(|state| state.agreed = Some((Slot::new(1_030), since(Duration::from_secs(20)))));
        agreement.record(&[at(1_030), at(1_030 + MAX_SLOTS_BEHIND + 1)]);
        assert!(agreement.is_behind(Slot::new(1_030)));
    }

    #[test]
    fn no_slot_is_final_before_the_protocol_allows_it() {
        let agreement = HeadAgreement::default();
        agreement.record(&[head(1_000), head(1_000)]);
        assert_eq!(agreement.with_finalized(head(1_000)), head(969));
    }
}

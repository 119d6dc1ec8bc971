//! How far the chain is, when nodes contradict each other.
//!
//! A checkpoint beyond the chain would hide all that comes before it is reached. So a slot that one of several nodes names alone is
//! believed only a little further than the newest that two have named.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bauta_rpc::{Commitment, RpcError};
use bauta_store::Slot;
use futures_util::future::join_all;

use super::node::Node;
use crate::SourceError;
use crate::chain::Head;

/// How far one node may be ahead of every other: a minute of a public cluster.
const LEAD: u64 = 150;
/// What passes since two nodes agreed counts in slots of this time: half of a public cluster's.
const SLOT: Duration = Duration::from_millis(200);
/// How often the others are asked, when all agree.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long a node that is only asked for comparison may take.
const COMPARED_WITHIN: Duration = Duration::from_secs(2);

/// What two nodes have named.
#[derive(Default)]
pub struct Heads {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    agreed: Option<(Slot, Instant)>,
    asked: Option<Instant>,
}

impl Heads {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        // two numbers: nothing is half done when somebody panics
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether it is time to ask the other nodes; then they are taken for asked.
    pub fn is_due(&self) -> bool {
        self.with(|state| {
            let due = state.asked.is_none_or(|asked| asked.elapsed() >= INTERVAL);
            if due {
                state.asked = Some(Instant::now());
            }
            due
        })
    }

    /// Takes in what nodes have named at about the same time: the second highest is what two have.
    pub fn heard(&self, mut slots: Vec<Slot>) {
        slots.sort_unstable_by(|a, b| b.cmp(a));
        self.with(|state| {
            let before = state.agreed;
            let named = match (slots.as_slice(), before) {
                ([_, second, ..], _) => *second,
                // nobody else answers, nor ever has: there is nothing to compare with
                ([only], None) => *only,
                _ => return,
            };
            if before.is_none_or(|(slot, _)| named > slot) {
                state.agreed = Some((named, Instant::now()));
            }
        });
    }

    /// The newest slot that a node is believed by itself; `None`: nothing has been heard yet.
    pub fn limit(&self) -> Option<Slot> {
        self.with(|state| {
            let (slot, since) = state.agreed?;
            let passed = since.elapsed().as_millis() / SLOT.as_millis();
            Some(
                slot.saturating_add(LEAD)
                    .saturating_add(u64::try_from(passed).unwrap_or(u64::MAX)),
            )
        })
    }

    /// Whether a slot is believed.
    pub fn believes(&self, slot: Slot) -> bool {
        self.limit().is_some_and(|limit| slot <= limit)
    }
}

/// One node's newest slots.
pub async fn of(node: Arc<Node>) -> Result<Head, RpcError> {
    let (confirmed, finalized) = tokio::try_join!(
        node.ask("getSlot", node.rpc().slot(Commitment::Confirmed)),
        node.ask("getSlot", node.rpc().slot(Commitment::Finalized)),
    )?;
    Ok(Head {
        confirmed: Slot::new(confirmed),
        finalized: Slot::new(finalized.min(confirmed)),
    })
}

/// What the preferred one of several nodes has said, if that can be believed and is at `at_least`; else the newest that can.
pub async fn choose(
    nodes: &[Arc<Node>],
    heads: &Arc<Heads>,
    first: Head,
    at_least: Slot,
) -> Result<Head, SourceError> {
    if heads.believes(first.confirmed) && first.confirmed >= at_least {
        if heads.is_due() {
            // nobody waits for a node that hangs
            let (nodes, heads) = (nodes.to_vec(), Arc::clone(heads));
            tokio::spawn(async move { compare(&nodes, &heads).await });
        }
        return Ok(first);
    }
    // it is behind, or far ahead, or nothing has been compared yet
    let mut believed = None;
    let mut alone = None;
    for (node, head) in compare(nodes, heads).await {
        let newest = if heads.believes(head.confirmed) {
            &mut believed
        } else {
            node.contradiction(
                "getSlot",
                format!("{}, which no other node knows", head.confirmed),
            );
            &mut alone
        };
        if newest.is_none_or(|newest: Head| newest.confirmed < head.confirmed) {
            *newest = Some(head);
        }
    }
    match (believed, alone) {
        (Some(head), alone) if head.confirmed >= at_least || alone.is_none() => Ok(head),
        (_, Some(alone)) => Err(SourceError::Disputed {
            slot: alone.confirmed,
            limit: heads.limit().unwrap_or_default(),
        }),
        _ => Err(SourceError::Nodes {
            what: "its newest slot",
            reason: "no node answered in time".into(),
        }),
    }
}

/// The newest slots of all nodes that answer in time; takes in what two of them have named.
async fn compare(nodes: &[Arc<Node>], heads: &Heads) -> Vec<(Arc<Node>, Head)> {
    let asked = nodes.iter().map(|node| async move {
        let answer = tokio::time::timeout(COMPARED_WITHIN, of(Arc::clone(node))).await;
        Some((Arc::clone(node), answer.ok()?.ok()?))
    });
    let answers: Vec<_> = join_all(asked).await.into_iter().flatten().collect();
    heads.heard(answers.iter().map(|(_, head)| head.confirmed).collect());
    answers
}

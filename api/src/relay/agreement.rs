//! What the answers of several nodes mean together. A faulty or late node decides only about
//! itself.

use bauta_rpc::{CommitmentLevel, SignatureStatus};

/// Blocks for which the cluster accepts a blockhash.
pub const BLOCKHASH_BLOCKS: u64 = 150;
/// Blocks that nodes may differ by. They are added to the last height of a transaction, because the
/// blockhash can be newer than the heights of other nodes.
pub const SLACK_BLOCKS: u64 = 32;
/// Blocks that a node's finalized height can be behind its newest one. About 32 are usual.
const FINALITY_BLOCKS: u64 = 96;
/// The last height of a node that did not answer. The database can hold it.
const UNKNOWN_HEIGHT: u64 = i64::MAX.unsigned_abs();
/// The possible outcomes of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was executed, may still be executed, or no quorum of nodes reports that it can't.
    Possible,
    /// It was not executed and never will be.
    Dead,
    /// It was not executed and never will be: another transaction has used the nullifier.
    NullifierUsed,
}

/// What a node answers about a transaction that may have ended.
pub struct Answer {
    /// Its finalized height.
    pub height: u64,
    /// The account is from the slot of the height, or from a later one.
    pub is_later: bool,
    pub is_known: bool,
    pub is_used: bool,
}

/// Decides the outcome of a transaction.
pub fn judge(answers: &[Option<Answer>], last_heights: &[u64], quorum: usize) -> Fate {
    if last_heights.len() != answers.len() {
        return Fate::Possible;
    }
    let is_after = |(index, answer): (usize, &Option<Answer>)| {
        let answer = answer.as_ref()?;
        (answer.is_later && is_past_own(last_heights, index, answer.height)).then_some(answer.is_used)
    };
    let after: Vec<bool> = answers.iter().enumerate().filter_map(is_after).collect();
    if after.len() < quorum {
        return Fate::Possible;
    }
    // Who used the nullifier is another question: a node that has deleted the transaction doesn't
    // know it.
    if after.iter().filter(|is_used| **is_used).count() >= quorum {
        return Fate::NullifierUsed;
    }
    if answers.iter().flatten().any(|answer| answer.is_known) || after.contains(&true) {
        return Fate::Possible;
    }
    Fate::Dead
}

/// Returns the finalized status that as many nodes agree on as must agree.
pub fn agreed_status(statuses: &[&SignatureStatus], quorum: usize) -> Option<SignatureStatus> {
    let is_final = |status: &SignatureStatus| status.level == CommitmentLevel::Finalized;
    let is_same =
        |one: &SignatureStatus, other: &SignatureStatus| one.slot == other.slot && one.error == other.error;
    let agreed = statuses.iter().filter(|status| is_final(status)).find(|one| {
        let same = statuses
            .iter()
            .filter(|other| is_final(other) && is_same(one, other));
        same.count() >= quorum
    });
    agreed.map(|status| (*status).clone())
}

/// Returns the highest price that a quorum of nodes reports or exceeds.
pub fn agreed_price(mut reported: Vec<u64>, quorum: usize) -> u64 {
    reported.sort_unstable_by(|one, other| other.cmp(one));
    let index = quorum.min(reported.len()).saturating_sub(1);
    reported.get(index).copied().unwrap_or(0)
}

/// Returns the last height of each node, from their present heights.
pub fn last_heights(heights: &[Option<u64>]) -> Vec<u64> {
    let last = |height: &Option<u64>| height.map_or(UNKNOWN_HEIGHT, |height| last_height(height, 0));
    heights.iter().map(last).collect()
}

/// Returns the last height of a node that had `height` when the blockhash was new, or later. `lag`
/// is how far the height can be behind the node's newest block.
const fn last_height(height: u64, lag: u64) -> u64 {
    height.saturating_add(BLOCKHASH_BLOCKS + SLACK_BLOCKS + lag)
}

/// Fills in the last heights of nodes that did not answer when the blockhash was new. A height that
/// a node has finalized later is not too low. If the number of nodes has changed since then, all
/// are unknown.
pub fn complete(last_heights: &mut Vec<u64>, finalized: &[Option<u64>]) {
    if last_heights.len() != finalized.len() {
        *last_heights = vec![UNKNOWN_HEIGHT; finalized.len()];
    }
    for (last, height) in last_heights.iter_mut().zip(finalized) {
        if *last >= UNKNOWN_HEIGHT
            && let Some(height) = height
        {
            *last = last_height(*height, FINALITY_BLOCKS);
        }
    }
}

/// Returns whether a node with this height is past its last height.
pub fn is_past_own(last_heights: &[u64], index: usize, height: u64) -> bool {
    last_heights.get(index).is_some_and(|last| height > *last)
}

pub fn percentile_75(mut prices: Vec<u64>) -> u64 {
    prices.sort_unstable();
    prices.get(prices.len() * 3 / 4).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(slot: u64, level: CommitmentLevel) -> SignatureStatus {
        SignatureStatus {
            slot,
            error: None,
            level,
        }
    }

    #[test]
    fn two_nodes_that_agree_are_enough_whichever_node_is_first() {
        let (wrong, right) = (
            status(7, CommitmentLevel::Finalized),
            status(5, CommitmentLevel::Finalized),
        );
        let early = status(5, CommitmentLevel::Confirmed);
        assert_eq!(agreed_status(&[&wrong, &right, &right], 2), Some(right.clone()));
        assert_eq!(agreed_status(&[&right, &wrong, &early], 2), None);
        assert_eq!(agreed_status(&[], 2), None);
    }

    fn answer(height: u64, is_known: bool, is_used: bool) -> Answer {
        Answer {
            height,
            is_later: true,
            is_known,
            is_used,
        }
    }

    #[test]
    fn a_transaction_is_dead_only_if_two_nodes_say_so_from_after_its_end() {
        let last = [100, 100, 100];
        let judged = |answers: [Option<Answer>; 3]| judge(&answers, &last, 2);
        let dead = || Some(answer(101, false, false));
        assert_eq!(judged([dead(), dead(), None]), Fate::Dead);
        // A node that knows the transaction, or the nullifier, contradicts.
        let knows = Some(answer(50, true, false));
        assert_eq!(judged([dead(), dead(), knows]), Fate::Possible);
        let used = || Some(answer(101, false, true));
        assert_eq!(judged([dead(), dead(), used()]), Fate::Possible);
        // The account comes from a machine that is behind the one that returned the height.
        let behind = Answer {
            is_later: false,
            ..answer(101, false, false)
        };
        assert_eq!(judged([dead(), Some(behind), None]), Fate::Possible);
        let early = Some(answer(100, false, false));
        assert_eq!(judged([dead(), early, None]), Fate::Possible);
        assert_eq!(judged([used(), used(), dead()]), Fate::NullifierUsed);
        // The transaction was made for another number of nodes.
        assert_eq!(judge(&[used(), used()], &last, 2), Fate::Possible);
    }

    #[test]
    fn one_node_does_not_raise_the_price() {
        assert_eq!(agreed_price(vec![5, 1_000_000, 7], 2), 7);
        assert_eq!(agreed_price(vec![1_000_000, 0], 2), 0);
        assert_eq!(agreed_price(vec![9], 2), 9);
        assert_eq!(agreed_price(Vec::new(), 2), 0);
    }

    #[test]
    fn a_node_that_did_not_answer_counts_from_its_next_answer() {
        let mut last = last_heights(&[Some(5), None, None]);
        let end = BLOCKHASH_BLOCKS + SLACK_BLOCKS;
        complete(&mut last, &[Some(50), Some(60), None]);
        assert_eq!(last, [5 + end, 60 + end + FINALITY_BLOCKS, UNKNOWN_HEIGHT]);
        complete(&mut last, &[Some(70), Some(80), Some(90)]);
        assert_eq!(
            last[1..],
            [60 + end + FINALITY_BLOCKS, 90 + end + FINALITY_BLOCKS]
        );
        // With another number of nodes, all count from now.
        complete(&mut last, &[Some(100)]);
        assert_eq!(last, [100 + end + FINALITY_BLOCKS]);
    }

    #[test]
    fn the_price_is_the_75th_percentile_of_recent_blocks() {
        assert_eq!(percentile_75((1..=100).rev().collect()), 76);
        assert_eq!(percentile_75(vec![5]), 5);
        assert_eq!(percentile_75(Vec::new()), 0);
    }
}

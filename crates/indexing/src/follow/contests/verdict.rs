//! What the nodes show about a transaction.

use std::collections::HashMap;

use crate::chain::{NodeVersion, VersionDigest};

/// What the nodes show about a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Fewer than two nodes have answered.
    Unanswered,
    /// At least two nodes have this version, and fewer have each other one. `None`: they do not have
    /// the transaction.
    Version(Option<VersionDigest>),
    /// As many nodes have one version as another.
    Tie,
}

impl Verdict {
    pub fn of(versions: &[NodeVersion]) -> Self {
        let (left_out, used): (Vec<&NodeVersion>, Vec<_>) =
            versions.iter().partition(|version| version.is_left_out);
        if let ([only], false) = (used.as_slice(), left_out.is_empty()) {
            // What a node has shown before that is left out counts less than what another one shows.
            return Self::Version(only.version);
        }
        if used.len() < 2 {
            return Self::Unanswered;
        }
        let mut counts: HashMap<Option<VersionDigest>, usize> = HashMap::new();
        for version in used {
            *counts.entry(version.version).or_default() += 1;
        }
        let most = counts.values().copied().max().unwrap_or(0);
        let mut first = counts.iter().filter(|(_, count)| **count == most);
        match (first.next(), first.next()) {
            (Some((version, _)), None) if most > 1 => Self::Version(*version),
            _ => Self::Tie,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(versions: &[Option<u8>]) -> Vec<NodeVersion> {
        let version = |(node, version): (usize, &Option<u8>)| NodeVersion {
            node,
            version: version.map(|byte| [byte; 32]),
            is_left_out: false,
        };
        versions.iter().enumerate().map(version).collect()
    }

    #[test]
    fn two_nodes_decide_against_fewer_others_and_not_against_as_many() {
        let verdict = |nodes: &[Option<u8>]| Verdict::of(&versions(nodes));
        assert_eq!(verdict(&[]), Verdict::Unanswered);
        assert_eq!(verdict(&[Some(1)]), Verdict::Unanswered);
        assert_eq!(verdict(&[Some(1), None]), Verdict::Tie);
        assert_eq!(verdict(&[Some(1), Some(2)]), Verdict::Tie);
        assert_eq!(verdict(&[Some(1), Some(2), None]), Verdict::Tie);
        assert_eq!(verdict(&[Some(1), Some(1), None, None]), Verdict::Tie);
        assert_eq!(verdict(&[Some(1), Some(1)]), Verdict::Version(Some([1; 32])));
        assert_eq!(verdict(&[None, None, Some(1)]), Verdict::Version(None));
        assert_eq!(
            verdict(&[Some(2), Some(2), None]),
            Verdict::Version(Some([2; 32]))
        );
    }

    #[test]
    fn what_a_node_has_that_is_left_out_does_not_count_beside_another_one() {
        let mut nodes = versions(&[Some(1), None]);
        nodes[0].is_left_out = true;
        assert_eq!(Verdict::of(&nodes), Verdict::Version(None));
        assert_eq!(Verdict::of(&nodes[..1]), Verdict::Unanswered);
    }
}

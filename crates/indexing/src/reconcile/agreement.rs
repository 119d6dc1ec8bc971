//! Decides up to which slot the accounts of two nodes agree with the database.
//!
//! The journal of a slot is deleted when the slot is reconciled, so one faulty node must not decide
//! that. A cycle that follows one without a difference therefore uses other nodes. If the accounts
//! of these differ and nothing explains it, two nodes contradict each other: the slots are not
//! reconciled, and nothing else stops.

use std::collections::BTreeSet;

use bauta_store::Slot;

/// What the complete cycles have found. Nodes are identified by their indices.
#[derive(Default)]
pub struct Agreement {
    /// The nodes whose accounts the last cycle without a difference has compared, and its slot.
    last: Option<(BTreeSet<usize>, Slot)>,
    /// The nodes whose accounts differ, although those of the last cycle did not.
    disputing: BTreeSet<usize>,
    is_confirming: bool,
    agreed: Option<Slot>,
    /// The number of cycles without a difference since two nodes last agreed.
    unconfirmed: u32,
    /// The number of disputes since then.
    disputes: u32,
}

impl Agreement {
    /// Returns whether the present cycle follows one without a difference.
    pub const fn is_confirming(&self) -> bool {
        self.is_confirming
    }

    /// Returns the slot up to which two nodes agree with the database, or the only one.
    pub const fn agreed(&self) -> Option<Slot> {
        self.agreed
    }

    /// Returns the number of cycles without a difference since two nodes last agreed, or since a
    /// dispute. More than one show that no second node returns all accounts.
    pub const fn unconfirmed(&self) -> u32 {
        self.unconfirmed
    }

    /// Returns how often the accounts of two nodes have differed since two nodes last agreed.
    pub const fn disputes(&self) -> u32 {
        self.disputes
    }

    /// Returns the nodes that the present cycle uses last.
    pub fn avoided(&self) -> BTreeSet<usize> {
        match &self.last {
            Some((nodes, _)) if self.is_confirming => nodes.union(&self.disputing).copied().collect(),
            _ => BTreeSet::new(),
        }
    }

    /// Records a complete cycle without a difference, whose accounts some nodes returned. `serving`
    /// is the number of nodes that return accounts.
    pub fn record_cycle(&mut self, nodes: BTreeSet<usize>, up_to: Slot, serving: usize) {
        let agreed = match &self.last {
            _ if serving <= 1 => Some(up_to),
            Some((others, slot)) if others.is_disjoint(&nodes) => Some(up_to.min(*slot)),
            _ => None,
        };
        let is_same = self
            .last
            .as_ref()
            .is_some_and(|(last, _)| !last.is_disjoint(&nodes));
        if agreed.is_some() || (self.is_confirming && is_same) {
            // Otherwise the nodes that answer now would be avoided for ever.
            self.disputing.clear();
        }
        if agreed.is_some() {
            (self.unconfirmed, self.disputes) = (0, 0);
        } else {
            self.unconfirmed = self.unconfirmed.saturating_add(1);
        }
        self.agreed = self.agreed.max(agreed);
        self.last = Some((nodes, up_to));
        self.is_confirming = serving > 1;
    }

    /// Records that the accounts of some nodes differ in a cycle that follows one without a
    /// difference. The next cycle uses the preferred nodes again.
    pub fn record_dispute(&mut self, nodes: &BTreeSet<usize>) {
        self.disputing.extend(nodes);
        self.unconfirmed = 0;
        self.disputes = self.disputes.saturating_add(1);
        self.is_confirming = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(nodes: &[usize]) -> BTreeSet<usize> {
        nodes.iter().copied().collect()
    }

    #[test]
    fn a_slot_counts_when_two_nodes_agree() {
        let mut agreement = Agreement::default();
        agreement.record_cycle(nodes(&[0]), Slot::new(10), 2);
        assert_eq!(agreement.agreed(), None);
        assert_eq!(agreement.avoided(), nodes(&[0]));
        // The other node did not answer for some accounts.
        agreement.record_cycle(nodes(&[0, 1]), Slot::new(20), 2);
        assert_eq!(agreement.agreed(), None);
        agreement.record_cycle(nodes(&[0]), Slot::new(30), 2);
        assert_eq!(agreement.agreed(), None);
        agreement.record_cycle(nodes(&[1]), Slot::new(40), 2);
        assert_eq!(agreement.agreed(), Some(Slot::new(30)));
        assert_eq!(agreement.avoided(), nodes(&[1]));
    }

    #[test]
    fn the_only_node_that_returns_accounts_counts_alone() {
        let mut agreement = Agreement::default();
        agreement.record_cycle(nodes(&[0]), Slot::new(10), 1);
        assert_eq!(agreement.agreed(), Some(Slot::new(10)));
        assert!(!agreement.is_confirming());
    }

    #[test]
    fn a_third_node_decides_after_a_dispute() {
        let mut agreement = Agreement::default();
        agreement.record_cycle(nodes(&[0]), Slot::new(10), 3);
        agreement.record_dispute(&nodes(&[1]));
        assert!(!agreement.is_confirming());
        agreement.record_cycle(nodes(&[0]), Slot::new(20), 3);
        assert_eq!(agreement.avoided(), nodes(&[0, 1]));
        agreement.record_cycle(nodes(&[2]), Slot::new(30), 3);
        assert_eq!(agreement.agreed(), Some(Slot::new(20)));
        assert_eq!(agreement.avoided(), nodes(&[2]));
    }
}

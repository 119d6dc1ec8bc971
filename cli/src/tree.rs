//! Rebuilds the tree of a registry from its events, so that a path needs no service.
//!
//! ```text
//!   events ──> changes by sequence, none missing ──> tree at a root ──> path
//! ```
//!
//! The root of the rebuilt tree is compared with the root that the node reports for the program. So
//! a path is right if the node reports the true root. docs/cli.md describes what a node with a
//! false root learns. `prove` can compare the root with a second node: see
//! [`crate::scope_accounts`].

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use bauta::events::HolderRegistered;
use bauta::state;
use bauta_client::{Event, ReferenceTree};
use bauta_primitives::tree::Depth;
use bauta_primitives::{Attributes, Commitment, EntryId, Leaf, Root};
use solana_address::Address;

use crate::{
    context::Context,
    failure::{Failure, Kind},
    service::Service,
};

/// Where a command reads the leaves of a registry.
#[derive(clap::Args)]
pub struct LeafSource {
    /// URL of an API that serves all leaves of a root [default: rebuild the tree from the chain]
    #[arg(long, value_name = "URL")]
    pub api: Option<String>,
}

/// The changes of a registry's tree.
pub struct Changes {
    depth: Depth,
    /// The changes by their sequence, from 1.
    by_sequence: BTreeMap<u64, Change>,
    /// The registrations in order.
    pub registrations: Vec<HolderRegistered>,
}

#[derive(Default)]
struct Change {
    leaves: Vec<(u64, Leaf)>,
    root: Option<[u8; 32]>,
}

impl Changes {
    /// Reads the changes of a registry up to its current root.
    pub async fn read(context: &Context, address: &Address, registry: &state::Registry) -> Result<Self> {
        if registry.kind == state::RegistryKind::Attested as u8 {
            return Err(Failure::new(
                Kind::Other,
                "the tree of a registry of kind attested is not on chain: its authority publishes only the root",
            )
            .next("give the file of the members, which the authority publishes, with --members")
            .into());
        }
        let mut seen = BTreeSet::new();
        let events = context
            .events_until(address, Some(registry.sequence), |event| {
                if let Event::MerkleRootUpdated(event) = event
                    && event.registry == *address
                    && (1..=registry.sequence).contains(&event.sequence)
                {
                    seen.insert(event.sequence);
                }
                seen.len() as u64 == registry.sequence
            })
            .await?;
        let changes = Self::of(*address, Depth::try_from(registry.depth)?, events)?;
        changes.check_complete(registry.sequence)?;
        Ok(changes)
    }

    /// Returns the tree at the current root of a registry, as one change: from an API that serves
    /// its leaves, or from the history of the node.
    pub async fn at_current_root(
        context: &Context,
        source: &LeafSource,
        address: &Address,
        registry: &state::Registry,
    ) -> Result<Self> {
        match &source.api {
            None => Self::read(context, address, registry).await,
            Some(url) => {
                let root = Root::from_bytes(registry.root)?;
                Self::from_api(url, address, Depth::try_from(registry.depth)?, root).await
            }
        }
    }

    /// Reads all leaves of a root from an API and computes the root again.
    pub async fn from_api(url: &str, registry: &Address, depth: Depth, root: Root) -> Result<Self> {
        let api = Service::new(url)?;
        let changes = Self::of_leaves(depth, api.leaves(registry, root).await?)?;
        if changes.last_root()? == root {
            return Ok(changes);
        }
        let message = format!(
            "{} gave the leaves of a tree whose root is not {root}",
            api.host()
        );
        Err(Failure::new(Kind::Node, message)
            .next("use another API, or rebuild the tree from the chain without --api")
            .into())
    }

    /// Returns the one change of a tree that has these leaves from index 0 on.
    pub fn of_leaves(depth: Depth, leaves: Vec<Leaf>) -> Result<Self> {
        let root = ReferenceTree::from_leaves(depth, leaves.iter().copied())?.root();
        let change = Change {
            leaves: (0..).zip(leaves).collect(),
            root: Some(root.to_bytes()),
        };
        Ok(Self {
            depth,
            by_sequence: BTreeMap::from([(1, change)]),
            registrations: Vec::new(),
        })
    }

    /// Returns the root after the last change.
    pub fn last_root(&self) -> Result<Root> {
        let last = self.by_sequence.values().rev().find_map(|change| change.root);
        Ok(last.map_or(Ok(self.depth.empty_root()), Root::from_bytes)?)
    }

    fn of(registry: Address, depth: Depth, events: Vec<Event>) -> Result<Self> {
        let mut changes = Self {
            depth,
            by_sequence: BTreeMap::new(),
            registrations: Vec::new(),
        };
        for event in events {
            match event {
                Event::HolderRegistered(event) if event.registry == registry => {
                    let leaf = Leaf::of(
                        Commitment::from_bytes(event.commitment)?,
                        EntryId::of_mint(event.mint.as_array()),
                        Attributes::of_track(event.track),
                    );
                    changes.change(event.sequence).leaves.push((event.index, leaf));
                    changes.registrations.push(event);
                }
                Event::HolderEvicted(event) if event.registry == registry => {
                    let change = changes.change(event.sequence);
                    change.leaves.push((event.index, Leaf::EMPTY));
                }
                Event::LeavesAppended(event) if event.registry == registry => {
                    for (index, leaf) in (event.first_index..).zip(&event.leaves) {
                        let leaf = Leaf::from_bytes(*leaf)?;
                        changes.change(event.sequence).leaves.push((index, leaf));
                    }
                }
                Event::LeafReplaced(event) if event.registry == registry => {
                    let leaf = Leaf::from_bytes(event.new_leaf)?;
                    let change = changes.change(event.sequence);
                    change.leaves.push((event.index, leaf));
                }
                Event::MerkleRootUpdated(event) if event.registry == registry => {
                    changes.change(event.sequence).root = Some(event.root);
                }
                _ => {}
            }
        }
        changes.registrations.sort_by_key(|event| event.sequence);
        Ok(changes)
    }

    fn change(&mut self, sequence: u64) -> &mut Change {
        self.by_sequence.entry(sequence).or_default()
    }

    /// Checks that the changes from 1 to `last` are all there.
    fn check_complete(&self, last: u64) -> Result<()> {
        let complete = |sequence: &u64| {
            self.by_sequence
                .get(sequence)
                .is_some_and(|change| change.root.is_some() && !change.leaves.is_empty())
        };
        match (1..=last).find(|sequence| !complete(sequence)) {
            None => Ok(()),
            Some(missing) => Err(Failure::new(
                Kind::Node,
                format!("the node's history lacks change {missing} of {last} of the registry's tree"),
            )
            .next("repeat the command, or use a node with the complete history")
            .into()),
        }
    }

    /// Returns the sequence at which the tree had a root.
    fn sequence_of(&self, root: Root) -> Option<u64> {
        if root == self.depth.empty_root() {
            return Some(0);
        }
        let bytes = root.to_bytes();
        let found = self
            .by_sequence
            .iter()
            .find(|(_, change)| change.root == Some(bytes));
        found.map(|(sequence, _)| *sequence)
    }

    fn leaves_until(&self, last: u64) -> BTreeMap<u64, Leaf> {
        self.by_sequence
            .range(..=last)
            .flat_map(|(_, change)| change.leaves.iter().copied())
            .collect()
    }

    /// Returns the leaves of the tree with a root, without empty ones.
    pub fn leaves(&self, root: Root) -> BTreeSet<Leaf> {
        let last = self.sequence_of(root).unwrap_or_default();
        let leaves = self.leaves_until(last).into_values();
        leaves.filter(|leaf| *leaf != Leaf::EMPTY).collect()
    }

    /// Returns the leaves of the tree with a root, from index 0 to the last one that is not empty.
    pub fn all_leaves(&self, root: Root) -> Result<Vec<Leaf>> {
        let tree = self.tree(root)?;
        let last = self.sequence_of(root).unwrap_or_default();
        let leaves = self.leaves_until(last);
        let end = leaves
            .iter()
            .rev()
            .find(|(_, leaf)| **leaf != Leaf::EMPTY)
            .map_or(0, |(index, _)| index + 1);
        Ok((0..end).map(|index| tree.leaf(index)).collect::<Result<_, _>>()?)
    }

    /// Returns the indices of a leaf in the tree with a root.
    pub fn indices_of(&self, root: Root, leaf: Leaf) -> Vec<u64> {
        let Some(last) = self.sequence_of(root) else {
            return Vec::new();
        };
        let leaves = self.leaves_until(last).into_iter();
        leaves
            .filter(|(_, found)| *found == leaf)
            .map(|(index, _)| index)
            .collect()
    }

    /// Builds the tree with a root, and compares the root of the built tree with it.
    pub fn tree(&self, root: Root) -> Result<ReferenceTree> {
        let last = self
            .sequence_of(root)
            .with_context(|| format!("the registry's tree never had the root {root}"))?;
        let mut tree = ReferenceTree::new(self.depth);
        tree.set_all(self.leaves_until(last))?;
        if tree.root() != root {
            return Err(Failure::new(
                Kind::Node,
                format!(
                    "the events of the node give the root {}, but the program has {root}",
                    tree.root()
                ),
            )
            .next("use another node: this one gave false or incomplete events")
            .into());
        }
        Ok(tree)
    }
}

#[cfg(test)]
mod tests {
    use bauta::events::{LeavesAppended, MerkleRootUpdated};
    use bauta_primitives::FieldElement;

    use super::*;

    const REGISTRY: Address = Address::new_from_array([7; 32]);

    fn leaf(value: u64) -> Leaf {
        Leaf::new(FieldElement::from_u64(value))
    }

    fn appended(sequence: u64, index: u64, value: u64) -> Event {
        Event::LeavesAppended(LeavesAppended {
            registry: REGISTRY,
            sequence,
            first_index: index,
            leaves: vec![leaf(value).to_bytes()],
            timestamp: 0,
        })
    }

    fn root(sequence: u64, root: Root) -> Event {
        Event::MerkleRootUpdated(MerkleRootUpdated {
            registry: REGISTRY,
            sequence,
            root: root.to_bytes(),
            replaced_root_expires_at: None,
            timestamp: 0,
        })
    }

    fn roots() -> (Root, Root) {
        let of = |leaves: &[u64]| {
            ReferenceTree::from_leaves(Depth::Ten, leaves.iter().copied().map(leaf))
                .unwrap()
                .root()
        };
        (of(&[1]), of(&[1, 2]))
    }

    fn changes(events: Vec<Event>) -> Changes {
        Changes::of(REGISTRY, Depth::Ten, events).unwrap()
    }

    #[test]
    fn the_tree_of_an_earlier_root_does_not_have_later_leaves() {
        let (first, second) = roots();
        // Events of one slot can come in any order. The sequence orders them.
        let changes = changes(vec![
            appended(2, 1, 2),
            root(2, second),
            appended(1, 0, 1),
            root(1, first),
        ]);
        changes.check_complete(2).unwrap();
        assert_eq!(changes.tree(first).unwrap().leaf(1).unwrap(), Leaf::EMPTY);
        assert_eq!(changes.tree(second).unwrap().leaf(1).unwrap(), leaf(2));
        assert!(changes.indices_of(first, leaf(2)).is_empty());
        assert_eq!(changes.leaves(second).len(), 2);
        assert_eq!(changes.indices_of(second, leaf(2)), [1]);
    }

    #[test]
    fn a_missing_change_is_named() {
        let (_, second) = roots();
        let changes = changes(vec![appended(2, 1, 2), root(2, second)]);
        let error = changes.check_complete(2).unwrap_err().to_string();
        assert!(error.contains("lacks change 1 of 2"), "{error}");
    }

    #[test]
    fn events_that_give_another_root_are_refused() {
        let (first, _) = roots();
        let changes = changes(vec![appended(1, 0, 9), root(1, first)]);
        let error = changes.tree(first).unwrap_err().to_string();
        assert!(error.contains("but the program has"), "{error}");
    }

    #[test]
    fn events_of_another_registry_are_ignored() {
        let (first, _) = roots();
        let events = vec![appended(1, 0, 1), root(1, first)];
        let other = Changes::of(Address::new_from_array([8; 32]), Depth::Ten, events).unwrap();
        assert!(other.by_sequence.is_empty());
    }
}

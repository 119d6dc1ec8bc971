//! Rebuilds the trees of registries from their events, like an indexer.

use bauta::events::{HolderEvicted, HolderRegistered, LeafReplaced, LeavesAppended};
use bauta::state::{CollectionKind, RegistryKind};
use bauta_client::{Event, ReferenceTree};
use bauta_primitives::tree::Depth;
use bauta_primitives::{Attributes, Commitment, EntryId, FieldElement, Leaf};
use bauta_program_test::{Receipt, RegistrySpec, TestChain, TestRegistry};
use solana_address::Address;

/// A minimal indexer of one registry.
struct EventIndex {
    registry: Address,
    tree: ReferenceTree,
    sequence: u64,
    /// The sequence of a change whose root event has not followed yet.
    pending: Option<u64>,
}

impl EventIndex {
    fn new(registry: &TestRegistry) -> Self {
        Self {
            registry: registry.address,
            tree: ReferenceTree::new(Depth::Ten),
            sequence: 0,
            pending: None,
        }
    }

    fn apply(&mut self, receipt: &Receipt) {
        for event in &receipt.events {
            match event {
                Event::HolderRegistered(e) if e.registry == self.registry => {
                    self.change(e.sequence, e.index, holder_leaf(e));
                }
                Event::HolderEvicted(HolderEvicted {
                    registry,
                    sequence,
                    index,
                    ..
                }) if *registry == self.registry => self.change(*sequence, *index, Leaf::EMPTY),
                Event::LeavesAppended(LeavesAppended {
                    registry,
                    sequence,
                    first_index,
                    leaves,
                    ..
                }) if *registry == self.registry => {
                    for (index, leaf) in (*first_index..).zip(leaves) {
                        self.change(*sequence, index, Leaf::from_bytes(*leaf).unwrap());
                    }
                }
                Event::LeafReplaced(LeafReplaced {
                    registry,
                    sequence,
                    index,
                    old_leaf,
                    new_leaf,
                    ..
                }) if *registry == self.registry => {
                    assert_eq!(self.tree.leaf(*index).unwrap().to_bytes(), *old_leaf);
                    self.change(*sequence, *index, Leaf::from_bytes(*new_leaf).unwrap());
                }
                Event::MerkleRootUpdated(e) if e.registry == self.registry => {
                    assert_eq!(
                        self.pending,
                        Some(e.sequence),
                        "the root event follows the event of the change"
                    );
                    assert_eq!(e.sequence, self.sequence + 1, "no event is missing");
                    assert_eq!(e.root, self.tree.root().to_bytes());
                    self.sequence = e.sequence;
                    self.pending = None;
                }
                _ => {}
            }
        }
        assert_eq!(self.pending, None, "every change has a root event");
    }

    fn change(&mut self, sequence: u64, index: u64, leaf: Leaf) {
        assert_eq!(sequence, self.sequence + 1);
        self.tree.set(index, leaf).unwrap();
        self.pending = Some(sequence);
    }
}

fn holder_leaf(e: &HolderRegistered) -> Leaf {
    Leaf::of(
        Commitment::from_bytes(e.commitment).unwrap(),
        EntryId::of_mint(&e.mint.to_bytes()),
        Attributes::of_track(e.track),
    )
}

#[test]
fn the_tree_of_a_holders_registry_is_rebuilt_from_its_events() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let mut index = EventIndex::new(&registry);
    let mut nfts = vec![];
    for track in 0..21 {
        let owner = chain.funded_keypair("holder");
        let nft = chain.mint_nft(&owner);
        chain
            .add_collection(&registry, &nft.mint, CollectionKind::Asset, track)
            .unwrap();
        let (_, receipt) = chain.register(&mut registry, &nft, None, track).unwrap();
        index.apply(&receipt);
        nfts.push((nft, track));
    }
    chain.advance_clock(60);
    for (nft, track) in &nfts[3..9] {
        let (_, receipt) = chain.register(&mut registry, nft, None, *track).unwrap();
        index.apply(&receipt);
    }
    for (nft, _) in &nfts[5..21] {
        chain.burn_nft(nft).unwrap();
        let receipt = chain.evict_holder(&mut registry, &nft.mint, None).unwrap();
        index.apply(&receipt);
    }
    let state = chain.registry_state(&registry);
    assert_eq!(state.root, index.tree.root().to_bytes());
    assert_eq!(state.sequence, index.sequence);
    assert_eq!(state.sequence, 21 + 6 + 16);
}

#[test]
fn the_tree_of_a_managed_registry_is_rebuilt_from_its_events() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::of_kind(RegistryKind::Managed));
    let mut index = EventIndex::new(&registry);
    let mut value = 0;
    let mut leaves = |count: usize| {
        (0..count)
            .map(|_| {
                value += 1;
                Leaf::new(FieldElement::from_u64(value))
            })
            .collect::<Vec<_>>()
    };
    // Batches with every alignment, past the first 1,024 leaves.
    for count in [1, 3, 4, 5, 7, 10, 16, 17, 2] {
        index.apply(&chain.append_leaves(&mut registry, &leaves(count)).unwrap());
    }
    while registry.next_index < 1030 {
        index.apply(&chain.append_leaves(&mut registry, &leaves(20)).unwrap());
    }
    for position in [0, 64, 1023, 1024, registry.next_index - 1] {
        index.apply(&chain.replace_leaf(&mut registry, position, leaves(1)[0]).unwrap());
        index.apply(&chain.append_leaves(&mut registry, &leaves(1)).unwrap());
        index.apply(&chain.replace_leaf(&mut registry, position, Leaf::EMPTY).unwrap());
        index.apply(&chain.append_leaves(&mut registry, &leaves(3)).unwrap());
    }
    let state = chain.registry_state(&registry);
    assert_eq!(state.root, index.tree.root().to_bytes());
    assert_eq!(state.next_index, registry.next_index);
}

//! The tree on chain up to its last leaf, and at every boundary where a level of its frontier begins anew.
//!
//! A million appends take long, so a registry is put into the state it would have: Registry, frontier and canopy are
//! written from a reference tree with few leaves, as the protocol's section 6 describes them.

use bauta::errors::BautaError;
use bauta::state::{CANOPY_LEVEL, DEPTH, Registry, RegistryKind, Tree};
use bauta_client::ReferenceTree;
use bauta_primitives::tree::Depth;
use bauta_primitives::{FieldElement, Leaf};
use bauta_program_test::{RegistrySpec, TestRegistry, World, assert_refused};

const CAPACITY: u64 = 1 << 20;
const DISCRIMINATOR: usize = 8;

fn leaf(value: u64) -> Leaf {
    Leaf::new(FieldElement::from_u64(value))
}

/// A Managed registry in which `next_index` leaves were appended and all removed again but the last few before it.
fn registry_at(world: &mut World, next_index: u64) -> TestRegistry {
    let mut registry = world.create_registry(RegistrySpec::of_kind(RegistryKind::Managed));
    registry.tree = ReferenceTree::new(Depth::Ten);
    for index in next_index.saturating_sub(40)..next_index {
        registry.tree.set(index, leaf(index + 1)).unwrap();
    }
    // and one far to the left, so that the canopy's left half isn't empty
    registry.tree.set(3.min(next_index - 1), leaf(77)).unwrap();
    registry.next_index = next_index;

    let mut account = world.account(&registry.address).unwrap();
    let state: &mut Registry = bytemuck::from_bytes_mut(&mut account.data[DISCRIMINATOR..]);
    state.next_index = next_index;
    state.root = registry.root().to_bytes();
    world.set_account(&registry.address, account);

    let mut account = world.account(&registry.tree_account).unwrap();
    let state: &mut Tree = bytemuck::from_bytes_mut(&mut account.data[DISCRIMINATOR..]);
    let node = |level, position| registry.tree.node_at(level, position).unwrap().to_bytes();
    for level in 0..CANOPY_LEVEL {
        let next = next_index >> (2 * level);
        for position in (next & !3)..next {
            state.frontier[level][usize::try_from(position & 3).unwrap()] = node(level, position);
        }
    }
    let mut canopy = state.canopy.iter_mut();
    for level in CANOPY_LEVEL..DEPTH {
        for position in 0..1u64 << (2 * (DEPTH - level)) {
            *canopy.next().unwrap() = node(level, position);
        }
    }
    world.set_account(&registry.tree_account, account);
    registry
}

#[track_caller]
fn agree(world: &World, registry: &TestRegistry) {
    let state = world.registry_state(registry);
    assert_eq!(state.root, registry.root().to_bytes());
    assert_eq!(state.next_index, registry.next_index);
}

#[test]
fn appends_and_replacements_agree_with_the_reference_at_every_boundary() {
    // around each power of four, and one leaf before the end
    for level in 1..=10 {
        let boundary = 1u64 << (2 * level);
        for before in [1, 2, 3, 5] {
            let mut world = World::new();
            if boundary <= before {
                continue;
            }
            let mut registry = registry_at(&mut world, boundary - before);
            world.append(&mut registry, &[leaf(1000)]).unwrap();
            agree(&world, &registry);
            // a leaf that lies in the frontier, then the append that would restore it
            let index = registry.next_index - 1;
            world.replace(&mut registry, index, Leaf::EMPTY).unwrap();
            agree(&world, &registry);
            let far = 3.min(registry.next_index - 1);
            world.replace(&mut registry, far, leaf(5)).unwrap();
            agree(&world, &registry);
            if boundary < CAPACITY {
                let batch: Vec<_> = (2000..2012).map(leaf).collect();
                world.append(&mut registry, &batch).unwrap();
                agree(&world, &registry);
            }
        }
    }
}

#[test]
fn a_registry_holds_its_full_capacity_and_not_one_leaf_more() {
    let mut world = World::new();
    let mut registry = registry_at(&mut world, CAPACITY - 2);
    assert_refused(
        world.append(&mut registry, &[leaf(1), leaf(2), leaf(3)]),
        BautaError::TreeFull,
    );
    world.append(&mut registry, &[leaf(1), leaf(2)]).unwrap();
    agree(&world, &registry);
    assert_eq!(registry.next_index, CAPACITY);
    assert_refused(world.append(&mut registry, &[leaf(3)]), BautaError::TreeFull);
    // a full tree's leaves can still be replaced
    for index in [CAPACITY - 1, CAPACITY - 2, 0] {
        world.replace(&mut registry, index, leaf(9)).unwrap();
        agree(&world, &registry);
    }
}

#[test]
fn an_index_past_the_last_leaf_is_refused() {
    let mut world = World::new();
    let mut registry = registry_at(&mut world, 20);
    assert_refused(
        world.replace(&mut registry, 20, leaf(1)),
        BautaError::IndexNotAppended,
    );
    let far = bauta_client::instructions::ReplaceLeaf {
        registry: registry.address,
        tree: registry.tree_account,
        authority: solana_signer::Signer::pubkey(&registry.authority),
        index: u64::MAX,
        old_leaf: Leaf::EMPTY,
        new_leaf: leaf(1),
        path: world.on_chain_path(&registry, 0),
    };
    assert_refused(
        world.send(&[far.instruction()], &[&registry.authority]),
        BautaError::IndexNotAppended,
    );
}

#[test]
fn a_full_registry_of_holders_refuses_a_further_token() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    let mut account = world.account(&registry.address).unwrap();
    let state: &mut Registry = bytemuck::from_bytes_mut(&mut account.data[DISCRIMINATOR..]);
    state.next_index = CAPACITY;
    world.set_account(&registry.address, account);
    let owner = world.person("one too many");
    let nft = world.mint_nft(&owner);
    world.add_collection(&registry, &nft.mint, false, 5).unwrap();
    assert_refused(
        world.register(&registry, &nft, None, member.commitment()),
        BautaError::TreeFull,
    );
}

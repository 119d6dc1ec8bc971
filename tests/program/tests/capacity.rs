//! Tests the tree on chain at its capacity, and at every boundary where a level of the frontier
//! starts again.
//!
//! A million appends take too long. The tests therefore write the state that a registry would have:
//! account `Registry`, frontier and canopy come from a reference tree with few leaves, in the form
//! of section 6 of the protocol.

use bauta::errors::BautaError;
use bauta::state::{CANOPY_LEVEL, CollectionKind, DEPTH, Registry, RegistryKind, Tree};
use bauta_client::ReferenceTree;
use bauta_primitives::tree::Depth;
use bauta_primitives::{FieldElement, Leaf};
use bauta_program_test::{RegistrySpec, TestChain, TestRegistry, assert_refused};

const CAPACITY: u64 = 1 << 20;
const DISCRIMINATOR: usize = 8;

fn leaf(value: u64) -> Leaf {
    Leaf::new(FieldElement::from_u64(value))
}

/// Creates a registry of kind `Managed` with `next_index` leaves. All but the last few are empty.
fn registry_at(chain: &mut TestChain, next_index: u64) -> TestRegistry {
    let mut registry = chain.create_registry(RegistrySpec::of_kind(RegistryKind::Managed));
    registry.tree = ReferenceTree::new(Depth::Ten);
    for index in next_index.saturating_sub(40)..next_index {
        registry.tree.set(index, leaf(index + 1)).unwrap();
    }
    // A leaf at the far left, so that the left half of the canopy is not empty.
    registry.tree.set(3.min(next_index - 1), leaf(77)).unwrap();
    registry.next_index = next_index;

    let mut account = chain.account(&registry.address).unwrap();
    let state: &mut Registry = bytemuck::from_bytes_mut(&mut account.data[DISCRIMINATOR..]);
    state.next_index = next_index;
    state.root = registry.root().to_bytes();
    chain.set_account(&registry.address, account);

    let mut account = chain.account(&registry.tree_account).unwrap();
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
    chain.set_account(&registry.tree_account, account);
    registry
}

#[track_caller]
fn assert_agrees(chain: &TestChain, registry: &TestRegistry) {
    let state = chain.registry_state(registry);
    assert_eq!(state.root, registry.root().to_bytes());
    assert_eq!(state.next_index, registry.next_index);
}

#[test]
fn appends_and_replacements_agree_with_the_reference_at_every_boundary() {
    // The boundaries are the powers of four.
    for level in 1..=10 {
        let boundary = 1u64 << (2 * level);
        for before in [1, 2, 3, 5] {
            let mut chain = TestChain::new();
            if boundary <= before {
                continue;
            }
            let mut registry = registry_at(&mut chain, boundary - before);
            chain.append_leaves(&mut registry, &[leaf(1000)]).unwrap();
            assert_agrees(&chain, &registry);
            // Remove a leaf that is in the frontier. A later append must not restore it.
            let index = registry.next_index - 1;
            chain.replace_leaf(&mut registry, index, Leaf::EMPTY).unwrap();
            assert_agrees(&chain, &registry);
            let far = 3.min(registry.next_index - 1);
            chain.replace_leaf(&mut registry, far, leaf(5)).unwrap();
            assert_agrees(&chain, &registry);
            if boundary < CAPACITY {
                let batch: Vec<_> = (2000..2012).map(leaf).collect();
                chain.append_leaves(&mut registry, &batch).unwrap();
                assert_agrees(&chain, &registry);
            }
        }
    }
}

#[test]
fn a_registry_accepts_leaves_up_to_its_capacity() {
    let mut chain = TestChain::new();
    let mut registry = registry_at(&mut chain, CAPACITY - 2);
    assert_refused(
        chain.append_leaves(&mut registry, &[leaf(1), leaf(2), leaf(3)]),
        BautaError::TreeFull,
    );
    chain.append_leaves(&mut registry, &[leaf(1), leaf(2)]).unwrap();
    assert_agrees(&chain, &registry);
    assert_eq!(registry.next_index, CAPACITY);
    assert_refused(
        chain.append_leaves(&mut registry, &[leaf(3)]),
        BautaError::TreeFull,
    );
    // The leaves of a full tree can be replaced.
    for index in [CAPACITY - 1, CAPACITY - 2, 0] {
        chain.replace_leaf(&mut registry, index, leaf(9)).unwrap();
        assert_agrees(&chain, &registry);
    }
}

#[test]
fn an_index_past_the_last_leaf_is_refused() {
    let mut chain = TestChain::new();
    let mut registry = registry_at(&mut chain, 20);
    assert_refused(
        chain.replace_leaf(&mut registry, 20, leaf(1)),
        BautaError::IndexNotAppended,
    );
    let far = bauta_client::instructions::ReplaceLeaf {
        registry: registry.address,
        tree: registry.tree_account,
        authority: solana_signer::Signer::pubkey(&registry.authority),
        index: u64::MAX,
        old_leaf: Leaf::EMPTY,
        new_leaf: leaf(1),
        path: chain.on_chain_path(&registry, 0),
    };
    assert_refused(
        chain.send(&[far.instruction()], &[&registry.authority]),
        BautaError::IndexNotAppended,
    );
}

#[test]
fn a_full_registry_of_holders_refuses_a_further_token() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    let mut account = chain.account(&registry.address).unwrap();
    let state: &mut Registry = bytemuck::from_bytes_mut(&mut account.data[DISCRIMINATOR..]);
    state.next_index = CAPACITY;
    chain.set_account(&registry.address, account);
    let owner = chain.funded_keypair("last holder");
    let nft = chain.mint_nft(&owner);
    chain
        .add_collection(&registry, &nft.mint, CollectionKind::Asset, 5)
        .unwrap();
    assert_refused(
        chain.send_register_holder(&registry, &nft, None, member.commitment()),
        BautaError::TreeFull,
    );
}

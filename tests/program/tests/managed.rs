//! Tests registries of kind `Managed` and `Attested`: what their authority can do.

use bauta::{
    errors::BautaError,
    state::{RegistryKind, ScopeMode},
};
use bauta_client::instructions as ix;
use bauta_primitives::{FieldElement, Leaf, Root};
use bauta_program_test::{RegistrySpec, ScopeSpec, TestChain, TestRegistry, assert_refused, with_bytes};
use solana_signer::Signer;

fn leaf(n: u64) -> Leaf {
    Leaf::new(FieldElement::from_u64(n))
}

fn managed() -> (TestChain, TestRegistry) {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::of_kind(RegistryKind::Managed));
    let leaves: Vec<Leaf> = (1..=6).map(leaf).collect();
    chain
        .append_leaves(&mut registry, &leaves)
        .expect("append_leaves");
    (chain, registry)
}

#[test]
fn an_empty_batch_and_an_invalid_leaf_are_refused() {
    let (mut chain, mut registry) = managed();
    assert_refused(chain.append_leaves(&mut registry, &[]), BautaError::EmptyBatch);
    assert_refused(
        chain.append_leaves(&mut registry, &[leaf(7), Leaf::EMPTY]),
        BautaError::AppendedEmptyLeaf,
    );
    let append = ix::AppendLeaves {
        registry: registry.address,
        tree: registry.tree_account,
        authority: registry.authority.pubkey(),
        leaves: vec![leaf(0x1122_3344_5566)],
    };
    let leaf = leaf(0x1122_3344_5566).to_bytes();
    let high = with_bytes(append.instruction(), &leaf, &FieldElement::MODULUS);
    assert_refused(
        chain.send(&[high], &[&registry.authority]),
        BautaError::LeafNotCanonical,
    );
    assert_eq!(chain.registry_state(&registry).root, registry.root().to_bytes());
}

#[test]
fn a_replacement_needs_the_current_leaf_and_its_path() {
    let (mut chain, mut registry) = managed();
    let replace = |chain: &TestChain, registry: &TestRegistry, index, old_leaf| ix::ReplaceLeaf {
        registry: registry.address,
        tree: registry.tree_account,
        authority: registry.authority.pubkey(),
        index,
        old_leaf,
        new_leaf: leaf(100),
        path: chain.on_chain_path(registry, index),
    };
    let wrong = replace(&chain, &registry, 2, leaf(4)).instruction();
    assert_refused(
        chain.send(&[wrong], &[&registry.authority]),
        BautaError::StalePath,
    );
    let early = replace(&chain, &registry, 6, Leaf::EMPTY).instruction();
    assert_refused(
        chain.send(&[early], &[&registry.authority]),
        BautaError::IndexNotAppended,
    );
    let good = replace(&chain, &registry, 2, leaf(3)).instruction();
    let sibling = leaf(1).to_bytes();
    let high = with_bytes(good.clone(), &sibling, &FieldElement::MODULUS);
    assert_refused(
        chain.send(&[high], &[&registry.authority]),
        BautaError::PathNotCanonical,
    );
    // A sibling changes, and then the leaf itself.
    chain
        .replace_leaf(&mut registry, 1, leaf(50))
        .expect("replace_leaf");
    chain
        .replace_leaf(&mut registry, 2, leaf(60))
        .expect("replace_leaf");
    assert_refused(chain.send(&[good], &[&registry.authority]), BautaError::StalePath);
    chain
        .replace_leaf(&mut registry, 2, Leaf::EMPTY)
        .expect("replace_leaf");
    assert_eq!(chain.registry_state(&registry).root, registry.root().to_bytes());
}

#[test]
fn a_path_goes_stale_only_when_its_own_1024_leaves_change() {
    let (mut chain, mut registry) = managed();
    let batch: Vec<Leaf> = (0..20).map(|n| leaf(1_000 + n)).collect();
    while registry.next_index < 1_030 {
        chain.append_leaves(&mut registry, &batch).expect("append_leaves");
    }
    let old = chain.on_chain_path(&registry, 3);
    let replace = ix::ReplaceLeaf {
        registry: registry.address,
        tree: registry.tree_account,
        authority: registry.authority.pubkey(),
        index: 3,
        old_leaf: leaf(4),
        new_leaf: leaf(400),
        path: old,
    };
    chain.append_leaves(&mut registry, &batch).expect("append_leaves");
    chain
        .replace_leaf(&mut registry, 1_025, leaf(9))
        .expect("replace_leaf");
    chain
        .send(&[replace.instruction()], &[&registry.authority])
        .expect("the old path is still correct");
    registry.tree.set(3, leaf(400)).expect("the index is in the tree");
    assert_eq!(chain.registry_state(&registry).root, registry.root().to_bytes());
}

#[test]
fn another_authority_and_another_kind_of_registry_are_refused() {
    let (mut chain, mut registry) = managed();
    let other = chain.funded_keypair("another authority");
    let own = std::mem::replace(&mut registry.authority, other);
    assert_refused(
        chain.append_leaves(&mut registry, &[leaf(7)]),
        BautaError::NotRegistryAuthority,
    );
    assert_refused(
        chain.replace_leaf(&mut registry, 0, leaf(7)),
        BautaError::NotRegistryAuthority,
    );
    registry.authority = own;
    let root = Root::new(FieldElement::from_u64(1));
    assert_refused(chain.publish_root(&registry, root), BautaError::WrongRegistryKind);
    assert_refused(chain.seal_registry(&registry), BautaError::WrongRegistryKind);
}

#[test]
fn a_published_root_must_be_canonical_and_is_accepted_until_it_expires() {
    let mut chain = TestChain::new();
    let spec = RegistrySpec {
        root_ttl: 60,
        ..RegistrySpec::of_kind(RegistryKind::Attested)
    };
    let registry = chain.create_registry(spec);
    let root = |n: u64| Root::new(FieldElement::from_u64(n));
    chain.publish_root(&registry, root(1)).expect("publish_root");
    let publish = ix::PublishRoot {
        registry: registry.address,
        authority: registry.authority.pubkey(),
        root: root(0x1122_3344),
    };
    let high = with_bytes(
        publish.instruction(),
        &root(0x1122_3344).to_bytes(),
        &FieldElement::MODULUS,
    );
    assert_refused(
        chain.send(&[high], &[&registry.authority]),
        BautaError::RootNotCanonical,
    );

    // The authority is trusted. A forged proof at its root represents a tree that is stored off
    // chain.
    let mut holders = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut holders, 5);
    let spec = ScopeSpec {
        mode: Some(ScopeMode::Live),
        ..ScopeSpec::default()
    };
    let scope = chain.create_scope(&registry, &spec);
    let mut verify = chain.prove(&holders, &member, &scope);
    verify.root = root(1);
    verify.proof = chain.forge(&scope, &verify);
    // The first publication kept the root of the empty tree. The next root is kept after the
    // interval.
    chain.advance_clock(4);
    chain.publish_root(&registry, root(2)).expect("publish_root");
    chain.advance_clock(59);
    let before = chain.clone().verify(&verify, &[]);
    before.expect("the root was replaced 59 seconds ago");
    chain.advance_clock(1);
    assert_refused(chain.verify(&verify, &[]), BautaError::UnknownRoot);
}

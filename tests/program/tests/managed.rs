//! Managed and Attested registries: what their authority can and can't do.

use bauta::{
    errors::BautaError,
    state::{RegistryKind, ScopeMode},
};
use bauta_client::instructions as ix;
use bauta_primitives::{FieldElement, Leaf, Root};
use bauta_program_test::{RegistrySpec, ScopeSpec, TestRegistry, World, assert_refused, with_bytes};
use solana_signer::Signer;

fn leaf(n: u64) -> Leaf {
    Leaf::new(FieldElement::from_u64(n))
}

fn managed() -> (World, TestRegistry) {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::of_kind(RegistryKind::Managed));
    let leaves: Vec<Leaf> = (1..=6).map(leaf).collect();
    world.append(&mut registry, &leaves).expect("append_leaves");
    (world, registry)
}

#[test]
fn no_batch_is_empty_and_no_leaf_empty_or_too_large() {
    let (mut world, mut registry) = managed();
    assert_refused(world.append(&mut registry, &[]), BautaError::EmptyBatch);
    assert_refused(
        world.append(&mut registry, &[leaf(7), Leaf::EMPTY]),
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
        world.send(&[high], &[&registry.authority]),
        BautaError::LeafNotCanonical,
    );
    assert_eq!(world.registry_state(&registry).root, registry.root().to_bytes());
}

#[test]
fn a_replacement_needs_the_leaf_that_stands_and_its_path() {
    let (mut world, mut registry) = managed();
    let replace = |world: &World, registry: &TestRegistry, index, old_leaf| ix::ReplaceLeaf {
        registry: registry.address,
        tree: registry.tree_account,
        authority: registry.authority.pubkey(),
        index,
        old_leaf,
        new_leaf: leaf(100),
        path: world.on_chain_path(registry, index),
    };
    let wrong = replace(&world, &registry, 2, leaf(4)).instruction();
    assert_refused(
        world.send(&[wrong], &[&registry.authority]),
        BautaError::StalePath,
    );
    let early = replace(&world, &registry, 6, Leaf::EMPTY).instruction();
    assert_refused(
        world.send(&[early], &[&registry.authority]),
        BautaError::IndexNotAppended,
    );
    let good = replace(&world, &registry, 2, leaf(3)).instruction();
    let sibling = leaf(1).to_bytes();
    let high = with_bytes(good.clone(), &sibling, &FieldElement::MODULUS);
    assert_refused(
        world.send(&[high], &[&registry.authority]),
        BautaError::PathNotCanonical,
    );
    // a neighbour changes: the path is stale
    world.replace(&mut registry, 1, leaf(50)).expect("replace_leaf");
    assert_refused(world.send(&[good], &[&registry.authority]), BautaError::StalePath);
    world
        .replace(&mut registry, 2, Leaf::EMPTY)
        .expect("replace_leaf");
    assert_eq!(world.registry_state(&registry).root, registry.root().to_bytes());
}

#[test]
fn a_path_goes_stale_only_when_its_own_1024_leaves_change() {
    let (mut world, mut registry) = managed();
    let batch: Vec<Leaf> = (0..20).map(|n| leaf(1_000 + n)).collect();
    while registry.next_index < 1_030 {
        world.append(&mut registry, &batch).expect("append_leaves");
    }
    let old = world.on_chain_path(&registry, 3);
    let replace = ix::ReplaceLeaf {
        registry: registry.address,
        tree: registry.tree_account,
        authority: registry.authority.pubkey(),
        index: 3,
        old_leaf: leaf(4),
        new_leaf: leaf(400),
        path: old,
    };
    world.append(&mut registry, &batch).expect("append_leaves");
    world
        .replace(&mut registry, 1_025, leaf(9))
        .expect("replace_leaf");
    world
        .send(&[replace.instruction()], &[&registry.authority])
        .expect("the path of before the changes");
    registry.tree.set(3, leaf(400)).expect("an index within the tree");
    assert_eq!(world.registry_state(&registry).root, registry.root().to_bytes());
}

#[test]
fn another_authority_and_another_kind_of_registry_are_refused() {
    let (mut world, mut registry) = managed();
    let stranger = world.person("stranger");
    let own = std::mem::replace(&mut registry.authority, stranger);
    assert_refused(
        world.append(&mut registry, &[leaf(7)]),
        BautaError::NotRegistryAuthority,
    );
    assert_refused(
        world.replace(&mut registry, 0, leaf(7)),
        BautaError::NotRegistryAuthority,
    );
    registry.authority = own;
    let root = Root::new(FieldElement::from_u64(1));
    assert_refused(world.publish_root(&registry, root), BautaError::WrongRegistryKind);
    assert_refused(world.seal_registry(&registry), BautaError::WrongRegistryKind);
}

#[test]
fn an_attested_root_is_accepted_until_its_time_is_over_and_is_canonical() {
    let mut world = World::new();
    let spec = RegistrySpec {
        root_ttl: 60,
        ..RegistrySpec::of_kind(RegistryKind::Attested)
    };
    let registry = world.create_registry(spec);
    let root = |n: u64| Root::new(FieldElement::from_u64(n));
    world.publish_root(&registry, root(1)).expect("publish_root");
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
        world.send(&[high], &[&registry.authority]),
        BautaError::RootNotCanonical,
    );

    // the authority is who is trusted here: a forged membership at its root stands for a tree that it keeps off chain
    let mut holders = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut holders, 5);
    let spec = ScopeSpec {
        mode: Some(ScopeMode::Live),
        ..ScopeSpec::default()
    };
    let scope = world.create_scope(&registry, &spec);
    let mut verify = world.prove(&holders, &member, &scope);
    verify.root = root(1);
    verify.proof = world.forge(&scope, &verify);
    // the ring kept the empty tree's root at the first publication: the interval has to pass before it keeps another
    world.wait(4);
    world.publish_root(&registry, root(2)).expect("publish_root");
    world.wait(59);
    let before = world.clone().verify(&verify, &[]);
    before.expect("replaced 59 seconds ago");
    world.wait(1);
    assert_refused(world.verify(&verify, &[]), BautaError::UnknownRoot);
}

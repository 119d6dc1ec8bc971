//! Trees, kept roots, and accounts that somebody else touched first.

use bauta::errors::BautaError;
use bauta::state::RegistryKind;
use bauta_client::addresses;
use bauta_client::instructions::CreateRegistry;
use bauta_primitives::{FieldElement, Leaf};
use bauta_program_test::{RegistrySpec, ScopeSpec, World, assert_refused, keypair};
use solana_account::Account;
use solana_signer::Signer;

#[test]
fn pre_funding_a_tokens_holding_does_not_block_its_registration() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let owner = world.person("holder");
    let nft = world.mint_nft(&owner);
    world.add_collection(&registry, &nft.mint, false, 1).unwrap();
    let holding = addresses::holding(&registry.address, &nft.mint).address;
    world.set_account(
        &holding,
        Account {
            lamports: 1,
            ..Account::default()
        },
    );
    world.enter(&mut registry, &nft, None, 1).unwrap();
}

#[test]
fn register_and_evict_in_a_circle_does_not_eat_the_tree() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    let mut nft = member.nft;
    for _ in 0..3 {
        let other = world.person("next holder");
        let moved = world.transfer_nft(&nft, &other);
        world
            .evict(&mut registry, &nft.mint, Some(moved.account))
            .unwrap();
        world.wait(60);
        world.enter(&mut registry, &moved, None, 5).unwrap();
        nft = moved;
    }
    let state = world.registry_state(&registry);
    assert_eq!(state.next_index, 1);
    assert_eq!(state.root, registry.root().to_bytes());
}

#[test]
fn an_append_after_an_eviction_does_not_restore_the_evicted_leaf() {
    // the evicted leaf lies in the frontier at each distance from the next leaf
    for holders in 1..=9 {
        let mut world = World::new();
        let mut registry = world.create_registry(RegistrySpec::default());
        let members: Vec<_> = (0..holders).map(|_| world.holder(&mut registry, 5)).collect();
        for evicted in [0, holders - 1] {
            let nft = &members[evicted].nft;
            if world.token_amount(&nft.account) == 1 {
                world.burn_nft(nft).unwrap();
                world.evict(&mut registry, &nft.mint, None).unwrap();
            }
        }
        world.holder(&mut registry, 5);
        assert_eq!(
            world.registry_state(&registry).root,
            registry.root().to_bytes(),
            "{holders} holders"
        );
    }
}

#[test]
fn a_sealed_registry_takes_no_further_collection() {
    let mut world = World::new();
    let registry = world.create_registry(RegistrySpec::default());
    world.seal_registry(&registry).unwrap();
    assert_refused(
        world.add_collection(&registry, &keypair("mint").pubkey(), false, 1),
        BautaError::RegistrySealed,
    );
    assert_refused(world.seal_registry(&registry), BautaError::RegistrySealed);
}

#[test]
fn cheap_root_changes_do_not_push_honest_roots_out() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec {
        root_ttl: 1600,
        ..RegistrySpec::of_kind(RegistryKind::Managed)
    });
    let leaf = |n: u64| Leaf::new(FieldElement::from_u64(n));
    world.append(&mut registry, &[leaf(1)]).unwrap();
    world.wait(5000);
    let honest = registry.root();
    // the honest root is replaced, and then a hundred changes in a minute
    for n in 2..102 {
        world.append(&mut registry, &[leaf(n)]).unwrap();
    }
    let now = world.now();
    let state = world.registry_state(&registry);
    assert!(state.accepts(&honest.to_bytes(), now));
    assert!(state.accepts(&honest.to_bytes(), now + 1599));
    assert!(!state.accepts(&honest.to_bytes(), now + 1600));
    // a flood that lasts the whole time doesn't either
    for n in 102..134 {
        world.wait(50);
        world.append(&mut registry, &[leaf(n)]).unwrap();
        let alive = world.now() < now + 1600;
        assert_eq!(
            world
                .registry_state(&registry)
                .accepts(&honest.to_bytes(), world.now()),
            alive
        );
    }
}

#[test]
fn a_tree_can_not_be_taken_over_by_a_second_registry() {
    let mut world = World::new();
    let registry = world.create_registry(RegistrySpec::default());
    let thief = world.person("thief");
    let second = CreateRegistry {
        payer: world.payer.pubkey(),
        authority: thief.pubkey(),
        tree: Some(registry.tree_account),
        nonce: 0,
        kind: RegistryKind::Managed,
        depth: 10,
        leaf_format: 1,
        root_ttl: 3600,
    };
    assert_refused(
        world.send(&[second.instruction()], &[&thief]),
        BautaError::TreeInUse,
    );
}

#[test]
fn extreme_numbers_are_refused_and_never_overflow() {
    let mut world = World::new();
    for root_ttl in [i64::MIN, -1, 0, 59, 2_592_001, i64::MAX] {
        let spec = RegistrySpec {
            root_ttl,
            ..RegistrySpec::default()
        };
        assert_refused(
            world.try_create_registry(spec).map(|(_, sent)| sent),
            BautaError::RootTtlOutOfRange,
        );
    }
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, u64::MAX);
    for (opens_at, closes_at) in [
        (i64::MAX, i64::MAX),
        (0, i64::MIN),
        (i64::MIN, i64::MIN + 1),
        (1, 0),
    ] {
        let spec = ScopeSpec {
            opens_at: Some(opens_at),
            closes_at: Some(closes_at),
            ..ScopeSpec::default()
        };
        assert_refused(
            world.try_create_scope(&registry, &spec).map(|(_, sent)| sent),
            BautaError::BadOpeningTimes,
        );
    }
    let scope = world.create_scope(
        &registry,
        &ScopeSpec {
            opens_at: Some(i64::MIN),
            closes_at: Some(i64::MAX),
            ..ScopeSpec::default()
        },
    );
    let mut wish = world.wish();
    wish.expiry = i64::MAX;
    let verify = world.prove_for(&registry, &member, &scope, wish);
    world.verify(&verify, &[]).unwrap();
}

//! Trees, kept roots and pre-funded accounts.

use bauta::errors::BautaError;
use bauta::state::{CollectionKind, RegistryKind};
use bauta_client::addresses;
use bauta_client::instructions::CreateRegistry;
use bauta_primitives::{FieldElement, Leaf};
use bauta_program_test::{RegistrySpec, ScopeSpec, TestChain, assert_refused, keypair};
use solana_account::Account;
use solana_signer::Signer;

#[test]
fn pre_funding_a_tokens_holding_does_not_block_its_registration() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let owner = chain.funded_keypair("holder");
    let nft = chain.mint_nft(&owner);
    chain
        .add_collection(&registry, &nft.mint, CollectionKind::Asset, 1)
        .unwrap();
    let holding = addresses::holding(&registry.address, &nft.mint).address;
    chain.set_account(
        &holding,
        Account {
            lamports: 1,
            ..Account::default()
        },
    );
    chain.register(&mut registry, &nft, None, 1).unwrap();
}

#[test]
fn repeated_registration_and_eviction_does_not_fill_the_tree() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    let mut nft = member.nft;
    for _ in 0..3 {
        let other = chain.funded_keypair("next holder");
        let moved = chain.transfer_nft(&nft, &other);
        chain
            .evict_holder(&mut registry, &nft.mint, Some(moved.account))
            .unwrap();
        chain.advance_clock(60);
        chain.register(&mut registry, &moved, None, 5).unwrap();
        nft = moved;
    }
    let state = chain.registry_state(&registry);
    assert_eq!(state.next_index, 1);
    assert_eq!(state.root, registry.root().to_bytes());
}

#[test]
fn an_append_after_an_eviction_does_not_restore_the_evicted_leaf() {
    // The evicted leaf is in the frontier, at different distances from the next leaf.
    for holders in 1..=9 {
        let mut chain = TestChain::new();
        let mut registry = chain.create_registry(RegistrySpec::default());
        let members: Vec<_> = (0..holders).map(|_| chain.add_holder(&mut registry, 5)).collect();
        for evicted in [0, holders - 1] {
            let nft = &members[evicted].nft;
            if chain.token_amount(&nft.account) == 1 {
                chain.burn_nft(nft).unwrap();
                chain.evict_holder(&mut registry, &nft.mint, None).unwrap();
            }
        }
        chain.add_holder(&mut registry, 5);
        assert_eq!(
            chain.registry_state(&registry).root,
            registry.root().to_bytes(),
            "{holders} holders"
        );
    }
}

#[test]
fn a_sealed_registry_accepts_no_collection() {
    let mut chain = TestChain::new();
    let registry = chain.create_registry(RegistrySpec::default());
    chain.seal_registry(&registry).unwrap();
    assert_refused(
        chain.add_collection(&registry, &keypair("mint").pubkey(), CollectionKind::Asset, 1),
        BautaError::RegistrySealed,
    );
    assert_refused(chain.seal_registry(&registry), BautaError::RegistrySealed);
}

#[test]
fn many_root_changes_do_not_remove_kept_roots() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec {
        root_ttl: 1600,
        ..RegistrySpec::of_kind(RegistryKind::Managed)
    });
    let leaf = |n: u64| Leaf::new(FieldElement::from_u64(n));
    chain.append_leaves(&mut registry, &[leaf(1)]).unwrap();
    chain.advance_clock(5000);
    let kept = registry.root();
    // A hundred changes at once, the first of which replaces the root.
    for n in 2..102 {
        chain.append_leaves(&mut registry, &[leaf(n)]).unwrap();
    }
    let now = chain.now();
    let state = chain.registry_state(&registry);
    assert!(state.accepts(&kept.to_bytes(), now));
    assert!(state.accepts(&kept.to_bytes(), now + 1599));
    assert!(!state.accepts(&kept.to_bytes(), now + 1600));
    // Changes during the whole time do not remove it either.
    for n in 102..134 {
        chain.advance_clock(50);
        chain.append_leaves(&mut registry, &[leaf(n)]).unwrap();
        let expected = chain.now() < now + 1600;
        assert_eq!(
            chain
                .registry_state(&registry)
                .accepts(&kept.to_bytes(), chain.now()),
            expected
        );
    }
}

#[test]
fn a_tree_can_not_be_taken_over_by_a_second_registry() {
    let mut chain = TestChain::new();
    let registry = chain.create_registry(RegistrySpec::default());
    let attacker = chain.funded_keypair("attacker");
    // The key of the Tree account signs again.
    let tree = keypair("tree");
    let used = chain.account(&registry.tree_account).unwrap();
    chain.set_account(&tree.pubkey(), used);
    let second = CreateRegistry {
        payer: chain.payer.pubkey(),
        authority: attacker.pubkey(),
        tree: Some(tree.pubkey()),
        nonce: 0,
        kind: RegistryKind::Managed,
        depth: 10,
        leaf_format: 1,
        root_ttl: 3600,
    };
    assert_refused(
        chain.send(&[second.instruction()], &[&attacker, &tree]),
        BautaError::TreeInUse,
    );
}

#[test]
fn extreme_numbers_are_refused_and_never_overflow() {
    let mut chain = TestChain::new();
    for root_ttl in [i64::MIN, -1, 0, 59, 2_592_001, i64::MAX] {
        let spec = RegistrySpec {
            root_ttl,
            ..RegistrySpec::default()
        };
        assert_refused(
            chain.try_create_registry(spec).map(|(_, receipt)| receipt),
            BautaError::RootTtlOutOfRange,
        );
    }
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, u64::MAX);
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
            chain
                .try_create_scope(&registry, &spec)
                .map(|(_, receipt)| receipt),
            BautaError::BadOpeningTimes,
        );
    }
    let scope = chain.create_scope(
        &registry,
        &ScopeSpec {
            opens_at: Some(i64::MIN),
            closes_at: Some(i64::MAX),
            ..ScopeSpec::default()
        },
    );
    let mut context = chain.context_spec();
    context.expiry = i64::MAX;
    let verify = chain.prove_with_context(&registry, &member, &scope, context);
    chain.verify(&verify, &[]).unwrap();
}

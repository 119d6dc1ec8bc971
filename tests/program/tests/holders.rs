//! What `register_holder`, `evict_holder` and `reclaim_nullifier` do besides what `known_bugs.rs` shows.

use bauta::errors::BautaError;
use bauta::state::Nullifier;
use bauta_client::{Event, instructions as ix};
use bauta_primitives::{Commitment, FieldElement};
use bauta_program_test::{MintExtension, MintSpec, RegistrySpec, ScopeSpec, World, assert_refused};
use solana_account::Account;
use solana_signer::Signer;

#[test]
fn a_commitment_is_canonical_and_not_zero() {
    let mut world = World::new();
    let registry = world.create_registry(RegistrySpec::default());
    let owner = world.person("holder");
    let nft = world.mint_nft(&owner);
    world
        .add_collection(&registry, &nft.mint, false, 5)
        .expect("add_collection");
    let register = |commitment: u64| ix::RegisterHolder {
        registry: registry.address,
        tree: registry.tree_account,
        collection_key: nft.mint,
        mint: nft.mint,
        token_account: nft.account,
        owner: owner.pubkey(),
        payer: owner.pubkey(),
        commitment: Commitment::new(FieldElement::from_u64(commitment)),
        path: None,
    };
    let zero = register(0).instruction();
    assert_refused(world.send(&[zero], &[&owner]), BautaError::ZeroCommitment);
    let mut high = register(1).instruction();
    high.data[8..40].copy_from_slice(&FieldElement::MODULUS);
    assert_refused(world.send(&[high], &[&owner]), BautaError::CommitmentNotCanonical);
    world
        .send(&[register(1).instruction()], &[&owner])
        .expect("register_holder");
}

#[test]
fn a_path_is_given_exactly_when_the_token_has_a_leaf() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    world.wait(60);
    let register = |nft: &bauta_program_test::Nft, path| ix::RegisterHolder {
        registry: registry.address,
        tree: registry.tree_account,
        collection_key: nft.mint,
        mint: nft.mint,
        token_account: nft.account,
        owner: nft.owner.pubkey(),
        payer: nft.owner.pubkey(),
        commitment: Commitment::new(FieldElement::from_u64(7)),
        path,
    };
    let without = register(&member.nft, None).instruction();
    assert_refused(
        world.send(&[without], &[&member.nft.owner]),
        BautaError::MissingPath,
    );
    let owner = world.person("holder");
    let nft = world.mint_nft(&owner);
    world
        .add_collection(&registry, &nft.mint, false, 5)
        .expect("add_collection");
    let path = world.on_chain_path(&registry, 1);
    let with = register(&nft, Some(path)).instruction();
    assert_refused(world.send(&[with], &[&owner]), BautaError::UnexpectedPath);
}

/// The token programs never make such a mint; if one did, its member entry would say of which mint it speaks.
#[test]
fn a_member_entry_of_another_mint_is_not_believed() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let group = world.create_group();
    world
        .add_collection(&registry, &group, true, 3)
        .expect("add_collection");
    let owner = world.person("holder");
    let spec = MintSpec::token_2022(vec![MintExtension::GroupMember(group)]);
    let nft = world.mint(&owner, &spec);
    let genuine = world.account(&nft.mint).expect("a mint");
    let mut forged = genuine.clone();
    // the member entry holds the mint's own address, then the group's
    let entry = [nft.mint.to_bytes(), group.to_bytes()].concat();
    let at = forged
        .data
        .windows(64)
        .position(|window| window == entry)
        .expect("an entry");
    forged.data[at] ^= 1;
    world.set_account(&nft.mint, forged);
    assert_refused(
        world
            .enter(&mut registry, &nft, Some(group), 3)
            .map(|(_, sent)| sent),
        BautaError::GroupMemberOfAnotherMint,
    );
    world.set_account(&nft.mint, genuine);
    world
        .enter(&mut registry, &nft, Some(group), 3)
        .expect("a member of the group");
}

#[test]
fn a_closed_mint_is_evidence_and_an_eviction_counts_as_a_change() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    let mint = world.account(&member.nft.mint).expect("a mint");
    assert_refused(
        world.evict(&mut registry, &member.nft.mint, None),
        BautaError::NoEvidence,
    );
    world.wait(60);
    // what closing leaves: an address without anything
    world.set_account(&member.nft.mint, Account::default());
    let sent = world
        .evict(&mut registry, &member.nft.mint, None)
        .expect("evict_holder");
    assert!(matches!(
        sent.events[0],
        Event::HolderEvicted(ref event) if event.evidence == bauta::events::Evidence::MintClosed
    ));
    assert_refused(
        world.evict(&mut registry, &member.nft.mint, None),
        BautaError::AlreadyEvicted,
    );
    // were it to come back, its leaf could not change again at once
    world.set_account(&member.nft.mint, mint);
    world.wait(59);
    let again = world.enter(&mut registry, &member.nft, None, 5);
    assert_refused(again.map(|(_, sent)| sent), BautaError::ChangedTooRecently);
    world.wait(1);
    world
        .enter(&mut registry, &member.nft, None, 5)
        .expect("a minute later");
    assert_eq!(world.registry_state(&registry).root, registry.root().to_bytes());
}

#[test]
fn reclaiming_returns_all_that_the_account_holds_to_who_paid_and_leaves_the_tombstone() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    let scope = world.create_scope(&registry, &ScopeSpec::default());
    let payer = world.person("payer");
    let mut verify = world.prove(&registry, &member, &scope);
    verify.payer = payer.pubkey();
    let balance = |world: &World| world.account(&payer.pubkey()).expect("funded").lamports;
    let before = balance(&world);
    world.verify(&verify, &[&payer]).expect("verify");
    let rent = world.rent(Nullifier::SPACE);
    assert_eq!(before - balance(&world), rent);
    world.fund(&verify.nullifier_account());
    assert_refused(world.reclaim(&verify), BautaError::ScopeStillOpen);
    world.close_scope(&scope).expect("close_scope");
    let held = world
        .account(&verify.nullifier_account())
        .expect("a nullifier")
        .lamports;
    world.reclaim(&verify).expect("reclaim_nullifier");
    assert_eq!(balance(&world), before - rent + held);
    assert!(world.account(&verify.nullifier_account()).is_none());
    // the tombstone stands, and what was used stays used
    assert!(world.account(&scope.address).is_some());
    assert_refused(world.verify(&verify, &[&payer]), BautaError::ScopeClosed);
}

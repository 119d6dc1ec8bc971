//! Tests `register_holder`, `evict_holder` and `reclaim_nullifier`. More tests are in `known_bugs`.

use bauta::errors::BautaError;
use bauta::state::{CollectionKind, Nullifier};
use bauta_client::{Event, instructions as ix};
use bauta_primitives::{Commitment, FieldElement};
use bauta_program_test::{MintExtension, MintSpec, RegistrySpec, ScopeSpec, TestChain, assert_refused};
use solana_account::Account;
use solana_signer::Signer;

#[test]
fn a_commitment_must_be_canonical_and_not_zero() {
    let mut chain = TestChain::new();
    let registry = chain.create_registry(RegistrySpec::default());
    let owner = chain.funded_keypair("holder");
    let nft = chain.mint_nft(&owner);
    chain
        .add_collection(&registry, &nft.mint, CollectionKind::Asset, 5)
        .expect("add_collection");
    let register = |commitment: u64| ix::RegisterHolder {
        registry: registry.address,
        tree: registry.tree_account,
        collection_key: nft.mint,
        mint: nft.mint,
        token_account: nft.account,
        token_metadata: nft.token_metadata,
        owner: owner.pubkey(),
        payer: owner.pubkey(),
        commitment: Commitment::new(FieldElement::from_u64(commitment)),
        path: None,
    };
    let zero = register(0).instruction();
    assert_refused(chain.send(&[zero], &[&owner]), BautaError::ZeroCommitment);
    let mut high = register(1).instruction();
    high.data[8..40].copy_from_slice(&FieldElement::MODULUS);
    assert_refused(chain.send(&[high], &[&owner]), BautaError::CommitmentNotCanonical);
    chain
        .send(&[register(1).instruction()], &[&owner])
        .expect("register_holder");
}

#[test]
fn a_path_is_given_exactly_when_the_token_has_a_leaf() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    chain.advance_clock(60);
    let register = |nft: &bauta_program_test::Nft, path| ix::RegisterHolder {
        registry: registry.address,
        tree: registry.tree_account,
        collection_key: nft.mint,
        mint: nft.mint,
        token_account: nft.account,
        token_metadata: nft.token_metadata,
        owner: nft.owner.pubkey(),
        payer: nft.owner.pubkey(),
        commitment: Commitment::new(FieldElement::from_u64(7)),
        path,
    };
    let without = register(&member.nft, None).instruction();
    assert_refused(
        chain.send(&[without], &[&member.nft.owner]),
        BautaError::MissingPath,
    );
    let owner = chain.funded_keypair("holder");
    let nft = chain.mint_nft(&owner);
    chain
        .add_collection(&registry, &nft.mint, CollectionKind::Asset, 5)
        .expect("add_collection");
    let path = chain.on_chain_path(&registry, 1);
    let with = register(&nft, Some(path)).instruction();
    assert_refused(chain.send(&[with], &[&owner]), BautaError::UnexpectedPath);
}

/// The token programs never create such a mint. The program checks it nevertheless.
#[test]
fn a_group_membership_of_another_mint_is_refused() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let group = chain.create_group();
    chain
        .add_collection(&registry, &group, CollectionKind::Group, 3)
        .expect("add_collection");
    let owner = chain.funded_keypair("holder");
    let spec = MintSpec::token_2022(vec![MintExtension::GroupMember(group)]);
    let nft = chain.mint(&owner, &spec);
    let genuine = chain.account(&nft.mint).expect("the mint exists");
    let mut forged = genuine.clone();
    // The extension contains the address of the mint, followed by the address of the group.
    let entry = [nft.mint.to_bytes(), group.to_bytes()].concat();
    let at = forged
        .data
        .windows(64)
        .position(|window| window == entry)
        .expect("the mint has the extension");
    forged.data[at] ^= 1;
    chain.set_account(&nft.mint, forged);
    assert_refused(
        chain
            .register(&mut registry, &nft, Some(group), 3)
            .map(|(_, receipt)| receipt),
        BautaError::GroupMemberOfAnotherMint,
    );
    chain.set_account(&nft.mint, genuine);
    chain
        .register(&mut registry, &nft, Some(group), 3)
        .expect("the token is a member of the group");
}

#[test]
fn a_closed_mint_is_evidence_and_an_eviction_counts_as_a_change() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    let mint = chain.account(&member.nft.mint).expect("the mint exists");
    assert_refused(
        chain.evict_holder(&mut registry, &member.nft.mint, None),
        BautaError::NoEvidence,
    );
    chain.advance_clock(60);
    // A closed account is empty.
    chain.set_account(&member.nft.mint, Account::default());
    let receipt = chain
        .evict_holder(&mut registry, &member.nft.mint, None)
        .expect("evict_holder");
    assert!(matches!(
        receipt.events[0],
        Event::HolderEvicted(ref event) if event.evidence == bauta::events::Evidence::MintClosed
    ));
    assert_refused(
        chain.evict_holder(&mut registry, &member.nft.mint, None),
        BautaError::AlreadyEvicted,
    );
    // If the mint existed again, its leaf could not change at once.
    chain.set_account(&member.nft.mint, mint);
    chain.advance_clock(59);
    let again = chain.register(&mut registry, &member.nft, None, 5);
    assert_refused(again.map(|(_, receipt)| receipt), BautaError::ChangedTooRecently);
    chain.advance_clock(1);
    chain
        .register(&mut registry, &member.nft, None, 5)
        .expect("60 seconds have passed");
    assert_eq!(chain.registry_state(&registry).root, registry.root().to_bytes());
}

#[test]
fn reclaiming_returns_all_lamports_to_the_payer_and_keeps_the_scope_account() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    let scope = chain.create_scope(&registry, &ScopeSpec::default());
    let payer = chain.funded_keypair("payer");
    let mut verify = chain.prove(&registry, &member, &scope);
    verify.payer = payer.pubkey();
    let balance = |chain: &TestChain| chain.account(&payer.pubkey()).expect("the payer exists").lamports;
    let before = balance(&chain);
    chain.verify(&verify, &[&payer]).expect("verify");
    let rent = chain.rent(Nullifier::SPACE);
    assert_eq!(before - balance(&chain), rent);
    chain.fund(&verify.nullifier_account());
    assert_refused(chain.reclaim_nullifier(&verify), BautaError::ScopeStillOpen);
    chain.close_scope(&scope).expect("close_scope");
    let held = chain
        .account(&verify.nullifier_account())
        .expect("the nullifier account exists")
        .lamports;
    chain.reclaim_nullifier(&verify).expect("reclaim_nullifier");
    assert_eq!(balance(&chain), before - rent + held);
    assert!(chain.account(&verify.nullifier_account()).is_none());
    // The scope account remains, so the proof is refused.
    assert!(chain.account(&scope.address).is_some());
    assert_refused(chain.verify(&verify, &[&payer]), BautaError::ScopeClosed);
}

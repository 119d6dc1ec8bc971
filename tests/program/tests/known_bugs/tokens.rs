//! Tokens that must not be registered, or not twice.

use bauta::errors::BautaError;
use bauta::state::CollectionKind;
use bauta_client::instructions::RegisterHolder;
use bauta_primitives::{Commitment, FieldElement};
use bauta_program_test::{MintExtension, MintSpec, RegistrySpec, TestChain, assert_refused, keypair};
use solana_signer::Signer;

#[test]
fn a_token_never_has_two_leaves() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    // A second registration is refused at once. Later it overwrites the leaf.
    assert_refused(
        chain
            .register(&mut registry, &member.nft, None, 5)
            .map(|(_, receipt)| receipt),
        BautaError::ChangedTooRecently,
    );
    chain.advance_clock(60);
    let (again, _) = chain.register(&mut registry, &member.nft, None, 5).unwrap();
    assert_eq!(again.index, member.index);
    assert_eq!(chain.registry_state(&registry).next_index, 1);
}

#[test]
fn a_token_in_two_collections_has_one_leaf() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let group = chain.create_group();
    let owner = chain.funded_keypair("holder");
    let nft = chain.mint(
        &owner,
        &MintSpec::token_2022(vec![MintExtension::GroupMember(group)]),
    );
    chain
        .add_collection(&registry, &group, CollectionKind::Group, 1)
        .unwrap();
    chain
        .add_collection(&registry, &nft.mint, CollectionKind::Asset, 2)
        .unwrap();
    chain.register(&mut registry, &nft, Some(group), 1).unwrap();
    chain.advance_clock(60);
    chain.register(&mut registry, &nft, None, 2).unwrap();
    let state = chain.registry_state(&registry);
    assert_eq!(state.next_index, 1);
    assert_eq!(state.root, registry.root().to_bytes());
}

#[test]
fn a_burnt_token_can_be_evicted() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    chain.burn_nft(&member.nft).unwrap();
    chain.evict_holder(&mut registry, &member.nft.mint, None).unwrap();
    assert_eq!(chain.registry_state(&registry).root, registry.root().to_bytes());
}

#[test]
fn a_mint_that_could_be_created_again_or_taken_or_hidden_is_refused() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let cases = [
        (MintExtension::CloseAuthority, BautaError::HasMintCloseAuthority),
        (MintExtension::PermanentDelegate, BautaError::HasPermanentDelegate),
        (
            MintExtension::ConfidentialTransfer,
            BautaError::HasConfidentialExtension,
        ),
    ];
    for (extension, error) in cases {
        let owner = chain.funded_keypair("holder");
        let nft = chain.mint(&owner, &MintSpec::token_2022(vec![extension]));
        chain
            .add_collection(&registry, &nft.mint, CollectionKind::Asset, 1)
            .unwrap();
        assert_refused(
            chain
                .register(&mut registry, &nft, None, 1)
                .map(|(_, receipt)| receipt),
            error,
        );
    }
}

#[test]
fn a_false_group_pointer_is_ignored() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let group = chain.create_group();
    chain
        .add_collection(&registry, &group, CollectionKind::Group, 1)
        .unwrap();
    let owner = chain.funded_keypair("holder");
    let genuine = chain.mint(
        &owner,
        &MintSpec::token_2022(vec![MintExtension::GroupMember(group)]),
    );
    // The pointer leads to a genuine member, and to the group itself.
    for pointer in [genuine.mint, group] {
        let impostor = chain.mint(
            &owner,
            &MintSpec::token_2022(vec![MintExtension::GroupMemberPointer(pointer)]),
        );
        assert_refused(
            chain
                .register(&mut registry, &impostor, Some(group), 1)
                .map(|(_, receipt)| receipt),
            BautaError::NotInCollection,
        );
    }
    chain.register(&mut registry, &genuine, Some(group), 1).unwrap();
}

/// Sealing fixes the list of collections, not the members of each.
#[test]
fn a_token_that_joins_a_group_after_the_registry_is_sealed_can_be_registered() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let group = chain.create_group();
    chain
        .add_collection(&registry, &group, CollectionKind::Group, 1)
        .unwrap();
    chain.seal_registry(&registry).unwrap();
    let owner = chain.funded_keypair("holder");
    let late = chain.mint(
        &owner,
        &MintSpec::token_2022(vec![MintExtension::GroupMember(group)]),
    );
    chain.register(&mut registry, &late, Some(group), 1).unwrap();
    assert_eq!(chain.registry_state(&registry).root, registry.root().to_bytes());
}

/// The fee on an amount of 1 is 1. The recipient's account has amount 0 and withholds the token, so
/// no token account is evidence that the token moved.
#[test]
fn a_mint_with_a_transfer_fee_is_refused() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let spec = MintSpec::token_2022(vec![MintExtension::TransferFee]);
    let nft = token(&mut chain, &registry, &spec);
    assert_refused(
        chain
            .register(&mut registry, &nft, None, 1)
            .map(|(_, receipt)| receipt),
        BautaError::HasTransferFee,
    );
    let buyer = chain.funded_keypair("buyer");
    let sold = chain.transfer_nft(&nft, &buyer);
    assert_eq!(chain.token_amount(&nft.account), 0);
    assert_eq!(chain.token_amount(&sold.account), 0);
}

/// Creates a token with its own collection.
fn token(
    chain: &mut TestChain,
    registry: &bauta_program_test::TestRegistry,
    spec: &MintSpec,
) -> bauta_program_test::Nft {
    let owner = chain.funded_keypair("holder");
    let nft = chain.mint(&owner, spec);
    chain
        .add_collection(registry, &nft.mint, CollectionKind::Asset, 1)
        .unwrap();
    nft
}

#[test]
fn a_token_that_is_not_unique_is_refused() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let plain = MintSpec::default;
    let cases = [
        (MintSpec { supply: 2, ..plain() }, BautaError::SupplyNotOne),
        (MintSpec { supply: 0, ..plain() }, BautaError::SupplyNotOne),
        (
            MintSpec {
                decimals: 1,
                ..plain()
            },
            BautaError::DecimalsNotZero,
        ),
        (
            MintSpec {
                keep_mint_authority: true,
                ..plain()
            },
            BautaError::HasMintAuthority,
        ),
    ];
    for (spec, error) in cases {
        let nft = token(&mut chain, &registry, &spec);
        assert_refused(
            chain
                .register(&mut registry, &nft, None, 1)
                .map(|(_, receipt)| receipt),
            error,
        );
    }
}

#[test]
fn a_frozen_token_is_refused() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let spec = MintSpec {
        freezable: true,
        ..MintSpec::default()
    };
    let nft = token(&mut chain, &registry, &spec);
    chain.freeze_nft(&nft).unwrap();
    assert_refused(
        chain
            .register(&mut registry, &nft, None, 1)
            .map(|(_, receipt)| receipt),
        BautaError::TokenFrozen,
    );
}

#[test]
fn a_token_account_of_zero_amount_another_mint_or_another_owner_is_refused() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let sold = token(&mut chain, &registry, &MintSpec::default());
    let other = token(&mut chain, &registry, &MintSpec::default());
    let buyer = chain.funded_keypair("buyer");
    let bought = chain.transfer_nft(&sold, &buyer);
    let cases = [
        // The seller's account is empty.
        (sold.clone(), BautaError::AmountNotOne),
        (
            bauta_program_test::Nft {
                account: other.account,
                ..bought.clone()
            },
            BautaError::TokenAccountOfAnotherMint,
        ),
        (
            bauta_program_test::Nft {
                owner: sold.owner.insecure_clone(),
                ..bought.clone()
            },
            BautaError::NotTokenOwner,
        ),
        // A mint in place of a token account.
        (
            bauta_program_test::Nft {
                account: bought.mint,
                ..bought.clone()
            },
            BautaError::InvalidTokenAccount,
        ),
    ];
    for (nft, error) in cases {
        assert_refused(
            chain
                .register(&mut registry, &nft, None, 1)
                .map(|(_, receipt)| receipt),
            error,
        );
    }
    chain.close_token_account(&sold).unwrap();
    assert_refused(
        chain
            .register(&mut registry, &sold, None, 1)
            .map(|(_, receipt)| receipt),
        BautaError::InvalidTokenAccount,
    );
    chain.register(&mut registry, &bought, None, 1).unwrap();
}

#[test]
fn a_delegate_of_a_token_can_not_register_it() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let nft = token(&mut chain, &registry, &MintSpec::default());
    let delegate = chain.funded_keypair("delegate");
    chain.approve_nft(&nft, &delegate.pubkey()).unwrap();
    let by_delegate = bauta_program_test::Nft {
        owner: delegate,
        ..nft.clone()
    };
    assert_refused(
        chain
            .register(&mut registry, &by_delegate, None, 1)
            .map(|(_, receipt)| receipt),
        BautaError::NotTokenOwner,
    );
    chain.register(&mut registry, &nft, None, 1).unwrap();
}

/// The leaf is correct: the token was held when it was registered. Anyone can then evict the
/// holder.
#[test]
fn a_token_burnt_and_closed_in_the_transaction_that_registers_it_can_be_evicted() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let nft = token(&mut chain, &registry, &MintSpec::default());
    let register = |commitment: u64| {
        RegisterHolder {
            payer: keypair("payer").pubkey(),
            owner: nft.owner.pubkey(),
            registry: registry.address,
            tree: registry.tree_account,
            collection_key: nft.mint,
            mint: nft.mint,
            token_account: nft.account,
            token_metadata: nft.token_metadata,
            commitment: Commitment::new(FieldElement::from_u64(commitment)),
            path: None,
        }
        .instruction()
    };
    // The token is burnt before the registration, so the transaction is refused.
    let burnt_before = [nft.burn(), nft.close_account(), register(1)];
    assert_refused(chain.send(&burnt_before, &[&nft.owner]), BautaError::SupplyNotOne);
    let burnt_after = [register(1), nft.burn(), nft.close_account()];
    chain.send(&burnt_after, &[&nft.owner]).unwrap();
    chain.evict_holder(&mut registry, &nft.mint, None).unwrap();
    assert_eq!(chain.registry_state(&registry).root, registry.root().to_bytes());
    assert_refused(
        chain.evict_holder(&mut registry, &nft.mint, None),
        BautaError::AlreadyEvicted,
    );
}

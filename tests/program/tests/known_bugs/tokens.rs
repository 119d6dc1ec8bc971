//! Tokens that must not register, and those that must not register twice.

use bauta::errors::BautaError;
use bauta_client::instructions::RegisterHolder;
use bauta_primitives::{Commitment, FieldElement};
use bauta_program_test::{MintExtension, MintSpec, RegistrySpec, World, assert_refused, keypair};
use solana_signer::Signer;

#[test]
fn one_token_does_not_register_twice() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    // at once: too soon. Later: the same leaf, never a second
    assert_refused(
        world
            .enter(&mut registry, &member.nft, None, 5)
            .map(|(_, sent)| sent),
        BautaError::ChangedTooRecently,
    );
    world.wait(60);
    let (again, _) = world.enter(&mut registry, &member.nft, None, 5).unwrap();
    assert_eq!(again.index, member.index);
    assert_eq!(world.registry_state(&registry).next_index, 1);
}

#[test]
fn a_token_that_is_in_two_collections_has_one_leaf() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let group = world.create_group();
    let owner = world.person("holder");
    let nft = world.mint(
        &owner,
        &MintSpec::token_2022(vec![MintExtension::GroupMember(group)]),
    );
    world.add_collection(&registry, &group, true, 1).unwrap();
    world.add_collection(&registry, &nft.mint, false, 2).unwrap();
    world.enter(&mut registry, &nft, Some(group), 1).unwrap();
    world.wait(60);
    world.enter(&mut registry, &nft, None, 2).unwrap();
    let state = world.registry_state(&registry);
    assert_eq!(state.next_index, 1);
    assert_eq!(state.root, registry.root().to_bytes());
}

#[test]
fn a_burnt_token_can_be_evicted() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    world.burn_nft(&member.nft).unwrap();
    world.evict(&mut registry, &member.nft.mint, None).unwrap();
    assert_eq!(world.registry_state(&registry).root, registry.root().to_bytes());
}

#[test]
fn a_mint_that_could_come_back_or_be_taken_is_refused() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let cases = [
        (MintExtension::CloseAuthority, BautaError::HasMintCloseAuthority),
        (MintExtension::PermanentDelegate, BautaError::HasPermanentDelegate),
        (
            MintExtension::ConfidentialTransfer,
            BautaError::HasConfidentialExtension,
        ),
    ];
    for (extension, error) in cases {
        let owner = world.person("holder");
        let nft = world.mint(&owner, &MintSpec::token_2022(vec![extension]));
        world.add_collection(&registry, &nft.mint, false, 1).unwrap();
        assert_refused(
            world.enter(&mut registry, &nft, None, 1).map(|(_, sent)| sent),
            error,
        );
    }
}

#[test]
fn a_group_pointer_that_lies_is_not_believed() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let group = world.create_group();
    world.add_collection(&registry, &group, true, 1).unwrap();
    let owner = world.person("holder");
    let genuine = world.mint(
        &owner,
        &MintSpec::token_2022(vec![MintExtension::GroupMember(group)]),
    );
    // it points to a true member, and to the group itself
    for pointer in [genuine.mint, group] {
        let liar = world.mint(
            &owner,
            &MintSpec::token_2022(vec![MintExtension::GroupMemberPointer(pointer)]),
        );
        assert_refused(
            world
                .enter(&mut registry, &liar, Some(group), 1)
                .map(|(_, sent)| sent),
            BautaError::NotInCollection,
        );
    }
    world.enter(&mut registry, &genuine, Some(group), 1).unwrap();
}

/// A token that a person with a funded wallet makes, in a collection of its own.
fn token(
    world: &mut World,
    registry: &bauta_program_test::TestRegistry,
    spec: &MintSpec,
) -> bauta_program_test::Nft {
    let owner = world.person("holder");
    let nft = world.mint(&owner, spec);
    world.add_collection(registry, &nft.mint, false, 1).unwrap();
    nft
}

#[test]
fn a_token_that_is_not_unique_is_refused() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
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
        let nft = token(&mut world, &registry, &spec);
        assert_refused(
            world.enter(&mut registry, &nft, None, 1).map(|(_, sent)| sent),
            error,
        );
    }
}

#[test]
fn a_frozen_token_is_refused() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let spec = MintSpec {
        freezable: true,
        ..MintSpec::default()
    };
    let nft = token(&mut world, &registry, &spec);
    world.freeze_nft(&nft).unwrap();
    assert_refused(
        world.enter(&mut registry, &nft, None, 1).map(|(_, sent)| sent),
        BautaError::TokenFrozen,
    );
}

#[test]
fn a_token_account_of_zero_amount_another_mint_or_another_owner_is_refused() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let sold = token(&mut world, &registry, &MintSpec::default());
    let other = token(&mut world, &registry, &MintSpec::default());
    let buyer = world.person("buyer");
    let bought = world.transfer_nft(&sold, &buyer);
    let cases = [
        // the seller's account, now empty
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
        // a mint in place of a token account
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
            world.enter(&mut registry, &nft, None, 1).map(|(_, sent)| sent),
            error,
        );
    }
    world.close_token_account(&sold).unwrap();
    assert_refused(
        world.enter(&mut registry, &sold, None, 1).map(|(_, sent)| sent),
        BautaError::InvalidTokenAccount,
    );
    world.enter(&mut registry, &bought, None, 1).unwrap();
}

#[test]
fn a_delegate_of_a_token_can_not_register_it() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let nft = token(&mut world, &registry, &MintSpec::default());
    let delegate = world.person("delegate");
    world.approve_nft(&nft, &delegate.pubkey()).unwrap();
    let by_delegate = bauta_program_test::Nft {
        owner: delegate,
        ..nft.clone()
    };
    assert_refused(
        world
            .enter(&mut registry, &by_delegate, None, 1)
            .map(|(_, sent)| sent),
        BautaError::NotTokenOwner,
    );
    world.enter(&mut registry, &nft, None, 1).unwrap();
}

/// The leaf says that the token was held, which is true; the next to look empties it.
#[test]
fn a_token_burnt_and_closed_in_the_transaction_that_registers_it_can_be_evicted() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let nft = token(&mut world, &registry, &MintSpec::default());
    let register = |commitment: u64| {
        RegisterHolder {
            payer: keypair("payer").pubkey(),
            owner: nft.owner.pubkey(),
            registry: registry.address,
            tree: registry.tree_account,
            collection_key: nft.mint,
            mint: nft.mint,
            token_account: nft.account,
            commitment: Commitment::new(FieldElement::from_u64(commitment)),
            path: None,
        }
        .instruction()
    };
    // gone before it registers: refused as a whole
    let gone = [nft.burn(), nft.close_account(), register(1)];
    assert_refused(world.send(&gone, &[&nft.owner]), BautaError::SupplyNotOne);
    let fleeting = [register(1), nft.burn(), nft.close_account()];
    world.send(&fleeting, &[&nft.owner]).unwrap();
    world.evict(&mut registry, &nft.mint, None).unwrap();
    assert_eq!(world.registry_state(&registry).root, registry.root().to_bytes());
    assert_refused(
        world.evict(&mut registry, &nft.mint, None),
        BautaError::AlreadyEvicted,
    );
}

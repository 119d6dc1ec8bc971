use bauta::errors::BautaError;
use bauta::events::Evidence;
use bauta::state::{AssetForm, Collection};
use bauta_program_test::assert_refused;
use mpl_token_metadata::types::TokenStandard;

use super::super::evidence;
use super::{fixture, issuer};

const STANDARDS: [TokenStandard; 2] = [TokenStandard::NonFungible, TokenStandard::ProgrammableNonFungible];

#[test]
#[ignore = "`cargo xtask drill collections` builds the program"]
fn a_token_that_token_metadata_minted_is_registered_again_and_evicted_when_it_moves() {
    let (mut fixture, collection) = fixture(0);
    for (index, standard) in STANDARDS.into_iter().enumerate() {
        let nft = issuer::member(&mut fixture.chain, standard, &collection);
        fixture.register(&nft).expect("the first registration");
        fixture.chain.advance_clock(60);
        fixture.register(&nft).expect("a later registration");
        let holding = fixture.chain.holding(&fixture.registry, &nft.mint);
        let holding = holding.expect("the token is registered");
        assert_eq!(
            (holding.index, holding.form, holding.collection),
            (index as u64, AssetForm::Token as u8, 1)
        );
        let own = Some(nft.account);
        assert_refused(fixture.evict(&nft.mint, own), BautaError::NoEvidence);
        let buyer = fixture.chain.funded_keypair("buyer");
        let sold = issuer::transfer(&mut fixture.chain, &nft, &buyer);
        let evicted = fixture.evict(&nft.mint, Some(sold.account)).expect("evict");
        assert_eq!(evidence(&evicted), Evidence::OtherOwner);
        fixture.chain.advance_clock(60);
        fixture.register(&sold).expect("the buyer's registration");
        fixture.assert_leaves(index as u64 + 1);
    }
}

#[test]
#[ignore = "`cargo xtask drill collections` builds the program"]
fn a_token_is_refused_until_token_metadata_verifies_its_membership() {
    for standard in STANDARDS {
        let (mut fixture, collection) = fixture(0);
        let owner = fixture.chain.funded_keypair("holder");
        let token = issuer::Token::of(standard, &collection);
        let nft = issuer::mint(&mut fixture.chain, &owner, &token);
        assert_refused(fixture.register(&nft), BautaError::CollectionNotVerified);
        issuer::verify(&mut fixture.chain, &nft, &collection);
        fixture.register(&nft).expect("the membership is verified");
        let elsewhere = issuer::collection(&mut fixture.chain);
        let other = issuer::member(&mut fixture.chain, standard, &elsewhere);
        assert_refused(fixture.register(&other), BautaError::NotInCollection);
        fixture.assert_leaves(1);
    }
}

#[test]
#[ignore = "`cargo xtask drill collections` builds the program"]
fn a_token_that_token_metadata_locked_is_refused_without_the_rule_locked() {
    let errors = [BautaError::TokenFrozen, BautaError::AssetLocked];
    for (standard, error) in STANDARDS.into_iter().zip(errors) {
        let (mut strict, collection) = fixture(0);
        let nft = issuer::member(&mut strict.chain, standard, &collection);
        issuer::lock(&mut strict.chain, &nft);
        assert_refused(strict.register(&nft), error);
        let (mut fixture, collection) = fixture(Collection::LOCKED);
        let nft = issuer::member(&mut fixture.chain, standard, &collection);
        issuer::lock(&mut fixture.chain, &nft);
        fixture.register(&nft).expect("the rule allows it");
        fixture.assert_leaves(1);
    }
}

#[test]
#[ignore = "`cargo xtask drill collections` builds the program"]
fn a_token_that_token_metadata_burnt_is_evicted() {
    for standard in STANDARDS {
        let (mut fixture, collection) = fixture(0);
        let nft = issuer::member(&mut fixture.chain, standard, &collection);
        fixture.register(&nft).expect("register_holder");
        issuer::burn(&mut fixture.chain, &nft, &collection);
        let evicted = fixture.evict(&nft.mint, None).expect("evict");
        assert_eq!(evidence(&evicted), Evidence::SupplyZero);
        fixture.assert_leaves(1);
    }
}

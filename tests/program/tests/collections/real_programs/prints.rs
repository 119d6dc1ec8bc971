use bauta::errors::BautaError;
use bauta::events::Evidence;
use bauta::state::{Collection, CollectionKind};
use bauta_program_test::assert_refused;
use mpl_token_metadata::types::TokenStandard;

use super::super::{Fixture, evidence};
use super::{chain, fixture, issuer, printer};

#[test]
#[ignore = "`cargo xtask drill collections` builds the program"]
fn a_print_that_token_metadata_made_is_registered_again_and_evicted_when_it_moves() {
    let mut chain = chain();
    let holder = chain.funded_keypair("holder");
    let token = issuer::Token::master(TokenStandard::NonFungible);
    let [master, other] = [(); 2].map(|()| issuer::mint(&mut chain, &holder, &token));
    let mut fixture = Fixture::with_key(chain, master.mint, CollectionKind::Prints, 0);
    assert_refused(fixture.register(&master), BautaError::NotAPrint);
    let foreign = printer::print(&mut fixture.chain, &other);
    assert_refused(fixture.register(&foreign), BautaError::PrintOfAnotherMaster);
    let print = printer::print(&mut fixture.chain, &master);
    fixture.register(&print).expect("the first registration");
    fixture.chain.advance_clock(60);
    fixture.register(&print).expect("a later registration");
    let buyer = fixture.chain.funded_keypair("buyer");
    let sold = issuer::transfer(&mut fixture.chain, &print, &buyer);
    let evicted = fixture.evict(&print.mint, Some(sold.account)).expect("evict");
    assert_eq!(evidence(&evicted), Evidence::OtherOwner);
    fixture.assert_leaves(1);
}

/// The holder of the master printed it. The collection's authority did not sign for the print.
#[test]
#[ignore = "`cargo xtask drill collections` builds the program"]
fn a_print_has_the_verified_collection_of_its_master_and_needs_the_rule_prints() {
    for (rules, is_accepted) in [(0, false), (Collection::PRINTS, true)] {
        let (mut fixture, collection) = fixture(rules);
        let holder = fixture.chain.funded_keypair("holder");
        let token = issuer::Token {
            prints: 10,
            ..issuer::Token::of(TokenStandard::NonFungible, &collection)
        };
        let master = issuer::mint(&mut fixture.chain, &holder, &token);
        issuer::verify(&mut fixture.chain, &master, &collection);
        let print = printer::print(&mut fixture.chain, &master);
        if is_accepted {
            fixture.register(&print).expect("the rule allows it");
        } else {
            assert_refused(fixture.register(&print), BautaError::PrintRefused);
        }
        fixture.assert_leaves(u64::from(is_accepted));
    }
}

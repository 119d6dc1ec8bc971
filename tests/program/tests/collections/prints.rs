use bauta::errors::BautaError;
use bauta::events::Evidence;
use bauta::state::{Collection, CollectionKind};
use bauta_client::addresses;
use bauta_program_test::{MetadataSpec, Nft, TestChain, assert_refused};
use mpl_token_metadata::types::TokenStandard;
use solana_address::Address;
use solana_signer::Signer;

use super::{Fixture, evidence};

fn mint(chain: &mut TestChain, spec: &MetadataSpec) -> Nft {
    let owner = chain.funded_keypair("holder");
    chain.mint_with_metadata(&owner, spec)
}

/// A print copies the verified collection of its master.
fn print_in(collection: &Address, master: &Address) -> MetadataSpec {
    MetadataSpec {
        collection: Some((*collection, true)),
        ..MetadataSpec::print(master)
    }
}

/// The holder of a master prints at will. The collection's authority does not sign.
#[test]
fn a_print_is_a_member_of_its_masters_collection_only_with_the_rule_prints() {
    for (rules, is_accepted) in [(0, false), (Collection::PRINTS, true)] {
        let mut fixture = Fixture::new(CollectionKind::TokenMetadata, rules);
        let key = fixture.key;
        let master = mint(&mut fixture.chain, &MetadataSpec::of_collection(&key));
        let print = mint(&mut fixture.chain, &print_in(&key, &master.mint));
        fixture.register(&master).expect("the master is no print");
        if is_accepted {
            fixture.register(&print).expect("the rule allows it");
            fixture.assert_leaves(2);
        } else {
            assert_refused(fixture.register(&print), BautaError::PrintRefused);
            // Without the edition account, the print is a mint with an authority.
            let mut hidden = print.clone();
            hidden.token_metadata.edition = None;
            assert_refused(fixture.register(&hidden), BautaError::HasMintAuthority);
            fixture.assert_leaves(1);
        }
    }
}

/// A registry for the prints of a master, and the master.
fn prints() -> (Fixture, Nft) {
    let mut chain = TestChain::new();
    let master = mint(&mut chain, &MetadataSpec::default());
    let fixture = Fixture::with_key(chain, master.mint, CollectionKind::Prints, 0);
    (fixture, master)
}

#[test]
fn a_print_of_the_master_is_registered_again_and_evicted_when_it_moves() {
    let (mut fixture, master) = prints();
    let programmable = MetadataSpec {
        standard: Some(TokenStandard::ProgrammableNonFungibleEdition),
        ..MetadataSpec::print(&master.mint)
    };
    for (index, spec) in [MetadataSpec::print(&master.mint), programmable]
        .iter()
        .enumerate()
    {
        let print = mint(&mut fixture.chain, spec);
        fixture.register(&print).expect("the first registration");
        fixture.chain.advance_clock(60);
        fixture.register(&print).expect("a later registration");
        let buyer = fixture.chain.funded_keypair("buyer");
        let sold = if print.token_metadata.token_record.is_some() {
            fixture.chain.transfer_programmable(&print, &buyer)
        } else {
            fixture.chain.transfer_nft(&print, &buyer)
        };
        let evicted = fixture.evict(&print.mint, Some(sold.account)).expect("evict");
        assert_eq!(evidence(&evicted), Evidence::OtherOwner);
        fixture.assert_leaves(index as u64 + 1);
    }
}

#[test]
fn the_master_and_prints_of_another_master_are_refused() {
    let (mut fixture, master) = prints();
    assert_refused(fixture.register(&master), BautaError::NotAPrint);
    let other = mint(&mut fixture.chain, &MetadataSpec::default());
    let print = mint(&mut fixture.chain, &MetadataSpec::print(&other.mint));
    assert_refused(fixture.register(&print), BautaError::PrintOfAnotherMaster);
    // An edition account that is too short for its parent.
    let print = mint(&mut fixture.chain, &MetadataSpec::print(&master.mint));
    let edition = addresses::edition(&print.mint).address;
    fixture.change(&edition, |data| data.truncate(32));
    assert_refused(fixture.register(&print), BautaError::WrongEdition);
    // The parent's mint in place of the parent's edition account.
    fixture.change(&edition, |data| {
        data.truncate(1);
        data.extend(master.mint.to_bytes());
    });
    assert_refused(fixture.register(&print), BautaError::PrintOfAnotherMaster);
    fixture.assert_leaves(0);
}

/// If the holder of a master burns a print, Token Metadata lets the holder print its number again.
#[test]
fn a_number_that_is_printed_again_is_another_token() {
    let (mut fixture, master) = prints();
    let first = mint(&mut fixture.chain, &MetadataSpec::print(&master.mint));
    fixture.register(&first).expect("register_holder");
    fixture.chain.burn_nft(&first).expect("burn");
    // Both prints have the number 1.
    let second = mint(&mut fixture.chain, &MetadataSpec::print(&master.mint));
    fixture.register(&second).expect("register_holder");
    fixture.assert_leaves(2);
    let evicted = fixture.evict(&first.mint, None).expect("evict");
    assert_eq!(evidence(&evicted), Evidence::SupplyZero);
    assert_refused(fixture.evict(&second.mint, None), BautaError::NoEvidence);
    let account = Some(second.owner.pubkey());
    assert_refused(
        fixture.evict(&second.mint, account),
        BautaError::InvalidTokenAccount,
    );
    fixture.assert_leaves(2);
}

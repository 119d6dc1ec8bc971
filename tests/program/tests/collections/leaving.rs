use bauta::errors::BautaError;
use bauta::events::Evidence;
use bauta::state::{Collection, CollectionKind};
use bauta_client::addresses;
use bauta_program_test::{CoreAsset, MetadataSpec, Nft, assert_refused};
use solana_address::Address;

use super::{Fixture, TRACK, evidence};

/// Registers a token of Token Metadata.
fn registered_token(rules: u16) -> (Fixture, Nft) {
    let mut fixture = Fixture::new(CollectionKind::TokenMetadata, rules);
    let owner = fixture.chain.funded_keypair("holder");
    let spec = MetadataSpec::of_collection(&fixture.key);
    let nft = fixture.chain.mint_with_metadata(&owner, &spec);
    fixture.register(&nft).expect("register_holder");
    (fixture, nft)
}

/// Registers an asset of Core.
fn registered_asset(rules: u16) -> (Fixture, CoreAsset) {
    let mut fixture = Fixture::new(CollectionKind::Core, rules);
    let key = fixture.key;
    fixture.chain.write_core_collection(&key, &[]);
    let owner = fixture.chain.funded_keypair("holder");
    let asset = fixture.chain.core_asset(&owner, Some(key), &[]);
    fixture.register_core(&asset).expect("register_core_holder");
    (fixture, asset)
}

#[test]
fn a_token_that_left_its_collection_is_evicted_only_with_the_rule_leaving() {
    let left = |key: &Address| {
        [
            MetadataSpec::default(),
            MetadataSpec::of_collection(&Address::new_from_array([1; 32])),
            MetadataSpec {
                collection: Some((*key, false)),
                ..MetadataSpec::default()
            },
        ]
    };
    for case in 0..3 {
        let (mut fixture, nft) = registered_token(0);
        let key = fixture.key;
        fixture.chain.write_metadata(&nft.mint, &left(&key)[case]);
        let evicted = fixture.chain.evict_left(&mut fixture.registry, &nft.mint, key);
        assert_refused(evicted, BautaError::NoEvidence);
        fixture.assert_leaves(1);

        let (mut fixture, nft) = registered_token(Collection::LEAVING);
        let key = fixture.key;
        let evicted = fixture.chain.evict_left(&mut fixture.registry, &nft.mint, key);
        assert_refused(evicted, BautaError::NoEvidence);
        fixture.chain.write_metadata(&nft.mint, &left(&key)[case]);
        let evicted = fixture.chain.evict_left(&mut fixture.registry, &nft.mint, key);
        assert_eq!(evidence(&evicted.expect("evict")), Evidence::LeftCollection);
        fixture.assert_leaves(1);
    }
}

#[test]
fn a_token_that_left_its_collection_is_evicted_whatever_length_its_metadata_has() {
    for length in [606, 608, 680, 1_000] {
        let (mut fixture, nft) = registered_token(Collection::LEAVING);
        let key = fixture.key;
        fixture.chain.write_metadata(&nft.mint, &MetadataSpec::default());
        let metadata = addresses::metadata(&nft.mint).address;
        fixture.change(&metadata, |data| data.resize(length, 0));
        fixture.chain.advance_clock(60);
        assert_refused(fixture.register(&nft), BautaError::InvalidMetadata);
        let evicted = fixture.chain.evict_left(&mut fixture.registry, &nft.mint, key);
        assert_eq!(evidence(&evicted.expect("evict")), Evidence::LeftCollection);
    }
}

#[test]
fn an_asset_that_left_its_core_collection_is_evicted_only_with_the_rule_leaving() {
    for rules in [0, Collection::LEAVING] {
        let (mut fixture, asset) = registered_asset(rules);
        let key = fixture.key;
        let evicted = fixture
            .chain
            .evict_left(&mut fixture.registry, &asset.address, key);
        assert_refused(evicted, BautaError::NoEvidence);
        let elsewhere = fixture.chain.core_collection(&[]);
        for collection in [Some(elsewhere), None] {
            let mut left = Fixture {
                chain: fixture.chain.clone(),
                registry: fixture.registry.clone(),
                key,
            };
            let moved = CoreAsset {
                collection,
                ..asset.clone()
            };
            left.chain.write_core_asset(&moved, &[], &[]);
            let evicted = left.chain.evict_left(&mut left.registry, &asset.address, key);
            if rules == 0 {
                assert_refused(evicted, BautaError::NoEvidence);
            } else {
                assert_eq!(evidence(&evicted.expect("evict")), Evidence::LeftCollection);
            }
            left.assert_leaves(1);
        }
    }
}

/// Otherwise a token that left one collection, and registered with another, could be evicted.
#[test]
fn only_the_collection_of_the_last_registration_counts() {
    let (mut fixture, nft) = registered_token(Collection::LEAVING);
    let first = fixture.key;
    let second = Address::new_from_array([1; 32]);
    let (kind, rules) = (CollectionKind::TokenMetadata, Collection::LEAVING);
    fixture
        .chain
        .add_collection_with_rules(&fixture.registry, &second, kind, rules, TRACK)
        .expect("add_collection");
    let evicted = fixture.chain.evict_left(&mut fixture.registry, &nft.mint, second);
    assert_refused(evicted, BautaError::WrongCollection);
    fixture
        .chain
        .write_metadata(&nft.mint, &MetadataSpec::of_collection(&second));
    fixture.chain.advance_clock(60);
    fixture.key = second;
    fixture
        .register(&nft)
        .expect("the token joined the second collection");
    let evicted = fixture.chain.evict_left(&mut fixture.registry, &nft.mint, first);
    assert_refused(evicted, BautaError::WrongCollection);
    let evicted = fixture.chain.evict_left(&mut fixture.registry, &nft.mint, second);
    assert_refused(evicted, BautaError::NoEvidence);
    fixture.assert_leaves(1);
}

/// Collections and holdings that are older than the numbers have zeros in these bytes.
#[test]
fn a_collection_without_a_number_is_no_evidence_and_its_members_register_and_move_as_before() {
    let (mut fixture, nft) = registered_token(Collection::LEAVING);
    let key = fixture.key;
    let collection = addresses::collection(&fixture.registry.address, &key).address;
    // The number is at byte 68, and in the holding at byte 156, behind the discriminator.
    fixture.change(&collection, |data| data[8 + 68..8 + 70].fill(0));
    fixture.chain.advance_clock(60);
    fixture.register(&nft).expect("a later registration");
    let holding = fixture.chain.holding(&fixture.registry, &nft.mint);
    assert_eq!(holding.expect("the token is registered").collection, 0);
    fixture.chain.write_metadata(&nft.mint, &MetadataSpec::default());
    let evicted = fixture.chain.evict_left(&mut fixture.registry, &nft.mint, key);
    assert_refused(evicted, BautaError::WrongCollection);
    let buyer = fixture.chain.funded_keypair("buyer");
    let sold = fixture.chain.transfer_nft(&nft, &buyer);
    fixture.evict(&nft.mint, Some(sold.account)).expect("evict");
    fixture.assert_leaves(1);
}

#[test]
fn leaving_is_read_from_the_tokens_own_metadata() {
    let (mut fixture, nft) = registered_token(Collection::LEAVING);
    let key = fixture.key;
    let metadata = addresses::metadata(&nft.mint).address;
    fixture.change(&metadata, |data| data[33] ^= 1);
    let evicted = fixture.chain.evict_left(&mut fixture.registry, &nft.mint, key);
    assert_refused(evicted, BautaError::WrongMetadata);
    fixture.change(&metadata, |data| data[33] ^= 1);
    fixture.change(&metadata, |data| data.truncate(80));
    let evicted = fixture.chain.evict_left(&mut fixture.registry, &nft.mint, key);
    assert_refused(evicted, BautaError::InvalidMetadata);
    fixture.change(&metadata, |data| data.resize(607, 0));
    fixture.change_owner(&metadata);
    let evicted = fixture.chain.evict_left(&mut fixture.registry, &nft.mint, key);
    assert_refused(evicted, BautaError::WrongMetadata);
    fixture.assert_leaves(1);
}

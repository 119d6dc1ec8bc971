use bauta::bubblegum::LeafData;
use bauta::errors::BautaError;
use bauta::events::Evidence;
use bauta::state::{Collection, CollectionKind};
use bauta_program_test::{assert_refused, compressed_metadata};
use solana_address::Address;
use solana_signer::Signer;

use super::Compressed;
use crate::{Fixture, evidence};

#[test]
fn an_asset_of_v1_is_registered_again_and_evicted_when_it_moves() {
    let mut fixture = Compressed::v1(Collection::COMPRESSED);
    let nft = fixture.mint();
    fixture.register(&nft).expect("the first registration");
    fixture.assert_holder(&nft);
    fixture.inner.chain.advance_clock(60);
    // The transaction of a later registration has no space for the metadata and a whole path.
    let sold = fixture.sell(&nft);
    assert_refused(fixture.evict(&nft, Some(&nft.hashed())), BautaError::StaleProof);
    let evicted = fixture.evict(&nft, Some(&sold.hashed())).expect("evict");
    assert_eq!(evidence(&evicted), Evidence::OtherOwner);
    fixture.inner.chain.advance_clock(60);
    fixture.register(&sold).expect("the buyer's registration");
    fixture.assert_holder(&sold);
    fixture.inner.assert_leaves(1);
}

#[test]
fn a_compressed_asset_of_v1_is_refused_without_the_rule() {
    let mut fixture = Compressed::v1(0);
    let nft = fixture.mint();
    assert_refused(fixture.register(&nft), BautaError::CompressedRefused);
    fixture.inner.assert_leaves(0);
}

#[test]
fn an_asset_of_v1_without_a_verified_membership_is_refused() {
    let mut fixture = Compressed::v1(Collection::COMPRESSED);
    let (owner, key) = (fixture.owner("holder"), fixture.inner.key);
    let other = Address::new_from_array([1; 32]);
    let cases = [
        (Some((key, false)), BautaError::CollectionNotVerified),
        (Some((other, true)), BautaError::NotInCollection),
        (None, BautaError::NotInCollection),
    ];
    for (collection, error) in cases {
        let chain = &mut fixture.inner.chain;
        let nft = chain.mint_compressed_v1(&mut fixture.tree, &owner, collection);
        assert_refused(fixture.register(&nft), error);
        // Metadata that is not that of the leaf.
        let mut changed = nft.clone();
        changed.leaf.data = LeafData::Metadata(compressed_metadata(Some((key, true))));
        assert_refused(fixture.register(&changed), BautaError::StaleProof);
    }
    fixture.inner.assert_leaves(0);
}

#[test]
fn an_asset_of_v1_needs_its_whole_metadata() {
    let mut fixture = Compressed::v1(Collection::COMPRESSED);
    let nft = fixture.mint();
    assert_refused(fixture.register(&nft.hashed()), BautaError::WrongMetadata);
    let LeafData::Metadata(metadata) = &nft.leaf.data else {
        panic!("an asset of V1 has metadata");
    };
    for length in 0..metadata.len() {
        let mut cut = nft.clone();
        cut.leaf.data = LeafData::Metadata(metadata[..length].to_vec());
        let error = fixture.register(&cut).expect_err("the metadata is cut").name();
        assert!(
            ["InvalidMetadata", "StaleProof"].contains(&error.as_str()),
            "{error}"
        );
    }
    // The fee is hashed a second time, and each byte is hashed.
    for at in 0..metadata.len() {
        let mut changed = nft.clone();
        let mut bytes = metadata.clone();
        bytes[at] ^= 1;
        changed.leaf.data = LeafData::Metadata(bytes);
        fixture.register(&changed).expect_err("the metadata is changed");
    }
    fixture.inner.assert_leaves(0);
}

#[test]
fn any_changed_field_of_a_leaf_of_v1_is_refused() {
    let mut fixture = Compressed::v1(Collection::COMPRESSED);
    let nft = fixture.mint();
    let thief = fixture.owner("thief");
    let mut stolen = nft.clone();
    stolen.leaf.owner = thief.pubkey();
    stolen.owner = thief;
    let [mut delegated, mut created] = [(); 2].map(|()| nft.clone());
    delegated.leaf.delegate = Some(Address::new_from_array([1; 32]));
    created.leaf.creator_hash = [1; 32];
    for changed in [stolen, delegated, created] {
        assert_refused(fixture.register(&changed), BautaError::StaleProof);
    }
    fixture.register(&nft).expect("the leaf is the same");
    fixture.inner.assert_leaves(1);
}

/// A leaf of V1 has no Core collection, and one of V2 has no metadata on chain.
#[test]
fn the_kind_of_the_collection_and_the_version_of_the_tree_must_fit() {
    let mut fixture = Compressed::v1(Collection::COMPRESSED);
    let key = fixture.inner.chain.core_collection(&[]);
    let rules = Collection::COMPRESSED | Collection::ISSUER_MOVES;
    fixture.inner = Fixture::with_key(fixture.inner.chain, key, CollectionKind::Core, rules);
    let mut nft = fixture.mint();
    nft.core_collection = Some(key);
    assert_refused(fixture.register(&nft), BautaError::NotInCollection);

    // With any rules, the kind of the other version is refused.
    let mut fixture = Compressed::v2(rules);
    let (key, kind) = (fixture.inner.key, CollectionKind::TokenMetadata);
    fixture.inner = Fixture::with_key(fixture.inner.chain, key, kind, Collection::COMPRESSED);
    let nft = fixture.mint_with_flags(bauta::bubblegum::CompressedLeaf::NON_TRANSFERABLE);
    assert_refused(fixture.register(&nft), BautaError::NotInCollection);
    fixture.inner.assert_leaves(0);
}

#[test]
fn an_asset_of_v1_can_be_a_collection_of_its_own() {
    let mut fixture = Compressed::v1(Collection::COMPRESSED);
    let nft = fixture.mint();
    let rules = Collection::COMPRESSED;
    fixture.inner = Fixture::with_key(fixture.inner.chain, nft.id, CollectionKind::Asset, rules);
    let other = fixture.mint();
    assert_refused(fixture.register(&other), BautaError::NotInCollection);
    // The hash of the metadata suffices.
    fixture
        .register(&nft.hashed())
        .expect("the collection is the asset");
    fixture.inner.assert_leaves(1);
}

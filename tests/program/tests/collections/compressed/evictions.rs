use bauta::bubblegum::{BUBBLEGUM_PROGRAM, CompressedLeaf, Version};
use bauta::errors::BautaError;
use bauta::events::Evidence;
use bauta::state::{AssetForm, Collection, CollectionKind};
use bauta_client::addresses;
use bauta_client::instructions::TokenMetadataAccounts;
use bauta_program_test::{CompressedNft, MetadataSpec, Nft, TestChain, assert_refused};
use solana_account::Account;
use solana_address::Address;
use solana_signer::Signer;

use super::Compressed;
use crate::{TRACK, evidence};

const RULES: u16 = Collection::COMPRESSED | Collection::ISSUER_MOVES;

fn registered_v2(rules: u16) -> (Compressed, CompressedNft) {
    let mut fixture = Compressed::v2(rules);
    let nft = fixture.mint();
    fixture.register(&nft).expect("register_compressed_holder");
    (fixture, nft)
}

fn registered_v1(rules: u16) -> (Compressed, CompressedNft) {
    let mut fixture = Compressed::v1(rules);
    let nft = fixture.mint();
    fixture.register(&nft).expect("register_compressed_holder");
    (fixture, nft)
}

/// A burnt asset and a redeemed one have an empty leaf.
#[test]
fn an_asset_whose_leaf_is_empty_is_evicted() {
    for (mut fixture, nft) in [
        registered_v2(RULES),
        registered_v1(RULES & Collection::COMPRESSED),
    ] {
        assert_refused(fixture.evict(&nft, None), BautaError::StaleProof);
        fixture.set(nft.index, None);
        let evicted = fixture.evict(&nft, None).expect("evict");
        assert_eq!(evidence(&evicted), Evidence::LeafEmpty);
        assert_refused(fixture.evict(&nft, None), BautaError::AlreadyEvicted);
        fixture.inner.chain.advance_clock(60);
        assert_refused(fixture.register(&nft), BautaError::StaleProof);
        // The owner cancels the redemption: the leaf is the same again.
        fixture.set(nft.index, Some(&nft));
        fixture.register(&nft).expect("the redemption was cancelled");
        fixture.inner.assert_leaves(1);
    }
}

/// The mint of a decompressed asset is the asset's id, so it has the same leaf.
#[test]
fn a_decompressed_asset_is_registered_as_a_token_and_not_evicted_for_its_empty_leaf() {
    let (mut fixture, nft) = registered_v1(Collection::COMPRESSED);
    let key = fixture.inner.key;
    fixture.set(nft.index, None);
    let spec = MetadataSpec::of_collection(&key);
    let token = decompressed(&mut fixture.inner.chain, &nft, &spec);
    fixture.inner.chain.advance_clock(60);
    fixture.inner.register(&token).expect("register_holder");
    let holding = fixture.inner.chain.holding(&fixture.inner.registry, &nft.id);
    assert_eq!(holding.expect("registered").form, AssetForm::Token as u8);
    assert_refused(fixture.evict(&nft, None), BautaError::NoEvidence);
    fixture.inner.assert_leaves(1);
}

/// Decompresses an asset as Bubblegum does: the mint is the asset's id.
fn decompressed(chain: &mut TestChain, nft: &CompressedNft, spec: &MetadataSpec) -> Nft {
    let token = chain.mint_with_metadata(&nft.owner, spec);
    let mut mint = chain.account(&token.mint).expect("the mint exists");
    // The mint authority is the edition account, behind a tag of four bytes.
    mint.data[4..36].copy_from_slice(addresses::edition(&nft.id).address.as_ref());
    chain.set_account(&nft.id, mint);
    let mut account = chain.account(&token.account).expect("the token account exists");
    account.data[..32].copy_from_slice(nft.id.as_ref());
    chain.set_account(&token.account, account);
    chain.write_metadata(&nft.id, spec);
    chain.write_edition(&nft.id, &MetadataSpec::default());
    Nft {
        mint: nft.id,
        token_metadata: TokenMetadataAccounts::of(&nft.id),
        ..token
    }
}

/// A compressed asset is no token, and no Core asset.
#[test]
fn a_registered_compressed_asset_is_not_evicted_as_a_closed_mint() {
    let (mut fixture, nft) = registered_v2(RULES);
    assert_refused(fixture.inner.evict(&nft.id, None), BautaError::NoEvidence);
    let account = fixture.inner.chain.mint_nft(&nft.owner).account;
    assert_refused(
        fixture.inner.evict(&nft.id, Some(account)),
        BautaError::NoEvidence,
    );
    fixture.inner.assert_leaves(1);
}

/// Bubblegum closes the tree and its `TreeConfig` together, and only without leaves.
#[test]
fn an_asset_of_a_closed_tree_is_evicted_even_if_the_address_has_a_tree_of_another_party() {
    for is_created_again in [false, true] {
        let (mut fixture, nft) = registered_v2(RULES);
        let config = addresses::tree_config(&fixture.tree.address).address;
        fixture.inner.chain.set_account(&config, Account::default());
        if !is_created_again {
            let tree = fixture.tree.address;
            fixture.inner.chain.set_account(&tree, Account::default());
        }
        let evicted = fixture.evict(&nft, Some(&nft)).expect("evict");
        assert_eq!(evidence(&evicted), Evidence::AssetGone);
        fixture.inner.assert_leaves(1);
    }
}

#[test]
fn only_the_trees_own_config_shows_that_it_is_closed() {
    let (mut fixture, nft) = registered_v2(RULES);
    let mut eviction = fixture.eviction(&nft, Some(&nft)).instruction();
    let config = addresses::tree_config(&fixture.tree.address).address;
    let unused = Address::new_from_array([3; 32]);
    for meta in &mut eviction.accounts {
        if meta.pubkey == config {
            meta.pubkey = unused;
        }
    }
    let refusal = fixture.inner.chain.send_v1(&[eviction], &[]);
    assert_refused(refusal, BautaError::NotABubblegumTree);
    // The tree alone is no evidence: only Bubblegum closes it.
    let tree = fixture.tree.address;
    let genuine = fixture.inner.chain.account(&tree).expect("the tree exists");
    fixture.inner.chain.set_account(
        &tree,
        Account {
            owner: BUBBLEGUM_PROGRAM,
            ..genuine
        },
    );
    assert_refused(fixture.evict(&nft, Some(&nft)), BautaError::WrongTreeProgram);
    fixture.inner.assert_leaves(1);
}

/// The creator of a tree of V2 whose leaves are all burnt can close it, and create another one at
/// the same address.
#[test]
fn the_holder_of_an_asset_whose_tree_was_created_again_is_judged_by_the_new_leaf() {
    for (version, depth) in [(Version::V2, 5), (Version::V2, 3), (Version::V1, 5)] {
        let (mut fixture, nft) = registered_v2(RULES);
        let address = fixture.tree.address;
        let chain = &mut fixture.inner.chain;
        fixture.tree = chain.compressed_tree_at(address, version, depth, 1);
        let before = chain.clone();
        let evicted = fixture.evict(&nft, None).expect("the leaf is not minted");
        assert_eq!(evidence(&evicted), Evidence::LeafEmpty);

        fixture.inner.chain = before.clone();
        let same = fixture.tree.append(nft.clone());
        assert_eq!(same.id, nft.id);
        fixture.inner.chain.write_tree(&fixture.tree);
        assert_refused(fixture.evict(&nft, Some(&same)), BautaError::NoEvidence);

        let sold = fixture.sell(&same);
        let evicted = fixture.evict(&nft, Some(&sold)).expect("another owner");
        assert_eq!(evidence(&evicted), Evidence::OtherOwner);
    }
}

#[test]
fn the_leaf_of_another_asset_is_no_evidence() {
    let (mut fixture, nft) = registered_v2(RULES);
    let other = fixture.mint();
    let mut eviction = fixture.eviction(&nft, Some(&other));
    eviction.place.proof = fixture.tree.proof(other.index);
    eviction.path = Some(fixture.inner.chain.on_chain_path(&fixture.inner.registry, 0));
    let mut instruction = eviction.instruction();
    // The holding of the registered asset, in place of the one that the index leads to.
    let holding = addresses::holding(&fixture.inner.registry.address, &nft.id).address;
    instruction.accounts[2].pubkey = holding;
    let refusal = fixture.inner.chain.send_v1(&[instruction], &[]);
    assert_refused(refusal, BautaError::WrongHolding);
    // An empty leaf elsewhere.
    let mut eviction = fixture.eviction(&nft, None);
    eviction.place.proof = fixture.tree.proof(31);
    let refusal = fixture.send_eviction(&eviction);
    assert_refused(refusal, BautaError::StaleProof);
    // Any changed field.
    let sold = fixture.sell(&nft);
    let mut changed = sold.clone();
    changed.leaf.creator_hash = [1; 32];
    assert_refused(fixture.evict(&nft, Some(&changed)), BautaError::StaleProof);
    let mut without = fixture.eviction(&nft, Some(&sold));
    without.path = None;
    assert_refused(fixture.send_eviction(&without), BautaError::MissingPath);
    fixture.inner.assert_leaves(1);
}

#[test]
fn a_compressed_asset_that_left_its_collection_is_evicted_only_with_the_rule_leaving() {
    for rules in [RULES, RULES | Collection::LEAVING] {
        let (mut fixture, nft) = registered_v2(rules);
        let key = fixture.inner.key;
        let mut left = nft.clone();
        for collection in [None, Some(Address::new_from_array([1; 32]))] {
            left.core_collection = collection;
            let evict = |fixture: &mut Compressed, leaf: &CompressedNft| {
                let mut eviction = fixture.eviction(&nft, Some(leaf));
                eviction.left_collection = Some(key);
                fixture.send_eviction(&eviction)
            };
            fixture.set(nft.index, Some(&nft));
            assert_refused(evict(&mut fixture, &nft), BautaError::NoEvidence);
            fixture.set(nft.index, Some(&left));
            let result = evict(&mut fixture, &left);
            if rules & Collection::LEAVING == 0 {
                assert_refused(result, BautaError::NoEvidence);
                continue;
            }
            assert_eq!(evidence(&result.expect("evict")), Evidence::LeftCollection);
            fixture.inner.chain.advance_clock(60);
            fixture.set(nft.index, Some(&nft));
            fixture.register(&nft).expect("the asset is back");
        }
        fixture.inner.assert_leaves(1);
    }
}

#[test]
fn an_asset_of_v1_that_left_its_collection_is_evicted_only_with_the_rule_leaving() {
    let (rule, leaving) = (Collection::COMPRESSED, Collection::LEAVING);
    for rules in [rule, rule | leaving] {
        for verified in [None, Some(false)] {
            let (mut fixture, nft) = registered_v1(rules);
            let key = fixture.inner.key;
            let (chain, owner) = (&mut fixture.inner.chain, nft.owner.insecure_clone());
            let collection = verified.map(|verified| (key, verified));
            let other = chain.mint_compressed_v1(&mut fixture.tree, &owner, collection);
            let mut left = nft.clone();
            left.leaf.data = other.leaf.data;
            fixture.set(nft.index, Some(&left));
            let mut eviction = fixture.eviction(&nft, Some(&left));
            eviction.left_collection = Some(key);
            let result = fixture.send_eviction(&eviction);
            if rules == rule {
                assert_refused(result, BautaError::NoEvidence);
                continue;
            }
            let mut hashed = fixture.eviction(&nft, Some(&left.hashed()));
            hashed.left_collection = Some(key);
            assert_eq!(evidence(&result.expect("evict")), Evidence::LeftCollection);
            assert_refused(fixture.send_eviction(&hashed), BautaError::AlreadyEvicted);
        }
    }
}

#[test]
fn only_the_collection_that_the_holder_registered_with_counts() {
    let (mut fixture, nft) = registered_v2(RULES | Collection::LEAVING);
    let other = fixture.inner.chain.core_collection(&[]);
    let rules = RULES | Collection::LEAVING;
    let registry = &fixture.inner.registry;
    fixture
        .inner
        .chain
        .add_collection_with_rules(registry, &other, CollectionKind::Core, rules, TRACK)
        .expect("add_collection");
    let mut eviction = fixture.eviction(&nft, Some(&nft));
    eviction.left_collection = Some(other);
    assert_refused(fixture.send_eviction(&eviction), BautaError::WrongCollection);
    fixture.inner.assert_leaves(1);
}

/// Flags and plugins matter for a registration only.
#[test]
fn a_frozen_asset_is_evicted_when_it_has_another_owner() {
    let (mut fixture, nft) = registered_v2(RULES);
    let buyer = fixture.owner("buyer");
    let mut sold = nft.sold_to(&buyer);
    sold.leaf.flags = CompressedLeaf::FROZEN;
    fixture.set(nft.index, Some(&sold));
    let evicted = fixture.evict(&nft, Some(&sold)).expect("evict");
    assert_eq!(evidence(&evicted), Evidence::OtherOwner);
    assert_ne!(buyer.pubkey(), nft.owner.pubkey());
    fixture.inner.assert_leaves(1);
}

use bauta::bubblegum::BUBBLEGUM_PROGRAM;
use bauta::errors::BautaError;
use bauta::events::Evidence;
use bauta::state::{AssetForm, Collection};
use bauta_client::addresses;
use bauta_program_test::assert_refused;
use mpl_bubblegum::accounts::TreeConfig;
use mpl_bubblegum::types::Version;
use solana_signer::Signer;

use super::super::{TRACK, evidence};
use super::tree::RealTree;

const RULES: u16 = Collection::COMPRESSED;

#[test]
#[ignore = "`cargo xtask drill collections` builds the programs"]
fn bubblegum_writes_the_trees_that_the_tests_write() {
    let mut tree = RealTree::new(RULES);
    tree.assert_same_tree();
    let [first, second, third] = [(); 3].map(|()| tree.mint());
    tree.assert_same_tree();
    let sold = tree.transfer(&first, &first.owner);
    tree.assert_same_tree();
    tree.delegate(&sold, &second.owner.pubkey());
    tree.assert_same_tree();
    tree.burn(&second);
    tree.assert_same_tree();
    tree.redeem(&third);
    tree.cancel_redemption(&third);
    tree.assert_same_tree();
    // The ring of changes wraps.
    let mut last = third;
    for _ in 0..9 {
        last = tree.transfer(&last, &last.owner);
        tree.assert_same_tree();
    }
    let address = addresses::tree_config(&tree.fixture.tree.address).address;
    let config = tree.chain().account(&address).expect("the TreeConfig exists");
    assert_eq!(
        (config.owner, config.data.len()),
        (BUBBLEGUM_PROGRAM, TreeConfig::LEN)
    );
    let config = TreeConfig::from_bytes(&config.data).expect("a TreeConfig");
    assert_eq!(
        (config.version, config.num_minted, config.total_mint_capacity),
        (Version::V1, 3, 32)
    );
}

#[test]
#[ignore = "`cargo xtask drill collections` builds the programs"]
fn an_asset_that_bubblegum_minted_is_registered_again_and_evicted_when_it_moves() {
    let mut tree = RealTree::new(RULES);
    let nft = tree.mint();
    tree.fixture.register(&nft).expect("the first registration");
    tree.fixture.assert_holder(&nft);
    tree.chain().advance_clock(60);
    let own = tree.fixture.evict(&nft, Some(&nft.hashed()));
    assert_refused(own, BautaError::NoEvidence);
    let sold = tree.transfer(&nft, &nft.owner);
    assert_refused(
        tree.fixture.evict(&nft, Some(&nft.hashed())),
        BautaError::StaleProof,
    );
    let evicted = tree.fixture.evict(&nft, Some(&sold.hashed())).expect("evict");
    assert_eq!(evidence(&evicted), Evidence::OtherOwner);
    tree.chain().advance_clock(60);
    assert_refused(tree.fixture.register(&nft), BautaError::StaleProof);
    tree.fixture.register(&sold).expect("the buyer's registration");
    tree.fixture.assert_holder(&sold);
    tree.fixture.inner.assert_leaves(1);
}

/// The path does not fit beside the metadata.
#[test]
#[ignore = "`cargo xtask drill collections` builds the programs"]
fn an_owner_registers_a_real_asset_again_with_a_staged_path() {
    let mut tree = RealTree::new(RULES);
    let nft = tree.mint();
    tree.fixture.register(&nft).expect("the first registration");
    tree.chain().advance_clock(60);
    let inner = &tree.fixture.inner;
    let path = inner.chain.on_chain_path(&inner.registry, 0);
    let staged = tree.fixture.stage(&nft.owner, 0, path);
    let (proof, address) = (tree.fixture.tree.proof(nft.index), tree.fixture.tree.address);
    let inner = &mut tree.fixture.inner;
    let mut again = inner
        .chain
        .compressed_registration(&inner.registry, &address, &nft, proof, &inner.key);
    again.path = None;
    again.staged = Some(staged);
    let sent = inner
        .chain
        .send_compressed_registration(&mut inner.registry, &nft, again, TRACK);
    sent.expect("the path is staged");
    tree.fixture.assert_holder(&nft);
    tree.fixture.inner.assert_leaves(1);
}

#[test]
#[ignore = "`cargo xtask drill collections` builds the programs"]
fn a_transfer_by_a_delegate_is_evidence_and_a_delegate_does_not_register() {
    let mut tree = RealTree::new(RULES);
    let nft = tree.mint();
    let delegate = tree.fixture.owner("delegate");
    let delegated = tree.delegate(&nft, &delegate.pubkey());
    let mut imposter = delegated.clone();
    imposter.owner = delegate.insecure_clone();
    assert_refused(tree.fixture.register(&imposter), BautaError::NotTokenOwner);
    tree.fixture.register(&delegated).expect("the owner signs");
    let moved = tree.transfer(&delegated, &delegate);
    let evicted = tree.fixture.evict(&nft, Some(&moved.hashed())).expect("evict");
    assert_eq!(evidence(&evicted), Evidence::OtherOwner);
    tree.fixture.inner.assert_leaves(1);
}

#[test]
#[ignore = "`cargo xtask drill collections` builds the programs"]
fn an_asset_that_bubblegum_burnt_or_redeemed_is_evicted() {
    for is_redeemed in [false, true] {
        let mut tree = RealTree::new(RULES);
        let nft = tree.mint();
        tree.fixture.register(&nft).expect("the first registration");
        assert_refused(tree.fixture.evict(&nft, None), BautaError::StaleProof);
        if is_redeemed {
            tree.redeem(&nft);
        } else {
            tree.burn(&nft);
        }
        let evicted = tree.fixture.evict(&nft, None).expect("evict");
        assert_eq!(evidence(&evicted), Evidence::LeafEmpty);
        tree.chain().advance_clock(60);
        assert_refused(tree.fixture.register(&nft), BautaError::StaleProof);
        if is_redeemed {
            tree.cancel_redemption(&nft);
            tree.fixture.register(&nft).expect("the redemption was cancelled");
        }
        tree.fixture.inner.assert_leaves(1);
    }
}

/// The mint of the token is the asset's id, so the token has the leaf of the asset.
#[test]
#[ignore = "`cargo xtask drill collections` builds the programs"]
fn an_asset_that_bubblegum_decompressed_is_registered_as_a_token() {
    let mut tree = RealTree::new(RULES);
    let nft = tree.mint();
    tree.fixture.register(&nft).expect("the first registration");
    tree.redeem(&nft);
    let token = tree.decompress(&nft);
    tree.chain().advance_clock(60);
    let inner = &mut tree.fixture.inner;
    inner.register(&token).expect("register_holder");
    let holding = inner.chain.holding(&inner.registry, &nft.id);
    assert_eq!(holding.expect("registered").form, AssetForm::Token as u8);
    assert_refused(tree.fixture.evict(&nft, None), BautaError::NoEvidence);
    tree.fixture.inner.assert_leaves(1);
}

#[test]
#[ignore = "`cargo xtask drill collections` builds the programs"]
fn an_asset_whose_membership_bubblegum_removed_is_evicted_only_with_the_rule_leaving() {
    for rules in [RULES, RULES | Collection::LEAVING] {
        let mut tree = RealTree::new(rules);
        let nft = tree.mint();
        tree.fixture.register(&nft).expect("the first registration");
        let left = tree.unverify(&nft);
        tree.assert_same_tree();
        let mut eviction = tree.fixture.eviction(&nft, Some(&left));
        eviction.left_collection = Some(tree.fixture.inner.key);
        let evicted = tree.fixture.send_eviction(&eviction);
        if rules == RULES {
            assert_refused(evicted, BautaError::NoEvidence);
        } else {
            assert_eq!(evidence(&evicted.expect("evict")), Evidence::LeftCollection);
        }
        tree.chain().advance_clock(60);
        assert_refused(tree.fixture.register(&left), BautaError::CollectionNotVerified);
        tree.fixture.inner.assert_leaves(1);
    }
}

/// The tree keeps eight changes.
#[test]
#[ignore = "`cargo xtask drill collections` builds the programs"]
fn a_proof_older_than_the_changes_that_a_real_tree_keeps_is_stale() {
    let mut tree = RealTree::new(RULES);
    let [nft, sibling, mut other] = [(); 3].map(|()| tree.mint());
    let old = tree.fixture.tree.proof(nft.index);
    let sibling = tree.transfer(&sibling, &sibling.owner);
    for _ in 0..8 {
        other = tree.transfer(&other, &other.owner);
    }
    assert_refused(tree.fixture.register_with(&nft, old), BautaError::StaleProof);
    let recent = tree.fixture.tree.proof(nft.index);
    tree.transfer(&sibling, &sibling.owner);
    for _ in 0..7 {
        other = tree.transfer(&other, &other.owner);
    }
    tree.fixture
        .register_with(&nft, recent)
        .expect("the tree kept the changes");
    tree.fixture.inner.assert_leaves(1);
}

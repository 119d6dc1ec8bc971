//! Attacks with trees and proofs.

use bauta::bubblegum::{MPL_COMPRESSION_PROGRAM, SPL_COMPRESSION_PROGRAM, Version};
use bauta::errors::BautaError;
use bauta::state::Collection;
use bauta_client::addresses;
use bauta_program_test::assert_refused;
use solana_account::Account;
use solana_address::Address;

use super::Compressed;

const RULES: u16 = Collection::COMPRESSED | Collection::ISSUER_MOVES;

/// The creator of a raw tree writes any leaf, and hands the authority to Bubblegum's address
/// afterwards. Bubblegum has no `TreeConfig` of it.
#[test]
fn a_tree_of_forged_leaves_whose_authority_was_handed_to_bubblegum_is_refused() {
    let mut fixture = Compressed::v2(RULES);
    let nft = fixture.mint();
    let config = addresses::tree_config(&fixture.tree.address).address;
    fixture.inner.chain.set_account(&config, Account::default());
    assert_refused(fixture.register(&nft), BautaError::NotABubblegumTree);
    // Nor does the TreeConfig of a genuine tree help.
    let genuine = fixture.inner.chain.compressed_tree(Version::V2, 5, 2);
    let config = addresses::tree_config(&genuine.address).address;
    let owned = fixture.inner.chain.account(&config).expect("the account exists");
    fixture.inner.change(&fixture.tree.address.clone(), |data| {
        data[10..42].copy_from_slice(config.as_ref());
    });
    assert_refused(fixture.register(&nft), BautaError::NotABubblegumTree);
    let derived = addresses::tree_config(&fixture.tree.address).address;
    let owner = Address::new_from_array([4; 32]);
    fixture
        .inner
        .chain
        .set_account(&derived, Account { owner, ..owned });
    assert_refused(fixture.register(&nft), BautaError::NotABubblegumTree);
    fixture.inner.assert_leaves(0);
}

/// The authority of a tree that Bubblegum controls is its `TreeConfig`.
#[test]
fn a_tree_with_another_authority_is_refused() {
    let mut fixture = Compressed::v2(RULES);
    let nft = fixture.mint();
    let tree = fixture.tree.address;
    fixture.inner.change(&tree, |data| data[10] ^= 1);
    assert_refused(fixture.register(&nft), BautaError::NotABubblegumTree);
    fixture.inner.assert_leaves(0);
}

#[test]
fn a_tree_config_that_is_malformed_or_of_another_version_is_refused() {
    for at in [0, 7, 90] {
        let mut fixture = Compressed::v2(RULES);
        let nft = fixture.mint();
        let config = addresses::tree_config(&fixture.tree.address).address;
        fixture.inner.change(&config, |data| data[at] ^= 1);
        assert_refused(fixture.register(&nft), BautaError::NotABubblegumTree);
        fixture.inner.change(&config, |data| data.truncate(at));
        assert_refused(fixture.register(&nft), BautaError::NotABubblegumTree);
    }
}

/// A closed tree can be created again at the same address. An id then belongs to another asset, and
/// has the same leaf in the registry.
#[test]
fn an_asset_of_a_tree_that_was_created_again_gets_the_same_leaf() {
    let mut fixture = Compressed::v2(RULES);
    let nft = fixture.mint();
    fixture.register(&nft).expect("the first registration");
    fixture.set(nft.index, None);
    fixture.evict(&nft, None).expect("the leaf is empty");
    fixture.inner.chain.advance_clock(60);
    let again = fixture.mint();
    let mut next = nft.sold_to(&again.owner);
    next.leaf.creator_hash = [9; 32];
    fixture.set(nft.index, Some(&next));
    fixture.register(&next).expect("an asset with the same id");
    fixture.inner.assert_leaves(1);
}

/// The programs that own trees determine the version.
#[test]
fn a_leaf_of_v1_in_a_tree_of_v2_is_refused() {
    let mut fixture = Compressed::v2(RULES);
    let nft = fixture.mint();
    // The leaf is hashed as one of V1.
    fixture.tree.version = Version::V1;
    fixture.tree.set(nft.index, Some(&nft));
    fixture.tree.version = Version::V2;
    fixture.inner.chain.write_tree(&fixture.tree);
    assert_refused(fixture.register(&nft), BautaError::StaleProof);
    // The tree imitates the owner of the other version.
    let tree = fixture.tree.address;
    let account = fixture.inner.chain.account(&tree).expect("the tree exists");
    let owner = SPL_COMPRESSION_PROGRAM;
    fixture.inner.chain.set_account(
        &tree,
        Account {
            owner,
            ..account.clone()
        },
    );
    assert_refused(fixture.register(&nft), BautaError::NotABubblegumTree);
    let owner = Address::new_from_array([4; 32]);
    fixture
        .inner
        .chain
        .set_account(&tree, Account { owner, ..account });
    assert_refused(fixture.register(&nft), BautaError::InvalidTree);
    fixture.inner.assert_leaves(0);
}

#[test]
fn a_malformed_tree_is_refused() {
    let mut fixture = Compressed::v2(RULES);
    let nft = fixture.mint();
    let tree = fixture.tree.address;
    let genuine = fixture.inner.chain.account(&tree).expect("the tree exists");
    assert_eq!(genuine.owner, MPL_COMPRESSION_PROGRAM);
    let changes: [fn(&mut Vec<u8>); 13] = [
        |data| data[0] = 0,
        |data| data[0] = 2,
        |data| data[1] = 1,
        // No changes, more changes than the account has, and another number of them.
        |data| data[2..6].fill(0),
        |data| data[2..6].fill(255),
        |data| data[2] += 1,
        // The depth.
        |data| data[6..10].fill(0),
        |data| data[6..10].copy_from_slice(&31u32.to_le_bytes()),
        // Initialised with a root.
        |data| data[50] = 1,
        |data| data[55] = 1,
        // The active change is past the buffer.
        |data| data[64] = 8,
        |data| data[71] = 255,
        // A canopy with one node less.
        |data| data.truncate(data.len() - 32),
    ];
    for change in changes {
        fixture.inner.chain.set_account(&tree, genuine.clone());
        fixture.inner.change(&tree, change);
        assert_refused(fixture.register(&nft), BautaError::InvalidTree);
    }
    for length in (0..genuine.data.len())
        .step_by(71)
        .chain([genuine.data.len() - 1])
    {
        fixture.inner.chain.set_account(&tree, genuine.clone());
        fixture.inner.change(&tree, |data| data.truncate(length));
        let name = fixture.register(&nft).expect_err("the tree is cut").name();
        // Some lengths are those of a smaller canopy.
        assert!(
            ["InvalidTree", "WrongProofLength"].contains(&name.as_str()),
            "{name}"
        );
    }
    fixture.inner.chain.set_account(&tree, genuine);
    fixture.register(&nft).expect("the tree is genuine");
}

/// An inner node is no leaf: a proof has exactly one node for each level below the canopy.
#[test]
fn a_proof_of_another_length_is_refused() {
    for canopy in [0, 2, 5] {
        let mut fixture = Compressed::v2(RULES);
        fixture.tree = fixture.inner.chain.compressed_tree(Version::V2, 5, canopy);
        let nft = fixture.mint();
        let proof = fixture.tree.proof(nft.index);
        assert_eq!(proof.len(), 5 - canopy as usize);
        let mut longer = proof.clone();
        longer.push([0; 32]);
        assert_refused(fixture.register_with(&nft, longer), BautaError::WrongProofLength);
        if let Some((_, shorter)) = proof.split_first() {
            let shorter = shorter.to_vec();
            assert_refused(fixture.register_with(&nft, shorter), BautaError::WrongProofLength);
        }
        fixture.register(&nft).expect("the proof is whole");
    }
}

#[test]
fn a_leaf_at_another_index_or_past_the_tree_is_refused() {
    let mut fixture = Compressed::v2(RULES);
    let nft = fixture.mint();
    let other = fixture.mint();
    for index in [other.index, 31, 32 + nft.index, 1 << 31, u32::MAX] {
        let mut moved = nft.clone();
        moved.index = index;
        moved.id = addresses::compressed_asset(&fixture.tree.address, index).address;
        let proof = fixture.tree.proof(nft.index);
        assert_refused(fixture.register_with(&moved, proof), BautaError::StaleProof);
    }
    fixture.inner.assert_leaves(0);
}

/// The tree keeps the roots of past changes. A proof at one of them would admit the seller.
#[test]
fn a_proof_from_before_a_sale_is_refused() {
    let mut fixture = Compressed::v2(RULES);
    let nft = fixture.mint();
    let neighbour = fixture.mint();
    let before = fixture.tree.proof(nft.index);
    let sold = fixture.sell(&nft);
    assert_refused(
        fixture.register_with(&nft, before.clone()),
        BautaError::StaleProof,
    );
    // The siblings did not change.
    fixture
        .register_with(&sold, before)
        .expect("the buyer's registration");
    // Only a change below the same node of the canopy makes a proof stale.
    let proof = fixture.tree.proof(nft.index);
    fixture.sell(&neighbour);
    fixture.inner.chain.advance_clock(60);
    assert_refused(fixture.register_with(&sold, proof), BautaError::StaleProof);
    // Eight leaves are below a node of the canopy.
    while fixture.mint().index < 7 {}
    let proof = fixture.tree.proof(nft.index);
    fixture.mint();
    fixture
        .register_with(&sold, proof)
        .expect("the change is elsewhere");
    fixture.inner.assert_leaves(1);
}

/// The canopy has zeros for subtrees without leaves.
#[test]
fn the_zeros_of_a_canopy_stand_for_empty_subtrees() {
    for (depth, canopy) in [(3, 3), (5, 4), (14, 9)] {
        let mut fixture = Compressed::v2(RULES);
        fixture.tree = fixture.inner.chain.compressed_tree(Version::V2, depth, canopy);
        let first = fixture.mint();
        fixture.register(&first).expect("the only leaf");
        for _ in 0..4 {
            fixture.mint();
        }
        let last = fixture.mint();
        fixture.register(&last).expect("the last leaf");
        // A leaf that was burnt is zero as well, and its parent is not.
        fixture.set(last.index - 1, None);
        fixture.inner.chain.advance_clock(60);
        fixture.register(&last).expect("the neighbour is burnt");
        fixture.inner.assert_leaves(2);
    }
}

//! Attacks with trees and proofs.

use bauta::bubblegum::{MPL_COMPRESSION_PROGRAM, MerkleTree, SPL_COMPRESSION_PROGRAM, Version};
use bauta::errors::BautaError;
use bauta::state::Collection;
use bauta_client::addresses;
use bauta_client::eligibility::AccountView;
use bauta_program_test::{CompressedNft, assert_refused};
use rand::{Rng, SeedableRng, rngs::StdRng};
use solana_account::Account;
use solana_address::Address;

use super::{Compressed, view};

const RULES: u16 = Collection::COMPRESSED | Collection::ISSUER_MOVES;

/// The creator of a raw tree writes any leaf, and hands the authority to Bubblegum's address
/// afterwards. Bubblegum has no `TreeConfig` of it.
#[test]
fn a_tree_of_forged_leaves_whose_authority_was_handed_to_bubblegum_is_refused() {
    let mut fixture = Compressed::v2(RULES);
    let nft = fixture.mint();
    let config = addresses::tree_config(&fixture.tree.address).address;
    fixture.inner.chain.set_account(&config, Account::default());
    assert_refused(fixture.register(&nft), BautaError::TreeClosed);
    // Nor does the TreeConfig of a genuine tree help.
    let genuine = fixture.inner.chain.compressed_tree(Version::V2, 5, 2);
    let config = addresses::tree_config(&genuine.address).address;
    let owned = fixture.inner.chain.account(&config).expect("the account exists");
    fixture.inner.change(&fixture.tree.address.clone(), |data| {
        data[10..42].copy_from_slice(config.as_ref());
    });
    assert_refused(fixture.register(&nft), BautaError::TreeClosed);
    let derived = addresses::tree_config(&fixture.tree.address).address;
    let owner = Address::new_from_array([4; 32]);
    fixture
        .inner
        .chain
        .set_account(&derived, Account { owner, ..owned });
    assert_refused(fixture.register(&nft), BautaError::TreeClosed);
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
    let address = fixture.tree.address;
    let chain = &mut fixture.inner.chain;
    fixture.tree = chain.compressed_tree_at(address, Version::V2, 3, 1);
    fixture.evict(&nft, None).expect("the leaf is not minted");
    fixture.inner.chain.advance_clock(60);
    let next = fixture.mint();
    assert_eq!(next.id, nft.id);
    fixture.register(&next).expect("an asset with the same id");
    fixture.assert_holder(&next);
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
    assert_refused(fixture.register(&nft), BautaError::WrongTreeProgram);
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

#[test]
fn the_compression_program_of_v2_is_that_of_the_official_crate() {
    assert_eq!(MPL_COMPRESSION_PROGRAM, mpl_account_compression::ID);
}

/// The other bytes of a tree are hints, or belong to other leaves.
#[test]
fn every_byte_of_a_tree_that_decides_is_read() {
    const CHANGE_BYTES: usize = 40 + 32 * 5;
    let (fixture, [nft, ..]) = wrapped(5, 2);
    let (tree, proof) = (&fixture.tree, fixture.tree.proof(nft.index));
    let genuine = tree.data();
    let config = fixture.inner.fetch(addresses::tree_config(&tree.address).address);
    let last = usize::from(genuine[64]);
    let root = 80 + last * CHANGE_BYTES..80 + last * CHANGE_BYTES + 32;
    // The siblings of the first leaf in the canopy: the nodes 5 and 3. Node n is at 32 (n - 2).
    let canopy = 80 + 9 * CHANGE_BYTES;
    let siblings = [5, 3].map(|node| canopy + 32 * (node - 2)..canopy + 32 * (node - 1));
    let deciding = [0..42, 50..56, root].into_iter().chain(siblings);
    let deciding: Vec<usize> = deciding.flatten().collect();
    for at in 0..genuine.len() {
        // With another last change, an earlier root would be the current one.
        if (64..72).contains(&at) {
            continue;
        }
        let mut data = genuine.clone();
        data[at] ^= 1;
        let account = AccountView {
            key: &tree.address,
            owner: &MPL_COMPRESSION_PROGRAM,
            data: &data,
        };
        let read = MerkleTree::read(&account, &view(&config));
        let checked = read.map(|tree| {
            let tree = tree.expect("the config exists");
            tree.check(nft.index, &fixture.tree.leaf(nft.index), &proof)
        });
        let is_accepted = matches!(checked, Ok(Ok(())));
        assert_eq!(is_accepted, !deciding.contains(&at), "byte {at}");
    }
}

/// The longest proof that fits beside two signers, with a lookup table.
#[test]
fn an_asset_of_a_deep_tree_is_registered_with_a_proof_of_21_nodes() {
    let mut fixture = Compressed::v2(RULES);
    fixture.tree = fixture.inner.chain.compressed_tree(Version::V2, 24, 3);
    let nft = fixture.mint();
    assert_eq!(fixture.tree.proof(nft.index).len(), 21);
    fixture.register(&nft).expect("the proof fits");
    fixture.inner.assert_leaves(1);
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
    for (index, error) in [
        (other.index, BautaError::StaleProof),
        (31, BautaError::StaleProof),
        (32 + nft.index, BautaError::IndexOutOfTree),
        (1 << 31, BautaError::IndexOutOfTree),
        (u32::MAX, BautaError::IndexOutOfTree),
    ] {
        let mut moved = nft.clone();
        moved.index = index;
        moved.id = addresses::compressed_asset(&fixture.tree.address, index).address;
        let proof = fixture.tree.proof(nft.index);
        assert_refused(fixture.register_with(&moved, proof), error);
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
    // The changes since the proof bring the siblings up to date, and not the leaf.
    let before = fixture.tree.proof(nft.index);
    let bought = fixture.sell(&sold);
    fixture.sell(&neighbour);
    fixture.inner.chain.advance_clock(60);
    let late = fixture.register_with(&sold, before.clone());
    assert_refused(late, BautaError::StaleProof);
    fixture
        .register_with(&bought, before)
        .expect("the next buyer's registration");
    fixture.inner.assert_leaves(1);
}

/// Gives the leaf a new delegate, as its owner can at any time.
fn change(fixture: &mut Compressed, nft: &CompressedNft, number: u8) {
    let mut changed = nft.clone();
    changed.leaf.delegate = Some(Address::new_from_array([number; 32]));
    fixture.set(nft.index, Some(&changed));
}

/// Creates a fixture with a tree whose ring of changes has wrapped, and four assets.
fn wrapped(depth: u32, canopy_levels: u32) -> (Compressed, [CompressedNft; 4]) {
    let mut fixture = Compressed::v2(RULES);
    let chain = &mut fixture.inner.chain;
    fixture.tree = chain.compressed_tree(Version::V2, depth, canopy_levels);
    let nfts = std::array::from_fn(|_| fixture.mint());
    let [_, _, _, last] = &nfts;
    for number in 0..70 {
        change(&mut fixture, last, number);
    }
    (fixture, nfts)
}

/// A neighbour who changes a leaf in each slot can't prevent a registration or an eviction.
#[test]
fn a_proof_is_brought_up_to_date_with_the_changes_that_the_tree_keeps() {
    for (depth, canopy_levels, kept) in [(3, 0, 8), (5, 2, 8), (14, 0, 64)] {
        let (mut fixture, [nft, sibling, other, _]) = wrapped(depth, canopy_levels);
        let proof = fixture.tree.proof(nft.index);
        change(&mut fixture, &sibling, 100);
        for number in 0..kept {
            change(&mut fixture, &other, number);
        }
        assert_refused(fixture.register_with(&nft, proof), BautaError::StaleProof);
        let proof = fixture.tree.proof(nft.index);
        change(&mut fixture, &sibling, 101);
        for number in 1..kept {
            change(&mut fixture, &other, number);
        }
        fixture
            .register_with(&nft, proof)
            .expect("the tree kept the changes");

        let sold = fixture.sell(&nft);
        let mut evict = fixture.eviction(&nft, Some(&sold));
        change(&mut fixture, &sibling, 102);
        for number in 1..kept {
            change(&mut fixture, &other, number);
        }
        if depth == 14 {
            // The path does not fit beside the proof.
            let path = evict.path.take().expect("the path is given");
            evict.staged = Some(fixture.stage(&nft.owner, 0, path));
        }
        fixture.send_eviction(&evict).expect("the asset was sold");
        fixture.inner.assert_leaves(1);
    }
}

/// A proof that was read at any moment leads to the root of all leaves exactly if the leaf itself
/// is the same, as long as the tree has kept the changes since.
#[test]
fn a_proof_of_any_age_within_the_ring_leads_to_the_current_root() {
    const KEPT: usize = 8;
    let (mut fixture, _) = wrapped(5, 1);
    while fixture.mint().index < 20 {}
    let config = fixture
        .inner
        .fetch(addresses::tree_config(&fixture.tree.address).address);
    let mut random = StdRng::seed_from_u64(9);
    // The proofs and leaves before each change.
    let mut past = vec![];
    for _ in 0..200 {
        let tree = &mut fixture.tree;
        past.push(
            (0..=20)
                .map(|index| (tree.proof(index), tree.leaf(index)))
                .collect::<Vec<_>>(),
        );
        let mut node = [0; 32];
        random.fill(&mut node);
        tree.set_node(random.gen_range(0..=20), node);
        let data = tree.data();
        let account = AccountView {
            key: &tree.address,
            owner: &MPL_COMPRESSION_PROGRAM,
            data: &data,
        };
        let read = MerkleTree::read(&account, &view(&config)).expect("the tree is well-formed");
        let read = read.expect("the config exists");
        for proofs in past.iter().rev().take(KEPT) {
            for (index, (proof, leaf)) in (0..).zip(proofs) {
                let is_same = *leaf == tree.leaf(index);
                assert_eq!(read.check(index, leaf, proof).is_ok(), is_same);
                assert!(read.check(index, &tree.leaf(index), proof).is_ok());
            }
        }
    }
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

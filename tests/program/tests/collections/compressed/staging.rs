use bauta::errors::BautaError;
use bauta::state::{Collection, Staged};
use bauta_client::addresses;
use bauta_client::instructions::{StagePath, Unstage};
use bauta_primitives::{Attributes, EntryId, FieldElement, Leaf};
use bauta_program_test::{CompressedNft, assert_refused};
use solana_signer::Signer;

use super::Compressed;
use crate::TRACK;

const RULES: u16 = Collection::COMPRESSED | Collection::ISSUER_MOVES;

fn registered() -> (Compressed, CompressedNft) {
    let mut fixture = Compressed::v2(RULES);
    let nft = fixture.mint();
    fixture.register(&nft).expect("the first registration");
    fixture.inner.chain.advance_clock(60);
    (fixture, nft)
}

#[test]
fn a_staged_path_serves_a_registration_and_an_eviction_and_its_rent_is_returned() {
    let (mut fixture, nft) = registered();
    let signer = nft.owner.pubkey();
    let path = fixture.inner.chain.on_chain_path(&fixture.inner.registry, 0);
    let lamports =
        |chain: &bauta_program_test::TestChain| chain.account(&signer).expect("the signer exists").lamports;
    let before = lamports(&fixture.inner.chain);
    // A second call overwrites the path.
    fixture.stage(&nft.owner, 9, [[FieldElement::ZERO; 3]; 5]);
    let address = fixture.stage(&nft.owner, 9, path);
    let inner = &mut fixture.inner;
    let staged: Staged = inner.chain.state(&address).expect("the path is staged");
    assert_eq!(staged.authority, signer);
    assert!(lamports(&inner.chain) < before);

    let mut register = inner.chain.compressed_registration(
        &inner.registry,
        &fixture.tree.address,
        &nft,
        fixture.tree.proof(nft.index),
        &inner.key,
    );
    register.path = None;
    assert_refused(
        inner.chain.send(&[register.instruction()], &[&nft.owner]),
        BautaError::MissingPath,
    );
    register.staged = Some(address);
    inner
        .chain
        .send(&[register.instruction()], &[&nft.owner])
        .expect("the path is staged");
    let leaf = Leaf::of(
        register.commitment,
        EntryId::of_mint(&nft.id.to_bytes()),
        Attributes::of_track(TRACK),
    );
    inner
        .registry
        .tree
        .set(0, leaf)
        .expect("the index is in the tree");
    fixture.inner.assert_leaves(1);

    // The path is public, so an eviction by another signer may use it too.
    let sold = fixture.sell(&nft);
    let mut evict = fixture.eviction(&nft, Some(&sold));
    evict.path = None;
    evict.staged = Some(address);
    fixture.send_eviction(&evict).expect("the path is staged");
    fixture.inner.assert_leaves(1);

    let unstage = Unstage {
        authority: signer,
        number: 9,
    };
    let chain = &mut fixture.inner.chain;
    chain
        .send(&[unstage.instruction()], &[&nft.owner])
        .expect("unstage");
    assert!(
        chain
            .account(&address)
            .is_none_or(|account| account.lamports == 0)
    );
    assert_eq!(lamports(chain), before);
    fixture.stage(&nft.owner, 9, path);
}

/// One signer can send many evictions at a time.
#[test]
fn two_staged_paths_of_one_signer_serve_two_evictions_in_any_order() {
    for order in [[0, 1], [1, 0]] {
        let (mut fixture, first) = registered();
        let second = fixture.mint();
        fixture.register(&second).expect("the other registration");
        let keeper = fixture.owner("keeper");
        let mut evictions = [(0, &first), (1, &second)].map(|(number, nft)| {
            let sold = fixture.sell(nft);
            let mut evict = fixture.eviction(nft, Some(&sold));
            let path = evict.path.take().expect("the path is given");
            evict.staged = Some(fixture.stage(&keeper, number, path));
            evict
        });
        assert_ne!(evictions[0].staged, evictions[1].staged);
        // The neighbour's sale changed the proof.
        for evict in &mut evictions {
            evict.place.proof = fixture.tree.proof(evict.place.index);
        }
        for index in order {
            fixture
                .send_eviction(&evictions[index])
                .expect("the asset was sold");
        }
        fixture.inner.assert_leaves(2);
    }
}

#[test]
fn a_first_registration_takes_no_staged_path() {
    let (mut fixture, nft) = registered();
    let other = fixture.mint();
    let path = fixture.inner.chain.on_chain_path(&fixture.inner.registry, 0);
    let staged = fixture.stage(&nft.owner, 0, path);
    let inner = &mut fixture.inner;
    let mut register = inner.chain.compressed_registration(
        &inner.registry,
        &fixture.tree.address,
        &other,
        fixture.tree.proof(other.index),
        &inner.key,
    );
    register.staged = Some(staged);
    assert_refused(
        inner.chain.send(&[register.instruction()], &[&other.owner]),
        BautaError::UnexpectedPath,
    );
    // A path in the arguments has precedence over the staged one.
    register.staged = None;
    register.path = Some(path);
    assert_refused(
        inner.chain.send_v1(&[register.instruction()], &[&other.owner]),
        BautaError::UnexpectedPath,
    );
    fixture.inner.assert_leaves(1);
}

#[test]
fn only_its_signer_changes_and_closes_a_staged_path() {
    let (mut fixture, nft) = registered();
    let thief = fixture.owner("thief");
    let (inner, signer) = (&mut fixture.inner, nft.owner.pubkey());
    let path = inner.chain.on_chain_path(&inner.registry, 0);
    let stage = StagePath {
        authority: signer,
        number: 0,
        path,
    };
    let own = addresses::staged(&signer, 0).address;
    for is_staged in [false, true] {
        let steal = StagePath {
            authority: thief.pubkey(),
            number: 0,
            path,
        };
        let unstage = Unstage {
            authority: thief.pubkey(),
            number: 0,
        };
        let mut instructions = vec![steal.instruction()];
        if is_staged {
            instructions.push(unstage.instruction());
        }
        for mut instruction in instructions {
            instruction.accounts[1].pubkey = own;
            assert_refused(
                inner.chain.send(&[instruction], &[&thief]),
                BautaError::WrongStaged,
            );
        }
        inner
            .chain
            .send(&[stage.instruction()], &[&nft.owner])
            .expect("stage_path");
    }
}

//! Compares the number of nodes of a proof that fit into a transaction with docs/costs.md.

use bauta::bubblegum::LeafData;
use bauta::state::Collection;
use bauta_primitives::FieldElement;
use bauta_program_test::{CompressedNft, MAX_TRANSACTION_BYTES, length_with_table, lookups};
use solana_instruction::Instruction;
use solana_signer::Signer;

use super::Compressed;

/// Returns the largest number of nodes with which a transaction has at most 1,232 bytes.
fn nodes(holder: &CompressedNft, has_table: bool, build: impl Fn(Vec<[u8; 32]>) -> Instruction) -> String {
    let payer = holder.owner.pubkey();
    let length = |nodes: usize| {
        let instruction = build(vec![[1; 32]; nodes]);
        let table = if has_table {
            lookups(&instruction, &payer)
        } else {
            vec![]
        };
        length_with_table(instruction, &payer, &table)
    };
    let fitting = (0..40).take_while(|nodes| length(*nodes) <= MAX_TRANSACTION_BYTES);
    fitting
        .last()
        .map_or_else(|| "none".into(), |nodes| nodes.to_string())
}

/// Returns the figures of the first registration, of a later one, and of a later one with a staged
/// path.
fn registrations(fixture: &Compressed, nft: &CompressedNft, has_table: bool) -> [String; 3] {
    let inner = &fixture.inner;
    let path = [[FieldElement::ZERO; 3]; 5];
    let cases = [(None, None), (Some(path), None), (None, Some(nft.id))];
    cases.map(|(path, staged)| {
        nodes(nft, has_table, |proof| {
            let (registry, tree) = (&inner.registry, &fixture.tree.address);
            let mut register = inner
                .chain
                .compressed_registration(registry, tree, nft, proof, &inner.key);
            register.payer = nft.owner.pubkey();
            register.path = path;
            register.staged = staged;
            register.instruction()
        })
    })
}

#[test]
fn the_page_of_costs_says_how_many_nodes_of_a_proof_fit() {
    let rows = [rows(true), rows(false)].concat();
    let page = include_str!("../../../../../docs/costs.md");
    let written: Vec<&str> = page
        .lines()
        .skip_while(|line| !line.starts_with("| V2"))
        .take_while(|line| line.starts_with('|'))
        .collect();
    assert_eq!(written, rows, "write these rows:\n{}", rows.join("\n"));
}

/// Returns the rows of transactions that have a lookup table or none.
fn rows(has_table: bool) -> Vec<String> {
    let without = if has_table { "" } else { ", without a lookup table" };
    let mut rows = vec![];
    let mut fixture = Compressed::v2(Collection::COMPRESSED | Collection::ISSUER_MOVES);
    let nft = fixture.mint();
    let [first, again, staged] = registrations(&fixture, &nft, has_table);
    rows.push(format!("| V2{without} | {first} | {again} | {staged} |"));
    fixture.register(&nft).expect("the asset is registered");
    let [given, staged] = [false, true].map(|is_staged| {
        nodes(&nft, has_table, |proof| {
            let mut evict = fixture.eviction(&nft, Some(&nft));
            evict.place.proof = proof;
            if is_staged {
                evict.path = None;
                evict.staged = Some(nft.id);
            }
            evict.instruction()
        })
    });
    rows.push(format!("| eviction{without} |  | {given} | {staged} |"));
    let mut fixture = Compressed::v1(Collection::COMPRESSED);
    let mut nft = fixture.mint();
    for bytes in [223, 489] {
        nft.leaf.data = LeafData::Metadata(vec![0; bytes]);
        let [first, again, staged] = registrations(&fixture, &nft, has_table);
        rows.push(format!(
            "| V1, {bytes} bytes of metadata{without} | {first} | {again} | {staged} |"
        ));
    }
    rows
}

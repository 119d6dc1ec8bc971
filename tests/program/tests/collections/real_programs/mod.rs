//! Tests with the real programs Token Metadata, Bubblegum and account compression, which
//! `cargo xtask drill collections` builds.
//!
//! The other tests write the accounts of these programs as their official crates encode them. The
//! module `bytes` shows that the real Token Metadata writes the same bytes, and the module
//! `compressed` that the real Bubblegum does.

mod bytes;
mod compressed;
mod issuer;
mod leaving;
mod printer;
mod prints;
mod tokens;
mod tree;

use bauta::bubblegum::{BUBBLEGUM_PROGRAM, SPL_COMPRESSION_PROGRAM};
use bauta::state::CollectionKind;
use bauta::token_metadata::TOKEN_METADATA_PROGRAM;
use bauta_program_test::{Nft, SPL_NOOP, TestChain, metaplex_elf};

use super::Fixture;

/// Creates a chain with the real programs.
fn chain() -> TestChain {
    let mut chain = TestChain::new();
    for (program, name) in [
        (TOKEN_METADATA_PROGRAM, "token-metadata"),
        (BUBBLEGUM_PROGRAM, "bubblegum"),
        (SPL_COMPRESSION_PROGRAM, "compression-v1"),
        (SPL_NOOP, "noop-v1"),
    ] {
        let elf = metaplex_elf(name).expect("run this as `cargo xtask drill collections`");
        chain.deploy(program, &elf);
    }
    chain
}

/// Creates a real collection of Token Metadata and a registry for it.
fn fixture(rules: u16) -> (Fixture, Nft) {
    let mut chain = chain();
    let collection = issuer::collection(&mut chain);
    let fixture = Fixture::with_key(chain, collection.mint, CollectionKind::TokenMetadata, rules);
    (fixture, collection)
}

//! Tests with the real program Token Metadata, which `cargo xtask drill collections` builds.
//!
//! The other tests write the accounts of Token Metadata as its official client crate encodes them.
//! The module `bytes` shows that the real program writes the same bytes.

mod bytes;
mod issuer;
mod leaving;
mod printer;
mod prints;
mod tokens;

use std::{env, fs, path::PathBuf};

use bauta::state::CollectionKind;
use bauta::token_metadata::TOKEN_METADATA_PROGRAM;
use bauta_program_test::{Nft, TestChain};

use super::Fixture;

/// Creates a chain with the real Token Metadata.
fn chain() -> TestChain {
    let folder = env::var_os("BAUTA_METAPLEX_ELFS").expect("run this as `cargo xtask drill collections`");
    let path = PathBuf::from(folder).join("token-metadata.so");
    let elf = fs::read(&path).unwrap_or_else(|error| panic!("can't read {}: {error}", path.display()));
    let mut chain = TestChain::new();
    chain.deploy(TOKEN_METADATA_PROGRAM, &elf);
    chain
}

/// Creates a real collection of Token Metadata and a registry for it.
fn fixture(rules: u16) -> (Fixture, Nft) {
    let mut chain = chain();
    let collection = issuer::collection(&mut chain);
    let fixture = Fixture::with_key(chain, collection.mint, CollectionKind::TokenMetadata, rules);
    (fixture, collection)
}

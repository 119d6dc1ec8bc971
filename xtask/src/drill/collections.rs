//! Runs the tests of collections with the real programs of Metaplex and of account compression.

use anyhow::Result;

use super::test;
use crate::{program, system, workspace};

/// Builds the programs unless they are in the cache, and runs the tests. The tests of compressed
/// assets that `cargo xtask test` runs as well have trees that the real programs write here.
pub fn run() -> Result<()> {
    system::require(&[system::CC])?;
    let elfs = program::build_metaplex()?;
    let mut cargo = test("collections", "")?;
    cargo.arg("--include-ignored").env("BAUTA_METAPLEX_ELFS", elfs);
    workspace::run(&mut cargo)
}

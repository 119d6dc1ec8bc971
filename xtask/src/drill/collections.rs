//! Runs the tests of collections with the real programs of Metaplex.

use anyhow::Result;

use super::test;
use crate::{program, system, workspace};

/// Builds the programs unless they are in the cache, and runs the tests.
pub fn run() -> Result<()> {
    system::require(&[system::CC])?;
    let elfs = program::build_metaplex()?;
    let mut cargo = test("collections", "real_programs::")?;
    cargo.arg("--ignored").env("BAUTA_METAPLEX_ELFS", elfs);
    workspace::run(&mut cargo)
}

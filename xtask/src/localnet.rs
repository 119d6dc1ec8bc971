//! `cargo xtask localnet`: builds the node of the local chain, tools/localnet.

use anyhow::Result;

use crate::{system, workspace};

/// The name of the node's program.
const PROGRAM: &str = "bauta-localnet";

/// Builds the node and prints the path of its program.
pub fn run() -> Result<()> {
    build()?;
    println!("{}", workspace::target()?.join("debug").join(PROGRAM).display());
    Ok(())
}

/// Builds the node if its sources have changed.
pub fn build() -> Result<()> {
    system::require(&system::BUILD)?;
    workspace::build(&[PROGRAM])
}

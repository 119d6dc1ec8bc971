//! `cargo xtask localnet`: builds the node of the local chain, tools/localnet.

use std::path::PathBuf;

use anyhow::Result;

use crate::{system, workspace};

/// The name of the node's program.
pub const PROGRAM: &str = "bauta-localnet";

/// Builds the node and prints the path of its program.
pub fn run() -> Result<()> {
    println!("{}", build()?.display());
    Ok(())
}

/// Builds the node if its sources have changed. Returns the path of its program.
pub fn build() -> Result<PathBuf> {
    system::require(&system::BUILD)?;
    workspace::build(&[PROGRAM])?;
    Ok(workspace::target()?.join("debug").join(PROGRAM))
}

//! `cargo xtask test`: does its own set-up, then every test of the project.

use anyhow::Result;

use crate::{program, system, workspace};

/// Checks the artifacts, then runs the workspace's tests and the TypeScript suite.
pub fn run() -> Result<()> {
    system::require(&[system::CC, system::NODE, system::NPM])?;
    program::check_digests()?;
    workspace::run(workspace::cargo()?.args(["test", "--workspace", "--locked"]))?;
    Ok(())
}

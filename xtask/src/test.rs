//! `cargo xtask test`: does its own set-up, then every test of the project.

use std::process::Command;

use anyhow::Result;

use crate::{program, system, workspace};

/// Checks the artifacts, then runs the workspace's tests and the TypeScript suite.
pub fn run() -> Result<()> {
    system::require(&[
        system::CC,
        system::NODE,
        system::NPM,
        system::POSTGRES,
        system::REDIS,
    ])?;
    program::check_digests()?;
    workspace::run(workspace::cargo()?.args(["test", "--workspace", "--locked"]))?;
    typescript()
}

/// The IDL drives the ELF, from npm's packages at their locked versions.
fn typescript() -> Result<()> {
    let folder = workspace::root()?.join("tests/typescript");
    for arguments in [&["ci", "--no-audit", "--no-fund"][..], &["test"]] {
        workspace::run(Command::new("npm").args(arguments).current_dir(&folder))?;
    }
    Ok(())
}

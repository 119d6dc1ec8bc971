//! Builds the examples of the TypeScript packages with bundlers that `cargo xtask test` does not
//! use.

use std::process::Command;

use anyhow::Result;

use crate::{system, workspace};

/// Installs the locked packages, builds the packages of sdk/, and runs sdk/tests/bundlers.
pub fn run() -> Result<()> {
    system::require(&[system::NODE, system::NPM])?;
    for (folder, arguments) in [
        ("sdk", &["ci", "--no-audit", "--no-fund"][..]),
        ("sdk", &["run", "build"]),
        ("sdk/tests/bundlers", &["ci", "--no-audit", "--no-fund"]),
        ("sdk/tests/bundlers", &["test"]),
    ] {
        let mut npm = Command::new("npm");
        npm.args(arguments).current_dir(workspace::root()?.join(folder));
        workspace::run(&mut npm)?;
    }
    Ok(())
}

//! `cargo xtask wasm`: builds the prover as two WebAssembly modules and tests them under Node.js.
//!
//! ```text
//!   tools/wasm-prover --Debian's rustc, std from source--> fused.wasm     with relaxed SIMD
//!                                                          baseline.wasm  without
//!                                                              |
//!        arkworks, snarkjs and the program verify <--proof-- Node.js
//! ```
//!
//! The tested modules are put into sdk/prover/assets, from where `@bauta/prover` publishes them.
//! They are checked in, so that the packages need no compiler for WebAssembly. The record
//! `sdk/prover/modules.toml` names what they were built from. `--check` compares it with the
//! sources.

mod build;
mod record;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use self::{build::BUILDS, record::Record};
pub use self::{build::build, record::check};
use crate::{system, workspace};

/// Arguments of `cargo xtask wasm`.
#[derive(clap::Args)]
pub struct Args {
    /// Only check that the checked-in modules belong to the sources
    #[arg(long)]
    check: bool,
    /// Build the modules again and compare. With the recorded tools, the bytes must be equal
    #[arg(long, requires = "check")]
    rebuild: bool,
}

/// Builds the modules and tests them, or checks them.
pub fn run(args: &Args) -> Result<()> {
    if !args.check {
        return build_and_test();
    }
    check()?;
    if args.rebuild {
        system::require(&[system::CC])?;
        record::compare(&build()?)?;
    }
    println!("sdk/prover/assets: the modules belong to the sources");
    Ok(())
}

/// Builds the modules and runs the test. It selects the test and not the package, because a package
/// alone would rebuild the dependencies with other features.
fn build_and_test() -> Result<()> {
    system::require(&[system::CC, system::NODE, system::NPM])?;
    let modules = build()?;
    workspace::run(
        workspace::cargo()?
            .env("BAUTA_WASM_PROVERS", &modules)
            .args(["test", "--workspace", "--locked"])
            .args(["--features", "bauta-circuits/wasm-test", "--test", "wasm"]),
    )?;
    for (name, _) in BUILDS {
        let file = format!("{name}.wasm");
        copy(&modules.join(&file), &published()?.join(&file))?;
    }
    Record::now(build::tools()?)?.write()
}

/// Returns the folder of the checked-in modules.
fn published() -> Result<PathBuf> {
    Ok(workspace::root()?.join("sdk/prover/assets"))
}

/// Copies the contents of a file. Cargo's file is executable, and the checked-in one is not.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::read(from)
        .and_then(|bytes| fs::write(to, bytes))
        .with_context(|| format!("can't copy {} to {}", from.display(), to.display()))
}

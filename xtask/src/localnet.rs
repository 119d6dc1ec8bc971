//! `cargo xtask localnet`: builds tools/localnet, a workspace of its own, where `bauta_dev_servers::Chain` looks for it.

use anyhow::Result;

use crate::{system, workspace};

/// Where it is built, in the cache.
const TARGET: &str = "target-localnet";
/// The program, in the cache.
const PROGRAM: &str = "target-localnet/debug/bauta-localnet";

/// Builds it and says where it is.
pub fn run() -> Result<()> {
    build()?;
    println!(
        "{}",
        workspace::cache()?
            .join("target-localnet/debug/bauta-localnet")
            .display()
    );
    Ok(())
}

/// Builds it, if its sources have changed.
pub fn build() -> Result<()> {
    if !workspace::cache()?.join(PROGRAM).is_file() {
        eprintln!("building tools/localnet; the first time takes about ten minutes on two cores");
    }
    cargo(&["build", "--locked"])
}

/// Runs its own tests.
pub fn test() -> Result<()> {
    cargo(&["test", "--locked"])
}

fn cargo(arguments: &[&str]) -> Result<()> {
    system::require(&[system::CC, system::PKG_CONFIG, system::OPENSSL])?;
    workspace::run(
        workspace::cargo()?
            .args(arguments)
            // Its settings for cargo lie in that folder.
            .current_dir(workspace::root()?.join("tools/localnet"))
            .env("CARGO_TARGET_DIR", workspace::cache()?.join(TARGET)),
    )
}

//! `cargo xtask localnet`: builds tools/localnet, a workspace of its own, where `bauta_local::Chain` looks for it.

use anyhow::Result;

use crate::{system, workspace};

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
    system::require(&[system::CC, system::PKG_CONFIG, system::OPENSSL])?;
    let target = workspace::cache()?.join("target-localnet");
    if !target.join("debug/bauta-localnet").is_file() {
        eprintln!("building tools/localnet; the first time takes about ten minutes on two cores");
    }
    workspace::run(
        workspace::cargo()?
            .args(["build", "--quiet", "--locked"])
            // Its settings for cargo lie in that folder.
            .current_dir(workspace::root()?.join("tools/localnet"))
            .env("CARGO_TARGET_DIR", &target),
    )
}

//! `cargo xtask demo`: the main job end to end, for a person to watch.

use anyhow::Result;

use crate::{system, workspace};

/// Builds what the demo needs and runs it.
pub fn run() -> Result<()> {
    system::require(&[system::CC])?;
    workspace::run(workspace::cargo()?.args(["run", "--locked", "--package", "bauta-demo"]))
}

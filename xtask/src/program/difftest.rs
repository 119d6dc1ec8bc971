//! Runs the differential test of tools/sbf, which compares a program's results on chain with its
//! results on the host.

use std::fs;

use anyhow::{Context, Result};

use super::toolchain::{self, Debian, Package};
use crate::workspace;

/// Runs the linker's tests, builds the test program and runs the comparison.
pub fn difftest() -> Result<()> {
    let elfs = toolchain::prefix()?.join("difftest");
    fs::create_dir_all(&elfs).with_context(|| format!("can't create {}", elfs.display()))?;
    let toolchain = Debian::install(None)?;
    toolchain.test_linker()?;
    let package = Package {
        workspace: &workspace::root()?,
        name: "bauta-difftest",
        elf: "difftest",
        library: None,
    };
    toolchain.build_package(&package, &elfs)?;
    // The whole workspace is selected, so that the test uses the dependencies of its other tests.
    // Alone, it would compile a second Solana VM.
    let mut test = workspace::cargo()?;
    test.args(["test", "--workspace", "--locked", "--test", "difference"])
        .args(["--", "--ignored"])
        .env("DIFFTEST_ELFS", &elfs);
    workspace::run(&mut test)
}

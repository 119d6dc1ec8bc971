//! The differential test of tools/sbf: a program's results on chain against its results on the host.

use std::fs;

use anyhow::{Context, Result};

use super::toolchain::{self, Debian};
use crate::workspace;

/// Build the test program and compare.
pub fn difftest() -> Result<()> {
    let source = workspace::root()?.join("tools/sbf/difftest");
    let elfs = toolchain::prefix()?.join("difftest");
    fs::create_dir_all(&elfs).with_context(|| format!("can't make {}", elfs.display()))?;
    Debian::install(None)?.build_in(&source, "difftest", "difftest", &elfs)?;
    let mut test = workspace::cargo()?;
    test.current_dir(&source)
        .args(["test", "--locked"])
        .env("DIFFTEST_ELFS", &elfs);
    workspace::run(&mut test)
}

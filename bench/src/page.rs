//! Writes the pages under docs/benchmarks.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// Returns the path of a page in the checkout.
pub fn path(name: &str) -> PathBuf {
    [
        env!("CARGO_MANIFEST_DIR"),
        "..",
        "docs",
        "benchmarks",
        &format!("{name}.md"),
    ]
    .iter()
    .collect()
}

/// Writes a page.
pub fn write(name: &str, text: &str) -> Result<()> {
    let path = path(name);
    std::fs::write(&path, text).with_context(|| format!("can't write {}", path.display()))
}

//! `sbf-link`, the linker in tools/sbf.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Result;

use super::compiler::Compiler;
use crate::{
    program::record::{combine, tree},
    workspace,
};

/// Digest of the linker's sources.
pub fn digest(tools: &Path) -> Result<String> {
    let mut files = BTreeMap::new();
    for part in ["src", "Cargo.toml", "Cargo.lock", "build.rs"] {
        for (name, digest) in tree(&tools.join("sbf-link").join(part))? {
            files.insert(format!("{part}/{name}"), digest);
        }
    }
    Ok(combine(&files))
}

/// Build the linker if it isn't there; returns the folder it is in.
pub fn install(prefix: &Path, source: &Path, digest: &str, compiler: &Compiler) -> Result<PathBuf> {
    // The linker finds LLVM where the compiler lies.
    let parts = [
        ("source", digest.to_owned()),
        ("compiler", compiler.root.display().to_string()),
    ];
    let key = combine(&parts.map(|(name, value)| (name.to_owned(), value)).into());
    let root = prefix.join(format!("linker-{}", &key[..16]));
    let bin = root.join("bin");
    if !bin.join("sbf-link").exists() {
        eprintln!("building the SBF linker");
        let mut cargo = workspace::cargo()?;
        cargo
            .args(["install", "--locked", "--quiet", "--no-track", "--path"])
            .arg(source)
            .arg("--root")
            .arg(&root);
        cargo.arg("--target-dir").arg(prefix.join("linker-target"));
        cargo.env("SBF_LLVM_LIBDIR", compiler.libraries());
        workspace::run(&mut cargo)?;
    }
    Ok(bin)
}

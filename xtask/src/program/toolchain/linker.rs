//! Builds and tests `sbf-link`, the linker in tools/sbf.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use super::compiler::Compiler;
use crate::{
    program::record::{combine, tree},
    workspace,
};

/// Returns the digest of the linker's sources.
pub fn digest(tools: &Path) -> Result<String> {
    let mut files = BTreeMap::new();
    for part in ["src", "Cargo.toml", "Cargo.lock", "build.rs"] {
        for (name, digest) in tree(&tools.join("sbf-link").join(part))? {
            files.insert(format!("{part}/{name}"), digest);
        }
    }
    Ok(combine(&files))
}

/// Builds the linker if it is missing, and returns its folder.
pub fn install(prefix: &Path, source: &Path, digest: &str, compiler: &Compiler) -> Result<PathBuf> {
    // The linker loads LLVM from the compiler's folder, so the folder is part of the key.
    let parts = [
        ("source", digest.to_owned()),
        ("compiler", compiler.root.display().to_string()),
    ];
    let key = combine(&parts.map(|(name, value)| (name.to_owned(), value)).into());
    let root = prefix.join(format!("linker-{}", &key[..16]));
    let bin = root.join("bin");
    if !bin.join("sbf-link").exists() {
        eprintln!("building the SBF linker");
        let mut install = cargo(prefix, compiler)?;
        install
            .args(["install", "--locked", "--quiet", "--no-track", "--path"])
            .arg(source)
            .arg("--root")
            .arg(&root);
        workspace::run(&mut install)?;
    }
    Ok(bin)
}

/// Runs the linker's own tests.
pub fn test(prefix: &Path, source: &Path, compiler: &Compiler) -> Result<()> {
    let mut test = cargo(prefix, compiler)?;
    test.args(["test", "--locked", "--release", "--manifest-path"])
        .arg(source.join("Cargo.toml"));
    workspace::run(&mut test)
}

/// Returns a cargo command that uses the compiler's LLVM and a separate target folder for the
/// linker.
fn cargo(prefix: &Path, compiler: &Compiler) -> Result<Command> {
    let mut cargo = workspace::cargo()?;
    cargo
        .env("CARGO_TARGET_DIR", prefix.join("linker-target"))
        .env("SBF_LLVM_LIBDIR", compiler.libraries());
    Ok(cargo)
}

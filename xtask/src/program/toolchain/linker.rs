//! `sbf-link`, the linker in tools/sbf.

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

/// Run the linker's own tests.
pub fn test(prefix: &Path, source: &Path, compiler: &Compiler) -> Result<()> {
    let mut test = cargo(prefix, compiler)?;
    test.args(["test", "--locked", "--release", "--manifest-path"])
        .arg(source.join("Cargo.toml"));
    workspace::run(&mut test)
}

/// Cargo with the compiler's LLVM and a target folder of the linker's own.
fn cargo(prefix: &Path, compiler: &Compiler) -> Result<Command> {
    let mut cargo = workspace::cargo()?;
    cargo
        .env("CARGO_TARGET_DIR", prefix.join("linker-target"))
        .env("SBF_LLVM_LIBDIR", compiler.libraries());
    Ok(cargo)
}

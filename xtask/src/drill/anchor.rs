//! A workspace of a user of Anchor that depends only on packaged crates.
//!
//! ```text
//!   cargo package ──> .crate files, unpacked ──> [patch.crates-io] ┐
//!   tests/anchor, code of programs/example-gate ───────────────────┴──> cargo test, npm test
//! ```
//!
//! The workspace is in the target folder, outside the checkout's workspace, with its own target
//! folder. It has the locked versions of the checkout's dependencies.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{package, system, workspace};

/// The line that the code of the checkout has for its own toolchain of programs.
const OWN_TOOLCHAIN: &str = "#[cfg(all(target_os = \"solana\", target_arch = \"bpf\"))]\nuse \
                             solana_compiler_builtins as _;\n";

/// Packages the crates, makes the workspace, and runs its Rust test and its TypeScript test.
pub fn run() -> Result<()> {
    system::require(&[system::CC, system::NODE, system::NPM])?;
    package::check()?;
    let folder = workspace::target()?.join("anchor-workspace");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let root = workspace::root()?;
    copy(&root.join("tests/anchor"), &folder)?;
    write_program(&root, &folder)?;
    unpack_crates(&folder)?;
    // The versions with which the checkout is tested.
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    let elf = elf_of_gate(&root, &folder)?;
    let artifacts =
        |program: &str, file: &str| root.join("programs").join(program).join("artifacts").join(file);
    let variables = [
        ("MY_GATE_ELF", elf),
        ("BAUTA_ELF", artifacts("bauta", "bauta.v3.so")),
        ("MY_GATE_IDL", artifacts("example-gate", "example-gate.json")),
        ("BAUTA_IDL", artifacts("bauta", "bauta.json")),
    ];
    let mut cargo = workspace::command("cargo")?;
    cargo
        .args(["test", "--test", "gate"])
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .envs(variables.clone())
        .current_dir(&folder);
    workspace::run(&mut cargo)?;
    for arguments in [&["install", "--no-audit", "--no-fund"][..], &["test"]] {
        let mut npm = Command::new("npm");
        npm.args(arguments).envs(variables.clone()).current_dir(&folder);
        workspace::run(&mut npm)?;
    }
    Ok(())
}

/// Writes the code of the example into the program of the workspace.
fn write_program(root: &Path, folder: &Path) -> Result<()> {
    let code = fs::read_to_string(root.join("programs/example-gate/src/lib.rs"))?;
    ensure!(
        code.contains(OWN_TOOLCHAIN),
        "programs/example-gate/src/lib.rs has another line for the toolchain"
    );
    let source = folder.join("programs/my-gate/src");
    fs::create_dir_all(&source)?;
    fs::write(source.join("lib.rs"), code.replace(OWN_TOOLCHAIN, ""))?;
    Ok(())
}

/// Unpacks each packaged crate, and lets the workspace take it in place of one of a registry.
fn unpack_crates(folder: &Path) -> Result<()> {
    let packages = workspace::target()?.join("package");
    let crates = folder.join("crates");
    fs::create_dir_all(&crates)?;
    let mut patch = String::from("\n[patch.crates-io]\n");
    for published in package::published()? {
        let name = format!("{}-{}", published.name, env!("CARGO_PKG_VERSION"));
        let file = packages.join(format!("{name}.crate"));
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(&file).arg("-C").arg(&crates);
        workspace::run(&mut tar)?;
        writeln!(patch, "{} = {{ path = \"crates/{name}\" }}", published.name)?;
    }
    let manifest = folder.join("Cargo.toml");
    let text = fs::read_to_string(&manifest)?;
    fs::write(manifest, text + &patch)?;
    Ok(())
}

/// Returns the ELF of the gate: built by Solana's command if it is installed, and otherwise that of
/// the checkout, which has the same code.
fn elf_of_gate(root: &Path, folder: &Path) -> Result<PathBuf> {
    if workspace::on_path("cargo-build-sbf").is_none() {
        println!("cargo build-sbf is not installed: the tests use the ELF of programs/example-gate");
        return Ok(root.join("programs/example-gate/artifacts/example-gate.v3.so"));
    }
    let mut build = workspace::command("cargo")?;
    build
        .args(["build-sbf", "--manifest-path", "programs/my-gate/Cargo.toml"])
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .current_dir(folder);
    workspace::run(&mut build)?;
    Ok(folder.join("target/deploy/my_gate.so"))
}

/// Copies a folder. The manifests end with `.in` in the checkout, so that tools which search it for
/// manifests do not take them for its own.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let context = || format!("can't read {}", from.display());
    for entry in fs::read_dir(from).with_context(context)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let target = to.join(name.strip_suffix(".in").unwrap_or(&name));
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

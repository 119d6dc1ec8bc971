//! `cargo xtask test`: does its own set-up, then every test of the project.

use std::{fs, process::Command};

use anyhow::Result;

use crate::{demo, program, system, workspace};

/// Checks the artifacts, then runs every test: of the workspace, the TypeScript suite, and the demo.
pub fn run() -> Result<()> {
    system::require(&system::BUILD)?;
    system::require(&[
        system::NODE,
        system::NPM,
        system::POSTGRES,
        system::REDIS,
        system::PYTHON_VENV,
    ])?;
    program::check_digests()?;
    workspace::run(workspace::cargo()?.args(["test", "--workspace", "--locked"]))?;
    second_elf()?;
    typescript()?;
    // It checks what it shows.
    demo::run()
}

/// The suite on the programs' SBPF v3 ELFs; the workspace's tests above ran it on v0. Its tests are named one by one, since
/// `--package` would build the dependencies anew with other features.
fn second_elf() -> Result<()> {
    let root = workspace::root()?;
    let mut cargo = workspace::cargo()?;
    cargo.args(["test", "--workspace", "--locked"]);
    for entry in fs::read_dir(root.join("tests/program/tests"))? {
        if let Some(name) = entry?.path().file_stem() {
            cargo.arg("--test").arg(name);
        }
    }
    let programs = root.join("programs");
    cargo
        .env("BAUTA_PROGRAM_ELF", programs.join("bauta/artifacts/bauta.v3.so"))
        .env(
            "BAUTA_EXAMPLE_GATE_ELF",
            programs.join("example-gate/artifacts/example-gate.v3.so"),
        );
    workspace::run(&mut cargo)
}

/// The IDL drives the ELF, from npm's packages at their locked versions.
fn typescript() -> Result<()> {
    let folder = workspace::root()?.join("tests/typescript");
    for arguments in [&["ci", "--no-audit", "--no-fund"][..], &["test"]] {
        workspace::run(Command::new("npm").args(arguments).current_dir(&folder))?;
    }
    Ok(())
}

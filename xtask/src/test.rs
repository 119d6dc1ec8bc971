//! `cargo xtask test`: installs what is missing, then runs every test of the project.

use std::{env, fs, path::PathBuf, process::Command, thread};

use anyhow::Result;

use crate::{demo, localnet, program, system, workspace};

/// Checks the artifacts, then runs the tests of the workspace, the suite on the SBPF v0 ELFs, the
/// TypeScript suite, the TypeScript packages, and the demo.
pub fn run() -> Result<()> {
    system::require(&system::BUILD)?;
    system::require(&[
        system::CHROMIUM,
        system::NODE,
        system::NPM,
        system::POSTGRES,
        system::REDIS,
        system::PYTHON_VENV,
    ])?;
    program::check_digests()?;
    workspace::run(&mut cargo_test()?)?;
    suite_on_v0()?;
    typescript()?;
    sdk()?;
    // The demo checks the results that it prints.
    demo::run()
}

/// Returns the command that tests the workspace. Most tests wait for servers and for the chain, so
/// two threads for each processor finish earlier than one. `RUST_TEST_THREADS` overrides the number.
fn cargo_test() -> Result<Command> {
    let mut cargo = workspace::cargo()?;
    cargo.args(["test", "--workspace", "--locked"]);
    if env::var_os("RUST_TEST_THREADS").is_none() {
        let processors = thread::available_parallelism()?.get();
        cargo.env("RUST_TEST_THREADS", (2 * processors).to_string());
    }
    Ok(cargo)
}

/// Runs the suite of the programs on their SBPF v0 ELFs. The tests of the workspace have run it on
/// the v3 ELFs. Each test target is named, because a selection by package would rebuild the
/// dependencies with other features.
fn suite_on_v0() -> Result<()> {
    let root = workspace::root()?;
    let mut cargo = cargo_test()?;
    for entry in fs::read_dir(root.join("tests/program/tests"))? {
        if let Some(name) = entry?.path().file_stem() {
            cargo.arg("--test").arg(name);
        }
    }
    let programs = root.join("programs");
    cargo
        .env("BAUTA_PROGRAM_ELF", programs.join("bauta/artifacts/bauta.so"))
        .env(
            "BAUTA_EXAMPLE_GATE_ELF",
            programs.join("example-gate/artifacts/example-gate.so"),
        );
    workspace::run(&mut cargo)
}

/// Runs the TypeScript suite, in which Anchor's client uses the IDL and the ELF.
fn typescript() -> Result<()> {
    npm_test("tests/typescript", &[])
}

/// Builds and tests the TypeScript packages. One test uses the local node.
fn sdk() -> Result<()> {
    npm_test("sdk", &[("BAUTA_LOCALNET", localnet::build()?)])
}

/// Installs the npm packages of a folder, which have locked versions, and runs its tests with these
/// variables in their environment.
fn npm_test(folder: &str, variables: &[(&str, PathBuf)]) -> Result<()> {
    let folder = workspace::root()?.join(folder);
    for arguments in [&["ci", "--no-audit", "--no-fund"][..], &["test"]] {
        let mut npm = Command::new("npm");
        npm.args(arguments).current_dir(&folder);
        workspace::run(npm.envs(variables.iter().cloned()))?;
    }
    Ok(())
}

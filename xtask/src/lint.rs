//! `cargo xtask lint`: checks format, clippy, packages, unused dependencies, licences, bans
//! and sources.

use std::{env, path::PathBuf, process::Command};

use anyhow::Result;

use crate::{package, system, workspace};

/// Programs from crates.io with their versions. They find unused dependencies and check licences.
const TOOLS: [(&str, &str); 2] = [("cargo-machete", "0.9.2"), ("cargo-deny", "0.20.2")];

/// Runs every check.
pub fn run() -> Result<()> {
    system::require(&system::BUILD)?;
    workspace::run(workspace::cargo()?.args(["fmt", "--all", "--check"]))?;
    workspace::run(workspace::cargo()?.args([
        "clippy",
        "--workspace",
        // Without these features, most benchmarks, the gRPC stream and the key stores would not be
        // compiled.
        "--features=bauta-bench/all",
        "--features",
        workspace::GRPC,
        "--features",
        workspace::KEY_STORES,
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))?;
    // The checks below work offline and read the crates of all features and platforms. Clippy has
    // downloaded only those that it compiles.
    workspace::run(workspace::cargo()?.args(["fetch", "--locked", "--quiet"]))?;
    package::check()?;
    for (tool, version) in TOOLS {
        install(tool, version)?;
    }
    workspace::run(with_tools("machete")?.arg("--skip-target-dir"))?;
    workspace::run(with_tools("deny")?.args([
        "--workspace",
        "--offline",
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ]))
}

/// Returns the folder of the installed tools.
fn tools_folder() -> Result<PathBuf> {
    Ok(workspace::cache()?.join("tools"))
}

/// Installs a program from crates.io into the cache, unless this version is installed already.
fn install(tool: &str, version: &str) -> Result<()> {
    let root = tools_folder()?;
    let program = root.join("bin").join(tool);
    let installed = workspace::output(Command::new(&program).arg("--version"));
    // The programs print `cargo-deny 0.20.2` or `0.9.2`.
    if installed.is_ok_and(|text| text.split_whitespace().any(|word| word == version)) {
        return Ok(());
    }
    let build = root.join("build");
    let mut cargo = workspace::cargo()?;
    cargo
        .args([
            "install",
            "--locked",
            "--quiet",
            "--force",
            tool,
            "--version",
            version,
        ])
        .arg("--root")
        .arg(&root)
        .env("CARGO_TARGET_DIR", &build);
    workspace::run(&mut cargo)?;
    // The build is not needed again, because each version is built only once.
    Ok(std::fs::remove_dir_all(build)?)
}

/// Returns the command `cargo SUBCOMMAND` with the installed tools on its PATH.
fn with_tools(subcommand: &str) -> Result<Command> {
    let mut folders = vec![tools_folder()?.join("bin")];
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let mut cargo = workspace::cargo()?;
    cargo.arg(subcommand).env("PATH", env::join_paths(folders)?);
    Ok(cargo)
}

//! Builds an older release of the indexer, and runs it beside the present one.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use super::test;
use crate::{localnet, system, workspace};

/// The file that names the commit of the older release.
const FILE: &str = "indexer/tests/drills/older_release.txt";

pub fn run() -> Result<()> {
    system::require(&[system::CC, system::POSTGRES])?;
    localnet::build()?;
    let older = older_release()?;
    let mut cargo = test("drills", "the_older_release_and_this_one")?;
    cargo.arg("--ignored").env("BAUTA_OLDER_INDEXER", older);
    workspace::run(&mut cargo)
}

/// Returns the path of the older release's program. Builds it in the cache, outside the checkout,
/// if it has not been built before.
fn older_release() -> Result<PathBuf> {
    let root = workspace::root()?;
    let commit = fs::read_to_string(root.join(FILE)).with_context(|| format!("can't read {FILE}"))?;
    let commit = commit.trim();
    ensure!(
        commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{FILE} must contain a commit of 40 hexadecimal digits"
    );
    let folder = workspace::cache()?.join("releases").join(commit);
    let program = folder.join("bauta-indexer");
    if program.is_file() {
        return Ok(program);
    }
    let (source, target) = (folder.join("source"), folder.join("target"));
    fs::create_dir_all(&source)?;
    extract(&root, commit, &source)?;
    workspace::run(
        workspace::cargo()?
            .current_dir(&source)
            .env("CARGO_TARGET_DIR", &target)
            .args(["build", "--locked", "--package", "bauta-indexer"]),
    )?;
    fs::rename(target.join("debug/bauta-indexer"), &program)?;
    fs::remove_dir_all(&source)?;
    fs::remove_dir_all(&target)?;
    Ok(program)
}

/// Writes the files of a commit into a folder.
fn extract(root: &Path, commit: &str, to: &Path) -> Result<()> {
    let archive = to.with_extension("tar");
    workspace::run(
        Command::new("git")
            .args(["archive", "--output"])
            .arg(&archive)
            .arg(commit)
            .current_dir(root),
    )
    .context("the older release needs a clone with its commit: git fetch --unshallow")?;
    workspace::run(
        Command::new("tar")
            .arg("--extract")
            .arg("--file")
            .arg(&archive)
            .arg("--directory")
            .arg(to),
    )?;
    Ok(fs::remove_file(&archive)?)
}

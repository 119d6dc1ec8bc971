//! What every task needs: the checkout's root and commands run in it.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

use crate::progress;

/// The root of the checkout that `cargo xtask` was started in.
pub fn root() -> Result<PathBuf> {
    // Read when run, not when compiled: checkouts may share a target directory.
    let xtask = env::var_os("CARGO_MANIFEST_DIR").context("start this program as `cargo xtask`")?;
    let root = Path::new(&xtask)
        .parent()
        .context("CARGO_MANIFEST_DIR has no parent")?;
    Ok(root.to_owned())
}

/// What outlives a checkout: builds, toolchains, keys.
pub fn cache() -> Result<PathBuf> {
    Ok(bauta_dev_servers::cache()?)
}

/// Where cargo builds.
pub fn target() -> Result<PathBuf> {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| Ok(cache()?.join("target")), |folder| Ok(folder.into()))
}

/// A cargo command in the root of the checkout.
pub fn cargo() -> Result<Command> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()?);
    command.env("CARGO_TARGET_DIR", target()?);
    // What `cargo run` set for this program must not reach the build scripts and fingerprints of the next.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&*name);
        }
    }
    Ok(command)
}

/// Builds programs of the workspace and shows the progress. It names the programs and not their packages: with
/// `--package` cargo would unify the features of the chosen packages alone and build dependencies again for each choice.
pub fn build(programs: &[&str]) -> Result<()> {
    let mut arguments = vec!["build", "--locked", "--workspace"];
    arguments.extend(programs.iter().flat_map(|program| ["--bin", program]));
    progress::build(cargo, &arguments)
}

/// Run a command that shows its own output; an error if it fails.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("can't start {}", shown(command)))?;
    ensure!(status.success(), "{} failed: {status}", shown(command));
    Ok(())
}

/// Run a command and take its standard output; an error with its standard error if it fails.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("can't start {}", shown(command)))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{} failed: {}\n{}",
            shown(command),
            output.status,
            text.trim_end()
        );
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("{} wrote something else than UTF-8", shown(command)))
}

/// The command as one would type it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Where a program of this name lies on PATH.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

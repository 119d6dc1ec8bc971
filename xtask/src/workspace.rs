//! The folders of the checkout and the cache, and commands that run in the checkout.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

use crate::progress;

/// The feature of the indexer that needs gRPC. Builds leave it out, except lint and its tests.
pub const GRPC: &str = "bauta-indexer/yellowstone";

/// The key stores of the API service's wallets. Builds leave them out, except lint and their drill.
pub const KEY_STORES: &str = "bauta-api/vault,bauta-api/aws-kms,bauta-api/gcp-kms,bauta-cli/vault,\
                              bauta-cli/aws-kms,bauta-cli/gcp-kms";

/// Returns the root of the checkout in which `cargo xtask` was started.
pub fn root() -> Result<PathBuf> {
    // The variable is read at run time, because several checkouts may share a target directory.
    let xtask = env::var_os("CARGO_MANIFEST_DIR").context("start this program as `cargo xtask`")?;
    let root = Path::new(&xtask)
        .parent()
        .context("CARGO_MANIFEST_DIR has no parent")?;
    Ok(root.to_owned())
}

/// Returns the folder for files that outlive a checkout: builds, toolchains, keys.
pub fn cache() -> Result<PathBuf> {
    Ok(bauta_dev_servers::cache()?)
}

/// Returns cargo's target directory.
pub fn target() -> Result<PathBuf> {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| Ok(cache()?.join("target")), |folder| Ok(folder.into()))
}

/// Returns a cargo command that runs in the root of the checkout.
pub fn cargo() -> Result<Command> {
    let mut command = command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))?;
    command.current_dir(root()?);
    Ok(command)
}

/// Returns a cargo command that builds and runs the tests of the Yellowstone stream.
pub fn grpc_tests() -> Result<Command> {
    let mut command = cargo()?;
    command
        .args(["test", "--locked", "--workspace", "--features", GRPC])
        .args(["--test", "yellowstone"]);
    Ok(command)
}

/// Returns a command that uses the target directory and has no variables of this program's package.
pub fn command(program: impl AsRef<OsStr>) -> Result<Command> {
    let mut command = Command::new(program);
    command.env("CARGO_TARGET_DIR", target()?);
    // `cargo run` has set these variables for this program. Another cargo process must not pass
    // them to build scripts, and they must not affect its fingerprints.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&*name);
        }
    }
    Ok(command)
}

/// Builds programs of the workspace and shows the progress. It selects programs and not packages:
/// with `--package`, cargo would unify only the features of the selected packages, and would
/// rebuild dependencies for each selection.
pub fn build(programs: &[&str]) -> Result<()> {
    let mut arguments = vec!["build", "--locked", "--workspace"];
    arguments.extend(programs.iter().flat_map(|program| ["--bin", program]));
    progress::build(cargo, &arguments, |_| ())
}

/// Runs a command whose output is shown. Returns an error if it fails.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("can't start {}", text_of(command)))?;
    ensure!(status.success(), "{} failed: {status}", text_of(command));
    Ok(())
}

/// Runs a command and returns its standard output. If it fails, the error contains its standard
/// error.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("can't start {}", text_of(command)))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{} failed: {}\n{}",
            text_of(command),
            output.status,
            text.trim_end()
        );
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("the output of {} is not UTF-8", text_of(command)))
}

/// Returns the command as text, for messages.
fn text_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Returns the path of the program with this name on PATH.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    /// Returns the packages of registries that a cargo command builds, with their features. The
    /// unit graph of cargo is an unstable format.
    fn dependencies(arguments: &[&str]) -> BTreeSet<String> {
        let mut cargo = cargo().unwrap();
        cargo.env("RUSTC_BOOTSTRAP", "1").args(arguments).args([
            "--workspace",
            "--locked",
            "--unit-graph",
            "-Zunstable-options",
        ]);
        let graph: Value = serde_json::from_str(&output(&mut cargo).unwrap()).unwrap();
        let units = graph["units"].as_array().unwrap().iter();
        units
            .filter(|unit| unit["pkg_id"].as_str().unwrap().starts_with("registry+"))
            .map(|unit| format!("{} {}", unit["pkg_id"], unit["features"]))
            .collect()
    }

    #[test]
    fn a_build_after_the_tests_builds_no_dependency_again() {
        // Features that only tests enable would build the local node a second time.
        let tests = dependencies(&["test", "--no-run"]);
        let programs = dependencies(&["build", "--bins"]);
        let again: Vec<_> = programs.difference(&tests).collect();
        assert!(programs.len() > 100 && again.is_empty(), "{again:#?}");
    }
}

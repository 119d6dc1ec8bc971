//! Reads and writes `build.toml`, the record of what a program's artifacts were built from.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Program;

const HEADING: &str = "# Written by `cargo xtask program build`, checked by `cargo xtask program check`.\n\n";

/// The inputs and digests of a program's artifacts.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The digest of each part of the sources.
    pub sources: BTreeMap<String, String>,
    /// The identity of the toolchain. Toolchains with the same identity produce the same bytes.
    pub toolchain: BTreeMap<String, String>,
    /// The SHA-256 of each artifact.
    pub artifacts: BTreeMap<String, String>,
}

impl Record {
    /// Reads a program's record.
    pub fn read(program: &Program) -> Result<Self> {
        let path = program.artifacts().join("build.toml");
        let text = fs::read_to_string(&path).with_context(|| {
            format!(
                "can't read {}; build the artifacts with `cargo xtask program build`",
                path.display()
            )
        })?;
        toml::from_str(&text).with_context(|| format!("{} is not a build record", path.display()))
    }

    /// Writes the record beside the artifacts in `dir`.
    pub fn write(&self, dir: &Path) -> Result<()> {
        let path = dir.join("build.toml");
        let text = toml::to_string(self).context("can't encode the build record")?;
        fs::write(&path, format!("{HEADING}{text}"))
            .with_context(|| format!("can't write {}", path.display()))
    }
}

/// Returns the SHA-256 of each of a program's artifacts in `dir`.
pub fn artifacts(program: &Program, dir: &Path) -> Result<BTreeMap<String, String>> {
    let digest = |name: String| {
        let path = dir.join(&name);
        let bytes = fs::read(&path).with_context(|| format!("can't read {}", path.display()))?;
        Ok((name, sha256(&bytes)))
    };
    program.files().into_iter().map(digest).collect()
}

/// Returns the SHA-256 of `bytes`, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Returns the SHA-256 of every file under a path. The names are relative to the path and sorted.
pub fn tree(path: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let mut open = vec![path.to_owned()];
    while let Some(at) = open.pop() {
        if at.is_dir() {
            let entries = fs::read_dir(&at).with_context(|| format!("can't list {}", at.display()))?;
            for entry in entries {
                open.push(entry?.path());
            }
        } else if at.is_file() {
            let bytes = fs::read(&at).with_context(|| format!("can't read {}", at.display()))?;
            let name = at
                .strip_prefix(path)
                .unwrap_or(&at)
                .to_string_lossy()
                .into_owned();
            files.insert(name, sha256(&bytes));
        }
    }
    Ok(files)
}

/// Combines named digests into one digest.
pub fn combine(parts: &BTreeMap<String, String>) -> String {
    let lines: Vec<_> = parts
        .iter()
        .map(|(name, digest)| format!("{digest} {name}\n"))
        .collect();
    sha256(lines.concat().as_bytes())
}

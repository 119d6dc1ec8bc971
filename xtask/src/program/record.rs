//! `build.toml`: what a program's artifacts were made from.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Program;

const HEADING: &str = "# Written by `cargo xtask program build`, checked by `cargo xtask program check`.\n\n";

/// What a program's artifacts were made from.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Digest of each part of the sources.
    pub sources: BTreeMap<String, String>,
    /// Identity of the toolchain: the same identity makes the same bytes.
    pub toolchain: BTreeMap<String, String>,
    /// SHA-256 of each artifact.
    pub artifacts: BTreeMap<String, String>,
}

impl Record {
    /// Read a program's record.
    pub fn read(program: &Program) -> Result<Self> {
        let path = program.artifacts().join("build.toml");
        let text = fs::read_to_string(&path).with_context(|| {
            format!(
                "{}: not readable; make the artifacts with `cargo xtask program build`",
                path.display()
            )
        })?;
        toml::from_str(&text).with_context(|| format!("{}: not a build record", path.display()))
    }

    /// Write it beside the artifacts in `dir`.
    pub fn write(&self, dir: &Path) -> Result<()> {
        let path = dir.join("build.toml");
        let text = toml::to_string(self).context("build record")?;
        fs::write(&path, format!("{HEADING}{text}"))
            .with_context(|| format!("can't write {}", path.display()))
    }
}

/// SHA-256 of each of a program's artifacts in `dir`.
pub fn artifacts(program: &Program, dir: &Path) -> Result<BTreeMap<String, String>> {
    let digest = |name: String| {
        let path = dir.join(&name);
        let bytes = fs::read(&path).with_context(|| format!("can't read {}", path.display()))?;
        Ok((name, sha256(&bytes)))
    };
    program.files().into_iter().map(digest).collect()
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Folders and files under a path, relative to it, in a fixed order, with the SHA-256 of each file.
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

/// One digest of named digests.
pub fn combine(parts: &BTreeMap<String, String>) -> String {
    let lines: Vec<_> = parts
        .iter()
        .map(|(name, digest)| format!("{digest} {name}\n"))
        .collect();
    sha256(lines.concat().as_bytes())
}

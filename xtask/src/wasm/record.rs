//! Reads, writes and checks `sdk/prover/modules.toml`, the record of what the modules were built
//! from.

use std::{collections::BTreeMap, fs, path::Path, path::PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::{
    build::{self, BUILDS},
    published,
};
use crate::{
    program::{differences, sha256, wasm_digest},
    workspace,
};

const HEADING: &str = "# Written by `cargo xtask wasm`, checked by `cargo xtask test`.\n\n";

/// The inputs and digests of the checked-in modules.
#[derive(Serialize, Deserialize)]
pub struct Record {
    /// The digest of each part of the sources.
    sources: BTreeMap<String, String>,
    /// The versions of the tools. The same tools build the same bytes.
    tools: BTreeMap<String, String>,
    /// The SHA-256 of each module.
    modules: BTreeMap<String, String>,
}

impl Record {
    /// Returns the record of this checkout. `tools` have built the modules.
    pub fn now(tools: BTreeMap<String, String>) -> Result<Self> {
        Ok(Self {
            sources: sources()?,
            tools,
            modules: modules(&published()?)?,
        })
    }

    /// Writes the record.
    pub fn write(&self) -> Result<()> {
        let path = path()?;
        let text = toml::to_string(self).context("can't encode the record of the modules")?;
        fs::write(&path, format!("{HEADING}{text}"))
            .with_context(|| format!("can't write {}", path.display()))
    }

    fn read() -> Result<Self> {
        let path = path()?;
        let text = fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is not a record of modules", path.display()))
    }
}

/// Checks that the checked-in modules are the recorded ones and were built from the sources of this
/// checkout.
pub fn check() -> Result<()> {
    let record = Record::read()?;
    for (what, recorded, now) in [
        ("were built from other sources", &record.sources, sources()?),
        (
            "differ from the recorded ones",
            &record.modules,
            modules(&published()?)?,
        ),
    ] {
        let differences = differences(recorded, &now);
        ensure!(
            differences.is_empty(),
            "the modules in sdk/prover/assets {what}:\n{}\nbuild them with `cargo xtask wasm` and commit sdk/prover",
            differences.join("\n")
        );
    }
    Ok(())
}

/// Checks that the modules in `folder`, which were built from the recorded sources, equal the
/// checked-in ones. Other tools may give other bytes.
pub fn compare(folder: &Path) -> Result<()> {
    let record = Record::read()?;
    let bytes = differences(&record.modules, &modules(folder)?);
    let tools = differences(&record.tools, &build::tools()?);
    ensure!(
        bytes.is_empty() || !tools.is_empty(),
        "the rebuild with the recorded tools gave other bytes (in {}):\n{}",
        folder.display(),
        bytes.join("\n")
    );
    if bytes.is_empty() {
        println!("sdk/prover/assets: the rebuild gave equal bytes");
    } else {
        println!(
            "the tools differ from the recorded ones, and so do the bytes:\n{}",
            tools.join("\n")
        );
    }
    Ok(())
}

/// Returns the digest of each part of the sources, and of the options of the compiler.
fn sources() -> Result<BTreeMap<String, String>> {
    let mut sources = wasm_digest()?;
    sources.insert("options".into(), build::options_digest()?);
    Ok(sources)
}

/// Returns the SHA-256 of each module in `folder`.
fn modules(folder: &Path) -> Result<BTreeMap<String, String>> {
    let digest = |(name, _)| {
        let file = format!("{name}.wasm");
        let path = folder.join(&file);
        let bytes = fs::read(&path).with_context(|| format!("can't read {}", path.display()))?;
        Ok((file, sha256(&bytes)))
    };
    BUILDS.into_iter().map(digest).collect()
}

/// Returns the path of the record. The package that npm publishes does not contain it.
fn path() -> Result<PathBuf> {
    Ok(workspace::root()?.join("sdk/prover/modules.toml"))
}

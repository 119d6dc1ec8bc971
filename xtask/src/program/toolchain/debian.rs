//! Installs tools/sbf: Debian's Rust compiler, whose LLVM has the BPF back end, and the project's
//! linker `sbf-link`.
//!
//! ```text
//!  ~/.cache/bauta/sbf/
//!    compiler-<digest of packages and std.patch>/   unpacked packages, patched standard library
//!    linker-<digest of sources and compiler>/       bin/sbf-link
//!    target-<digest of the compiler>/               cargo's target folder for SBF
//!    idl/                                           cargo's target folder for the IDLs
//! ```
//!
//! A folder's name contains the digest of its inputs. A change therefore makes a new folder, and
//! nothing stale is used. Any folder may be deleted.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

pub use super::compiler::available;
use super::{
    compile::{OPTIONS, PROFILE},
    compiler::Compiler,
    linker,
};
use crate::{program::record::sha256, workspace};

/// The key that marks a record as made with tools/sbf.
pub const MARK: &str = "sbf-link";
const PACKAGE_KEY: &str = "debian ";

/// The installed tools of tools/sbf.
pub struct Debian {
    pub identity: BTreeMap<String, String>,
    pub(super) prefix: PathBuf,
    pub(super) compiler: Compiler,
    /// The folder that contains `sbf-link`.
    pub(super) bin: PathBuf,
    /// The digest of the linker's sources.
    pub(super) linker: String,
}

impl Debian {
    /// Installs the parts that are missing. Prefers the recorded packages.
    pub fn install(recorded: Option<&BTreeMap<String, String>>) -> Result<Self> {
        let prefix = prefix()?;
        let _lock = lock(&prefix)?;
        let tools = workspace::root()?.join("tools/sbf");
        let packages = recorded.map(|recorded| {
            let pairs = recorded
                .iter()
                .filter_map(|(key, version)| Some((key.strip_prefix(PACKAGE_KEY)?, version)));
            pairs
                .map(|(package, version)| (package.to_owned(), version.clone()))
                .collect()
        });
        let compiler = Compiler::install(&prefix, &tools.join("std.patch"), packages)?;
        let linker = linker::digest(&tools)?;
        let bin = linker::install(&prefix, &tools.join("sbf-link"), &linker, &compiler)?;

        let mut identity: BTreeMap<_, _> = compiler
            .packages
            .iter()
            .map(|(package, version)| (format!("{PACKAGE_KEY}{package}"), version.clone()))
            .collect();
        let mut version = compiler.version()?;
        for (key, name) in [("release", "rustc"), ("LLVM version", "llvm")] {
            let value = version
                .remove(key)
                .with_context(|| format!("the output of rustc -vV has no {key}"))?;
            identity.insert(name.into(), value);
        }
        let cargo = workspace::output(workspace::cargo()?.arg("--version"))?;
        identity.insert("cargo".into(), cargo.trim().trim_start_matches("cargo ").into());
        identity.insert(MARK.into(), linker.clone());
        identity.insert("std.patch and target".into(), target_digest(&tools)?);
        let profile = PROFILE.map(|(key, value)| format!("{key}={value}"));
        let options = OPTIONS.map(ToOwned::to_owned);
        identity.insert("profile".into(), [&profile[..], &options[..]].concat().join(" "));
        Ok(Self {
            identity,
            prefix,
            compiler,
            bin,
            linker,
        })
    }
}

/// The parts of the compiler that are needed to compile for a target other than SBF.
pub struct DebianCompiler {
    pub rustc: PathBuf,
    /// The value for `LD_LIBRARY_PATH`.
    pub libraries: PathBuf,
}

impl Debian {
    /// Returns the compiler without the linker.
    pub fn compiler(&self) -> DebianCompiler {
        DebianCompiler {
            rustc: self.compiler.rustc(),
            libraries: self.compiler.libraries(),
        }
    }
}

/// Returns the folder of the toolchain, which is `bauta/sbf` in the user's cache.
pub fn prefix() -> Result<PathBuf> {
    let prefix = workspace::cache()?.join("sbf");
    fs::create_dir_all(&prefix).with_context(|| format!("can't create {}", prefix.display()))?;
    Ok(prefix)
}

/// Locks the toolchain. One process at a time may install or use it.
pub fn lock(prefix: &Path) -> Result<File> {
    let path = prefix.join("lock");
    let file = File::create(&path).with_context(|| format!("can't write {}", path.display()))?;
    file.lock()
        .with_context(|| format!("can't lock {}", path.display()))?;
    Ok(file)
}

/// Returns the digest of the target's description and the standard library's patch.
fn target_digest(tools: &Path) -> Result<String> {
    let mut text = vec![];
    for file in ["sbpf-solana.json", "std.patch"] {
        text.extend(fs::read(tools.join(file)).with_context(|| format!("can't read tools/sbf/{file}"))?);
    }
    Ok(sha256(&text))
}

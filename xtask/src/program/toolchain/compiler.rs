//! Unpacks Debian's Rust compiler and its LLVM library from their packages, without installing
//! them.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{program::record::combine, workspace};

/// The Rust release that std.patch applies to, and the LLVM version that the linker is written for.
const RUST: &str = "1.96.0";
const LLVM: &str = "1:22.1.";
const LLVM_PACKAGE: &str = "libllvm22";
/// Packages of the compiler. All must have the same version.
const RUST_PACKAGES: [&str; 4] = [
    "rustc-web",
    "libstd-rust-web-1.96",
    "libstd-rust-web-dev",
    "rust-web-src",
];

/// Package names and their versions.
pub type Packages = BTreeMap<String, String>;

/// An unpacked compiler.
pub struct Compiler {
    pub packages: Packages,
    /// Where the packages were unpacked.
    pub root: PathBuf,
}

impl Compiler {
    /// Returns the compiler of the recorded packages if it is unpacked or apt offers them.
    /// Otherwise returns the compiler of the newest matching packages.
    pub fn install(prefix: &Path, patch: &Path, recorded: Option<Packages>) -> Result<Self> {
        if let Some(packages) = recorded.filter(|packages| packages.len() == RUST_PACKAGES.len() + 1) {
            let at = folder(prefix, patch, &packages)?;
            if at.exists() {
                return Ok(Self { packages, root: at });
            }
            if offered(&packages)? {
                unpack(&at, patch, &packages)?;
                return Ok(Self { packages, root: at });
            }
            eprintln!(
                "apt no longer offers the recorded packages of the SBF compiler; looking for newer ones"
            );
        }
        let packages = newest()?;
        let at = folder(prefix, patch, &packages)?;
        if !at.exists() {
            unpack(&at, patch, &packages)?;
        }
        Ok(Self { packages, root: at })
    }

    /// Returns the path of rustc.
    pub fn rustc(&self) -> PathBuf {
        self.root.join("usr/bin/rustc")
    }

    /// Returns the folder of the patched standard library's sources.
    pub fn library(&self) -> PathBuf {
        library(&self.root)
    }

    /// Returns the folder of its shared libraries, which include LLVM.
    pub fn libraries(&self) -> PathBuf {
        libraries(&self.root)
    }

    /// Returns the output of `rustc -vV`, by key.
    pub fn version(&self) -> Result<BTreeMap<String, String>> {
        version(&self.root)
    }
}

/// Returns whether this system has Debian's package tools.
pub fn available() -> bool {
    ["apt-get", "apt-cache", "dpkg-deb"]
        .iter()
        .all(|tool| workspace::on_path(tool).is_some())
}

/// Returns the folder for the compiler of these packages and this patch.
fn folder(prefix: &Path, patch: &Path, packages: &Packages) -> Result<PathBuf> {
    let mut parts = packages.clone();
    let patch = fs::read_to_string(patch).with_context(|| format!("can't read {}", patch.display()))?;
    parts.insert("std.patch".into(), patch);
    Ok(prefix.join(format!("compiler-{}", &combine(&parts)[..16])))
}

/// Returns the versions of a package that apt offers, newest first.
fn versions(package: &str) -> Result<Vec<String>> {
    let table = workspace::output(Command::new("apt-cache").args(["madison", package]))?;
    let version = |line: &str| line.split('|').nth(1).map(|version| version.trim().to_owned());
    Ok(table
        .lines()
        .filter(|line| !line.ends_with("Sources"))
        .filter_map(version)
        .collect())
}

fn offered(packages: &Packages) -> Result<bool> {
    require_tools()?;
    for (package, version) in packages {
        if !versions(package)?.contains(version) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn require_tools() -> Result<()> {
    ensure!(
        available(),
        "no SBF toolchain: cargo-build-sbf is not on PATH, and tools/sbf needs apt-get, apt-cache and dpkg-deb of Debian 12"
    );
    Ok(())
}

/// Returns the newest packages that match each other, the patch and the linker.
fn newest() -> Result<Packages> {
    require_tools()?;
    let mut missing = vec![];
    let mut packages = Packages::new();
    let rust = versions(RUST_PACKAGES[0])?;
    let fitting = rust.iter().filter(|version| version.starts_with(RUST));
    let mut complete = None;
    for version in fitting {
        let mut lacking = vec![];
        for package in RUST_PACKAGES {
            if !versions(package)?.contains(version) {
                lacking.push(format!("{package}={version}"));
            }
        }
        if lacking.is_empty() {
            complete = Some(version);
            break;
        }
        missing.extend(lacking);
    }
    match complete {
        Some(version) => packages.extend(RUST_PACKAGES.map(|package| (package.to_owned(), version.clone()))),
        None if missing.is_empty() => missing.push(format!("rustc-web {RUST} (offered: {})", list(&rust))),
        None => {}
    }
    let llvm = versions(LLVM_PACKAGE)?;
    match llvm.iter().find(|version| version.starts_with(LLVM)) {
        Some(version) => _ = packages.insert(LLVM_PACKAGE.into(), version.clone()),
        None => missing.push(format!("{LLVM_PACKAGE} {LLVM}* (offered: {})", list(&llvm))),
    }
    if complete.is_none() || packages.len() != RUST_PACKAGES.len() + 1 {
        bail!(
            "apt offers no matching set of packages for the SBF compiler; missing: {}. Run `apt-get update` (the packages are \
             in Debian 12's security archive), or put Solana's cargo-build-sbf on PATH. tools/sbf/README.md says how to move \
             to another release",
            missing.join(", ")
        );
    }
    Ok(packages)
}

fn list(versions: &[String]) -> String {
    if versions.is_empty() {
        "none".into()
    } else {
        versions.join(", ")
    }
}

/// Downloads, unpacks and patches the packages. The folder gets its final name when everything has
/// succeeded.
fn unpack(at: &Path, patch: &Path, packages: &Packages) -> Result<()> {
    let new = at.with_extension("new");
    if new.exists() {
        fs::remove_dir_all(&new).with_context(|| format!("can't remove {}", new.display()))?;
    }
    let debs = new.join("debs");
    fs::create_dir_all(&debs).with_context(|| format!("can't create {}", debs.display()))?;
    eprintln!("downloading the SBF compiler (140 MB)");
    let wanted = packages
        .iter()
        .map(|(package, version)| format!("{package}={version}"));
    workspace::run(
        Command::new("apt-get")
            .args(["download", "--quiet=2", "--option=APT::Sandbox::User=root"])
            .args(wanted)
            .current_dir(&debs),
    )?;
    for deb in fs::read_dir(&debs).context("can't list the downloaded packages")? {
        workspace::run(
            Command::new("dpkg-deb")
                .arg("--extract")
                .arg(deb?.path())
                .arg(&new),
        )?;
    }
    fs::remove_dir_all(&debs).context("can't remove the downloaded packages")?;
    let apply = Command::new("git")
        .args(["apply", "-p1"])
        .arg(patch)
        .current_dir(library(&new))
        .env("GIT_CEILING_DIRECTORIES", &new)
        .output()
        .context("can't start git")?;
    ensure!(
        apply.status.success(),
        "tools/sbf/std.patch does not apply to the standard library in rust-web-src:\n{}",
        String::from_utf8_lossy(&apply.stderr)
    );
    version(&new).context("the unpacked compiler doesn't run; a shared library may be missing")?;
    fs::rename(&new, at).with_context(|| format!("can't rename the folder to {}", at.display()))
}

fn library(root: &Path) -> PathBuf {
    root.join(format!("usr/src/rustc-{RUST}/library"))
}

fn libraries(root: &Path) -> PathBuf {
    root.join(format!("usr/lib/{}-linux-gnu", env::consts::ARCH))
}

fn version(root: &Path) -> Result<BTreeMap<String, String>> {
    let mut rustc = Command::new(root.join("usr/bin/rustc"));
    let text = workspace::output(rustc.arg("-vV").env("LD_LIBRARY_PATH", libraries(root)))?;
    let pair = |line: &str| {
        line.split_once(": ")
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
    };
    Ok(text.lines().filter_map(pair).collect())
}

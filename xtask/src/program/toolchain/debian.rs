//! tools/sbf: Debian's Rust compiler, whose LLVM has the BPF back end, and the project's linker `sbf-link`.
//!
//! ```text
//!  ~/.cache/bauta/sbf/
//!    compiler-<digest of packages and std.patch>/   unpacked packages, patched standard library
//!    linker-<digest of sources and compiler>/       bin/sbf-link
//!    target-<digest of the compiler>/               what cargo builds for SBF
//!    idl/                                           what cargo builds for the IDLs
//! ```
//!
//! A name holds the digest of what went in, so that a change makes a new folder and nothing stale is used. Any folder may
//! be deleted.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::compiler::Compiler;
pub use super::compiler::available;
use crate::{
    program::{
        Program,
        record::{combine, sha256, tree},
    },
    workspace,
};

/// The key that shows in a record that tools/sbf made the artifacts.
pub const MARK: &str = "sbf-link";
const PACKAGE_KEY: &str = "debian ";

/// tools/sbf, installed.
pub struct Debian {
    pub identity: BTreeMap<String, String>,
    prefix: PathBuf,
    compiler: Compiler,
    /// The folder of `sbf-link`.
    bin: PathBuf,
    /// Digest of the linker's sources.
    linker: String,
}

impl Debian {
    /// Install what isn't there yet.
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
        let linker = linker_digest(&tools)?;
        let bin = install_linker(&prefix, &tools.join("sbf-link"), &linker, &compiler)?;

        let mut identity: BTreeMap<_, _> = compiler
            .packages
            .iter()
            .map(|(package, version)| (format!("{PACKAGE_KEY}{package}"), version.clone()))
            .collect();
        let mut version = compiler.version()?;
        for (key, name) in [("release", "rustc"), ("LLVM version", "llvm")] {
            let value = version
                .remove(key)
                .with_context(|| format!("rustc -vV doesn't tell its {key}"))?;
            identity.insert(name.into(), value);
        }
        let cargo = workspace::output(workspace::cargo()?.arg("--version"))?;
        identity.insert("cargo".into(), cargo.trim().trim_start_matches("cargo ").into());
        identity.insert(MARK.into(), linker.clone());
        identity.insert("std.patch and target".into(), target_digest(&tools)?);
        Ok(Self {
            identity,
            prefix,
            compiler,
            bin,
            linker,
        })
    }

    /// Write a program's ELFs, SBPF v0 and v3, into `dir`.
    pub fn build(&self, program: &Program, dir: &Path) -> Result<()> {
        let _lock = lock(&self.prefix)?;
        let tools = workspace::root()?.join("tools/sbf");
        let target = self.target_dir()?;
        forget_other_checkouts(&target)?;
        let mut cargo = self.cargo()?;
        cargo.args([
            "rustc",
            "--locked",
            "--release",
            "--lib",
            "--crate-type",
            "cdylib",
        ]);
        cargo
            .args(["--package", program.package, "--target"])
            .arg(tools.join("sbpf-solana.json"));
        cargo.args([
            "-Zjson-target-spec",
            "-Zbuild-std=core,alloc,std,panic_abort",
            "-Zbuild-std-features=",
        ]);
        cargo.args(["-Ztrim-paths", "--target-dir"]).arg(&target);
        // Cargo doesn't see that the linker changed; a changed argument makes it link again.
        cargo.args(["--", "-C", &format!("link-arg=--identity={}", self.linker)]);
        workspace::run(&mut cargo)?;
        let library = target
            .join("sbpf-solana/release/deps")
            .join(format!("lib{}.so", program.library()));
        let [v0, v3, _] = program.files();
        for (from, file) in [(library.clone(), v0), (library.with_extension("v3.so"), v3)] {
            let to = dir.join(file);
            fs::copy(&from, &to)
                .with_context(|| format!("can't copy {} to {}", from.display(), to.display()))?;
        }
        Ok(())
    }

    /// Cargo with the SBF compiler and linker, and the profile of a program whatever the workspace's is.
    fn cargo(&self) -> Result<std::process::Command> {
        let mut cargo = workspace::cargo()?;
        let mut path = OsString::from(&self.bin);
        if let Some(rest) = env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        cargo.env("PATH", path);
        cargo.env("LD_LIBRARY_PATH", self.compiler.libraries());
        cargo.env("RUSTC", self.compiler.rustc());
        cargo.env("RUSTC_BOOTSTRAP", "1");
        // Nothing from outside the checkout decides over the bytes.
        cargo
            .env("RUSTC_WRAPPER", "")
            .env("RUSTC_WORKSPACE_WRAPPER", "")
            .env("CARGO_ENCODED_RUSTFLAGS", "");
        let profile = [
            ("OPT_LEVEL", "3"),
            ("CODEGEN_UNITS", "1"),
            // The linker optimises the whole program.
            ("LTO", "off"),
            ("PANIC", "abort"),
            ("OVERFLOW_CHECKS", "true"),
            ("DEBUG_ASSERTIONS", "false"),
            ("DEBUG", "none"),
            ("STRIP", "none"),
            ("INCREMENTAL", "false"),
            // Absolute paths stay out of panic messages, so that any checkout builds the same bytes.
            ("TRIM_PATHS", "all"),
        ];
        for (key, value) in profile {
            cargo.env(format!("CARGO_PROFILE_RELEASE_{key}"), value);
        }
        Ok(cargo)
    }

    fn target_dir(&self) -> Result<PathBuf> {
        let compiler = self
            .compiler
            .root
            .file_name()
            .context("compiler folder without a name")?;
        let digest = compiler.to_string_lossy().replace("compiler-", "");
        Ok(self.prefix.join(format!("target-{digest}")))
    }
}

/// Cargo takes a workspace crate of another checkout for this one's when it was built later than this one's files
/// were written. Drop the workspace's crates when the last build was another checkout's.
fn forget_other_checkouts(target: &Path) -> Result<()> {
    let mark = target.join("checkout");
    let root = workspace::root()?;
    let root = root.to_string_lossy();
    if fs::read_to_string(&mark).is_ok_and(|last| last == root) {
        return Ok(());
    }
    let release = target.join("sbpf-solana/release/.fingerprint");
    if release.exists() {
        let members = workspace::output(workspace::cargo()?.args([
            "tree",
            "--workspace",
            "--depth",
            "0",
            "--prefix",
            "none",
        ]))?;
        let names: Vec<_> = members
            .lines()
            .filter_map(|line| line.split(' ').next())
            .collect();
        for entry in fs::read_dir(&release).context("SBF target folder")? {
            let entry = entry?;
            let file = entry.file_name().to_string_lossy().into_owned();
            if file
                .rsplit_once('-')
                .is_some_and(|(name, _)| names.contains(&name))
            {
                fs::remove_dir_all(entry.path()).context("SBF target folder")?;
            }
        }
    }
    fs::create_dir_all(target).with_context(|| format!("can't make {}", target.display()))?;
    fs::write(&mark, root.as_bytes()).with_context(|| format!("can't write {}", mark.display()))
}

/// Where the toolchain is kept: `bauta/sbf` in the user's cache.
pub fn prefix() -> Result<PathBuf> {
    let cache = match env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()) {
        Some(dir) => PathBuf::from(dir),
        None => PathBuf::from(env::var_os("HOME").context("neither XDG_CACHE_HOME nor HOME is set")?)
            .join(".cache"),
    };
    let prefix = cache.join("bauta/sbf");
    fs::create_dir_all(&prefix).with_context(|| format!("can't make {}", prefix.display()))?;
    Ok(prefix)
}

/// Held while the toolchain is installed or used: one at a time.
fn lock(prefix: &Path) -> Result<File> {
    let path = prefix.join("lock");
    let file = File::create(&path).with_context(|| format!("can't write {}", path.display()))?;
    file.lock()
        .with_context(|| format!("can't lock {}", path.display()))?;
    Ok(file)
}

/// Digest of the linker's sources.
fn linker_digest(tools: &Path) -> Result<String> {
    let mut files = BTreeMap::new();
    for part in ["src", "Cargo.toml", "Cargo.lock", "build.rs"] {
        for (name, digest) in tree(&tools.join("sbf-link").join(part))? {
            files.insert(format!("{part}/{name}"), digest);
        }
    }
    Ok(combine(&files))
}

/// Digest of the target's description and the standard library's patch.
fn target_digest(tools: &Path) -> Result<String> {
    let mut text = vec![];
    for file in ["sbpf-solana.json", "std.patch"] {
        text.extend(fs::read(tools.join(file)).with_context(|| format!("can't read tools/sbf/{file}"))?);
    }
    Ok(sha256(&text))
}

/// Build the linker if it isn't there; returns the folder it is in.
fn install_linker(prefix: &Path, source: &Path, digest: &str, compiler: &Compiler) -> Result<PathBuf> {
    // The linker finds LLVM where the compiler lies.
    let parts = [
        ("source", digest.to_owned()),
        ("compiler", compiler.root.display().to_string()),
    ];
    let key = combine(&parts.map(|(name, value)| (name.to_owned(), value)).into());
    let root = prefix.join(format!("linker-{}", &key[..16]));
    let bin = root.join("bin");
    if !bin.join("sbf-link").exists() {
        eprintln!("building the SBF linker");
        let mut cargo = workspace::cargo()?;
        cargo
            .args(["install", "--locked", "--quiet", "--no-track", "--path"])
            .arg(source)
            .arg("--root")
            .arg(&root);
        cargo.arg("--target-dir").arg(prefix.join("linker-target"));
        cargo.env("SBF_LLVM_LIBDIR", compiler.libraries());
        workspace::run(&mut cargo)?;
    }
    Ok(bin)
}

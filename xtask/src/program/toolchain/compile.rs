//! Compiles programs with tools/sbf.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::{
    debian::{Debian, lock},
    linker,
};
use crate::{
    program::{Program, checkouts},
    workspace,
};

/// The profile of every program.
pub(super) const PROFILE: [(&str, &str); 10] = [
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
    // Keeps absolute paths out of panic messages, so that every checkout builds the same bytes.
    ("TRIM_PATHS", "all"),
];

/// The code generation options of every program, in addition to the profile.
///
/// The linker marks the functions that create errors as cold, and then optimises the whole program.
/// With its own threshold of 275, rustc would already have copied these functions to every check.
/// Without inlining at all, `verify` and the registrations cost 1 % more.
pub(super) const OPTIONS: [&str; 1] = ["llvm-args=-inline-threshold=50"];

/// A package to compile.
pub struct Package<'a> {
    /// The folder of its workspace.
    pub workspace: &'a Path,
    pub name: &'a str,
    /// The name of its ELFs.
    pub elf: &'a str,
    /// The folder of the standard library's sources, if it is not the compiler's own.
    pub library: Option<&'a Path>,
}

impl Debian {
    /// Writes a program's ELFs, SBPF v0 and v3, into `dir`.
    pub fn build(&self, program: &Program, dir: &Path) -> Result<()> {
        let package = Package {
            workspace: &workspace::root()?,
            name: program.package,
            elf: program.name,
            library: None,
        };
        self.build_package(&package, dir)
    }

    /// Builds a package and writes its ELFs `elf.so` (SBPF v0) and `elf.v3.so` into `dir`.
    pub fn build_package(&self, package: &Package<'_>, dir: &Path) -> Result<()> {
        let _lock = lock(&self.prefix)?;
        let target = self.target_dir()?;
        checkouts::drop_crates_of_other_checkouts(&target, "sbpf-solana/release", package.workspace)?;
        let mut cargo = self.cargo()?;
        if let Some(library) = package.library {
            // Cargo has no option for this. Its own tests use the variable.
            cargo.env("__CARGO_TESTS_ONLY_SRC_ROOT", library);
        }
        cargo.current_dir(package.workspace).args([
            "rustc",
            "--locked",
            "--release",
            "--lib",
            "--crate-type",
            "cdylib",
        ]);
        cargo
            .args(["--package", package.name, "--target-dir"])
            .arg(&target);
        let description = workspace::root()?.join("tools/sbf/sbpf-solana.json");
        cargo.arg("--target").arg(description);
        cargo.args([
            "-Zjson-target-spec",
            "-Zbuild-std=core,alloc,std,panic_abort",
            "-Zbuild-std-features=",
        ]);
        // Cargo does not detect a changed linker. The changed argument makes cargo link again.
        cargo.args([
            "-Ztrim-paths",
            "--",
            "-C",
            &format!("link-arg=--identity={}", self.linker),
        ]);
        cargo.args(OPTIONS.iter().flat_map(|option| ["-C", option]));
        workspace::run(&mut cargo)?;
        let library = format!("lib{}.so", package.name.replace('-', "_"));
        let library = target.join("sbpf-solana/release/deps").join(library);
        for (from, suffix) in [
            (library.clone(), "so"),
            (library.with_extension("v3.so"), "v3.so"),
        ] {
            let to = dir.join(format!("{}.{suffix}", package.elf));
            fs::copy(&from, &to)
                .with_context(|| format!("can't copy {} to {}", from.display(), to.display()))?;
        }
        Ok(())
    }

    /// Returns the folder of the standard library's sources.
    pub fn library(&self) -> PathBuf {
        self.compiler.library()
    }

    /// Runs the linker's own tests.
    pub fn test_linker(&self) -> Result<()> {
        linker::test(
            &self.prefix,
            &workspace::root()?.join("tools/sbf/sbf-link"),
            &self.compiler,
        )
    }

    /// Returns a cargo command that uses the SBF compiler and linker. It sets the profile of a
    /// program, so that the workspace's profile has no effect.
    fn cargo(&self) -> Result<Command> {
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
        // Nothing outside the checkout may influence the bytes.
        cargo
            .env("RUSTC_WRAPPER", "")
            .env("RUSTC_WORKSPACE_WRAPPER", "")
            .env("CARGO_ENCODED_RUSTFLAGS", "");
        for (key, value) in PROFILE {
            cargo.env(format!("CARGO_PROFILE_RELEASE_{key}"), value);
        }
        Ok(cargo)
    }

    fn target_dir(&self) -> Result<PathBuf> {
        let compiler = self
            .compiler
            .root
            .file_name()
            .context("the compiler's folder has no name")?;
        let digest = compiler.to_string_lossy().replace("compiler-", "");
        Ok(self.prefix.join(format!("target-{digest}")))
    }
}

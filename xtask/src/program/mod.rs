//! `cargo xtask program`: the on-chain programs and their recorded artifacts.
//!
//! ```text
//!  programs/<name>/src ──┐                         ┌─> artifacts/bauta.so      SBPF v0
//!  path dependencies ────┼─ toolchain (SBF), IDL ──┼─> artifacts/bauta.v3.so   SBPF v3
//!  locked dependencies ──┘                         ├─> artifacts/bauta.json    IDL
//!            └──────────── sources ────────────────┴─> artifacts/build.toml    record
//! ```
//!
//! The artifacts are checked in, so that tests and clients need no SBF toolchain. `check` verifies
//! that they belong to the sources. `check --rebuild` builds them again and compares.

mod build;
mod check;
mod checkouts;
mod difftest;
mod metaplex;
mod record;
mod sources;
mod toolchain;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Subcommand;

pub use self::build::differences;
pub use self::metaplex::build as build_metaplex;
pub use self::record::sha256;
pub use self::sources::wasm_digest;
pub use self::toolchain::DebianCompiler;
use crate::workspace;

/// Arguments of `cargo xtask program`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build ELFs (SBPF v0 and v3) and IDL into programs/<name>/artifacts, and record their inputs
    Build {
        /// Build only these programs, by folder name
        names: Vec<String>,
    },
    /// Check that the artifacts belong to the sources
    Check {
        /// Build again and compare. With the recorded toolchain the bytes must be equal; with
        /// another toolchain the test suite in the local SVM must pass
        #[arg(long)]
        rebuild: bool,
    },
    /// Write only the IDLs
    Idl,
    /// Test the linker of tools/sbf: compare the results of rewritten operations on chain with
    /// those on the host
    Difftest,
}

/// Runs `cargo xtask program`.
pub fn run(args: &Args) -> Result<()> {
    let mut programs = programs()?;
    match &args.task {
        Task::Build { names } => {
            let known: Vec<_> = programs.iter().map(|program| program.name).collect();
            for name in names {
                ensure!(
                    known.contains(&name.as_str()),
                    "there is no program {name}; the programs are {}",
                    known.join(", ")
                );
            }
            programs.retain(|program| names.is_empty() || names.iter().any(|name| name == program.name));
            build::build(&programs)
        }
        Task::Check { rebuild } => check::check(&programs, *rebuild),
        Task::Difftest => difftest::difftest(),
        Task::Idl => programs
            .iter()
            .try_for_each(|program| build::idl(program, &program.artifacts())),
    }
}

/// Checks that every program's artifacts belong to the sources.
pub fn check_digests() -> Result<()> {
    check::check(&programs()?, false)
}

/// Returns Debian's compiler, which has targets that this system's compiler lacks. It comes from
/// the recorded packages, as for the programs.
pub fn debian_compiler() -> Result<DebianCompiler> {
    let recorded = programs()?
        .iter()
        .find_map(|program| record::Record::read(program).ok());
    let debian = toolchain::Debian::install(recorded.as_ref().map(|record| &record.toolchain))?;
    Ok(debian.compiler())
}

/// An on-chain program of the workspace.
pub struct Program {
    /// File name of its artifacts, without the extension.
    pub name: &'static str,
    /// Its folder, relative to the root of the checkout.
    pub folder: &'static str,
    /// Name of its package.
    pub package: &'static str,
    /// Absolute path of its folder.
    pub dir: PathBuf,
    /// The environment variable through which the tests in the local SVM (tests/program-test)
    /// accept an ELF other than the checked-in one. `None` if they do not test this program.
    pub elf_variable: Option<&'static str>,
    /// Whether it has an IDL. Programs made with Anchor have one.
    pub has_idl: bool,
}

impl Program {
    /// Returns the folder of the checked-in artifacts.
    pub fn artifacts(&self) -> PathBuf {
        self.dir.join("artifacts")
    }

    /// Returns the name of its library, in cargo's spelling.
    pub fn library(&self) -> String {
        self.package.replace('-', "_")
    }

    /// Returns the file names of its ELFs: SBPF v0, SBPF v3.
    pub fn elfs(&self) -> [String; 2] {
        [format!("{}.so", self.name), format!("{}.v3.so", self.name)]
    }

    /// Returns the file name of its IDL, if it has one.
    pub fn idl(&self) -> Option<String> {
        self.has_idl.then(|| format!("{}.json", self.name))
    }

    /// Returns the file names of all its artifacts.
    pub fn files(&self) -> Vec<String> {
        self.elfs().into_iter().chain(self.idl()).collect()
    }
}

fn programs() -> Result<Vec<Program>> {
    let root = workspace::root()?;
    Ok(vec![
        Program {
            name: "bauta",
            folder: "programs/bauta",
            package: "bauta",
            dir: root.join("programs/bauta"),
            elf_variable: Some("BAUTA_PROGRAM_ELF"),
            has_idl: true,
        },
        Program {
            name: "airdrop",
            folder: "programs/airdrop",
            package: "bauta-airdrop",
            dir: root.join("programs/airdrop"),
            elf_variable: Some("BAUTA_AIRDROP_ELF"),
            has_idl: true,
        },
        Program {
            name: "example-gate",
            folder: "programs/example-gate",
            package: "bauta-example-gate",
            dir: root.join("programs/example-gate"),
            elf_variable: Some("BAUTA_EXAMPLE_GATE_ELF"),
            has_idl: true,
        },
        Program {
            name: "spoof",
            folder: "tests/spoof",
            package: "bauta-spoof",
            dir: root.join("tests/spoof"),
            elf_variable: None,
            has_idl: false,
        },
    ])
}

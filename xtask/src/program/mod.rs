//! `cargo xtask program`: the on-chain programs and their recorded artifacts.
//!
//! ```text
//!  programs/<name>/src ──┐                         ┌─> artifacts/bauta.so      SBPF v0
//!  path dependencies ────┼─ toolchain (SBF), IDL ──┼─> artifacts/bauta.v3.so   SBPF v3
//!  locked dependencies ──┘                         ├─> artifacts/bauta.json    IDL
//!            └──────────── sources ────────────────┴─> artifacts/build.toml    what they were made from
//! ```
//!
//! The artifacts are checked in, so that tests and clients need no SBF toolchain. `check` says whether they still belong
//! to the sources; `check --rebuild` makes them again and compares.

mod build;
mod check;
mod checkouts;
mod difftest;
mod record;
mod sources;
mod toolchain;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Subcommand;

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
    /// Build ELFs (SBPF v0 and v3) and IDL into programs/<name>/artifacts, with a record of what they were made from
    Build {
        /// Only these, by the names of their folders
        names: Vec<String>,
    },
    /// Check that the artifacts belong to the sources
    Check {
        /// Build again and compare: equal bytes with the recorded toolchain, with another the test suite in the local SVM
        #[arg(long)]
        rebuild: bool,
    },
    /// Write only the IDLs
    Idl,
    /// Compare what the linker of tools/sbf makes with the host, on the operations it rewrites
    Difftest,
}

/// Run `cargo xtask program`.
pub fn run(args: &Args) -> Result<()> {
    let mut programs = programs()?;
    match &args.task {
        Task::Build { names } => {
            for name in names {
                let known = programs.iter().any(|program| program.name == name);
                ensure!(known, "there is no program {name}");
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

/// Check that every program's artifacts belong to the sources.
pub fn check_digests() -> Result<()> {
    check::check(&programs()?, false)
}

/// Debian's compiler, which has targets that this system's lacks: of the recorded packages, as for the programs.
pub fn debian_compiler() -> Result<DebianCompiler> {
    let recorded = programs()?
        .iter()
        .find_map(|program| record::Record::read(program).ok());
    let debian = toolchain::Debian::install(recorded.as_ref().map(|record| &record.toolchain))?;
    Ok(debian.compiler())
}

/// An on-chain program of the workspace.
pub struct Program {
    /// The file name of its artifacts, without an extension.
    pub name: &'static str,
    /// Its folder, from the root of the checkout.
    pub folder: &'static str,
    /// The name of its package.
    pub package: &'static str,
    /// The absolute path of its folder.
    pub dir: PathBuf,
    /// The variable through which the tests in the local SVM (tests/program-test) take another ELF than the checked-in one, if they test it.
    pub elf_variable: Option<&'static str>,
    /// Whether it has an IDL: programs made with Anchor have.
    pub has_idl: bool,
}

impl Program {
    /// The folder of the checked-in artifacts.
    pub fn artifacts(&self) -> PathBuf {
        self.dir.join("artifacts")
    }

    /// The name of its library as cargo spells it.
    pub fn library(&self) -> String {
        self.package.replace('-', "_")
    }

    /// File names of its ELFs: SBPF v0, SBPF v3.
    pub fn elfs(&self) -> [String; 2] {
        [format!("{}.so", self.name), format!("{}.v3.so", self.name)]
    }

    /// The file name of its IDL, if it has one.
    pub fn idl(&self) -> Option<String> {
        self.has_idl.then(|| format!("{}.json", self.name))
    }

    /// File names of its artifacts.
    pub fn files(&self) -> Vec<String> {
        self.elfs().into_iter().chain(self.idl()).collect()
    }
}

fn programs() -> Result<Vec<Program>> {
    let root = workspace::root()?;
    let program = |name, folder, package, elf_variable, has_idl| Program {
        name,
        folder,
        package,
        dir: root.join(folder),
        elf_variable,
        has_idl,
    };
    Ok(vec![
        program(
            "bauta",
            "programs/bauta",
            "bauta",
            Some("BAUTA_PROGRAM_ELF"),
            true,
        ),
        program(
            "example-gate",
            "programs/example-gate",
            "bauta-example-gate",
            Some("BAUTA_EXAMPLE_GATE_ELF"),
            true,
        ),
        program("spoof", "tests/spoof", "bauta-spoof", None, false),
    ])
}

//! The toolchains that build SBF ELFs.

mod compile;
mod compiler;
mod debian;
mod linker;
mod solana;

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;

pub use self::compile::Package;
pub use self::debian::{Debian, DebianCompiler, lock, prefix};
use self::solana::Solana;
use super::Program;

/// A toolchain that is ready to build.
pub enum Toolchain {
    /// Solana's toolchain, through `cargo build-sbf`.
    Solana(Solana),
    /// tools/sbf: Debian's Rust compiler and the project's linker.
    Debian(Debian),
}

impl Toolchain {
    /// Returns `cargo build-sbf` if it is on PATH. Otherwise returns tools/sbf, with the recorded
    /// packages if apt offers them.
    pub fn for_build(recorded: Option<&BTreeMap<String, String>>) -> Result<Self> {
        match Solana::find()? {
            Some(solana) => Ok(Self::Solana(solana)),
            None => Ok(Self::Debian(Debian::install(recorded)?)),
        }
    }

    /// Returns the recorded toolchain if it can be installed. Otherwise returns the same as
    /// `for_build`.
    pub fn for_check(recorded: &BTreeMap<String, String>) -> Result<Self> {
        if recorded.contains_key(debian::MARK) && debian::available() {
            return Ok(Self::Debian(Debian::install(Some(recorded))?));
        }
        Self::for_build(Some(recorded))
    }

    /// Returns the versions and digests that determine the bytes of the ELFs.
    pub fn identity(&self) -> &BTreeMap<String, String> {
        match self {
            Self::Solana(solana) => &solana.identity,
            Self::Debian(debian) => &debian.identity,
        }
    }

    /// Writes a program's ELFs, SBPF v0 and v3, into `dir`.
    pub fn build(&self, program: &Program, dir: &Path) -> Result<()> {
        match self {
            Self::Solana(_) => Solana::build(program, dir),
            Self::Debian(debian) => debian.build(program, dir),
        }
    }
}

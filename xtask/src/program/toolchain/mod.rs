//! The toolchains that make SBF ELFs.

mod compile;
mod compiler;
mod debian;
mod linker;
mod solana;

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;

pub use self::debian::{Debian, DebianCompiler, lock, prefix};
use self::solana::Solana;
use super::Program;

/// A toolchain that is ready to build.
pub enum Toolchain {
    /// Solana's own, through `cargo build-sbf`.
    Solana(Solana),
    /// tools/sbf: Debian's Rust compiler and the project's linker.
    Debian(Debian),
}

impl Toolchain {
    /// `cargo build-sbf` when it is on PATH, else tools/sbf, of the recorded packages where those can be had.
    pub fn for_build(recorded: Option<&BTreeMap<String, String>>) -> Result<Self> {
        match Solana::find()? {
            Some(solana) => Ok(Self::Solana(solana)),
            None => Ok(Self::Debian(Debian::install(recorded)?)),
        }
    }

    /// The recorded toolchain where it can be had, else what `for_build` takes.
    pub fn for_check(recorded: &BTreeMap<String, String>) -> Result<Self> {
        if recorded.contains_key(debian::MARK) && debian::available() {
            return Ok(Self::Debian(Debian::install(Some(recorded))?));
        }
        Self::for_build(Some(recorded))
    }

    /// What decides over the bytes it makes.
    pub fn identity(&self) -> &BTreeMap<String, String> {
        match self {
            Self::Solana(solana) => &solana.identity,
            Self::Debian(debian) => &debian.identity,
        }
    }

    /// Write a program's ELFs, SBPF v0 and v3, into `dir`.
    pub fn build(&self, program: &Program, dir: &Path) -> Result<()> {
        match self {
            Self::Solana(_) => Solana::build(program, dir),
            Self::Debian(debian) => debian.build(program, dir),
        }
    }
}

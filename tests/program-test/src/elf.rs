//! The build of the program that a test chain runs.

use std::path::{Path, PathBuf};

/// The environment variable with the path of an ELF, to test a new build.
pub const ELF_VARIABLE: &str = "BAUTA_PROGRAM_ELF";
/// The same variable for the airdrop program.
const AIRDROP_VARIABLE: &str = "BAUTA_AIRDROP_ELF";

/// A build of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elf {
    /// The file in the environment variable `BAUTA_PROGRAM_ELF`, or [`Elf::V3`] if it isn't set.
    FromEnvironment,
    /// The checked-in ELF of SBPF version 3, the version for new deployments.
    V3,
    /// The checked-in ELF of SBPF version 0.
    V0,
}

impl Elf {
    /// Returns the path of the ELF.
    #[must_use]
    pub fn path(self) -> PathBuf {
        match (self, std::env::var_os(ELF_VARIABLE)) {
            (Self::FromEnvironment, Some(path)) => path.into(),
            (Self::V0, _) => artifact("bauta", "bauta.so"),
            (Self::FromEnvironment | Self::V3, _) => artifact("bauta", "bauta.v3.so"),
        }
    }

    /// Returns the path of the ELF of the airdrop program.
    #[must_use]
    pub fn airdrop_path(self) -> PathBuf {
        match (self, std::env::var_os(AIRDROP_VARIABLE)) {
            (Self::FromEnvironment, Some(path)) => path.into(),
            (Self::V0, _) => artifact("airdrop", "airdrop.so"),
            (Self::FromEnvironment | Self::V3, _) => artifact("airdrop", "airdrop.v3.so"),
        }
    }

    /// Reads the ELF.
    ///
    /// # Panics
    /// If the file can't be read.
    #[must_use]
    pub fn read(self) -> Vec<u8> {
        read(&self.path())
    }

    /// Reads the ELF of the airdrop program.
    ///
    /// # Panics
    /// If the file can't be read.
    #[must_use]
    pub fn read_airdrop(self) -> Vec<u8> {
        read(&self.airdrop_path())
    }
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| {
        panic!(
            "can't read the program's ELF {}: {e}. Build it with `cargo xtask program build`",
            path.display()
        )
    })
}

fn artifact(program: &str, name: &str) -> PathBuf {
    [
        env!("CARGO_MANIFEST_DIR"),
        "..",
        "..",
        "programs",
        program,
        "artifacts",
        name,
    ]
    .iter()
    .collect()
}

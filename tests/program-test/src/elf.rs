//! The build of the program that a test chain runs.

use std::path::PathBuf;

/// The environment variable with the path of an ELF, to test a new build.
pub const ELF_VARIABLE: &str = "BAUTA_PROGRAM_ELF";

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
            (Self::V0, _) => artifact("bauta.so"),
            (Self::FromEnvironment | Self::V3, _) => artifact("bauta.v3.so"),
        }
    }

    /// Reads the ELF.
    ///
    /// # Panics
    /// If the file can't be read.
    #[must_use]
    pub fn read(self) -> Vec<u8> {
        let path = self.path();
        std::fs::read(&path).unwrap_or_else(|e| {
            panic!(
                "can't read the program's ELF {}: {e}. Build it with `cargo xtask program build`",
                path.display()
            )
        })
    }
}

fn artifact(name: &str) -> PathBuf {
    [
        env!("CARGO_MANIFEST_DIR"),
        "..",
        "..",
        "programs",
        "bauta",
        "artifacts",
        name,
    ]
    .iter()
    .collect()
}

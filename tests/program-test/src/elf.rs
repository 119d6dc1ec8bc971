//! Which build of the program runs.

use std::path::PathBuf;

/// The variable that names another ELF, for trying a fresh build.
pub const ELF_VARIABLE: &str = "BAUTA_PROGRAM_ELF";

/// A form of the program's ELF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elf {
    /// The file that `BAUTA_PROGRAM_ELF` names, else [`Elf::V0`].
    Chosen,
    /// The checked-in ELF of SBPF version 0.
    V0,
    /// The checked-in ELF of SBPF version 3.
    V3,
}

impl Elf {
    /// Where the ELF lies.
    #[must_use]
    pub fn path(self) -> PathBuf {
        match (self, std::env::var_os(ELF_VARIABLE)) {
            (Self::Chosen, Some(path)) => path.into(),
            (Self::Chosen | Self::V0, _) => artifact("bauta.so"),
            (Self::V3, _) => artifact("bauta.v3.so"),
        }
    }

    /// Its bytes.
    ///
    /// # Panics
    /// When the file can't be read: nothing here works without it.
    #[must_use]
    pub fn read(self) -> Vec<u8> {
        let path = self.path();
        std::fs::read(&path).unwrap_or_else(|e| {
            panic!(
                "the program's ELF {} can't be read ({e}): build it with `cargo xtask program build`",
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

//! Builds with Solana's own toolchain, through `cargo build-sbf`.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};

use crate::{program::Program, workspace};

/// `cargo build-sbf` on PATH.
pub struct Solana {
    pub identity: BTreeMap<String, String>,
}

impl Solana {
    /// Returns the toolchain if `cargo build-sbf` is on PATH.
    pub fn find() -> Result<Option<Self>> {
        if workspace::on_path("cargo-build-sbf").is_none() {
            return Ok(None);
        }
        let version = workspace::output(workspace::cargo()?.args(["build-sbf", "--version"]))?;
        let identity = version
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(name, version)| (name.to_owned(), version.to_owned()))
            .collect();
        Ok(Some(Self { identity }))
    }

    /// Writes a program's ELFs, SBPF v0 and v3, into `dir`.
    pub fn build(program: &Program, dir: &Path) -> Result<()> {
        let [v0, v3] = program.elfs();
        for (arch, file) in [("v0", v0), ("v3", v3)] {
            let out = dir.join(arch);
            workspace::run(
                workspace::cargo()?
                    .args(["build-sbf", "--arch", arch, "--manifest-path"])
                    .arg(program.dir.join("Cargo.toml"))
                    .arg("--sbf-out-dir")
                    .arg(&out)
                    .args(["--", "--locked"]),
            )?;
            let elf = out.join(format!("{}.so", program.library()));
            fs::rename(&elf, dir.join(file))
                .with_context(|| format!("cargo build-sbf did not write {}", elf.display()))?;
            fs::remove_dir_all(&out).with_context(|| format!("can't remove {}", out.display()))?;
        }
        Ok(())
    }
}

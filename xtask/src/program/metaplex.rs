//! Builds programs of Metaplex from their published crates. Tests compare what these programs write
//! with what the program reads.
//!
//! ```text
//!   crates.io ──> tools/metaplex/<program> ──> the cache: metaplex-<digest>/<program>.so
//!                 packages that call the program, and a lock file with the digest of every crate
//! ```
//!
//! Neither the sources nor the ELFs are checked in. `tools/metaplex/README.md` says what was tried.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use super::{
    record::{combine, tree},
    toolchain::{self, Debian, Package},
};
use crate::workspace;

/// A package in `tools/metaplex`.
struct Foreign {
    /// The folder of its workspace.
    folder: &'static str,
    package: &'static str,
    /// The name of the ELF.
    elf: &'static str,
}

const PROGRAMS: [Foreign; 6] = [
    foreign("token-metadata", "real-token-metadata", "token-metadata"),
    foreign("bubblegum", "real-bubblegum", "bubblegum"),
    foreign("compression-v1", "real-compression-v1", "compression-v1"),
    foreign("compression-v1", "real-noop-v1", "noop-v1"),
    foreign("compression-v2", "real-compression-v2", "compression-v2"),
    foreign("compression-v2", "real-noop-v2", "noop-v2"),
];

const fn foreign(folder: &'static str, package: &'static str, elf: &'static str) -> Foreign {
    Foreign { folder, package, elf }
}

/// Returns the folder of the ELFs. Builds them if they are not in the cache.
pub fn build() -> Result<PathBuf> {
    let toolchain = Debian::install(None)?;
    let sources = workspace::root()?.join("tools/metaplex");
    let mut parts = BTreeMap::from([("toolchain".to_owned(), combine(&toolchain.identity))]);
    for program in &PROGRAMS {
        let folder = program.folder;
        parts.insert(folder.into(), combine(&tree(&sources.join(folder))?));
    }
    let prefix = toolchain::prefix()?;
    let folder = prefix.join(format!("metaplex-{}", &combine(&parts)[..16]));
    if folder.exists() {
        return Ok(folder);
    }
    let library = library(&toolchain, &prefix)?;
    let new = folder.with_extension("new");
    fs::create_dir_all(&new).with_context(|| format!("can't create {}", new.display()))?;
    for (number, program) in PROGRAMS.iter().enumerate() {
        let name = program.elf;
        eprintln!("building program {} of {}: {name}", number + 1, PROGRAMS.len());
        let source = sources.join(program.folder);
        fetch(&source).with_context(|| {
            format!(
                "can't download the crates of {name}: the first run of this drill needs crates.io, and later runs \
                 use the cache"
            )
        })?;
        let package = Package {
            workspace: &source,
            name: program.package,
            elf: name,
            library: Some(&library),
        };
        toolchain.build_package(&package, &new)?;
    }
    // The folder gets its final name when every program is built.
    fs::rename(&new, &folder).with_context(|| format!("can't rename the folder to {}", folder.display()))?;
    Ok(folder)
}

/// Downloads the crates of a lock file. Cargo compares each with its digest in the file.
fn fetch(package: &Path) -> Result<()> {
    workspace::run(
        workspace::cargo()?
            .args(["fetch", "--locked"])
            .current_dir(package),
    )
}

/// Copies the standard library, with a smaller buffer for sorts. The programs sort lists, and the
/// buffer of the original fills a stack frame of the runtime.
fn library(toolchain: &Debian, prefix: &Path) -> Result<PathBuf> {
    const FILE: &str = "core/src/slice/sort/stable/mod.rs";
    const BUFFER: &str = "AlignedStorage::<T, 4096>";
    const SMALLER: &str = "AlignedStorage::<T, 1024>";
    let original = toolchain.library();
    let digest = combine(&BTreeMap::from([(
        original.display().to_string(),
        SMALLER.to_owned(),
    )]));
    let library = prefix.join(format!("metaplex-library-{}", &digest[..16]));
    if library.exists() {
        return Ok(library);
    }
    let new = library.with_extension("new");
    workspace::run(
        Command::new("cp")
            .args(["--recursive", "--preserve=timestamps", "--no-target-directory"])
            .args([&original, &new]),
    )?;
    let file = new.join(FILE);
    let text = fs::read_to_string(&file).with_context(|| format!("can't read {}", file.display()))?;
    ensure!(text.contains(BUFFER), "{} has no {BUFFER}", file.display());
    fs::write(&file, text.replace(BUFFER, SMALLER))
        .with_context(|| format!("can't write {}", file.display()))?;
    fs::rename(&new, &library)
        .with_context(|| format!("can't rename the folder to {}", library.display()))?;
    Ok(library)
}

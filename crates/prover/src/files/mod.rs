//! Engines from files: a `.zkey` and, beside it, the prepared tables.
//!
//! ```text
//!   key.zkey ---SHA-256---+--> key.zkey.tables fits? --yes--> map it --> Engine
//!                         |          |
//!                         +-- no ----+--> read and check the key, prepare, write key.zkey.tables --> Engine
//! ```

mod format;
mod mapping;

use std::{
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use bauta_iden3::ZKey;
use bauta_packed_field::Portable;
use sha2::{Digest, Sha256};

use crate::{
    ProverError,
    engine::{AnyTables, BackEnd, Engine, Options},
};
pub use format::Refusal;
use format::{Identity, decode, encode};
pub(crate) use mapping::Lines;

/// Where an opened engine's tables came from.
#[derive(Debug)]
pub enum TableSource {
    /// From the file beside the key.
    File,
    /// Computed, because there was no file.
    Computed(Saved),
    /// Computed, because the file couldn't be used.
    Recomputed(Refusal, Saved),
}

/// Whether computed tables were saved beside the key. If not, the engine works all the same, and the next start is
/// as slow as this one.
pub type Saved = Result<(), io::Error>;

impl Engine {
    /// The engine for a `.zkey` file. Tables lie beside it in a file named like it with `.tables` appended, which is made when
    /// there is none that fits.
    ///
    /// A file of tables is as trusted as the key: whoever can write it can make proofs come out wrong, or see to it that
    /// they show witnesses. It is never changed in place; don't do so while an engine uses it.
    pub fn open(key: &Path, options: Options) -> Result<(Self, TableSource), ProverError> {
        let bytes = fs::read(key).map_err(|error| ProverError::Read(key.to_owned(), error))?;
        let identity = Identity {
            key_hash: Sha256::digest(&bytes).into(),
            budget: options.table_budget,
        };
        let path = tables_path(key);
        let refusal = match load(&path, &identity, options) {
            Ok(engine) => return Ok((engine, TableSource::File)),
            Err(refusal) => refusal,
        };
        let engine = Self::prepare_with(&ZKey::from_bytes(&bytes)?, options)?;
        let file = match &engine.tables {
            AnyTables::Portable(tables) => encode(&identity, &engine.circuit, tables),
            #[cfg(target_arch = "x86_64")]
            AnyTables::Ifma(tables) => encode(&identity, &engine.circuit, tables),
        };
        let saved = save(&path, &file);
        let source = match refusal {
            None => TableSource::Computed(saved),
            Some(refusal) => TableSource::Recomputed(refusal, saved),
        };
        Ok((engine, source))
    }
}

/// The file of tables that belongs to a key.
fn tables_path(key: &Path) -> PathBuf {
    let mut name = key.as_os_str().to_owned();
    name.push(".tables");
    name.into()
}

/// No refusal means that there is no file to read.
fn load(path: &Path, identity: &Identity, options: Options) -> Result<Engine, Option<Refusal>> {
    let file = mapping::map(path).map_err(|_| None)?;
    let engine = |circuit, tables| Engine {
        circuit,
        tables,
        self_verification: options.self_verification,
    };
    #[cfg(target_arch = "x86_64")]
    if options.back_end != Some(BackEnd::Portable)
        && let Some(arch) = bauta_packed_field::Ifma::detect()
    {
        match decode(arch, identity, &file) {
            Ok((circuit, tables)) => return Ok(engine(circuit, AnyTables::Ifma(tables))),
            // Small circuits use the portable arithmetic everywhere.
            Err(Refusal::OtherOptions) if options.back_end.is_none() => {}
            Err(refusal) => return Err(Some(refusal)),
        }
    }
    if options.back_end == Some(BackEnd::Avx512Ifma) {
        return Err(Some(Refusal::OtherOptions));
    }
    let (circuit, tables) = decode(Portable, identity, &file)?;
    Ok(engine(circuit, AnyTables::Portable(tables)))
}

/// Writes under another name and renames, so that nobody ever maps half a file. The name is nobody else's: process ids don't tell
/// containers apart that share a folder.
fn save(path: &Path, file: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let mut draft = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(folder)?;
    draft.write_all(file)?;
    draft.persist(path)?;
    Ok(())
}

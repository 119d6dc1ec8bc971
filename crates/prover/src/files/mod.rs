//! Opens engines from files: a `.zkey` and the prepared tables beside it.
//!
//! ```text
//!   key.zkey --SHA-256--+--> does key.zkey.tables match? --yes--> map it --> Engine
//!                       |                |
//!                       |                no
//!                       |                v
//!                       +--> read and check the key, prepare, save key.zkey.tables --> Engine
//! ```

mod format;

use std::{
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use bauta_iden3::ZKey;
use bauta_packed_field::Portable;
#[cfg(target_arch = "x86_64")]
use bauta_packed_field::{Fused, Ifma};
use sha2::{Digest, Sha256};

use crate::{
    ProverError,
    engine::{AnyTables, BackEnd, Engine, Options},
    table_memory,
};
pub use format::Refusal;
use format::{Identity, decode, encode};

/// The source of an opened engine's tables.
#[derive(Debug)]
pub enum TableSource {
    /// The tables come from the file beside the key.
    File,
    /// The tables were computed, because there was no file.
    Computed(Saved),
    /// The tables were computed, because the file could not be used.
    Recomputed(Refusal, Saved),
}

/// Whether computed tables were saved beside the key. If saving failed, the engine still works, and
/// the next start takes as long as this one.
pub type Saved = Result<(), io::Error>;

impl Engine {
    /// Opens the engine for a `.zkey` file. The tables are in a file beside the key, whose name is
    /// the key's name with `.tables` appended. If there is no matching file, the tables are
    /// computed and saved there.
    ///
    /// The file of tables must be as trusted as the key. Anyone who can write it can cause wrong
    /// proofs, or proofs that reveal witnesses. It is never changed in place. Do not change it
    /// while an engine uses it.
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
            AnyTables::Avx2(tables) => encode(&identity, &engine.circuit, tables),
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

/// Returns the path of the tables that belong to a key.
fn tables_path(key: &Path) -> PathBuf {
    let mut name = key.as_os_str().to_owned();
    name.push(".tables");
    name.into()
}

/// Loads an engine from a file of tables. The error `None` means that the file cannot be read.
fn load(path: &Path, identity: &Identity, options: Options) -> Result<Engine, Option<Refusal>> {
    let file = table_memory::map(path).map_err(|_| None)?;
    let engine = |circuit, tables| Engine {
        circuit,
        tables,
        self_verification: options.self_verification,
    };
    let mut refusal = Refusal::OtherOptions;
    for back_end in BackEnd::ALL {
        if options.back_end.is_some_and(|wanted| wanted != back_end) {
            continue;
        }
        let decoded = match back_end {
            #[cfg(target_arch = "x86_64")]
            BackEnd::Avx512Ifma => Ifma::detect().map(|arch| {
                let (circuit, tables) = decode(arch, identity, &file)?;
                Ok((circuit, AnyTables::Ifma(tables)))
            }),
            #[cfg(target_arch = "x86_64")]
            BackEnd::Avx2 => Fused::detect().map(|arch| {
                let (circuit, tables) = decode(arch, identity, &file)?;
                Ok((circuit, AnyTables::Avx2(tables)))
            }),
            BackEnd::Portable => Some(
                decode(Portable, identity, &file)
                    .map(|(circuit, tables)| (circuit, AnyTables::Portable(tables))),
            ),
            #[cfg(not(target_arch = "x86_64"))]
            BackEnd::Avx512Ifma | BackEnd::Avx2 => None,
        };
        match decoded {
            Some(Ok((circuit, tables))) => {
                // Another machine or version may have written tables of a slower back end.
                let is_chosen =
                    options.back_end.is_some() || BackEnd::fastest(circuit.domain_size) == back_end;
                if is_chosen {
                    return Ok(engine(circuit, tables));
                }
            }
            Some(Err(Refusal::OtherOptions)) | None => {}
            Some(Err(found)) => {
                refusal = found;
                break;
            }
        }
    }
    Err(Some(refusal))
}

/// Writes the file under a temporary name and renames it, so that a partially written file is never
/// mapped. The temporary name is random, because process ids are not unique among containers that
/// share a folder.
fn save(path: &Path, file: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let mut draft = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(folder)?;
    draft.write_all(file)?;
    draft.persist(path)?;
    Ok(())
}

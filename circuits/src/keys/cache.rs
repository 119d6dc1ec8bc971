//! Development keys on disk, because a setup takes seconds.

use std::{
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use etcetera::base_strategy::{BaseStrategy, Xdg};

use super::Key;
use crate::{
    CircuitsError,
    statement::{Statement, r1cs},
};

/// The development key of a statement, from `${XDG_CACHE_HOME:-$HOME/.cache}/bauta/keys` if it is there and whole, else
/// made and put there. The file's name has the constraint system's hash, so a changed circuit never meets an old key.
/// A cache that can't be written costs time and nothing else.
pub fn load_or_setup_development<S: Statement + Clone>(statement: &S) -> Result<Key<S>, CircuitsError> {
    let Some(directory) = directory() else {
        return Key::development(statement.clone());
    };
    let hash = hex::encode(&r1cs(statement).hash()[..8]);
    let name = format!(
        "{}-v{}-depth{}-{hash}.development.key",
        S::NAME,
        S::VERSION,
        statement.depth() as u8
    );
    let path = directory.join(name);
    if let Ok(bytes) = fs::read(&path)
        && let Ok(key) = Key::from_bytes(statement.clone(), &bytes)
    {
        return Ok(key);
    }
    let key = Key::development(statement.clone())?;
    let bytes = key.to_bytes()?;
    // whoever loses a race to write it has the same bytes
    let _ = write(&path, &bytes);
    Ok(key)
}

fn directory() -> Option<PathBuf> {
    Some(Xdg::new().ok()?.cache_dir().join("bauta/keys"))
}

/// Writes beside the path and renames, so that no reader sees half a file. The name is nobody else's: process ids don't tell
/// containers apart that share a folder.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or_else(|| Path::new(""));
    fs::create_dir_all(directory)?;
    let mut partial = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(directory)?;
    partial.write_all(bytes)?;
    partial.persist(path)?;
    Ok(())
}

//! Caches development keys on disk, because their setup takes seconds.

use std::{fs, path::PathBuf};

use etcetera::base_strategy::{BaseStrategy, Xdg};

use super::{Key, atomic_write::atomic_write};
use crate::{
    CircuitsError,
    statement::{Statement, r1cs},
};

/// Returns the development key of a statement. It is read from
/// `${XDG_CACHE_HOME:-$HOME/.cache}/bauta/keys` if it is there and complete. Otherwise it is made
/// and written there. The file's name contains the constraint system's hash, so a changed circuit
/// never uses an old key. If the cache cannot be written, only time is lost.
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
    // If two processes write at the same time, both write the same bytes.
    let _ = atomic_write(&path, &bytes);
    Ok(key)
}

fn directory() -> Option<PathBuf> {
    Some(Xdg::new().ok()?.cache_dir().join("bauta/keys"))
}

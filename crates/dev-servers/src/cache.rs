//! The folder for files that all checkouts share.

use std::{io, path::PathBuf};

use etcetera::base_strategy::{BaseStrategy, Xdg};

/// Returns `${XDG_CACHE_HOME:-~/.cache}/bauta`. It contains builds, toolchains and installed test
/// tools.
pub fn cache() -> io::Result<PathBuf> {
    let directories = Xdg::new().map_err(io::Error::other)?;
    Ok(directories.cache_dir().join("bauta"))
}

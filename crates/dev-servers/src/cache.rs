//! Where things are kept that outlive a checkout.

use std::{io, path::PathBuf};

use etcetera::base_strategy::{BaseStrategy, Xdg};

/// `${XDG_CACHE_HOME:-~/.cache}/bauta`: builds, toolchains, installed test tools.
pub fn cache() -> io::Result<PathBuf> {
    let directories = Xdg::new().map_err(io::Error::other)?;
    Ok(directories.cache_dir().join("bauta"))
}

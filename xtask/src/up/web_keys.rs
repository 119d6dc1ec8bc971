//! The web key for a local chain: that of the development key.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{self, Command},
};

use anyhow::{Context, Result};

use crate::workspace;

/// A web key in the folder that the API serves web keys from.
pub struct WebKey {
    pub folder: PathBuf,
    /// The SHA-256 of the web key, which is also its file name. The folder can have other keys.
    pub digest: String,
}

/// Writes the web key of the development key.
pub fn prepare() -> Result<WebKey> {
    workspace::build(&["bauta-circuits"])?;
    let folder = super::folder()?.join("web-keys");
    fs::create_dir_all(&folder).with_context(|| format!("can't create {}", folder.display()))?;
    let digest = write_web_key(&folder)?;
    Ok(WebKey { folder, digest })
}

/// Writes the web key under its digest, which is returned. Another process may do the same, so the
/// file gets its name when it is complete.
fn write_web_key(folder: &Path) -> Result<String> {
    let file = folder.join(format!("new-{}", process::id()));
    let program = workspace::target()?.join("debug/bauta-circuits");
    let mut command = Command::new(program);
    command.args(["web-key", "--depth", "10", "--out"]).arg(&file);
    let digest = workspace::output(&mut command)?.trim().to_owned();
    let named = folder.join(&digest);
    fs::rename(&file, &named).with_context(|| format!("can't write {}", named.display()))?;
    Ok(digest)
}

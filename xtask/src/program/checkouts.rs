//! One target folder for several checkouts.
//!
//! Cargo goes by times alone: it takes another checkout's crate for this one's when that was built later than this one's
//! files were written. So a target folder that checkouts share remembers whose each workspace crate is.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::workspace;

/// Drop a workspace's own crates from `target` where they were last built for another checkout. `profile` is the folder
/// of the target and profile in it. The caller keeps others from building there.
pub fn forget_others(target: &Path, profile: &str, workspace: &Path) -> Result<()> {
    let members = workspace::output(workspace::cargo()?.current_dir(workspace).args([
        "tree",
        "--locked",
        "--workspace",
        "--depth",
        "0",
        "--prefix",
        "none",
    ]))?;
    let owners = target.join("owners");
    fs::create_dir_all(&owners).with_context(|| format!("can't make {}", owners.display()))?;
    // Between two packages is an empty line.
    let names = members.lines().filter_map(|line| line.split(' ').next());
    for member in names.filter(|name| !name.is_empty()) {
        let owner = owners.join(member);
        let workspace = workspace.to_string_lossy();
        if fs::read_to_string(&owner).is_ok_and(|owner| owner == workspace) {
            continue;
        }
        forget(&target.join(profile).join(".fingerprint"), member)?;
        fs::write(&owner, workspace.as_bytes())
            .with_context(|| format!("can't write {}", owner.display()))?;
    }
    Ok(())
}

/// Drop a package's fingerprints, so that cargo builds it again.
fn forget(fingerprints: &Path, package: &str) -> Result<()> {
    if !fingerprints.exists() {
        return Ok(());
    }
    let entries =
        fs::read_dir(fingerprints).with_context(|| format!("can't list {}", fingerprints.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.rsplit_once('-').is_some_and(|(name, _)| name == package) {
            fs::remove_dir_all(&path).with_context(|| format!("can't remove {}", path.display()))?;
        }
    }
    Ok(())
}

//! Lets several checkouts share one target folder.
//!
//! Cargo compares only times. If another checkout's crate was built after this checkout's files
//! were written, cargo uses it instead of building this checkout's crate. A shared target folder
//! therefore records which checkout each workspace crate was built for.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::workspace;

/// Removes a workspace's own crates from `target` if they were last built for another checkout.
/// `profile` is the subfolder of the target and profile. The caller must prevent other builds in
/// `target` meanwhile.
pub fn drop_crates_of_other_checkouts(target: &Path, profile: &str, workspace: &Path) -> Result<()> {
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
    fs::create_dir_all(&owners).with_context(|| format!("can't create {}", owners.display()))?;
    // There is an empty line between two packages.
    let names = members.lines().filter_map(|line| line.split(' ').next());
    for member in names.filter(|name| !name.is_empty()) {
        let owner = owners.join(member);
        let workspace = workspace.to_string_lossy();
        if fs::read_to_string(&owner).is_ok_and(|owner| owner == workspace) {
            continue;
        }
        drop_fingerprints(&target.join(profile).join(".fingerprint"), member)?;
        fs::write(&owner, workspace.as_bytes())
            .with_context(|| format!("can't write {}", owner.display()))?;
    }
    Ok(())
}

/// Removes a package's fingerprints, so that cargo builds the package again.
fn drop_fingerprints(fingerprints: &Path, package: &str) -> Result<()> {
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

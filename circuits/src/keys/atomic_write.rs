//! Writing of files that other processes may read at the same time.

use std::{
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

/// Writes a file under a temporary name beside `path` and renames it, so that a partially written
/// file is never read. The temporary name is random, because process ids are not unique among
/// containers that share a folder.
pub(super) fn atomic_write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or_else(|| Path::new(""));
    fs::create_dir_all(directory)?;
    let mut partial = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(directory)?;
    partial.write_all(bytes)?;
    partial.persist(path)?;
    Ok(())
}

//! Writes files that a crash or a full disk never leaves incomplete.
//!
//! ```text
//!   .NAME.RANDOM.new: written, flushed to the disk ──> linked as NAME ──> folder flushed
//! ```

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rand::{RngCore, rngs::OsRng};

/// Writes a file that only its owner can read. Returns after the file and its name are on the disk.
/// Fails with [`ErrorKind::AlreadyExists`] if there is a file of this name, and never replaces it.
pub fn create(file: &Path, bytes: &[u8]) -> io::Result<()> {
    if file.symlink_metadata().is_ok() {
        return Err(ErrorKind::AlreadyExists.into());
    }
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let temporary = Temporary(folder.join(temporary_name(file)?));
    let mut out = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary.0)?;
    out.write_all(bytes)?;
    out.sync_all()?;
    match fs::hard_link(&temporary.0, file) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(error),
        // Some file systems have no links. The empty file keeps others from taking the name.
        Err(_) => {
            File::options().write(true).create_new(true).open(file)?;
            fs::rename(&temporary.0, file)?;
        }
    }
    drop(temporary);
    File::open(folder)?.sync_all()
}

/// Writes a file, and replaces one of this name as a whole. A reader finds the old bytes or the new
/// ones. `mode` has the permissions.
pub fn replace(file: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let temporary = Temporary(folder.join(temporary_name(file)?));
    let mut out = File::options()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&temporary.0)?;
    out.write_all(bytes)?;
    out.sync_all()?;
    fs::rename(&temporary.0, file)?;
    drop(temporary);
    File::open(folder)?.sync_all()
}

fn temporary_name(file: &Path) -> io::Result<String> {
    let name = file.file_name().ok_or(ErrorKind::InvalidFilename)?;
    Ok(format!(
        ".{}.{:016x}.new",
        name.to_string_lossy(),
        OsRng.next_u64()
    ))
}

/// A temporary file. Dropping it removes the file.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // After a rename there is no file of this name.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_new_file_is_private_and_complete_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        create(&file, b"secret").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"secret");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(names(folder.path()), ["key"]);
    }

    #[test]
    fn no_file_and_no_link_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("key"), folder.path().join("link"));
        create(&file, b"first").unwrap();
        std::os::unix::fs::symlink(folder.path().join("nothing"), &link).unwrap();
        for existing in [&file, &link] {
            let error = create(existing, b"second").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        }
        assert_eq!(fs::read(&file).unwrap(), b"first");
        assert_eq!(names(folder.path()).len(), 2);
    }

    #[test]
    fn a_replaced_file_has_only_the_new_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state");
        for bytes in [&b"a long state"[..], b"short"] {
            replace(&file, bytes, 0o600).unwrap();
            assert_eq!(fs::read(&file).unwrap(), bytes);
        }
        assert_eq!(names(folder.path()), ["state"]);
    }

    #[test]
    fn a_failure_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(create(&folder.path().join("missing/key"), b"secret").is_err());
        assert!(create(&folder.path().join(".."), b"secret").is_err());
        assert!(names(folder.path()).is_empty());
    }
}

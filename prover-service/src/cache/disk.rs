//! The disk cache: each entry is a file `CACHE_DIR/proofs/CIRCUIT-HASH/NAME` of 296 bytes.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use uuid::Uuid;

use super::sealer::EntryName;

/// Largest number of bytes that are read from a file.
const MAX_ENTRY_BYTES: u64 = 4096;

/// A folder of entries.
pub struct Disk {
    folder: PathBuf,
    max_entries: usize,
    /// Number of files. Locked while files are removed.
    entries: Mutex<usize>,
}

impl Disk {
    /// Opens the folder, and creates it if needed. Deletes the entries of other keys of these
    /// circuits. Each circuit is given by its id and the name of its folder.
    pub fn open(cache_dir: &Path, max_entries: usize, circuits: &[(&str, String)]) -> io::Result<Self> {
        let folder = cache_dir.join("proofs");
        for (_, name) in circuits {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder.join(name))?;
        }
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name());
            let is_of_another_key = name.to_str().is_some_and(|name| {
                circuits.iter().any(|(id, folder)| {
                    name.rsplit_once('-').is_some_and(|(prefix, _)| prefix == *id) && name != folder
                })
            });
            if is_of_another_key {
                tracing::info!(event = "cache_dropped", folder = %path.display());
                fs::remove_dir_all(path)?;
            }
        }
        let disk = Self {
            folder,
            max_entries,
            entries: Mutex::default(),
        };
        let existing = disk.files()?.len();
        disk.add_entries(existing)?;
        Ok(disk)
    }

    /// Returns the bytes of an entry, and updates the time of its last use.
    pub fn get(&self, circuit: &str, name: EntryName) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.path(circuit, name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        (&file).take(MAX_ENTRY_BYTES).read_to_end(&mut bytes)?;
        // The least recently used entries are deleted first. On a read-only disk, the time of last
        // use stays as it is.
        let _ = file.set_modified(SystemTime::now());
        Ok(Some(bytes))
    }

    /// Writes an entry atomically.
    pub fn put(&self, circuit: &str, name: EntryName, value: &[u8]) -> io::Result<()> {
        let path = self.path(circuit, name);
        let is_new = !path.exists();
        let temporary = path.with_file_name(Uuid::now_v7().to_string());
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let written = options
            .open(&temporary)
            .and_then(|mut file| file.write_all(value))
            .and_then(|()| fs::rename(&temporary, &path));
        if let Err(error) = written {
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
        self.add_entries(usize::from(is_new))
    }

    /// Deletes an entry.
    pub fn remove(&self, circuit: &str, name: EntryName) {
        // If the file doesn't exist, nothing has to be done.
        let _ = fs::remove_file(self.path(circuit, name));
    }

    fn path(&self, circuit: &str, name: EntryName) -> PathBuf {
        self.folder.join(circuit).join(name.to_hex())
    }

    /// Counts new entries. If there are more than the maximum, deletes the least recently used
    /// entries until 90 % of the maximum are left.
    fn add_entries(&self, added: usize) -> io::Result<()> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        *entries += added;
        if *entries <= self.max_entries {
            return Ok(());
        }
        // Other processes may share the folder, so the files are counted again.
        let mut files = self.files()?;
        files.sort_unstable();
        *entries = files.len();
        let kept = self.max_entries - self.max_entries / 10;
        for (_, file) in files.iter().take(files.len().saturating_sub(kept)) {
            let _ = fs::remove_file(file);
            *entries -= 1;
        }
        Ok(())
    }

    /// Returns every file with the time of its last use.
    fn files(&self) -> io::Result<Vec<(SystemTime, PathBuf)>> {
        let mut files = Vec::new();
        for folder in fs::read_dir(&self.folder)? {
            let folder = folder?.path();
            if !folder.is_dir() {
                continue;
            }
            for file in fs::read_dir(folder)? {
                let file = file?;
                // Another process may have deleted the file meanwhile.
                if let Ok(modified) = file.metadata().and_then(|metadata| metadata.modified()) {
                    files.push((modified, file.path()));
                }
            }
        }
        Ok(files)
    }
}

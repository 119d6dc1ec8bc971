//! Entries as files: `CACHE_DIR/proofs/CIRCUIT-HASH/NAME`, all of one small size.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use uuid::Uuid;

use super::entry::Name;

/// Nothing longer is read.
const LONGEST: u64 = 4096;

/// The folder of entries.
pub struct Disk {
    folder: PathBuf,
    most: usize,
    /// How many files there are; held while some are removed.
    count: Mutex<usize>,
}

impl Disk {
    /// Opens or makes the folder, and drops entries of former keys of these circuits, which are given with their folders' names.
    pub fn open(cache_dir: &Path, most: usize, circuits: &[(&str, String)]) -> io::Result<Self> {
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
            let former = name.to_str().is_some_and(|name| {
                let of = |(id, folder): &(&str, String)| {
                    name.rsplit_once('-').is_some_and(|(prefix, _)| prefix == *id) && name != folder
                };
                circuits.iter().any(of)
            });
            if former {
                tracing::info!(event = "cache_dropped", folder = %path.display());
                fs::remove_dir_all(path)?;
            }
        }
        let disk = Self {
            folder,
            most,
            count: Mutex::default(),
        };
        let there = disk.files()?.len();
        disk.bound(there)?;
        Ok(disk)
    }

    /// The bytes of an entry, and that it was wanted.
    pub fn get(&self, circuit: &str, name: Name) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.path(circuit, name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        (&file).take(LONGEST).read_to_end(&mut bytes)?;
        // Those that nobody wants are the first to go. On a disk that can't be written they all are as old.
        let _ = file.set_modified(SystemTime::now());
        Ok(Some(bytes))
    }

    /// Keeps an entry, whole or not at all.
    pub fn put(&self, circuit: &str, name: Name, value: &[u8]) -> io::Result<()> {
        let path = self.path(circuit, name);
        let new = !path.exists();
        let unfinished = path.with_file_name(Uuid::now_v7().to_string());
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let written = options
            .open(&unfinished)
            .and_then(|mut file| file.write_all(value))
            .and_then(|()| fs::rename(&unfinished, &path));
        if let Err(error) = written {
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
        self.bound(usize::from(new))
    }

    /// Forgets an entry.
    pub fn remove(&self, circuit: &str, name: Name) {
        // Gone is gone.
        let _ = fs::remove_file(self.path(circuit, name));
    }

    fn path(&self, circuit: &str, name: Name) -> PathBuf {
        self.folder.join(circuit).join(name.to_hex())
    }

    /// Some more are there. Over the bound, the tenth that was wanted longest ago goes.
    fn bound(&self, more: usize) -> io::Result<()> {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count += more;
        if *count <= self.most {
            return Ok(());
        }
        // Other processes may share the folder: what is there counts.
        let mut files = self.files()?;
        files.sort_unstable();
        *count = files.len();
        let keep = self.most - self.most / 10;
        for (_, file) in files.iter().take(files.len().saturating_sub(keep)) {
            let _ = fs::remove_file(file);
            *count -= 1;
        }
        Ok(())
    }

    /// Every file, and when it was wanted last.
    fn files(&self) -> io::Result<Vec<(SystemTime, PathBuf)>> {
        let mut files = Vec::new();
        for folder in fs::read_dir(&self.folder)? {
            let folder = folder?.path();
            if !folder.is_dir() {
                continue;
            }
            for file in fs::read_dir(folder)? {
                let file = file?;
                // Another process may have removed it.
                if let Ok(modified) = file.metadata().and_then(|metadata| metadata.modified()) {
                    files.push((modified, file.path()));
                }
            }
        }
        Ok(files)
    }
}

//! The key ring: keys for witnesses in a file that all instances share, so that they can be rotated
//! and destroyed without a restart.
//!
//! ```text
//!   keys rotate, or the schedule --lock, write, rename--> file --re-read--> every instance
//!                                        |
//!                                        +--> the old file is overwritten
//! ```
//!
//! Archived logs and backups of the database contain encrypted witnesses for as long as they are
//! kept. The file is not in the database, so they don't contain the keys. When a key is removed, no
//! copy of it is left, and the witnesses that it encrypted can never be decrypted again.
//!
//! The file has one line for each key, the newest first: `NAME:KEY:CREATED:REPLACED`. The key has
//! 64 hexadecimal digits. The times are in Unix milliseconds of the database's clock. The newest
//! key has no time of replacement: it encrypts.

use std::{
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use rand::{RngCore as _, rngs::OsRng};
use zeroize::Zeroizing;

/// Bytes of a random name. It is written with twice as many hexadecimal digits.
const NAME_LENGTH: usize = 8;
/// Largest size of the file in bytes. It is far more than keys that are rotated every second need.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Why the key ring can't be used. It contains no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the key ring {} (WITNESS_KEY_RING): {problem}", file.display())]
pub struct KeyRingError {
    file: PathBuf,
    problem: String,
}

/// A key of the ring.
#[derive(Clone)]
pub struct RingKey {
    /// The name in sealed witnesses.
    pub name: String,
    bytes: Zeroizing<[u8; 32]>,
    /// Time at which the key was added.
    pub created_ms: i64,
    /// Time at which another key replaced it. `None` for the newest key.
    pub replaced_ms: Option<i64>,
}

impl RingKey {
    fn random(now_ms: i64) -> Self {
        let (mut name, mut bytes) = ([0; NAME_LENGTH], Zeroizing::new([0; 32]));
        OsRng.fill_bytes(&mut name);
        OsRng.fill_bytes(bytes.as_mut_slice());
        Self {
            name: hex::encode(name),
            bytes,
            created_ms: now_ms,
            replaced_ms: None,
        }
    }

    /// Returns the bytes of the key.
    pub fn bytes(&self) -> Zeroizing<[u8; 32]> {
        self.bytes.clone()
    }

    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(':');
        let (name, digits) = (fields.next()?, fields.next()?);
        let (created, replaced) = (fields.next()?, fields.next()?);
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(digits, bytes.as_mut_slice()).ok()?;
        let is_name = name.len() == 2 * NAME_LENGTH && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let replaced_ms = match replaced {
            "" => None,
            time => Some(time.parse().ok()?),
        };
        (is_name && fields.next().is_none()).then_some(Self {
            name: name.to_owned(),
            bytes,
            created_ms: created.parse().ok()?,
            replaced_ms,
        })
    }

    fn write_line(&self, text: &mut String) {
        let digits = Zeroizing::new(hex::encode(self.bytes.as_slice()));
        let replaced = self.replaced_ms.map(|time| time.to_string()).unwrap_or_default();
        // Writing to a string can't fail.
        let _ = writeln!(text, "{}:{}:{}:{replaced}", self.name, *digits, self.created_ms);
    }
}

/// The keys of a file, with a copy in memory.
pub struct KeyRing {
    file: PathBuf,
    copy: RwLock<RingCopy>,
}

struct RingCopy {
    keys: Arc<Vec<RingKey>>,
    read_at: Instant,
}

impl KeyRing {
    /// Reads the keys of a file. The file must exist and have at least one key.
    pub fn open(file: &Path) -> Result<Self, KeyRingError> {
        Ok(Self {
            file: file.to_owned(),
            copy: RwLock::new(read_copy(file)?),
        })
    }

    /// Returns the keys, the newest first. Reads the file again if the copy is older than
    /// `max_age`.
    pub fn keys(&self, max_age: Duration) -> Result<Arc<Vec<RingKey>>, KeyRingError> {
        {
            let copy = self.copy.read().unwrap_or_else(PoisonError::into_inner);
            if copy.read_at.elapsed() < max_age {
                return Ok(copy.keys.clone());
            }
        }
        let new = read_copy(&self.file)?;
        let keys = new.keys.clone();
        *self.copy.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(keys)
    }

    pub fn file(&self) -> &Path {
        &self.file
    }
}

fn read_copy(file: &Path) -> Result<RingCopy, KeyRingError> {
    // Before the file is read, so that the copy is never taken for newer than it is.
    let read_at = Instant::now();
    let keys = Arc::new(read(file).map_err(|error| failed(file, &error))?);
    Ok(RingCopy { keys, read_at })
}

fn failed(file: &Path, error: &io::Error) -> KeyRingError {
    let problem = match error.kind() {
        io::ErrorKind::NotFound => {
            "the file doesn't exist: create it with `prover-service keys rotate`".to_owned()
        }
        _ => error.to_string(),
    };
    KeyRingError {
        file: file.to_owned(),
        problem,
    }
}

/// Reads a file of keys. Refuses a file that other users can read.
fn read(file: &Path) -> io::Result<Vec<RingKey>> {
    let invalid = |problem: &str| io::Error::new(io::ErrorKind::InvalidData, problem.to_owned());
    let metadata = fs::metadata(file)?;
    if metadata.mode() & 0o077 != 0 {
        return Err(invalid("only its owner may read and write the file: chmod 600"));
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(invalid("the file is larger than 1 MiB"));
    }
    let text = Zeroizing::new(fs::read_to_string(file)?);
    let keys: Option<Vec<RingKey>> = text.lines().map(RingKey::parse).collect();
    match keys {
        Some(keys) if keys.first().is_some_and(|key| key.replaced_ms.is_none()) => Ok(keys),
        _ => Err(invalid("it isn't a file that `prover-service keys rotate` wrote")),
    }
}

/// Adds a key, which encrypts from now on, if `is_due` returns true for the newest key. `None`
/// stands for a ring without keys. `now_ms` returns the time. It is called when this process may
/// change the file, because the wait for other processes must not count as a time without the old
/// key. Creates the file if it doesn't exist. Returns the name of the new key.
pub fn add_key(
    file: &Path,
    now_ms: impl FnOnce() -> i64,
    is_due: impl FnOnce(Option<&RingKey>) -> bool,
) -> Result<Option<String>, KeyRingError> {
    update(file, |keys| {
        if !is_due(keys.first()) {
            return None;
        }
        let mut now_ms = now_ms();
        if let Some(newest) = keys.first_mut() {
            // The database's clock may have been set back.
            now_ms = now_ms.max(newest.created_ms);
            newest.replaced_ms = Some(now_ms);
        }
        let new = RingKey::random(now_ms);
        let name = new.name.clone();
        keys.insert(0, new);
        Some(name)
    })
}

/// Removes the replaced keys with these names, and overwrites them.
pub fn remove_keys(file: &Path, names: &[String]) -> Result<(), KeyRingError> {
    update(file, |keys| {
        let before = keys.len();
        keys.retain(|key| key.replaced_ms.is_none() || !names.contains(&key.name));
        (keys.len() < before).then_some(())
    })
    .map(|_| ())
}

/// Changes the keys of a file. One process at a time does this. If `change` returns `None`, the
/// file stays as it is.
fn update<T>(
    file: &Path,
    change: impl FnOnce(&mut Vec<RingKey>) -> Option<T>,
) -> Result<Option<T>, KeyRingError> {
    let update = || -> io::Result<Option<T>> {
        let lock = private().open(file.with_extension("lock"))?;
        lock.lock()?;
        destroy_leftovers(file)?;
        let mut keys = match read(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            keys => keys?,
        };
        let changed = change(&mut keys);
        if changed.is_some() {
            write(file, &keys)?;
        }
        Ok(changed)
    };
    update().map_err(|error| failed(file, &error))
}

/// Replaces a file, and overwrites what the old one contained. Readers see the old or the new file.
/// If the process ends before the old file is overwritten, the next change overwrites it.
fn write(file: &Path, keys: &[RingKey]) -> io::Result<()> {
    let mut text = Zeroizing::new(String::with_capacity(keys.len() * 128));
    for key in keys {
        key.write_line(&mut text);
    }
    let (new, old) = leftovers(file);
    let mut created = private().create_new(true).open(&new)?;
    created.write_all(text.as_bytes())?;
    created.sync_all()?;
    match fs::hard_link(file, &old) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        linked => linked?,
    }
    fs::rename(&new, file)?;
    sync_folder(file)?;
    destroy_leftovers(file)
}

/// Returns the names of the new file before it replaces the old one, and of the old one afterwards.
fn leftovers(file: &Path) -> (PathBuf, PathBuf) {
    (file.with_extension("new"), file.with_extension("old"))
}

/// Overwrites and removes the files that a change leaves if its process ends early.
fn destroy_leftovers(file: &Path) -> io::Result<()> {
    let (new, old) = leftovers(file);
    let identity = |path: &Path| fs::metadata(path).map(|data| (data.dev(), data.ino())).ok();
    let mut removed = false;
    for leftover in [new, old] {
        let Some(found) = identity(&leftover) else {
            continue;
        };
        // A change that ended before it replaced the file leaves a second name of the file.
        if identity(file) != Some(found) {
            overwrite(OpenOptions::new().write(true).open(&leftover)?)?;
        }
        fs::remove_file(&leftover)?;
        removed = true;
    }
    if removed { sync_folder(file) } else { Ok(()) }
}

fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn overwrite(mut file: File) -> io::Result<()> {
    let length = usize::try_from(file.metadata()?.len()).unwrap_or_default();
    file.write_all(&vec![0; length])?;
    file.sync_all()
}

/// Returns the options of a file that only its owner can read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn rotate(file: &Path, now_ms: i64) -> String {
        add_key(file, || now_ms, |_| true).unwrap().unwrap()
    }

    #[test]
    fn the_newest_key_encrypts_and_a_removed_key_is_in_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("witness.keys");
        let first = rotate(&file, 1);
        let ring = KeyRing::open(&file).unwrap();
        let digits = hex::encode(ring.keys(Duration::ZERO).unwrap()[0].bytes.as_slice());
        // The file itself stays readable through this handle after it is replaced.
        let mut old = File::open(&file).unwrap();
        let second = rotate(&file, 2);
        let names = |ring: &KeyRing| -> Vec<(String, Option<i64>)> {
            let keys = ring.keys(Duration::ZERO).unwrap();
            keys.iter()
                .map(|key| (key.name.clone(), key.replaced_ms))
                .collect()
        };
        let both = [(second.clone(), None), (first.clone(), Some(2))];
        assert_eq!(names(&ring), both);
        // The newest key is not removed.
        remove_keys(&file, &[first, second.clone()]).unwrap();
        assert_eq!(names(&ring), [(second, None)]);
        for entry in fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            let text = fs::read_to_string(entry.path()).unwrap();
            assert!(!text.contains(&digits), "{}", entry.path().display());
        }
        let mut left = Vec::new();
        io::Read::read_to_end(&mut old, &mut left).unwrap();
        assert!(!left.is_empty() && left.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn keys_that_an_interrupted_change_left_are_overwritten_and_the_current_keys_stay() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("witness.keys");
        let first = rotate(&file, 1);
        let (new, old) = leftovers(&file);
        // The process ended before the file was replaced: the old name is the file's second name.
        fs::write(&new, "a key").unwrap();
        fs::hard_link(&file, &old).unwrap();
        let mut left = File::open(&new).unwrap();
        let unchanged = add_key(&file, || 2, |_| false).unwrap();
        assert_eq!(unchanged, None);
        let keys = KeyRing::open(&file).unwrap().keys(Duration::MAX).unwrap();
        assert_eq!(keys[0].name, first);
        let read = |file: &mut File| {
            let mut bytes = Vec::new();
            io::Read::read_to_end(file, &mut bytes).unwrap();
            bytes
        };
        assert_eq!(read(&mut left), [0; 5]);
        // The process ended after the file was replaced, and before the old one was overwritten.
        fs::write(&old, "a key").unwrap();
        let mut left = File::open(&old).unwrap();
        rotate(&file, 2);
        assert_eq!(read(&mut left), [0; 5]);
        assert!(!new.exists() && !old.exists());
    }

    #[test]
    fn a_key_is_never_replaced_before_it_was_created() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("witness.keys");
        rotate(&file, 100);
        rotate(&file, 50);
        let keys = KeyRing::open(&file).unwrap().keys(Duration::MAX).unwrap();
        let times: Vec<_> = keys.iter().map(|key| (key.created_ms, key.replaced_ms)).collect();
        assert_eq!(times, [(100, None), (100, Some(100))]);
    }

    #[test]
    fn processes_that_rotate_at_the_same_time_add_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("witness.keys");
        rotate(&file, 0);
        let is_due = |newest: Option<&RingKey>| newest.is_none_or(|key| key.created_ms < 100);
        let added = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| add_key(&file, || 100, is_due).unwrap()))
                .collect();
            threads
                .into_iter()
                .filter_map(|thread| thread.join().unwrap())
                .count()
        });
        assert_eq!(added, 1);
        assert_eq!(
            KeyRing::open(&file).unwrap().keys(Duration::MAX).unwrap().len(),
            2
        );
    }

    #[test]
    fn a_file_that_others_can_read_or_that_is_damaged_is_refused_without_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("witness.keys");
        let error = KeyRing::open(&file).err().unwrap().to_string();
        assert!(error.contains("keys rotate"), "{error}");
        rotate(&file, 1);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let error = KeyRing::open(&file).err().unwrap().to_string();
        assert!(error.contains("chmod 600"), "{error}");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let good = fs::read_to_string(&file).unwrap();
        for damaged in [
            "",
            "\n",
            &good[1..],
            &good.replace(':', ";"),
            &good.replace(":\n", ":5\n"),
        ] {
            fs::write(&file, damaged).unwrap();
            let error = KeyRing::open(&file).err().unwrap().to_string();
            assert!(!error.contains(&good[17..30]), "{error}");
        }
    }
}

//! The memory that this process may use: of the machine, and of the control group (cgroup) that a
//! container runs in.
//!
//! A container has less memory than its machine. If it uses more, the kernel kills a process. So a
//! proof that doesn't fit is refused before it starts.
//!
//! ```text
//!   /proc/self/cgroup --> cgroup of the process and its parents, version 2 or 1
//!                           |
//!                           +--> limit, usage, cache that the kernel can drop --> room of each
//!   /proc/meminfo -----------------------------------------------------------> room of the machine
//! ```

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use procfs::{Current, Meminfo};
use tokio::sync::Notify;

/// Where the cgroups are mounted.
const MOUNT: &str = "/sys/fs/cgroup";
/// Limits of version 1 that are larger mean that there is no limit.
const UNLIMITED: u64 = 1 << 60;

/// The files of a version of cgroups.
struct Files {
    limit: &'static str,
    usage: &'static str,
    /// The line of `memory.stat` with the page cache that the kernel can drop.
    inactive_cache: &'static str,
}

const VERSION_2: Files = Files {
    limit: "memory.max",
    usage: "memory.current",
    inactive_cache: "inactive_file",
};
const VERSION_1: Files = Files {
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    inactive_cache: "total_inactive_file",
};

/// A limit of memory and the part of it that is in use, in bytes. What the kernel can drop is not
/// in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// The largest number of bytes that may be in use.
    pub limit: u64,
    /// The part in use.
    pub used: u64,
}

impl Memory {
    /// Returns the bytes that are not in use.
    pub const fn available(self) -> u64 {
        self.limit.saturating_sub(self.used)
    }

    /// Returns the part in use, 0 to 100.
    #[allow(clippy::cast_precision_loss, reason = "rounding doesn't matter")]
    pub fn used_percent(self) -> f64 {
        (100.0 * self.used as f64 / self.limit.max(1) as f64).min(100.0)
    }
}

/// Returns the memory of the machine, and of each cgroup with a limit that contains this process.
///
/// A file that doesn't exist is no limit. It is an error if a file can't be read, for example
/// because the process has too many open files.
pub fn limits() -> io::Result<Vec<Memory>> {
    let process = read_if_exists(Path::new("/proc/self/cgroup"))?.unwrap_or_default();
    let mut limits = cgroups(Path::new(MOUNT), &process)?;
    let memory = Meminfo::current().map_err(io::Error::other)?;
    if let Some(available) = memory.mem_available {
        limits.push(Memory {
            limit: memory.mem_total,
            used: memory.mem_total.saturating_sub(available),
        });
    }
    Ok(limits)
}

/// Returns the number of bytes that every limit has left.
fn available() -> io::Result<u64> {
    let available = limits()?.into_iter().map(Memory::available);
    Ok(available.min().unwrap_or(u64::MAX))
}

/// Reads a file. Returns `None` if it doesn't exist.
fn read_if_exists(file: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(file) {
        Ok(content) => Ok(Some(content)),
        Err(error) if is_absent(error.kind()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns whether an error means that a file doesn't exist.
fn is_absent(error: io::ErrorKind) -> bool {
    matches!(error, io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Reserves memory for proofs. A proof that starts uses its memory only later, so the memory of
/// those that have started isn't visible in the limits yet. Cheap to clone.
#[derive(Clone)]
pub struct Reservations {
    state: Arc<State>,
    /// Reads the number of bytes that are left.
    available: fn() -> io::Result<u64>,
}

#[derive(Default)]
struct State {
    bytes: Mutex<Bytes>,
    released: Notify,
}

#[derive(Default)]
struct Bytes {
    reserved: u64,
    /// The bytes that were left when the limits could last be read.
    available: u64,
}

/// Reserved memory. Dropping it releases it.
pub struct Reservation {
    state: Arc<State>,
    bytes: u64,
}

impl Default for Reservations {
    fn default() -> Self {
        Self::new(available)
    }
}

impl Reservations {
    fn new(available: fn() -> io::Result<u64>) -> Self {
        Self {
            state: Arc::default(),
            available,
        }
    }

    /// Reserves memory. If there is too little of it, waits until other proofs have released
    /// theirs. `None` if there is too little without other proofs.
    ///
    /// The memory that running proofs use already counts twice, as used and as reserved. This only
    /// means that fewer proofs run at a time if memory is short.
    ///
    /// While the limits can't be read, their last values count. If they were never read, no proof
    /// starts.
    pub async fn reserve(&self, bytes: u64) -> Option<Reservation> {
        loop {
            // Created before the check, so that no release is missed.
            let released = self.state.released.notified();
            tokio::pin!(released);
            released.as_mut().enable();
            {
                let mut state = self.state.lock();
                match (self.available)() {
                    Ok(available) => state.available = available,
                    Err(error) => tracing::warn!(event = "memory_unreadable", %error),
                }
                if state.available >= state.reserved.saturating_add(bytes) {
                    state.reserved += bytes;
                    drop(state);
                    let state = self.state.clone();
                    return Some(Reservation { state, bytes });
                }
                if state.reserved == 0 {
                    return None;
                }
            }
            released.await;
        }
    }
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Bytes> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.state.lock().reserved -= self.bytes;
        self.state.released.notify_waiters();
    }
}

/// Reads the limits of a process's cgroups. `process` is the content of its `/proc/PID/cgroup`.
fn cgroups(mount: &Path, process: &str) -> io::Result<Vec<Memory>> {
    let mut limits = Vec::new();
    for line in process.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let (root, files) = if controllers.is_empty() {
            (mount.to_owned(), VERSION_2)
        } else if controllers.split(',').any(|name| name == "memory") {
            (mount.join("memory"), VERSION_1)
        } else {
            continue;
        };
        // In a container, the path may be that of the host, which isn't mounted. The mount is then
        // the container's own group.
        let mut group = root.join(path.trim_start_matches('/'));
        if !group.join(files.usage).exists() {
            group.clone_from(&root);
        }
        limits.extend(read_groups(&root, group, &files)?);
    }
    Ok(limits)
}

/// Reads the limits of a cgroup and of its parents.
fn read_groups(root: &Path, mut group: PathBuf, files: &Files) -> io::Result<Vec<Memory>> {
    let mut limits = Vec::new();
    while group.starts_with(root) {
        limits.extend(read_group(&group, files)?);
        if !group.pop() {
            break;
        }
    }
    Ok(limits)
}

/// Reads the limit of one cgroup. `None` if it has no limit.
fn read_group(group: &Path, files: &Files) -> io::Result<Option<Memory>> {
    let number = |file: &str| -> io::Result<Option<u64>> {
        let content = read_if_exists(&group.join(file))?;
        Ok(content.and_then(|content| content.trim().parse().ok()))
    };
    // Version 2 has the word `max` if there is no limit.
    let limit = number(files.limit)?.filter(|limit| *limit < UNLIMITED);
    let (Some(limit), Some(usage)) = (limit, number(files.usage)?) else {
        return Ok(None);
    };
    let statistics = read_if_exists(&group.join("memory.stat"))?.unwrap_or_default();
    let cache = statistics
        .lines()
        .filter_map(|line| line.split_once(' '))
        .find(|(name, _)| *name == files.inactive_cache)
        .and_then(|(_, value)| value.trim().parse::<u64>().ok());
    Ok(Some(Memory {
        limit,
        used: usage.saturating_sub(cache.unwrap_or_default()),
    }))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn write(folder: &Path, files: &[(&str, &str)]) {
        fs::create_dir_all(folder).unwrap();
        for (name, content) in files {
            fs::write(folder.join(name), content).unwrap();
        }
    }

    #[test]
    fn the_limits_of_a_group_of_version_2_and_of_its_parents_are_read_without_the_cache() {
        let mount = tempfile::tempdir().unwrap();
        let group = mount.path().join("system.slice/prover.service");
        write(
            &group,
            &[
                ("memory.max", "max\n"),
                ("memory.current", "70\n"),
                ("memory.stat", "anon 50\ninactive_file 20\n"),
            ],
        );
        write(
            group.parent().unwrap(),
            &[
                ("memory.max", "1000\n"),
                ("memory.current", "900\n"),
                ("memory.stat", "active_file 5\ninactive_file 100\n"),
            ],
        );
        let limits = cgroups(mount.path(), "0::/system.slice/prover.service\n").unwrap();
        let expected = Memory {
            limit: 1000,
            used: 800,
        };
        assert_eq!(limits, [expected]);
        assert_eq!(expected.available(), 200);
        assert!((expected.used_percent() - 80.0).abs() < 1e-9);
    }

    #[test]
    fn the_limit_of_version_1_is_read_and_a_missing_limit_is_no_limit() {
        let mount = tempfile::tempdir().unwrap();
        let root = mount.path().join("memory");
        write(
            &root,
            &[
                ("memory.limit_in_bytes", "9223372036854771712\n"),
                ("memory.usage_in_bytes", "5000\n"),
            ],
        );
        write(
            &root.join("docker/4711"),
            &[
                ("memory.limit_in_bytes", "2000\n"),
                ("memory.usage_in_bytes", "1500\n"),
                ("memory.stat", "inactive_file 1\ntotal_inactive_file 500\n"),
            ],
        );
        let process = "5:cpu,cpuacct:/docker/4711\n4:memory:/docker/4711\n";
        let expected = Memory {
            limit: 2000,
            used: 1000,
        };
        assert_eq!(cgroups(mount.path(), process).unwrap(), [expected]);
        assert_eq!(cgroups(mount.path(), "1:name=systemd:/\n").unwrap(), []);
    }

    #[test]
    fn in_a_container_whose_path_is_not_mounted_the_mount_is_the_group() {
        let mount = tempfile::tempdir().unwrap();
        write(
            mount.path(),
            &[("memory.max", "1000\n"), ("memory.current", "1\n")],
        );
        let expected = Memory { limit: 1000, used: 1 };
        assert_eq!(
            cgroups(mount.path(), "0::/../../docker/4711\n").unwrap(),
            [expected]
        );
        assert_eq!(cgroups(mount.path(), "0::/\n").unwrap(), [expected]);
    }

    #[test]
    fn a_group_that_uses_more_than_its_limit_has_no_room() {
        let memory = Memory { limit: 10, used: 12 };
        assert_eq!(memory.available(), 0);
        assert!((memory.used_percent() - 100.0).abs() < 1e-9);
        assert!((1..u64::MAX).contains(&available().unwrap()));
    }

    #[tokio::test]
    async fn proofs_that_start_together_do_not_use_the_same_room() {
        let reservations = Reservations::new(|| Ok(250));
        let first = reservations.reserve(100).await.unwrap();
        let second = reservations.reserve(100).await.unwrap();
        let mut third = Box::pin(reservations.reserve(100));
        assert!(futures_util::poll!(&mut third).is_pending());
        drop(first);
        let third = third.await.unwrap();
        drop((second, third));
        // Without other proofs there is nothing to wait for.
        assert!(reservations.reserve(251).await.is_none());
        assert!(reservations.reserve(250).await.is_some());
    }

    #[test]
    fn a_limit_that_can_not_be_read_is_an_error_and_not_an_absent_limit() {
        let mount = tempfile::tempdir().unwrap();
        write(mount.path(), &[("memory.current", "1\n")]);
        // A folder can't be read as a file.
        fs::create_dir(mount.path().join("memory.max")).unwrap();
        assert!(cgroups(mount.path(), "0::/\n").is_err());
    }

    #[tokio::test]
    async fn while_the_limits_can_not_be_read_their_last_values_count() {
        static READS: AtomicUsize = AtomicUsize::new(0);
        let unreadable = || Err(io::Error::other("too many open files"));
        assert!(Reservations::new(unreadable).reserve(1).await.is_none());
        let reservations = Reservations::new(|| match READS.fetch_add(1, Ordering::Relaxed) {
            0 => Ok(250),
            _ => Err(io::Error::other("too many open files")),
        });
        let first = reservations.reserve(100).await.unwrap();
        let second = reservations.reserve(150).await.unwrap();
        drop((first, second));
        assert!(reservations.reserve(251).await.is_none());
    }
}

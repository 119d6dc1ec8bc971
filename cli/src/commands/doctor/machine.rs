//! The machine: processors, memory, disk, and the folder of development keys.

use std::{env, fs, os::unix::fs::PermissionsExt, path::PathBuf, thread::available_parallelism};

use rustix::fs::statvfs;

use super::Finding::{self, Good, Notice, Problem};
use crate::solana_config::home;

/// The memory in bytes that a proof at depth 16 needs at most, with the key and the tree.
const MIN_MEMORY: u64 = 1 << 30;
/// The free bytes below which a key, a proof or the state of a bot may not fit.
const MIN_FREE: u64 = 64 << 20;
/// The free bytes below which the development keys of all circuits may not fit.
const LOW_FREE: u64 = 1 << 30;

/// Checks the kind of the machine, its processors and its memory.
pub fn machine() -> Finding {
    let processors = available_parallelism().map_or(1, usize::from);
    let kind = format!("{} on {}", env::consts::OS, env::consts::ARCH);
    let found = format!("{kind}, {processors} processors");
    let Some(memory) = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| available_memory(&text))
    else {
        return Good(format!("{found}, available memory unknown"));
    };
    let found = format!("{found}, {} MiB of memory available", memory >> 20);
    if memory < MIN_MEMORY {
        return Notice(
            found,
            "close other programs before you make proofs: they need up to 1 GiB",
        );
    }
    Good(found)
}

/// Reads the line of `/proc/meminfo` with the available memory. Returns bytes.
fn available_memory(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}

/// Checks the free space of the working folder and of the folder of keys.
pub fn disk() -> Finding {
    let folders = [Some(PathBuf::from(".")), keys_folder()];
    let mut found = Vec::new();
    let mut least = u64::MAX;
    for folder in folders.into_iter().flatten() {
        // The folder of keys may not exist yet. Then it will be in the first folder above that does.
        let Some(existing) = folder.ancestors().find(|folder| folder.is_dir()) else {
            continue;
        };
        match statvfs(existing) {
            Ok(space) => {
                let free = space.f_bavail.saturating_mul(space.f_frsize);
                least = least.min(free);
                found.push(format!("{} MiB free in {}", free >> 20, folder.display()));
            }
            Err(error) => {
                return Problem(
                    format!("{}: {error}", existing.display()),
                    "check the file system",
                );
            }
        }
    }
    let found = found.join(", ");
    match least {
        ..MIN_FREE => Problem(found, "free some space: files may not be written completely"),
        MIN_FREE..LOW_FREE => Notice(found, "free some space before you make many keys"),
        _ => Good(found),
    }
}

/// Checks that nobody else can replace the development keys of this machine.
pub fn keys() -> Finding {
    let Some(folder) = keys_folder() else {
        return Notice("no folder for development keys".into(), "set HOME");
    };
    let shown = folder.display();
    let Ok(state) = fs::metadata(&folder) else {
        return Good(format!("no development keys yet in {shown}"));
    };
    if state.permissions().mode() & 0o022 != 0 {
        return Problem(
            format!("other users can replace the keys in {shown}"),
            "run chmod go-w on the folder",
        );
    }
    let files = fs::read_dir(&folder).map_or(0, |files| files.flatten().count());
    Good(format!("{files} files of development keys in {shown}"))
}

fn keys_folder() -> Option<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.filter(|cache| cache.is_absolute());
    Some(cache.or_else(|| Some(home()?.join(".cache")))?.join("bauta/keys"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_available_memory_is_read_in_bytes() {
        let text = "MemTotal:       24566872 kB\nMemFree: 1 kB\nMemAvailable:   2048 kB\n";
        assert_eq!(available_memory(text), Some(2 << 20));
        for other in ["", "MemAvailable: x kB", "MemAvailable: 5"] {
            assert_eq!(available_memory(other), None);
        }
    }
}

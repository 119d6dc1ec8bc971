//! Finds the servers' programs.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::Error;

/// Debian installs Postgres by version, outside `PATH`: for example in
/// `/usr/lib/postgresql/15/bin`.
const POSTGRES_VERSIONS: &str = "/usr/lib/postgresql";

/// The Postgres server.
pub const POSTGRES: Program = Program {
    name: "postgres",
    package: "postgresql",
};
/// The Redis server.
pub const REDIS: Program = Program {
    name: "redis-server",
    package: "redis-server",
};

/// A program and the Debian package that contains it.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// The program's file name.
    pub name: &'static str,
    /// The name of the Debian package.
    pub package: &'static str,
}

impl Program {
    /// Returns the program's path. Searches `PATH`, and then Debian's folders of Postgres, newest
    /// version first.
    pub fn find(&self) -> Result<PathBuf, Error> {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path)
            .chain(postgres_folders())
            .map(|folder| folder.join(self.name))
            .find(|file| file.is_file())
            .ok_or(Error::NotInstalled {
                program: self.name,
                package: self.package,
            })
    }
}

/// Returns Debian's folders of Postgres programs, newest version first.
fn postgres_folders() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(POSTGRES_VERSIONS) else {
        return Vec::new();
    };
    let mut versions: Vec<u32> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions
        .iter()
        .map(|version| Path::new(POSTGRES_VERSIONS).join(version.to_string()).join("bin"))
        .collect()
}

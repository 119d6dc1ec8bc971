//! The names of the processes of a deployment in its database.

use rustix::system::uname;

/// Bytes of the name of the machine that are used. Postgres cuts the whole name at 63 bytes.
const MAX_HOST_BYTES: usize = 32;

/// What a process of a deployment does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Process {
    /// Serves the API.
    Api,
    /// Follows the chain, or waits to do so.
    Indexer,
    /// Serves requests for proofs, and runs no jobs.
    Prover,
    /// Runs the jobs of the queue.
    Worker,
}

impl Process {
    /// Every kind of process.
    pub const ALL: [Self; 4] = [Self::Api, Self::Indexer, Self::Prover, Self::Worker];

    /// Returns the name of the kind.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "bauta-api",
            Self::Indexer => "bauta-indexer",
            Self::Prover => "prover-service",
            Self::Worker => "prover-worker",
        }
    }

    /// Returns the name of this process in the database, `KIND/HOST-PID`. Processes of one machine
    /// have different numbers, and containers have different names of their machine.
    #[must_use]
    pub fn instance_name(self) -> String {
        let system = uname();
        let host: String = system
            .nodename()
            .to_string_lossy()
            .chars()
            .filter(|letter| letter.is_ascii_alphanumeric() || ".-_".contains(*letter))
            .take(MAX_HOST_BYTES)
            .collect();
        format!("{}/{host}-{}", self.as_str(), std::process::id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_has_the_kind_and_the_process_and_fits_into_postgres() {
        for process in Process::ALL {
            let name = process.instance_name();
            assert!(name.starts_with(&format!("{}/", process.as_str())), "{name}");
            assert!(name.ends_with(&format!("-{}", std::process::id())), "{name}");
            assert!(name.len() <= 63 && name.matches('/').count() == 1, "{name}");
        }
    }
}

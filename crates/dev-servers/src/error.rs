use std::{io, time::Duration};

/// The reason why a server could not be started, or has ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program is not installed.
    #[error("{program} not found; install it with: apt-get install {package}")]
    NotInstalled {
        /// The program's name.
        program: &'static str,
        /// The Debian package that contains the program.
        package: &'static str,
    },
    /// The program of the local node is not in the target directory.
    #[error("the local node is not built; build it with: cargo xtask localnet")]
    NotBuilt,
    /// Agave's test validator is not on `PATH`.
    #[error("solana-test-validator is not on PATH; install Agave's command line tools")]
    NoValidator,
    /// A system call or a command failed.
    #[error("cannot {action}: {source}")]
    System {
        /// What was attempted.
        action: &'static str,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The port is in use or may not be used.
    #[error("cannot use port {port} for {program}: {reason}")]
    Port {
        /// The program's name.
        program: &'static str,
        /// The port. 0 means any free port.
        port: u16,
        /// The error of the operating system.
        reason: io::Error,
    },
    /// The server ended by itself.
    #[error("{program} has ended:\n{log}")]
    Exited {
        /// The program's name.
        program: &'static str,
        /// The server's output.
        log: String,
    },
    /// The server was not ready in time.
    #[error("{program} is not ready after {limit:?}:\n{log}")]
    Timeout {
        /// The program's name.
        program: &'static str,
        /// The time limit.
        limit: Duration,
        /// The server's output.
        log: String,
    },
}

impl Error {
    /// Creates [`Self::System`] from an I/O error, for `map_err`.
    pub(crate) fn system(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { action, source }
    }
}

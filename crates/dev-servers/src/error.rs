use std::{io, time::Duration};

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program is not on this machine.
    #[error("{program} not found; install with: apt-get install {package}")]
    Missing {
        /// The program's name.
        program: &'static str,
        /// Debian's package that brings it.
        package: &'static str,
    },
    /// The local node is a workspace of its own, and nobody has built it yet.
    #[error("the local node isn't built; build it with: cargo xtask localnet")]
    NotBuilt,
    /// Agave's validator for tests is not on PATH.
    #[error("solana-test-validator is not on PATH; it comes with Agave's tools")]
    NoValidator,
    /// The operating system refused something.
    #[error("can't {action}: {source}")]
    System {
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The port is taken, or not ours to take.
    #[error("can't take port {port} for {program}: {reason}")]
    Port {
        /// The program's name.
        program: &'static str,
        /// The port; 0 means any.
        port: u16,
        /// What the system said.
        reason: io::Error,
    },
    /// The server ended by itself.
    #[error("{program} has ended:\n{log}")]
    Ended {
        /// The program's name.
        program: &'static str,
        /// What it wrote.
        log: String,
    },
    /// The server did not answer.
    #[error("{program} doesn't answer after {waited:?}:\n{log}")]
    Late {
        /// The program's name.
        program: &'static str,
        /// How long it was given.
        waited: Duration,
        /// What it wrote.
        log: String,
    },
}

impl Error {
    /// For `map_err`: a refusal of the operating system.
    pub(crate) fn system(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { action, source }
    }
}

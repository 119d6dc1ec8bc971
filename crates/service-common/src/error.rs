use std::{fmt::Display, io, net::SocketAddr, path::PathBuf, process::ExitCode};

/// Why a service can't start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The configuration file can't be read.
    #[error("can't read the configuration file {}: {error}", file.display())]
    ReadFile {
        /// The file.
        file: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The configuration file isn't TOML.
    #[error("the configuration file {} isn't TOML: line {line}: {rule}", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the syntax wants there.
        rule: String,
    },
    /// A key of the configuration file is unknown or breaks its rule.
    #[error("the configuration file {} is refused: {key}: {rule}", file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// The key, with its tables: `http.max_body_bytes`.
        key: String,
        /// What is wrong with it.
        rule: String,
    },
    /// An environment variable breaks its key's rule, a key without default is missing, or keys contradict each other.
    #[error("the configuration is refused: {0}; --print-config lists every key with its rule")]
    Configuration(String),
    /// Logs can't be written as configured.
    #[error("logs can't be set up: {0}")]
    Telemetry(String),
    /// A port can't be opened.
    #[error("can't listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
    },
    /// The operating system doesn't let the process wait for signals.
    #[error("can't wait for signals: {0}")]
    Signals(io::Error),
    /// A task without which the service is of no use ended.
    #[error("{task} failed: {reason}")]
    Task {
        /// The task's name.
        task: &'static str,
        /// Why.
        reason: String,
    },
    /// Work was still going on when the time for shutting down was over.
    #[error("{tasks} tasks or connections were still at work {seconds} s after the signal and were cut off")]
    CutOff {
        /// How many.
        tasks: usize,
        /// The time they had.
        seconds: u64,
    },
}

/// What a service's `main` returns: the error, if there is one, goes to standard error in words.
pub fn exit_code<E: Display>(outcome: Result<(), E>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

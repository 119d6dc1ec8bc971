use std::{fmt::Display, io, net::SocketAddr, path::PathBuf, process::ExitCode};

/// Why a service can't start, or why it stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The configuration file can't be read.
    #[error("can't read the configuration file {}: {error}", file.display())]
    ReadFile {
        /// The path of the file.
        file: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The configuration file isn't valid TOML.
    #[error("the configuration file {} isn't TOML: line {line}: {rule}", file.display())]
    Syntax {
        /// The path of the file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The syntax rule that the line breaks.
        rule: String,
    },
    /// A key of the configuration file is unknown or breaks its rule.
    #[error("the configuration file {} is invalid: {key}: {rule}", file.display())]
    Key {
        /// The path of the file.
        file: PathBuf,
        /// The key with its tables, for example `http.max_body_bytes`.
        key: String,
        /// The rule that the key breaks.
        rule: String,
    },
    /// An environment variable breaks its rule, a key without a default is missing, or two keys
    /// contradict each other.
    #[error("the configuration is invalid: {0}; --print-config lists every key with its rule")]
    Configuration(String),
    /// Logs or spans can't be written as configured.
    #[error("can't set up logs: {0}")]
    Telemetry(String),
    /// A port can't be opened.
    #[error("can't listen on {address}: {error}")]
    Listen {
        /// The IP address and the port.
        address: SocketAddr,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The process may have too few open files for connections of clients.
    #[error(
        "this process may have only {open_files} open files, and needs {needed} before it accepts connections: raise the \
         limit to at least {needed} plus MAX_CONNECTIONS (`ulimit -n`, LimitNOFILE= in systemd, ulimits.nofile in Compose)"
    )]
    OpenFiles {
        /// The limit of open files (`RLIMIT_NOFILE`).
        open_files: usize,
        /// The number of open files that are not for connections of clients.
        needed: usize,
    },
    /// The process can't install its signal handlers.
    #[error("can't wait for signals: {0}")]
    Signals(io::Error),
    /// A task that the service can't work without failed.
    #[error("{task} failed: {reason}")]
    Task {
        /// The task's name.
        task: &'static str,
        /// The task's error.
        reason: String,
    },
    /// Tasks or connections were still running when the shutdown timeout ended.
    #[error("{tasks} tasks or connections were still running {seconds} s after the signal and were aborted")]
    ShutdownTimeout {
        /// Number of aborted tasks and connections.
        tasks: usize,
        /// The shutdown timeout in seconds.
        seconds: u64,
    },
}

/// Converts the result of a service into the exit code of `main`. Prints the error, if there is
/// one, to standard error.
pub fn exit_code<E: Display>(outcome: Result<(), E>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

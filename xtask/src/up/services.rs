//! The project's services, in the order in which they start. To add one: add its entry.

use std::{path::PathBuf, process::Command};

use anyhow::Result;

use crate::workspace;

/// A service.
pub struct Listed {
    /// Its name on the screen.
    pub name: &'static str,
    /// The package, and the program, that it is.
    pub package: &'static str,
    /// Where it answers `GET /health`, `/ready` and `/metrics`.
    pub port: u16,
}

/// All services that exist.
pub const SERVICES: &[Listed] = &[Listed {
    name: "indexer",
    package: "bauta-indexer",
    port: 9091,
}];

impl Listed {
    /// Builds it; the command that runs it with these variables.
    pub fn command(&self, environment: &[(&'static str, String)]) -> Result<Command> {
        workspace::run(workspace::cargo()?.args([
            "build",
            "--quiet",
            "--locked",
            "--package",
            self.package,
        ]))?;
        let program: PathBuf = workspace::target()?.join("debug").join(self.package);
        let mut command = Command::new(program);
        command
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env("METRICS_HOST", "127.0.0.1")
            .env("METRICS_PORT", self.port.to_string());
        Ok(command)
    }
}

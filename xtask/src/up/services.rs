//! The project's services, in the order in which they start. To add one: add its entry.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use crate::workspace;

/// A service.
pub struct Listed {
    /// Its name on the screen.
    pub name: &'static str,
    /// Its program.
    pub program: &'static str,
    /// Where it answers `GET /health`, `/ready` and `/metrics`.
    pub port: u16,
}

/// All services that exist.
pub const SERVICES: &[Listed] = &[Listed {
    name: "indexer",
    program: "bauta-indexer",
    port: 9091,
}];

impl Listed {
    /// Where it is built.
    pub fn file(&self) -> Result<PathBuf> {
        Ok(workspace::target()?.join("debug").join(self.program))
    }

    /// Runs it with these variables.
    pub fn command(program: &Path, environment: &[(&'static str, String)], port: u16) -> Command {
        let mut command = Command::new(program);
        command
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env("METRICS_HOST", "127.0.0.1")
            .env("METRICS_PORT", port.to_string());
        command
    }
}

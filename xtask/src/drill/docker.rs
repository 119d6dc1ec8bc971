//! Commands of the container engine.

use std::{process::Command, time::Duration};

use anyhow::Result;

use crate::workspace;

/// Time limit for each step of a drill. A key's tables are computed on a machine that may be busy.
pub const TIMEOUT: Duration = Duration::from_mins(3);

/// Returns a command of the engine's client. It builds images with `BuildKit`.
pub fn docker() -> Command {
    let mut command = Command::new("docker");
    command.env("DOCKER_BUILDKIT", "1");
    command
}

/// Returns a property of an image or a container, selected by a Go template.
pub fn inspect(name: &str, template: &str) -> Result<String> {
    let text = workspace::output(docker().args(["inspect", "--format", template, name]))?;
    Ok(text.trim().to_owned())
}

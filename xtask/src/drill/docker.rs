//! Commands of the container engine.

use std::process::Command;

use anyhow::Result;

use crate::workspace;

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

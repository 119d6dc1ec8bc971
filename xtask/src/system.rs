//! System packages that a task needs: installed where that is allowed, named where it isn't.

use std::process::Command;

use anyhow::{Result, bail};

use crate::workspace::{on_path, output, run};

/// A program that has to be on PATH, and the Debian package that brings it.
pub struct Tool {
    /// The program's name.
    pub program: &'static str,
    /// Debian's package.
    pub package: &'static str,
}

/// A C compiler, which build scripts of dependencies call.
pub const CC: Tool = Tool {
    program: "cc",
    package: "build-essential",
};
/// Node.js, for the ecosystem's own tools that tests compare with.
pub const NODE: Tool = Tool {
    program: "node",
    package: "nodejs",
};
/// npm, which installs them.
pub const NPM: Tool = Tool {
    program: "npm",
    package: "npm",
};

/// Makes sure that the tools are there: installs what is missing when root on a Debian system, else names the command.
pub fn require(tools: &[Tool]) -> Result<()> {
    let missing: Vec<&Tool> = tools
        .iter()
        .filter(|tool| on_path(tool.program).is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    let root = output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !root || on_path("apt-get").is_none() {
        let programs: Vec<&str> = missing.iter().map(|tool| tool.program).collect();
        bail!(
            "{} not found; install with: apt-get install {}",
            programs.join(", "),
            packages.join(" ")
        );
    }
    eprintln!("installing {}", packages.join(", "));
    run(Command::new("apt-get").args(["update", "--quiet"]))?;
    run(Command::new("apt-get")
        .args(["install", "--yes", "--quiet"])
        .args(&packages))
}

//! System packages that a task needs: installed where that is allowed, named where it isn't.

use std::process::Command;

use anyhow::{Result, bail};

use crate::workspace::{on_path, output, run};

/// Something that has to be installed, and the Debian package that brings it.
pub struct Tool {
    /// The program's or library's name.
    pub name: &'static str,
    /// Debian's package.
    pub package: &'static str,
    /// Whether it is there, given its name.
    pub found: fn(&str) -> bool,
}

/// What a build of the workspace needs.
pub const BUILD: [Tool; 3] = [CC, PKG_CONFIG, OPENSSL];

/// A C compiler, which build scripts of dependencies call.
pub const CC: Tool = Tool {
    name: "cc",
    package: "build-essential",
    found: is_on_path,
};
/// Node.js, for the ecosystem's own tools that tests compare with.
pub const NODE: Tool = Tool {
    name: "node",
    package: "nodejs",
    found: is_on_path,
};
/// npm, which installs them.
pub const NPM: Tool = Tool {
    name: "npm",
    package: "npm",
    found: is_on_path,
};
/// Finds C libraries.
pub const PKG_CONFIG: Tool = Tool {
    name: "pkg-config",
    package: "pkg-config",
    found: is_on_path,
};
/// OpenSSL's headers, for the local node.
pub const OPENSSL: Tool = Tool {
    name: "openssl",
    package: "libssl-dev",
    found: is_library,
};
/// The Postgres server.
pub const POSTGRES: Tool = Tool {
    name: bauta_dev_servers::POSTGRES.name,
    package: bauta_dev_servers::POSTGRES.package,
    found: |_| bauta_dev_servers::POSTGRES.find().is_ok(),
};
/// The Redis server.
pub const REDIS: Tool = Tool {
    name: bauta_dev_servers::REDIS.name,
    package: bauta_dev_servers::REDIS.package,
    found: |_| bauta_dev_servers::REDIS.find().is_ok(),
};
/// Prometheus's own checker of rules.
pub const PROMTOOL: Tool = Tool {
    name: "promtool",
    package: "prometheus",
    found: is_on_path,
};

/// The Prometheus server.
pub const PROMETHEUS: Tool = Tool {
    name: "prometheus",
    package: "prometheus",
    found: is_on_path,
};
/// Python's virtual environments, into which tests install schemathesis.
pub const PYTHON_VENV: Tool = Tool {
    name: "python3 with venv",
    package: "python3-venv",
    found: |_| output(Command::new("python3").args(["-c", "import ensurepip, venv"])).is_ok(),
};

fn is_on_path(program: &str) -> bool {
    on_path(program).is_some()
}

fn is_library(name: &str) -> bool {
    output(Command::new("pkg-config").args(["--exists", name])).is_ok()
}

/// Makes sure that the tools are there: installs what is missing when root on a Debian system, else names the command.
pub fn require(tools: &[Tool]) -> Result<()> {
    let missing: Vec<&Tool> = tools.iter().filter(|tool| !(tool.found)(tool.name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    let root = output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !root || on_path("apt-get").is_none() {
        let names: Vec<&str> = missing.iter().map(|tool| tool.name).collect();
        bail!(
            "{} not found; install with: apt-get install {}",
            names.join(", "),
            packages.join(" ")
        );
    }
    eprintln!("installing {}", packages.join(", "));
    run(Command::new("apt-get").args(["update", "--quiet"]))?;
    run(Command::new("apt-get")
        .args(["install", "--yes", "--quiet"])
        .args(&packages))
}

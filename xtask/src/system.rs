//! System packages that tasks need. A missing package is installed if possible. Otherwise the error
//! contains the command that installs it.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::workspace::{on_path, output, run};

/// A program or a library that must be installed, with its Debian package.
pub struct Tool {
    /// The name of the program or the library.
    pub name: &'static str,
    /// The Debian package that contains it.
    pub package: &'static str,
    /// Returns whether the tool of this name is installed.
    pub found: fn(&str) -> bool,
}

/// The tools that a build of the workspace needs.
pub const BUILD: [Tool; 3] = [CC, PKG_CONFIG, OPENSSL];

/// The C compiler, which build scripts of dependencies run.
pub const CC: Tool = Tool {
    name: "cc",
    package: "build-essential",
    found: is_on_path,
};
/// The browser in which tests open web pages.
pub const CHROMIUM: Tool = Tool {
    name: "chromium",
    package: "chromium",
    found: is_on_path,
};
/// Node.js. Tests and benchmarks run snarkjs and Anchor's TypeScript client with it.
pub const NODE: Tool = Tool {
    name: "node",
    package: "nodejs",
    found: is_on_path,
};
/// npm, which installs the packages for Node.js.
pub const NPM: Tool = Tool {
    name: "npm",
    package: "npm",
    found: is_on_path,
};
/// pkg-config, which finds C libraries.
pub const PKG_CONFIG: Tool = Tool {
    name: "pkg-config",
    package: "pkg-config",
    found: is_on_path,
};
/// OpenSSL's headers, which the local node is built with.
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
/// The connection pooler. Debian installs it outside the PATH of users.
pub const PGBOUNCER: Tool = Tool {
    name: "pgbouncer",
    package: "pgbouncer",
    found: |name| Path::new("/usr/sbin").join(name).is_file(),
};
/// The web server, with which the benchmark of the API service compares the service.
pub const NGINX: Tool = Tool {
    name: "nginx",
    package: "nginx-light",
    found: is_on_path,
};
/// The program that checks and tests Prometheus's rules.
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
/// Python with virtual environments. Tests install schemathesis into one.
pub const PYTHON_VENV: Tool = Tool {
    name: "python3 with venv",
    package: "python3-venv",
    found: |_| output(Command::new("python3").args(["-c", "import ensurepip, venv"])).is_ok(),
};

/// The program that gives a command a terminal. Tests answer a question with it.
pub const SCRIPT: Tool = Tool {
    name: "script",
    package: "bsdutils",
    found: is_on_path,
};

fn is_on_path(program: &str) -> bool {
    on_path(program).is_some()
}

fn is_library(name: &str) -> bool {
    output(Command::new("pkg-config").args(["--exists", name])).is_ok()
}

/// Installs the tools that are missing, if this process is root on a Debian system. Otherwise
/// returns an error with the command that installs them.
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
            "{} not found; install the packages as root: apt-get install {}",
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

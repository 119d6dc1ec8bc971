//! Builds images that replace those that can't be pulled. They are made from Debian's packages and
//! deploy/standins.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};

use super::docker::docker;
use crate::{
    system::{self, Tool},
    workspace,
};

const DEBOOTSTRAP: Tool = Tool {
    name: "debootstrap",
    package: "debootstrap",
    found: |name| workspace::on_path(name).is_some() || Path::new("/usr/sbin").join(name).is_file(),
};

/// Builds all stand-in images, under the names that the Dockerfile and the compose file use. The
/// container engine reuses the layers that it has built before.
pub fn build(root: &Path) -> Result<()> {
    system::require(&[DEBOOTSTRAP, system::PROMETHEUS, system::NODE, system::NPM])?;
    let base = "debian:bookworm-slim";
    if workspace::output(docker().args(["image", "inspect", base])).is_err() {
        debian(base)?;
    }
    let folder = tempfile::tempdir()?;
    let standins = folder.path().join("standins");
    copy(&root.join("deploy/standins"), &standins)?;
    let prometheus = workspace::on_path("prometheus").context("prometheus is not on PATH")?;
    fs::copy(prometheus, standins.join("prometheus/prometheus"))?;
    let rust = standins.join("rust");
    let toolchain = workspace::output(Command::new("rustc").args(["--print", "sysroot"]))?;
    for part in ["bin", "lib"] {
        copy(
            &Path::new(toolchain.trim()).join(part),
            &rust.join("toolchain").join(part),
        )?;
    }
    fs::copy(
        "/etc/ssl/certs/ca-certificates.crt",
        rust.join("certificates.crt"),
    )?;
    node(&standins.join("node"))?;
    for (folder, name) in [
        ("node", "node:20-bookworm-slim"),
        ("rust", "rust:1.95.0-slim-bookworm"),
        ("postgres", "postgres:15-bookworm"),
        ("redis", "redis:7.2-bookworm"),
        ("prometheus", "prom/prometheus:v3.5.0"),
    ] {
        workspace::run(
            docker()
                .args(["build", "--quiet", "--tag", name])
                .arg(standins.join(folder)),
        )?;
    }
    Ok(())
}

/// Copies node and npm of this machine, and where npm gets packages from.
fn node(folder: &Path) -> Result<()> {
    let node = workspace::on_path("node").context("node is not on PATH")?;
    fs::copy(node, folder.join("node"))?;
    let modules = workspace::output(Command::new("npm").args(["root", "--global"]))?;
    copy(&Path::new(modules.trim()).join("npm"), &folder.join("npm"))?;
    let registry = workspace::output(Command::new("npm").args(["config", "get", "registry"]))?;
    fs::write(folder.join("npmrc"), format!("registry={}\n", registry.trim()))?;
    fs::copy(
        "/etc/ssl/certs/ca-certificates.crt",
        folder.join("certificates.crt"),
    )?;
    Ok(())
}

/// Imports Debian's smallest system as an image of one layer.
fn debian(name: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let system = folder.path().join("system");
    workspace::run(
        Command::new("debootstrap")
            .args(["--variant=minbase", "bookworm"])
            .arg(&system),
    )?;
    let archive = folder.path().join("system.tar");
    workspace::run(
        Command::new("tar")
            .args([
                "--exclude=./var/cache/apt/archives/*.deb",
                "--exclude=./var/lib/apt/lists/*",
            ])
            .arg("--create")
            .arg("--directory")
            .arg(&system)
            .arg("--file")
            .arg(&archive)
            .arg("."),
    )?;
    workspace::run(docker().arg("import").arg(&archive).arg(name))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    workspace::run(Command::new("cp").arg("--archive").args([from, to]))
}

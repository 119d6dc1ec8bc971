//! The demo page of `web/demo`.
//!
//! ```text
//!   web/demo, sdk --Vite--> site --> `bauta-demo web`, which prepares the chain and serves the site
//! ```

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use bauta_dev_servers::Service;
use sha2::{Digest, Sha256};

use super::{ClientLimits, NodeSettings, Ports, ServerSource, Stack, StackSettings, stack::with_hint};
use crate::{system, workspace};

/// The file in `node_modules` that names the lock file which was installed.
const INSTALLED: &str = "node_modules/.bauta-installed";

/// The server of the demo page. Dropping the value stops it.
pub struct Web {
    service: Service,
}

impl Web {
    /// Builds the page and starts its server. If `port` is 0, a free port is chosen.
    pub fn start(stack: &Stack, port: u16) -> Result<Self> {
        system::require(&[system::CC, system::NODE, system::NPM])?;
        let site = build_site()?;
        workspace::build(&["bauta-demo"])?;
        let program = workspace::target()?.join("debug/bauta-demo");
        let service = Service::start("bauta-demo", port, |port| {
            let mut command = Command::new(program);
            command
                .arg("web")
                .envs(stack.environment())
                .env("BAUTA_WEB_SITE", site)
                .env("PORT", port.to_string());
            command
        });
        Ok(Self {
            service: service.map_err(with_hint)?,
        })
    }

    /// Returns the URL of the page. Passkeys need the name of a host, and no IP address.
    pub fn url(&self) -> String {
        self.service.url().replace("127.0.0.1", "localhost")
    }
}

/// Runs an npm script of the page, with a page and all servers of its own on free ports.
pub fn run_script(arguments: &[&str]) -> Result<()> {
    system::require(&[system::CHROMIUM])?;
    let stack = Stack::start(&StackSettings {
        database: Some(ServerSource::Private(0)),
        redis: Some(ServerSource::Private(0)),
        node: NodeSettings::Localnet {
            port: 0,
            ledger: None,
        },
        services: Some(Ports::Free),
        client_limits: ClientLimits::Off,
    })?;
    let web = Web::start(&stack, 0)?;
    let mut npm = Command::new("npm");
    npm.arg("run")
        .args(arguments)
        .current_dir(folder()?)
        .env("BAUTA_WEB_URL", web.url());
    workspace::run(&mut npm)
}

/// Starts the page and prints its URL, or why there is none. The other servers don't need it.
pub fn serve(stack: &Stack, port: u16) -> Option<Web> {
    eprintln!("Building the demo page. The servers above can be used.");
    match Web::start(stack, port) {
        Ok(web) => {
            println!("demo page    {}", web.url());
            Some(web)
        }
        Err(error) => {
            eprintln!("There is no demo page: {error:#}");
            None
        }
    }
}

/// Returns the folder of the page's sources.
fn folder() -> Result<PathBuf> {
    Ok(workspace::root()?.join("web/demo"))
}

/// Builds the page. Returns the folder with its files.
fn build_site() -> Result<PathBuf> {
    let folder = folder()?;
    install(&folder)?;
    workspace::output(
        Command::new("npm")
            .args(["run", "build", "--silent"])
            .current_dir(&folder),
    )?;
    Ok(folder.join("dist"))
}

/// Installs the locked versions of the npm packages, unless they are installed.
fn install(folder: &Path) -> Result<()> {
    let lock =
        fs::read(folder.join("package-lock.json")).context("can't read package-lock.json of web/demo")?;
    let digest = hex::encode(Sha256::digest(lock));
    let installed = folder.join(INSTALLED);
    if fs::read_to_string(&installed).is_ok_and(|found| found == digest) {
        return Ok(());
    }
    workspace::output(
        Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund"])
            .current_dir(folder),
    )?;
    fs::write(&installed, digest).with_context(|| format!("can't write {}", installed.display()))
}

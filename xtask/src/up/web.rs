//! The pages of `web/`: the demo, and the dashboard.
//!
//! ```text
//!   web/demo, sdk --Vite--> site --> `bauta-demo web`, which prepares the chain and serves the site
//!   web/dashboard --Vite--> dist --> the API, which serves it
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

/// The folder of the demo page.
const DEMO: &str = "web/demo";
/// The folder of the dashboard.
const DASHBOARD: &str = "web/dashboard";
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
        let site = build_site(DEMO)?;
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

/// Runs an npm script of the demo page, with a page and all servers of its own on free ports.
pub fn run_script(arguments: &[&str]) -> Result<()> {
    let (stack, web) = start_all()?;
    workspace::run(&mut npm_run(DEMO, arguments, &stack, &web)?)
}

/// Runs an npm script in the folder of the demo page, and then in that of the dashboard, which
/// shows what the visits of the demo page have done.
pub fn run_in_both(arguments: &[&str]) -> Result<()> {
    system::require(&[system::NODE, system::NPM])?;
    // The API reads the files at its start.
    build_site(DASHBOARD)?;
    let (stack, web) = start_all()?;
    workspace::run(&mut npm_run(DEMO, arguments, &stack, &web)?)?;
    workspace::run(&mut npm_run(DASHBOARD, arguments, &stack, &web)?)
}

/// Starts all servers on free ports.
fn start_all() -> Result<(Stack, Web)> {
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
    Ok((stack, web))
}

/// Returns the command that runs an npm script with the addresses of the servers.
fn npm_run(folder: &str, arguments: &[&str], stack: &Stack, web: &Web) -> Result<Command> {
    let mut npm = Command::new("npm");
    npm.arg("run")
        .args(arguments)
        .current_dir(workspace::root()?.join(folder))
        .envs(stack.environment())
        .env("BAUTA_WEB_URL", web.url());
    Ok(npm)
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

/// Builds a page. Returns the folder with its files.
fn build_site(folder: &str) -> Result<PathBuf> {
    let folder = workspace::root()?.join(folder);
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
    let lock = folder.join("package-lock.json");
    let lock = fs::read(&lock).with_context(|| format!("can't read {}", lock.display()))?;
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

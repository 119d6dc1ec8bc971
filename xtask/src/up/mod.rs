//! `cargo xtask up`: starts everything that a developer needs, on this machine, offline.
//!
//! ```text
//!   Postgres, Redis (crates/dev-servers) ──────────────────────┐
//!   tools/localnet + the program's ELF ──> `bauta initialize` ─┴──> services
//!     ──> print the URLs, or run a command with the URLs in its environment
//! ```
//!
//! Each server ends when its pipe from this process closes, so no server remains, however this
//! process ends. The variables `DATABASE_URL`, `REDIS_URL` and `SOLANA_RPC_URL` select existing
//! servers, which are then used instead.

mod node;
mod services;
mod stack;
mod web;
mod web_keys;

use std::{
    env, fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    time::Duration,
};

use anyhow::{Context, Result};

pub use self::{
    node::NodeSettings,
    stack::{ClientLimits, Ports, ServerSource, Stack, StackSettings},
    web::{run_in_both as run_in_web_pages, run_script as run_web_script},
};
use crate::workspace;

/// How often the servers are checked.
const INTERVAL: Duration = Duration::from_millis(500);
/// The port of the private Postgres.
const POSTGRES_PORT: u16 = 55432;
/// The port of the private Redis.
const REDIS_PORT: u16 = 56379;
/// The port of the demo page.
const WEB_PORT: u16 = 8081;

/// Arguments of `cargo xtask up`.
#[derive(clap::Args)]
pub struct Args {
    /// Port of JSON-RPC. The websocket uses the next port
    #[arg(long, default_value_t = 8899)]
    port: u16,
    /// Use free ports instead of the fixed ones
    #[arg(long, conflicts_with = "port")]
    free_ports: bool,
    /// Store the chain in this file, and continue the chain that it contains [default: a new chain]
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
    /// Run the solana-test-validator on PATH instead of tools/localnet
    #[arg(long, conflicts_with = "ledger")]
    test_validator: bool,
    /// Use the node with this JSON-RPC URL. The program must be deployed there, upgradeable by the
    /// address that `up` prints [default: the variable `SOLANA_RPC_URL`, if it is set]
    #[arg(long, value_name = "URL", conflicts_with_all = ["port", "free_ports", "ledger", "test_validator"])]
    url: Option<String>,
    /// The websocket of that node [default: the URL with the next port]
    #[arg(long, value_name = "URL", requires = "url")]
    ws_url: Option<String>,
    /// Don't build and serve the demo page
    #[arg(long)]
    no_web: bool,
    /// What a client may send to the services
    #[arg(long, value_enum, default_value_t = ClientLimits::Off)]
    client_limits: ClientLimits,
    /// Run this command with the URLs of all servers in its environment, then stop the servers
    #[arg(last = true)]
    command: Vec<String>,
}

/// Starts the servers. Runs the command, or prints the URLs and waits for Ctrl-C. Stops the
/// servers.
pub fn run(args: &Args) -> Result<()> {
    let stop = stop_requests()?;
    let port = |fixed: u16| if args.free_ports { 0 } else { fixed };
    let mut stack = Stack::start(&StackSettings {
        database: Some(ServerSource::from_environment(
            "DATABASE_URL",
            port(POSTGRES_PORT),
        )),
        redis: Some(ServerSource::from_environment("REDIS_URL", port(REDIS_PORT))),
        node: args.node(port(args.port))?,
        services: Some(if args.free_ports {
            Ports::Free
        } else {
            Ports::Fixed
        }),
        client_limits: args.client_limits,
    })?;
    if let [program, arguments @ ..] = &args.command[..] {
        return workspace::run(Command::new(program).args(arguments).envs(stack.environment()));
    }
    let file = EnvironmentFile::write(&stack)?;
    println!("\n{}\n", stack.summary());
    println!("In another shell:  set -a; . {}", file.path.display());
    println!("Ctrl-C stops all servers and removes their data.");
    let _web = (!args.no_web).then(|| web::serve(&stack, port(WEB_PORT)));
    wait(&stop, &mut stack)
}

impl Args {
    fn node(&self, port: u16) -> Result<NodeSettings> {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        if let Some(rpc) = &self.url {
            return NodeSettings::external(rpc, self.ws_url.as_deref());
        }
        if self.test_validator {
            return Ok(NodeSettings::TestValidator { port });
        }
        // `--ledger` needs the local node, even if the variable is set.
        match variable("SOLANA_RPC_URL").filter(|_| self.ledger.is_none()) {
            Some(rpc) => NodeSettings::external(&rpc, variable("SOLANA_WS_URL").as_deref()),
            None => Ok(NodeSettings::Localnet {
                port,
                ledger: self.ledger.clone(),
            }),
        }
    }
}

/// The file with the addresses, for other shells. Only this user can read it, because it contains
/// passwords. It is removed at the end.
struct EnvironmentFile {
    path: PathBuf,
}

impl EnvironmentFile {
    fn write(stack: &Stack) -> Result<Self> {
        let path = folder()?.join("env");
        let failed = || format!("can't write {}", path.display());
        // A process that was killed may have left a file. Opening it would keep its mode.
        if path.exists() {
            fs::remove_file(&path).with_context(failed)?;
        }
        let mut file = fs::File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .with_context(failed)?;
        for (name, value) in stack.environment() {
            writeln!(file, "{name}='{value}'").with_context(failed)?;
        }
        Ok(Self { path })
    }
}

impl Drop for EnvironmentFile {
    fn drop(&mut self) {
        // The process is about to end, so an error can't be handled.
        let _ = fs::remove_file(&self.path);
    }
}

/// Returns the folder for the files of this user's local chains.
fn folder() -> Result<PathBuf> {
    let folder = workspace::cache()?.join("localnet");
    fs::create_dir_all(&folder).with_context(|| format!("can't create {}", folder.display()))?;
    Ok(folder)
}

/// Returns the keypair's file. All local chains of a user have the same keypair, so that a stored
/// chain can be continued.
fn keypair() -> Result<PathBuf> {
    Ok(folder()?.join("keypair.json"))
}

/// Returns a channel that receives one message for each SIGINT or SIGTERM.
fn stop_requests() -> Result<Receiver<()>> {
    let (sender, receiver) = mpsc::channel();
    ctrlc::set_handler(move || {
        // If the receiver no longer exists, the servers are already being stopped.
        let _ = sender.send(());
    })
    .context("can't handle SIGINT and SIGTERM")?;
    Ok(receiver)
}

/// Waits until a stop is requested. Returns an error if a server has ended.
fn wait(stop: &Receiver<()>, stack: &mut Stack) -> Result<()> {
    loop {
        match stop.recv_timeout(INTERVAL) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => stack.check()?,
        }
    }
}

/// Returns the path of the command `bauta`.
fn command() -> Result<PathBuf> {
    Ok(workspace::target()?.join("debug/bauta"))
}

/// Runs the command `bauta` and returns its standard output. It must have been built.
fn bauta(arguments: &[&str], file: Option<&Path>) -> Result<String> {
    workspace::output(Command::new(command()?).args(arguments).args(file))
}

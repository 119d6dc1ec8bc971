//! `cargo xtask up`: everything that a developer needs, on this machine, offline.
//!
//! ```text
//!   Postgres, Redis (crates/dev-servers) ───────────────────────────┐
//!   tools/localnet + the program's ELF ──> `bauta initialize` ─┼──> services ──> one screen, or a command with all of
//!                                                                              it in its environment
//! ```
//!
//! Each server ends when its pipe from this process closes, so that nothing stays, however this process ends. What a
//! developer has already is used in its place: `DATABASE_URL`, `REDIS_URL`, `SOLANA_RPC_URL`.

mod node;
mod services;
mod stack;

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
    node::ChainWanted,
    stack::{Place, Ports, Stack, Wanted},
};
use crate::workspace;

/// How often the servers are looked at.
const INTERVAL: Duration = Duration::from_millis(500);
/// The port of the private Postgres.
const POSTGRES_PORT: u16 = 55432;
/// The port of the private Redis.
const REDIS_PORT: u16 = 56379;

#[derive(clap::Args)]
pub struct Args {
    /// Port of JSON-RPC, the websocket's being the next
    #[arg(long, default_value_t = 8899)]
    port: u16,
    /// Take free ports for chain, Postgres and Redis instead of the fixed ones
    #[arg(long, conflicts_with = "port")]
    free_ports: bool,
    /// Keep the chain in this file, and go on from there [default: a new chain]
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
    /// Run the solana-test-validator on PATH instead of tools/localnet
    #[arg(long, conflicts_with = "ledger")]
    test_validator: bool,
    /// Use the node with this JSON-RPC; the program has to be there, upgradeable by the address that `up` shows
    /// [default: the variable `SOLANA_RPC_URL`, if it is set]
    #[arg(long, value_name = "URL", conflicts_with_all = ["port", "free_ports", "ledger", "test_validator"])]
    url: Option<String>,
    /// That node's websocket [default: `SOLANA_WS_URL`, or the URL with the next port]
    #[arg(long, value_name = "URL", requires = "url")]
    ws_url: Option<String>,
    /// Run this with the addresses of it all in its environment, as `up` shows them, then stop it all
    #[arg(last = true)]
    command: Vec<String>,
}

/// Brings it up, shows it or runs the command, and takes it down.
pub fn run(args: &Args) -> Result<()> {
    let stop = stop_requests()?;
    let port = |fixed: u16| if args.free_ports { 0 } else { fixed };
    let mut stack = Stack::start(&Wanted {
        database: Some(Place::of("DATABASE_URL", port(POSTGRES_PORT))),
        redis: Some(Place::of("REDIS_URL", port(REDIS_PORT))),
        chain: args.chain(port(args.port))?,
        services: Some(if args.free_ports {
            Ports::Free
        } else {
            Ports::Fixed
        }),
    })?;
    if let [program, arguments @ ..] = &args.command[..] {
        return workspace::run(Command::new(program).args(arguments).envs(stack.environment()));
    }
    let file = EnvironmentFile::write(&stack)?;
    println!("\n{}\n", stack.screen());
    println!("In another shell:  set -a; . {}", file.path.display());
    println!("Ctrl-C stops it all and leaves nothing.");
    wait(&stop, &mut stack)
}

impl Args {
    fn chain(&self, port: u16) -> Result<ChainWanted> {
        let given = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        if let Some(rpc) = &self.url {
            return ChainWanted::at(rpc, self.ws_url.as_deref());
        }
        if self.test_validator {
            return Ok(ChainWanted::TestValidator { port });
        }
        // A ledger is for a chain of our own, whatever the variable says.
        match given("SOLANA_RPC_URL").filter(|_| self.ledger.is_none()) {
            Some(rpc) => ChainWanted::at(&rpc, given("SOLANA_WS_URL").as_deref()),
            None => Ok(ChainWanted::Localnet {
                port,
                ledger: self.ledger.clone(),
            }),
        }
    }
}

/// The addresses, for other shells: readable by this user alone, since there are passwords in it. Gone at the end.
struct EnvironmentFile {
    path: PathBuf,
}

impl EnvironmentFile {
    fn write(stack: &Stack) -> Result<Self> {
        let path = folder()?.join("env");
        let failed = || format!("can't write {}", path.display());
        // An old one may be left of a process that was killed; opening it would keep its mode.
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
        // Nobody is left to be told.
        let _ = fs::remove_file(&self.path);
    }
}

/// What belongs to local chains of this user.
fn folder() -> Result<PathBuf> {
    let folder = workspace::cache()?.join("localnet");
    fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
    Ok(folder)
}

/// The keypair's file: one for all local chains of this user, so that a kept ledger can be gone on with.
fn keypair() -> Result<PathBuf> {
    Ok(folder()?.join("keypair.json"))
}

/// Receives one message for each SIGINT or SIGTERM.
fn stop_requests() -> Result<Receiver<()>> {
    let (sender, receiver) = mpsc::channel();
    ctrlc::set_handler(move || {
        // Nobody listens any more: everything is being stopped already.
        let _ = sender.send(());
    })
    .context("can't take SIGINT and SIGTERM")?;
    Ok(receiver)
}

/// Waits until somebody wants an end, or a server has come to its own.
fn wait(stop: &Receiver<()>, stack: &mut Stack) -> Result<()> {
    loop {
        match stop.recv_timeout(INTERVAL) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => stack.check()?,
        }
    }
}

/// Runs the command `bauta`, which is built, and takes what it prints.
fn bauta(arguments: &[&str], file: Option<&Path>) -> Result<String> {
    let program = workspace::target()?.join("debug/bauta");
    workspace::output(Command::new(program).args(arguments).args(file))
}

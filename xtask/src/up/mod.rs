//! `cargo xtask up`: everything that a developer needs, on this machine, offline.
//!
//! ```text
//!   Postgres, Redis (crates/local) ──┐
//!   tools/localnet + programs/bauta/artifacts/bauta.so ──> `bauta initialize` ──┐
//!                                    └──> one screen, or a command with all of it in its environment
//! ```
//!
//! Each server ends when its pipe from this process closes, so that nothing stays, however this process ends.

mod node;

use std::{
    env, fs,
    path::PathBuf,
    process::Command,
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    time::Duration,
};

use anyhow::{Context, Result};
use bauta_local::{Postgres, Redis};

use self::node::Node;
use crate::{system, workspace};

/// How often the node is looked at.
const INTERVAL: Duration = Duration::from_millis(500);

#[derive(clap::Args)]
pub struct Args {
    /// Port of JSON-RPC, the websocket's being the next; 0 takes free ones
    #[arg(long, default_value_t = 8899)]
    port: u16,
    /// Keep the chain in this file, and go on from there [default: a new chain]
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
    /// Use the node with this JSON-RPC; the program has to be there, upgradeable by the address that `up` shows
    #[arg(long, value_name = "URL", requires = "ws_url", conflicts_with_all = ["port", "ledger"])]
    url: Option<String>,
    /// That node's websocket
    #[arg(long, value_name = "URL", requires = "url")]
    ws_url: Option<String>,
    /// Run this with the addresses of it all in its environment, as `up` shows them, then stop it all
    #[arg(last = true)]
    command: Vec<String>,
}

/// Brings it up, shows it or runs the command, and takes it down.
pub fn run(args: &Args) -> Result<()> {
    let stop = stop_requests()?;
    system::require(&[
        system::CC,
        system::PKG_CONFIG,
        system::OPENSSL,
        system::POSTGRES,
        system::REDIS,
    ])?;
    let keypair = keypair()?;
    let authority = bauta(&["keypair"], &[&keypair])?;

    let (database, _postgres) = given_or("DATABASE_URL", || {
        let postgres = Postgres::start()?;
        Ok((postgres.url().to_owned(), postgres))
    })?;
    let (redis, _redis) = given_or("REDIS_URL", || {
        let redis = Redis::start()?;
        Ok((redis.url().to_owned(), redis))
    })?;
    let mut node = if let (Some(rpc), Some(websocket)) = (&args.url, &args.ws_url) {
        Node::Elsewhere {
            rpc: rpc.clone(),
            websocket: websocket.clone(),
        }
    } else {
        let program = bauta(&["program"], &[])?;
        Node::start(args.port, args.ledger.clone(), program.trim(), authority.trim())?
    };
    let report = bauta(
        &[
            "initialize",
            "--url",
            node.rpc(),
            "--cluster-tag",
            "local",
            "--allow-development-keys",
            "--airdrop",
            "1000",
            "--keypair",
        ],
        &[&keypair],
    )?;

    if let [program, arguments @ ..] = &args.command[..] {
        return workspace::run(
            Command::new(program)
                .args(arguments)
                .env("DATABASE_URL", &database.url)
                .env("REDIS_URL", &redis.url)
                .env("SOLANA_RPC_URL", node.rpc())
                .env("SOLANA_WS_URL", node.websocket())
                .env("BAUTA_KEYPAIR", &keypair),
        );
    }
    println!(
        "\n{report}\nkeypair      {keypair}  (of admin and upgrade authority; for local chains alone)\n\
         JSON-RPC     {rpc}\nwebsocket    {websocket}\nPostgres     {database}\nRedis        {redis}\n\n\
         Ctrl-C stops it all and leaves nothing.",
        report = report.trim_end(),
        keypair = keypair.display(),
        rpc = node.rpc(),
        websocket = node.websocket(),
        database = database.shown,
        redis = redis.shown,
    );
    wait(&stop, &mut node)
}

/// Where a server is, and how to say so.
struct Place {
    url: String,
    /// A developer's own URL may hold a password of theirs, so it is named, not shown.
    shown: String,
}

/// A developer's own server, if the variable names one, else one that is started here.
fn given_or<T>(
    variable: &str,
    start: impl FnOnce() -> Result<(String, T), bauta_local::Error>,
) -> Result<(Place, Option<T>)> {
    if let Some(url) = env::var(variable).ok().filter(|url| !url.is_empty()) {
        let shown = format!("yours, by {variable}");
        return Ok((Place { url, shown }, None));
    }
    let (url, server) = start()?;
    let shown = url.clone();
    Ok((Place { url, shown }, Some(server)))
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

/// Waits until somebody wants an end, or the node has come to its own.
fn wait(stop: &Receiver<()>, node: &mut Node) -> Result<()> {
    loop {
        match stop.recv_timeout(INTERVAL) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => node.check()?,
        }
    }
}

/// The keypair's file: one for all local chains of this user, so that a kept ledger can be gone on with.
fn keypair() -> Result<PathBuf> {
    let folder = workspace::cache()?.join("localnet");
    fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
    Ok(folder.join("keypair.json"))
}

/// Runs the command `bauta` and takes what it prints.
fn bauta(arguments: &[&str], files: &[&PathBuf]) -> Result<String> {
    let mut cargo = workspace::cargo()?;
    cargo
        .args(["run", "--quiet", "--locked", "--package", "bauta-cli", "--"])
        .args(arguments)
        .args(files);
    workspace::output(&mut cargo)
}

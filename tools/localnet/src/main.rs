//! An offline Solana node for development and tests: JSON-RPC and websocket on this machine's loopback address, with
//! programs put in at start and, if wanted, a ledger that outlives the node.
//!
//! ```text
//!   settings ──> Program::read (ELF)  ──┐
//!            ──> Ledger::open (sqlite) ─┼─> Node::launch ──> Node::wait ──> "ready" on standard output
//!            ──> Ports::choose ─────────┘                        │
//!   SIGINT, SIGTERM, standard input closed ──────────────────────┴─────> Node::stop
//! ```
//!
//! Runs on surfpool-core; README.md says what such a node does and what it doesn't.

mod ledger;
mod node;
mod ports;
mod program;
mod settings;
mod slots;

use std::{
    io::{self, Write},
    process::ExitCode,
    thread,
};

use anyhow::{Context, Result};
use clap::Parser;
use crossbeam_channel::{Receiver, bounded};
use serde_json::json;

use crate::{
    ledger::Ledger,
    node::{Node, Wake},
    ports::Ports,
    program::Program,
    settings::Settings,
};

fn main() -> ExitCode {
    match run(&Settings::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever started the node may have gone, and its end of the pipe with it.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(settings: &Settings) -> Result<()> {
    if settings.ledger.is_some() {
        ledger::checkpoint_every_slot()?;
    }
    let stop = stop_requests(settings.until_stdin_closes)?;
    let programs = Program::read_all(&settings.programs, settings.upgrade_authority)?;
    let ledger = settings.ledger.as_deref().map(Ledger::open).transpose()?;
    let ports = Ports::choose(settings.port, settings.ws_port)?;

    let node = Node::launch(settings, ports, ledger.as_ref(), &programs)?;
    if matches!(node.wait(&stop)?, Wake::Ready) {
        announce(settings, ports)?;
        node.wait(&stop)?;
    }
    node.stop()
}

/// Receives one message for each request to stop.
fn stop_requests(until_stdin_closes: bool) -> Result<Receiver<()>> {
    let (sender, receiver) = bounded(1);
    let signalled = sender.clone();
    ctrlc::set_handler(move || {
        // Full: a request is waiting already.
        let _ = signalled.try_send(());
    })
    .context("can't take SIGINT and SIGTERM")?;
    if until_stdin_closes {
        thread::spawn(move || {
            // An error ends the input as its end does.
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            let _ = sender.try_send(());
        });
    }
    Ok(receiver)
}

/// Says in one line that the node answers, and where.
fn announce(settings: &Settings, ports: Ports) -> Result<()> {
    let (rpc, websocket) = (ports.rpc_url(), ports.websocket_url());
    let line = if settings.json {
        let programs: Vec<_> = settings
            .programs
            .iter()
            .map(|at| at.address.to_string())
            .collect();
        json!({ "rpc": rpc, "websocket": websocket, "programs": programs }).to_string()
    } else {
        format!("ready: JSON-RPC {rpc}, websocket {websocket}")
    };
    let mut out = io::stdout();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .context("can't write to standard output")
}

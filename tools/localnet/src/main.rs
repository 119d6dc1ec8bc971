//! An offline Solana node for development and tests. It serves JSON-RPC and a websocket on
//! 127.0.0.1, deploys programs before its first slot, and can store the chain in a ledger.
//!
//! ```text
//!   settings ──> Program::read (ELF)  ──┐
//!            ──> Ledger::open (sqlite) ─┼─> Node::launch ──> Node::wait ──> "ready" on stdout
//!            ──> Ports::choose ─────────┘                        │
//!   SIGINT, SIGTERM, standard input closed ──────────────────────┴─────> Node::stop
//! ```
//!
//! The node is based on surfpool-core. README.md lists its differences from a public cluster.

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
    node::{Node, WaitOutcome},
    ports::Ports,
    program::Program,
    settings::Settings,
};

fn main() -> ExitCode {
    match run(&Settings::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The parent process may have ended and closed the pipe, so a write error is ignored.
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
    if matches!(node.wait(&stop)?, WaitOutcome::Ready) {
        announce(settings, ports)?;
        node.wait(&stop)?;
    }
    node.stop()
}

/// Returns a channel that receives a message when the node has to stop: after a signal and, with
/// `until_stdin_closes`, when standard input closes.
fn stop_requests(until_stdin_closes: bool) -> Result<Receiver<()>> {
    let (sender, receiver) = bounded(1);
    let signal_sender = sender.clone();
    ctrlc::set_handler(move || {
        // If the channel is full, it already contains a request to stop.
        let _ = signal_sender.try_send(());
    })
    .context("cannot install handlers for SIGINT and SIGTERM")?;
    if until_stdin_closes {
        thread::spawn(move || {
            // An error ends the input in the same way as a closed pipe.
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            let _ = sender.try_send(());
        });
    }
    Ok(receiver)
}

/// Prints one line with the URLs of the node, which is now ready.
fn announce(settings: &Settings, ports: Ports) -> Result<()> {
    let (rpc, websocket) = (ports.rpc_url(), ports.websocket_url());
    let line = if settings.json {
        let programs: Vec<_> = settings
            .programs
            .iter()
            .map(|program| program.address.to_string())
            .collect();
        json!({ "rpc": rpc, "websocket": websocket, "programs": programs }).to_string()
    } else {
        format!("ready: JSON-RPC {rpc}, websocket {websocket}")
    };
    let mut out = io::stdout();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .context("cannot write to standard output")
}

//! `cargo xtask demo`: runs the main use case end to end, over real RPC, and prints each step.

use std::process::Command;

use anyhow::Result;

use crate::{
    system,
    up::{NodeSettings, ServerSource, Stack, StackSettings},
    workspace,
};

/// Starts a chain and a database of its own, runs the demo on them, and stops them.
pub fn run() -> Result<()> {
    system::require(&system::BUILD)?;
    eprintln!("Step 1 of 2: build. The first build takes about seven minutes on two cores.");
    workspace::build(&["bauta-demo", "bauta", "bauta-localnet"])?;
    eprintln!("Step 2 of 2: start a chain and a database, and run the demo.");
    let stack = Stack::start(&StackSettings {
        database: Some(ServerSource::Private(0)),
        redis: None,
        node: NodeSettings::Localnet {
            port: 0,
            ledger: None,
        },
        services: None,
    })?;
    let program = workspace::target()?.join("debug/bauta-demo");
    workspace::run(Command::new(program).envs(stack.environment()))
}

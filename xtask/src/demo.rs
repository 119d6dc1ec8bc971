//! `cargo xtask demo`: the main job end to end, over real RPC, for a person to watch.

use std::process::Command;

use anyhow::Result;

use crate::{
    system,
    up::{ChainWanted, Place, Stack, Wanted},
    workspace,
};

/// Brings up a chain and a database that nothing else uses, runs the demo on them, and leaves nothing running.
pub fn run() -> Result<()> {
    system::require(&system::BUILD)?;
    eprintln!("Step 1 of 2: build. The first build takes about seven minutes on two cores.");
    workspace::build(&["bauta-demo", "bauta", "bauta-localnet"])?;
    eprintln!("Step 2 of 2: start a chain and a database, and run the demo.");
    let stack = Stack::start(&Wanted {
        database: Some(Place::Private(0)),
        redis: None,
        chain: ChainWanted::Localnet {
            port: 0,
            ledger: None,
        },
        services: None,
    })?;
    let program = workspace::target()?.join("debug/bauta-demo");
    workspace::run(Command::new(program).envs(stack.environment()))
}

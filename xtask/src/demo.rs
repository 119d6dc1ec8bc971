//! `cargo xtask demo`: the main job end to end, over real RPC, for a person to watch.

use std::process::Command;

use anyhow::Result;

use crate::{
    localnet::BUILD_TOOLS,
    system,
    up::{ChainWanted, Place, Stack, Wanted},
    workspace,
};

/// Brings up a chain and a database that nothing else uses, runs the demo on them, and leaves nothing running.
pub fn run() -> Result<()> {
    system::require(&BUILD_TOOLS)?;
    workspace::build(&["bauta-demo", "bauta", "bauta-localnet"])?;
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

//! The service and its commands as processes.

use std::process::{Child, Command};

use crate::world::World;

/// The program, with nothing but what it needs from the environment.
fn command(database: &str, world: &World) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bauta-indexer"));
    command
        .env("DATABASE_URL", database)
        .env("SOLANA_RPC_URL", world.rpc_url())
        .env("SOLANA_WS_URL", world.websocket_url())
        .env("RPC_REQUESTS_PER_SECOND", "1000")
        .env("POLL_INTERVAL_MS", "200")
        .env("METRICS_HOST", "127.0.0.1")
        .env("METRICS_PORT", "0")
        .env("RUST_LOG", "off");
    command
}

/// The service.
pub fn indexer(database: &str, world: &World) -> Child {
    command(database, world).spawn().unwrap()
}

/// `bauta-indexer rebuild`.
pub fn rebuild(database: &str, world: &World) -> Child {
    command(database, world).arg("rebuild").spawn().unwrap()
}

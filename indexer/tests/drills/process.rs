//! Starts the service and its commands as processes.

use std::env;
use std::ffi::OsStr;
use std::process::{Child, Command};

use crate::chain::DrillChain;

/// A service that ends with this value, even if the test fails.
pub struct Running(pub Child);

impl Running {
    /// Kills the service.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns the command of the indexer, configured by environment variables.
fn command(database: &str, chain: &DrillChain) -> Command {
    indexer_program(env!("CARGO_BIN_EXE_bauta-indexer").as_ref(), database, chain)
}

/// Returns the command of another build of the indexer, configured by environment variables.
pub fn indexer_program(program: &OsStr, database: &str, chain: &DrillChain) -> Command {
    let mut command = Command::new(program);
    command
        .env("DATABASE_URL", database)
        .env("SOLANA_RPC_URL", chain.rpc_url())
        .env("SOLANA_WS_URL", chain.websocket_url())
        .env("RPC_REQUESTS_PER_SECOND", "1000")
        .env("GENESIS_HASH", "any")
        .env("POLL_INTERVAL_MS", "200")
        .env("METRICS_HOST", "127.0.0.1")
        .env("METRICS_PORT", "0")
        .env("RUST_LOG", "off");
    command
}

/// Starts the service.
pub fn indexer(database: &str, chain: &DrillChain) -> Child {
    command(database, chain).spawn().unwrap()
}

/// Starts the service for a replay server without accounts, with hardly a limit of the requests.
pub fn indexer_of(database: &str, rpc: &str) -> Running {
    let program = env::var_os("BAUTA_DRILL_INDEXER");
    let mut command = Command::new(program.unwrap_or_else(|| env!("CARGO_BIN_EXE_bauta-indexer").into()));
    command
        .env("DATABASE_URL", database)
        .env("SOLANA_RPC_URL", rpc)
        .env("RPC_CONCURRENCY", "64")
        .env("RPC_REQUESTS_PER_SECOND", "1000000")
        .env("GENESIS_HASH", "any")
        .env("RECONCILE_INTERVAL_MS", "0")
        .env("METRICS_HOST", "127.0.0.1")
        .env("METRICS_PORT", "0")
        .env("RUST_LOG", "off");
    Running(command.spawn().unwrap())
}

/// Starts `bauta-indexer rebuild`.
pub fn rebuild(database: &str, chain: &DrillChain) -> Child {
    command(database, chain).arg("rebuild").spawn().unwrap()
}

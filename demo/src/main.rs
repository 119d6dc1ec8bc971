//! Runs the main use case end to end: a real node over JSON-RPC, the program's ELF, the types of
//! tokens that people own, and Postgres.
//!
//! Holders register, and an indexer writes their events to Postgres. One holder makes a proof with
//! a path from Postgres. The program accepts the proof once and refuses the attacks, and the
//! verification appears in Postgres. The API service relays the verification of another holder.
//! `cargo xtask demo` runs this program.
//!
//! ```text
//!   demo ──transactions──> node (JSON-RPC) ──events──> indexer ──> Postgres ──paths──> demo
//!   demo ──proof──> API service ──transaction──> node
//! ```

mod analytics;
mod attacks;
mod chain;
mod database;
mod metaplex;
mod output;
mod protocol;
mod relay;
mod scenario;
mod tokens;
mod web;

use std::env;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, anyhow};
use scenario::{HOLDERS, Scenario};

#[tokio::main]
async fn main() -> ExitCode {
    let result = match env::args().nth(1).as_deref() {
        Some("web") => web::run().await,
        Some(other) => Err(anyhow!(
            "there is no command {other:?}; the only command is \"web\""
        )),
        None => run().await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nthe demo failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let start = Instant::now();
    let mut scenario = Scenario::start().await?;
    let verify = scenario.prove_once().await?;
    relay::verify_once(&mut scenario).await?;
    scenario.output.heading("7. Attacks, which the program refuses");
    let refused = attacks::try_all(&mut scenario, &verify).await?;
    scenario
        .output
        .heading("8. Analytics for operators, from rollups in Postgres");
    analytics::print(&scenario).await?;
    let Scenario { output, database, .. } = scenario;
    database.stop().await?;
    output.heading("Done");
    output.summary(&format!(
        "{HOLDERS} holders registered. The program accepted 3 anonymous proofs and refused {refused} attacks."
    ));
    output.summary(&format!(
        "Everything went over real RPC, in {:.1} s.",
        start.elapsed().as_secs_f64()
    ));
    output.summary("Read next: docs/protocol.md (how it works), docs/integrate-program.md (how to use it).");
    Ok(())
}

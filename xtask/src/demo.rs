//! `cargo xtask demo`: runs the main use case end to end, over real RPC, and prints each step.

use std::{fs, process::Command};

use anyhow::{Context, Result};

use crate::{
    system,
    up::{self, ClientLimits, NodeSettings, ServerSource, Stack, StackSettings},
    workspace,
};

/// Arguments of `cargo xtask demo`.
#[derive(clap::Args)]
pub struct Args {
    /// Use the demo page in Chromium instead, and take a picture of each step
    #[arg(long)]
    web: bool,
    /// Make this many visits of the page instead, and print the median times from the wallet to the
    /// confirmed verification
    #[arg(long, value_name = "NUMBER", requires = "web")]
    visits: Option<u32>,
}

/// Runs the demo on a terminal, or in a browser.
pub fn run_selected(args: &Args) -> Result<()> {
    match args.visits {
        Some(visits) => up::run_web_script(&["timing", "--", &visits.to_string()]),
        None if args.web => run_in_browser(),
        None => run(),
    }
}

/// Runs the demo in a browser. Prints the paths of the pictures.
fn run_in_browser() -> Result<()> {
    let folder = workspace::cache()?.join("web-demo");
    fs::create_dir_all(&folder).with_context(|| format!("can't create {}", folder.display()))?;
    up::run_web_script(&["story", "--", &folder.display().to_string()])
}

/// Starts a chain and a database of its own, runs the demo on them, and stops them.
pub fn run() -> Result<()> {
    system::require(&system::BUILD)?;
    eprintln!("Step 1 of 2: build. The first build takes about seven minutes on two cores.");
    workspace::build(&["bauta-demo", "bauta", "bauta-api", "bauta-localnet"])?;
    eprintln!("Step 2 of 2: start a chain and a database, and run the demo.");
    let stack = Stack::start(&StackSettings {
        database: Some(ServerSource::Private(0)),
        redis: None,
        node: NodeSettings::Localnet {
            port: 0,
            ledger: None,
        },
        services: None,
        client_limits: ClientLimits::Off,
    })?;
    let program = workspace::target()?.join("debug/bauta-demo");
    workspace::run(Command::new(program).envs(stack.environment()))
}

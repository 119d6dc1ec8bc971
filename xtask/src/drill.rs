//! `cargo xtask drill NAME`: the long forms of what `cargo xtask test` runs shortly.

use anyhow::Result;
use clap::Subcommand;

use crate::{system, workspace};

/// Arguments of `cargo xtask drill`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    drill: Drill,
}

#[derive(Subcommand)]
enum Drill {
    /// Distort data and accounts of every instruction of the program's ELF: it must refuse or accept, and never fall over
    Fuzz {
        /// How long
        #[arg(long, default_value_t = 600)]
        seconds: u64,
        /// Where to begin; a random one, which is printed, if not given
        #[arg(long)]
        seed: Option<u64>,
    },
}

/// Runs one.
pub fn run(args: &Args) -> Result<()> {
    system::require(&[system::CC])?;
    let Drill::Fuzz { seconds, seed } = args.drill;
    let mut cargo = workspace::cargo()?;
    cargo
        .args([
            "test",
            "--locked",
            "--package",
            "bauta-svm",
            "--test",
            "substitution",
            "--",
        ])
        .args([
            "--nocapture",
            "no_data_and_no_list_of_accounts_makes_the_program_fall_over",
        ])
        .env("BAUTA_FUZZ_SECONDS", seconds.to_string());
    if let Some(seed) = seed {
        cargo.env("BAUTA_FUZZ_SEED", seed.to_string());
    }
    workspace::run(&mut cargo)
}

//! `cargo xtask drill NAME`: the long forms of what `cargo xtask test` runs shortly.

mod compose;
mod dashboard;
mod http;
mod standins;

use std::process::Command;

use anyhow::Result;
use clap::Subcommand;

use crate::{localnet, system, workspace};

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
    /// Lose a Postgres server, and bring it back from a backup and the archived log with deploy/backup
    Backup,
    /// Let the indexer's nodes lie, kill it, crash its database, fork its chain, let replicas come and go
    Indexer {
        /// How often it is killed
        #[arg(long, default_value_t = 50)]
        kills: u32,
        /// Where the random moments begin; a random one, which is printed, if not given
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Raise each alert of deploy/prometheus, and come just short of it
    Alerts,
    /// Ask a real Prometheus that watches the live services for every query of the dashboard and every metric of the alerts
    Dashboard,
    /// Build the image and run the compose file by deploy/README.md in a container engine: a worker killed, the database lost and restored
    Compose {
        /// First build images of Debian's packages in the place of those that can't be pulled (all but Grafana's)
        #[arg(long)]
        stand_ins: bool,
    },
    /// Kill a worker of the prover service every 5 s while jobs are done; then prove at full speed and watch the memory
    Service {
        /// How many jobs
        #[arg(long, default_value_t = 5_000)]
        jobs: u32,
        /// How long at full speed
        #[arg(long, default_value_t = 600)]
        seconds: u64,
    },
}

/// Runs one.
pub fn run(args: &Args) -> Result<()> {
    match args.drill {
        Drill::Fuzz { seconds, seed } => fuzz(seconds, seed),
        Drill::Backup => {
            system::require(&[system::CC, system::POSTGRES])?;
            workspace::run(&mut test("store", "backup::")?)
        }
        Drill::Indexer { kills, seed } => indexer(kills, seed),
        Drill::Alerts => alerts(),
        Drill::Dashboard => dashboard::run(),
        Drill::Compose { stand_ins } => compose::run(stand_ins),
        Drill::Service { jobs, seconds } => service(jobs, seconds),
    }
}

fn fuzz(seconds: u64, seed: Option<u64>) -> Result<()> {
    system::require(&[system::CC])?;
    let name = "no_data_and_no_list_of_accounts_makes_the_program_fall_over";
    let mut cargo = test("substitution", name)?;
    cargo.env("BAUTA_FUZZ_SECONDS", seconds.to_string());
    if let Some(seed) = seed {
        cargo.env("BAUTA_FUZZ_SEED", seed.to_string());
    }
    workspace::run(&mut cargo)
}

fn indexer(kills: u32, seed: Option<u64>) -> Result<()> {
    system::require(&[system::CC, system::POSTGRES])?;
    localnet::build()?;
    let mut cargo = test("drills", "")?;
    // each has a chain and a database server of its own
    cargo
        .args(["--test-threads", "2"])
        .env("BAUTA_DRILL_KILLS", kills.to_string());
    if let Some(seed) = seed {
        cargo.env("BAUTA_DRILL_SEED", seed.to_string());
    }
    workspace::run(&mut cargo)
}

fn service(jobs: u32, seconds: u64) -> Result<()> {
    system::require(&[system::CC, system::POSTGRES, system::REDIS])?;
    for name in ["jobs_of_killed_workers", "memory_stays"] {
        let mut cargo = test("service", name)?;
        cargo
            .env("BAUTA_DRILL_JOBS", jobs.to_string())
            .env("BAUTA_DRILL_SECONDS", seconds.to_string());
        workspace::run(&mut cargo)?;
    }
    Ok(())
}

fn alerts() -> Result<()> {
    system::require(&[system::PROMTOOL])?;
    let folder = workspace::root()?.join("deploy/prometheus");
    for arguments in [
        &["check", "config", "--syntax-only", "prometheus.yml"],
        &["test", "rules", "alerts.test.yml"][..],
    ] {
        workspace::run(Command::new("promtool").args(arguments).current_dir(&folder))?;
    }
    Ok(())
}

/// The command that runs the tests of a target whose names hold this. Of the workspace, not by package: that would build its
/// dependencies anew, with other features.
fn test(target: &str, name: &str) -> Result<Command> {
    let mut cargo = workspace::cargo()?;
    cargo
        .args(["test", "--locked", "--workspace", "--test", target, "--"])
        .args(["--nocapture", name]);
    Ok(cargo)
}

//! `cargo xtask drill NAME`: long versions of tests that `cargo xtask test` runs in a short form,
//! and drills that need more tools.

mod anchor;
mod bundlers;
mod collections;
mod compose;
mod dashboard;
mod docker;
mod http;
mod standins;
mod upgrade;
mod verifier;

use std::process::Command;

use anyhow::Result;
use clap::Subcommand;

use crate::{bench, localnet, system, up, workspace};

/// Arguments of `cargo xtask drill`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    drill: Drill,
}

#[derive(Subcommand)]
enum Drill {
    /// Change data and accounts of every instruction of the program's ELF, the accounts of other
    /// programs that it reads, and the answers of nodes, at random: the program and the readers
    /// must accept or refuse, and never crash
    Fuzz {
        /// Duration of each of the two, in seconds
        #[arg(long, default_value_t = 600)]
        seconds: u64,
        /// Seed of the random changes; by default a random seed, which is printed
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Build programs of Metaplex and of account compression from their published crates, mint
    /// tokens and compressed assets with them, and register and evict these
    Collections,
    /// Delete a Postgres server's data, and restore it from a backup and the archived log with
    /// deploy/backup
    Backup,
    /// Run the indexer with faulty nodes, kill it, crash its database, fork its chain, start and
    /// stop replicas
    Indexer {
        /// How often the indexer is killed
        #[arg(long, default_value_t = 50)]
        kills: u32,
        /// Seed of the random moments; by default a random seed, which is printed
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Relay verifications while instances are killed and nodes drop transactions, report wrong
    /// heights and fail: each relay ends once, and the ledger agrees with the wallet to the lamport
    Relay {
        /// How many verifications are relayed
        #[arg(long, default_value_t = 300)]
        relays: u64,
        /// Seed of the random faults; by default a random seed, which is printed
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Open thousands of event streams: each gets each event once, in order, across a fork, within a
    /// bounded memory. Needs two open files for each subscriber
    Subscribers {
        /// Number of subscribers
        #[arg(long, default_value_t = 10_000)]
        subscribers: u32,
    },
    /// Revoke an API key: requests, tickets and open streams are refused at each instance within a
    /// second. Prints the times
    Revocation,
    /// Read, relay and prove through the gateway of the API with the client of the crate `ohttp`,
    /// over a relay
    Ohttp,
    /// Kill instances of the API while they send webhooks and seal the audit log: each event has one
    /// delivery, and the log agrees with its seals
    Kills {
        /// Number of killed instances
        #[arg(long, default_value_t = 20)]
        kills: u32,
    },
    /// Read a long history from a replay server, and kill the indexer at random moments: at least
    /// 5,000 transactions a second, at most 300 MB
    Backfill {
        /// Number of transactions
        #[arg(long, default_value_t = 300_000)]
        transactions: u64,
        /// Seed of the random moments; by default a random seed, which is printed
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Break a Yellowstone gRPC stream, and let it omit and change transactions: the nodes return
    /// what is missing
    Yellowstone {
        /// Number of rounds, each with up to eight transactions
        #[arg(long, default_value_t = 1_000)]
        rounds: u32,
        /// Seed of the random faults; by default a random seed, which is printed
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Build the API service with the key stores of its wallets, and pay for verifications with a
    /// key in a Vault server that the test provides
    Keystores,
    /// Run a ceremony with the real snarkjs in which one participant is absent, one delivers a bad
    /// file, and one an old file. Needs node and npm
    Ceremony {
        /// Number of participants, at least 5
        #[arg(long, default_value_t = 20)]
        participants: u32,
    },
    /// Make a workspace of a user of Anchor that depends only on packaged crates, and run its tests in
    /// Rust and TypeScript. Needs node and npm
    Anchor,
    /// Run an older release of the indexer and this one with one database under load, replace one
    /// by the other, and go back
    Upgrade,
    /// Run readers of the database behind Debian's connection pooler, in both pool modes
    Pgbouncer,
    /// Test that each alert of deploy/prometheus fires above its threshold and not below it
    Alerts,
    /// Check in a real Prometheus that every query of the dashboard and every metric of the alerts
    /// has series
    Dashboard,
    /// Build the examples of the TypeScript packages with webpack, and with Turbopack in a page of
    /// Next.js
    Bundlers,
    /// Use the demo page in Chromium with wallets that sign, refuse and change: no secret leaves
    /// the page, and it keeps to its policy. Then use each page of the dashboard, in each role
    Web,
    /// Build the image and run the compose file in a container engine, as in deploy/README.md; kill
    /// a worker, lose and restore the database; run the image target `verifier` alone
    Compose {
        /// First build images from Debian packages that replace the images that can't be pulled
        /// (all but Grafana's)
        #[arg(long)]
        stand_ins: bool,
    },
    /// Kill a worker of the prover service every 5 s while jobs run; then prove at full speed and
    /// watch the memory
    Service {
        /// Number of jobs
        #[arg(long, default_value_t = 5_000)]
        jobs: u32,
        /// Duration at full speed, in seconds
        #[arg(long, default_value_t = 600)]
        seconds: u64,
        /// Also run the service in a control group with little memory. Needs the permission to
        /// create one
        #[arg(long)]
        cgroup: bool,
    },
}

/// Runs a drill.
pub fn run(args: &Args) -> Result<()> {
    match args.drill {
        Drill::Fuzz { seconds, seed } => fuzz(seconds, seed),
        Drill::Collections => collections::run(),
        Drill::Backup => {
            system::require(&[system::CC, system::POSTGRES])?;
            workspace::run(&mut test("store", "backup::")?)
        }
        Drill::Indexer { kills, seed } => indexer(kills, seed),
        Drill::Relay { relays, seed } => relay(relays, seed),
        Drill::Subscribers { subscribers } => {
            system::require(&[system::CC, system::POSTGRES])?;
            let mut cargo = test("api", "subscribers::")?;
            workspace::run(cargo.env("BAUTA_DRILL_SUBSCRIBERS", subscribers.to_string()))
        }
        Drill::Revocation => {
            system::require(&[system::CC, system::POSTGRES])?;
            let mut cargo = test("api", "revocation::")?;
            workspace::run(cargo.env("BAUTA_DRILL_REVOCATION", "1"))
        }
        Drill::Ohttp => ohttp(),
        Drill::Kills { kills } => {
            system::require(&[system::CC, system::POSTGRES])?;
            let mut cargo = test("api", "webhooks::instances_that_are_killed")?;
            workspace::run(cargo.env("BAUTA_DRILL_KILLS", kills.to_string()))
        }
        Drill::Backfill { transactions, seed } => backfill(transactions, seed),
        Drill::Yellowstone { rounds, seed } => yellowstone(rounds, seed),
        Drill::Keystores => key_stores(),
        Drill::Ceremony { participants } => workspace::run(
            test("cli", "ceremony::")?.env("BAUTA_DRILL_PARTICIPANTS", participants.to_string()),
        ),
        Drill::Anchor => anchor::run(),
        Drill::Upgrade => upgrade::run(),
        Drill::Pgbouncer => {
            system::require(&[system::CC, system::POSTGRES, system::PGBOUNCER])?;
            workspace::run(test("store", "pgbouncer::")?.arg("--ignored"))
        }
        Drill::Alerts => alerts(),
        Drill::Dashboard => dashboard::run(),
        Drill::Bundlers => bundlers::run(),
        Drill::Web => up::run_in_web_pages(&["test"]),
        Drill::Compose { stand_ins } => compose::run(stand_ins),
        Drill::Service {
            jobs,
            seconds,
            cgroup,
        } => service(jobs, seconds, cgroup),
    }
}

fn fuzz(seconds: u64, seed: Option<u64>) -> Result<()> {
    system::require(&[system::CC])?;
    for (target, name) in [
        (
            "substitution",
            "no_data_and_no_list_of_accounts_crashes_the_program",
        ),
        (
            "fuzz",
            "no_answer_of_a_node_crashes_or_blocks_the_client_or_hides_a_transaction",
        ),
    ] {
        let mut cargo = test(target, name)?;
        cargo.env("BAUTA_FUZZ_SECONDS", seconds.to_string());
        if let Some(seed) = seed {
            cargo.env("BAUTA_FUZZ_SEED", seed.to_string());
        }
        workspace::run(&mut cargo)?;
    }
    Ok(())
}

fn indexer(kills: u32, seed: Option<u64>) -> Result<()> {
    system::require(&[system::CC, system::POSTGRES])?;
    localnet::build()?;
    let mut cargo = test("drills", "")?;
    // Each test has its own chain and database server.
    cargo
        .args(["--test-threads", "2"])
        .env("BAUTA_DRILL_KILLS", kills.to_string());
    if let Some(seed) = seed {
        cargo.env("BAUTA_DRILL_SEED", seed.to_string());
    }
    workspace::run(&mut cargo)
}

fn relay(relays: u64, seed: Option<u64>) -> Result<()> {
    system::require(&[system::CC, system::POSTGRES])?;
    localnet::build()?;
    let seed = seed.unwrap_or_else(|| std::process::id().into());
    println!("seed {seed}");
    let mut cargo = test("api", "relay::drill::")?;
    cargo
        .env("BAUTA_DRILL_RELAYS", relays.to_string())
        .env("BAUTA_DRILL_SEED", seed.to_string());
    workspace::run(&mut cargo)
}

fn backfill(transactions: u64, seed: Option<u64>) -> Result<()> {
    system::require(&[system::CC, system::POSTGRES])?;
    // The targets are those of the build that is shipped.
    bench::build_service("bauta-indexer")?;
    let mut cargo = test("drills", "a_backfill_that_is_killed")?;
    cargo
        .env(
            "BAUTA_DRILL_INDEXER",
            workspace::target()?.join("dist/bauta-indexer"),
        )
        .env("BAUTA_DRILL_TRANSACTIONS", transactions.to_string())
        .env("BAUTA_DRILL_RATE", "5000");
    if let Some(seed) = seed {
        cargo.env("BAUTA_DRILL_SEED", seed.to_string());
    }
    workspace::run(&mut cargo)
}

fn yellowstone(rounds: u32, seed: Option<u64>) -> Result<()> {
    system::require(&[system::CC, system::POSTGRES])?;
    let mut cargo = workspace::grpc_tests()?;
    cargo
        .args(["--", "--nocapture"])
        .env("BAUTA_DRILL_ROUNDS", rounds.to_string());
    if let Some(seed) = seed {
        cargo.env("BAUTA_DRILL_SEED", seed.to_string());
    }
    workspace::run(&mut cargo)
}

fn ohttp() -> Result<()> {
    system::require(&[system::CC, system::POSTGRES])?;
    localnet::build()?;
    let folder = workspace::target()?.join("ohttp-client");
    let manifest = workspace::root()?.join("tests/ohttp-client/Cargo.toml");
    let mut cargo = workspace::cargo()?;
    cargo
        .args(["build", "--locked", "--quiet", "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(&folder);
    workspace::run(&mut cargo)?;
    let client = folder.join("debug/bauta-ohttp-client");
    let mut cargo = test("api", "the_client_of_another_implementation")?;
    workspace::run(cargo.arg("--ignored").env("BAUTA_OHTTP_CLIENT", client))
}

fn key_stores() -> Result<()> {
    system::require(&[system::CC, system::POSTGRES])?;
    localnet::build()?;
    let mut cargo = workspace::cargo()?;
    // The other builds have no clients of key stores.
    cargo
        .args([
            "test",
            "--locked",
            "--workspace",
            "--features",
            workspace::KEY_STORES,
        ])
        .args(["--test", "api", "--test", "cli", "--", "--nocapture", "vault::"]);
    workspace::run(&mut cargo)
}

fn service(jobs: u32, seconds: u64, cgroup: bool) -> Result<()> {
    system::require(&[system::CC, system::POSTGRES, system::REDIS])?;
    if cgroup {
        let mut cargo = test("service", "in_a_container_without_room")?;
        workspace::run(cargo.env("BAUTA_DRILL_CGROUP", "true"))?;
    }
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

/// Returns the command that runs the tests of a target whose names contain `name`. It selects the
/// whole workspace, because a selection by package would rebuild the dependencies with other
/// features.
fn test(target: &str, name: &str) -> Result<Command> {
    let mut cargo = workspace::cargo()?;
    cargo
        .args(["test", "--locked", "--workspace", "--test", target, "--"])
        .args(["--nocapture", name]);
    Ok(cargo)
}

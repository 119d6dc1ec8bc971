//! `cargo xtask test`: installs what is missing, then runs every test of the project.

mod executables;
mod pool;

use std::{env, path::PathBuf, process::Command, thread};

use anyhow::{Context, Result};

use self::{executables::Executable, pool::Job};
use crate::{localnet, program, system, wasm, workspace};

/// Checks the artifacts and the modules, then runs the tests of the workspace, the suite on the
/// SBPF v0 ELFs, the TypeScript suite, the TypeScript packages with the demo page, the demo, and the
/// tests that need gRPC.
pub fn run() -> Result<()> {
    system::require(&system::BUILD)?;
    system::require(&[
        system::CHROMIUM,
        system::NODE,
        system::NPM,
        system::POSTGRES,
        system::REDIS,
        system::PYTHON_VENV,
        system::SCRIPT,
    ])?;
    program::check_digests()?;
    wasm::check()?;
    let executables = executables::build()?;
    let localnet = localnet::build()?;
    let processors = thread::available_parallelism()?.get();
    let mut jobs = vec![sdk(localnet)?, typescript()?];
    for executable in &executables {
        jobs.push(workspace_tests(executable, processors)?);
    }
    for executable in &executables {
        jobs.extend(suite_on_v0(executable, processors)?);
    }
    jobs.push(demo()?);
    // Most tests wait for servers and for the chain, so one program more than there are processors
    // keeps them busy. Yet more programs would make servers so slow that the time limits of clients
    // end requests.
    pool::run(jobs, processors + 1)?;
    // rustdoc compiles the examples after cargo has released the target directory. A build by
    // another job would then replace the libraries of the programs, whose file names have no hash.
    pool::run(vec![documentation_tests()?, grpc_tests()?], 1)
}

/// Returns the job that runs the tests of an executable. `RUST_TEST_THREADS` overrides the number
/// of threads.
fn workspace_tests(executable: &Executable, threads: usize) -> Result<Job> {
    let mut command = executable.command()?;
    if env::var_os("RUST_TEST_THREADS").is_none() {
        command.env("RUST_TEST_THREADS", threads.to_string());
    }
    let package = executable.package.file_name().unwrap_or_default().display();
    Ok(Job {
        name: format!("{package}: {}", executable.target),
        commands: vec![command],
    })
}

/// Returns the job that runs a part of the suite of the programs on their SBPF v0 ELFs. Returns
/// `None` if the executable is no part of the suite. Without the variables, the suite runs on the
/// v3 ELFs.
fn suite_on_v0(executable: &Executable, threads: usize) -> Result<Option<Job>> {
    let root = workspace::root()?;
    if executable.package != root.join("tests/program") {
        return Ok(None);
    }
    let mut job = workspace_tests(executable, threads)?;
    job.name.push_str(" on SBPF v0");
    let programs = root.join("programs");
    for command in &mut job.commands {
        command
            .env("BAUTA_PROGRAM_ELF", programs.join("bauta/artifacts/bauta.so"))
            .env("BAUTA_AIRDROP_ELF", programs.join("airdrop/artifacts/airdrop.so"))
            .env(
                "BAUTA_EXAMPLE_GATE_ELF",
                programs.join("example-gate/artifacts/example-gate.so"),
            );
    }
    Ok(Some(job))
}

/// Returns the job that runs the examples in the documentation.
fn documentation_tests() -> Result<Job> {
    let mut cargo = workspace::cargo()?;
    cargo.args(["test", "--doc", "--workspace", "--locked"]);
    Ok(Job {
        name: "documentation".to_owned(),
        commands: vec![cargo],
    })
}

/// Returns the job that builds and runs the tests of the Yellowstone stream. No other job builds
/// the gRPC crates: they would enable features of the dependencies of every program.
fn grpc_tests() -> Result<Job> {
    let mut cargo = workspace::grpc_tests()?;
    // The same faults in each run.
    cargo.env("BAUTA_DRILL_SEED", "1");
    Ok(Job {
        name: "indexing: yellowstone".to_owned(),
        commands: vec![cargo],
    })
}

/// Returns the job that runs the demo, which checks the results that it prints.
fn demo() -> Result<Job> {
    let mut demo = Command::new(env::current_exe().context("can't find this program")?);
    demo.arg("demo");
    Ok(Job {
        name: "demo".to_owned(),
        commands: vec![demo],
    })
}

/// Returns the job that runs the TypeScript suite, in which Anchor's client uses the IDL and the
/// ELF.
fn typescript() -> Result<Job> {
    npm_test("tests/typescript", &[])
}

/// Returns the job that builds and tests the TypeScript packages: one test with the local node, then
/// the SDK with all services on free ports, without and with their limits of what a client may
/// send, and then the demo page in Chromium. The page is built from the sources of the packages, so
/// it waits for their installation.
fn sdk(localnet: PathBuf) -> Result<Job> {
    let mut job = npm_test("sdk", &[("BAUTA_LOCALNET", localnet)])?;
    // The other tests send more than one client may.
    for (limits, script) in [("off", "test:stack"), ("default", "test:limits")] {
        let mut stack = Command::new(env::current_exe().context("can't find this program")?);
        stack
            .current_dir(workspace::root()?)
            .args(["up", "--free-ports", "--no-web", "--client-limits", limits])
            .args(["--", "npm", "--prefix", "sdk/sdk", "run", script]);
        // `up` would use the servers of these variables.
        for variable in ["DATABASE_URL", "REDIS_URL", "SOLANA_RPC_URL", "SOLANA_WS_URL"] {
            stack.env_remove(variable);
        }
        job.commands.push(stack);
    }
    let mut page = Command::new(env::current_exe().context("can't find this program")?);
    page.current_dir(workspace::root()?).args(["drill", "web"]);
    job.commands.push(page);
    Ok(job)
}

/// Returns the job that installs the npm packages of a folder, which have locked versions, and runs
/// its tests with these variables in their environment.
fn npm_test(folder: &str, variables: &[(&str, PathBuf)]) -> Result<Job> {
    let path = workspace::root()?.join(folder);
    let commands = [&["ci", "--no-audit", "--no-fund"][..], &["test"]].map(|arguments| {
        let mut npm = Command::new("npm");
        npm.args(arguments)
            .current_dir(&path)
            .envs(variables.iter().cloned());
        npm
    });
    Ok(Job {
        name: folder.to_owned(),
        commands: commands.into(),
    })
}

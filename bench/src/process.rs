//! Runs a service as a separate process.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// A running service. Dropping it kills the process.
pub struct Running {
    process: Child,
    /// The address it listens on.
    pub address: String,
    /// The time from its start to a successful answer of `/ready`.
    pub ready: Duration,
    /// Sends requests.
    pub client: reqwest::Client,
}

/// Returns the command of a service on free ports of this machine. `cargo xtask bench` builds the
/// service beside this program.
pub fn command(program: &str) -> Result<Command> {
    let mut command = Command::new(env::current_exe()?.with_file_name(program));
    command
        .envs([("PORT", "0"), ("METRICS_PORT", "0")])
        .envs([("HOST", "127.0.0.1"), ("METRICS_HOST", "127.0.0.1")]);
    Ok(command)
}

impl Running {
    /// Starts a service and waits until it is ready.
    pub async fn start(mut command: Command) -> Result<Self> {
        command.stdout(Stdio::piped());
        let started = Instant::now();
        let mut process = command.spawn().context("can't start the service")?;
        let lines = process.stdout.take().context("the service's output is piped")?;
        let mut lines = BufReader::new(lines);
        let mut operations = String::new();
        let address = loop {
            let mut line = String::new();
            if lines.read_line(&mut line)? == 0 {
                bail!("the service exited at its start");
            }
            let entry: Value = serde_json::from_str(&line)?;
            if let Some(address) = entry["metrics"].as_str() {
                address.clone_into(&mut operations);
            }
            if entry["event"] == "listening" {
                break entry["address"].as_str().unwrap_or_default().to_owned();
            }
        };
        // Read and discard the rest of the log, so that the pipe does not fill up.
        thread::spawn(move || lines.lines().map_while(Result::ok).for_each(drop));
        let mut running = Self {
            process,
            address,
            ready: Duration::ZERO,
            client: reqwest::Client::new(),
        };
        let ready = format!("http://{operations}/ready");
        while !running.client.get(&ready).send().await?.status().is_success() {
            ensure!(
                started.elapsed() < Duration::from_mins(1),
                "the service is not ready within a minute"
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        running.ready = started.elapsed();
        Ok(running)
    }

    /// Returns the resident memory in MB.
    pub fn memory_mb(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let line = line.context("the system does not report VmRSS")?;
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kilobytes * 1024.0 / 1e6)
    }

    /// Returns the processor time of all its threads since its start, in seconds.
    pub fn cpu_s(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        // The process name, in parentheses, may contain any character.
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        let ticks = |field: usize| -> Result<f64> {
            Ok(fields
                .get(field)
                .context("the file stat has too few fields")?
                .parse()?)
        };
        #[allow(clippy::cast_precision_loss, reason = "the number is about a hundred")]
        let per_second = rustix::param::clock_ticks_per_second() as f64;
        Ok((ticks(11)? + ticks(12)?) / per_second)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

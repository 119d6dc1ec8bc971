//! The image is built, and the compose file brought up and run as deploy/README.md says, in a real container engine.
//!
//! ```text
//!   stand-ins, if wanted --> image --> secrets --> up --> prove, kill a worker --> backup --> lose Postgres --> restore --> down
//! ```

use std::{
    fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use super::{dashboard, http, standins};
use crate::workspace;

const PROVER: &str = "http://127.0.0.1:3001";
const PROMETHEUS: &str = "http://127.0.0.1:9093";
/// How long until something that is begun is done: tables of a key are computed on a machine that may be busy.
const PATIENCE: Duration = Duration::from_mins(3);
/// Jobs of which a killed worker has some.
const JOBS: usize = 40;

/// Runs it.
pub fn run(stand_ins: bool) -> Result<()> {
    workspace::output(docker().arg("version"))
        .context("no container engine answers; on Debian docker.io and docker-compose have one")?;
    let root = workspace::root()?;
    let mut services = vec!["indexer", "prover", "worker", "prometheus"];
    if stand_ins {
        standins::build(&root)?;
    } else {
        services.push("grafana");
    }
    let file = root.join("deploy/Dockerfile");
    workspace::run(
        docker()
            .args(["build", "--tag", "bauta", "--file"])
            .arg(&file)
            .arg(&root),
    )?;
    let size: f64 = inspect("bauta", "{{.Size}}")?.parse()?;
    let bases: f64 = inspect("debian:bookworm-slim", "{{.Size}}").map_or(Ok(0.0), |size| size.parse())?;

    for program in ["bauta-indexer", "prover-service", "bauta"] {
        let options = [
            "run",
            "--rm",
            "--read-only",
            "--cap-drop",
            "ALL",
            "--network",
            "none",
        ];
        workspace::output(docker().args(options).args(["bauta", program, "--help"]))?;
    }
    let stack = Compose::new(&root)?;
    let begun = Instant::now();
    stack.up(&services)?;
    until_ready()?;
    println!("ready {:.0} s after `up`", begun.elapsed().as_secs_f64());
    stack.keeps_to_itself()?;
    dashboard::ask_for_work(PROVER)?;
    stack.is_scraped()?;
    let before = stack.jobs(true)?;
    stack.loses_its_database(&services, &before)?;
    stack.stop()?;
    println!(
        "the image ({:.0} MB, its base {:.0} MB) and the compose file's services do what deploy/README.md says",
        size / 1e6,
        bases / 1e6
    );
    Ok(())
}

/// The engine's client. It builds with `BuildKit`.
pub(super) fn docker() -> Command {
    let mut command = Command::new("docker");
    command.env("DOCKER_BUILDKIT", "1");
    command
}

fn inspect(thing: &str, format: &str) -> Result<String> {
    let text = workspace::output(docker().args(["inspect", "--format", format, thing]))?;
    Ok(text.trim().to_owned())
}

fn until_ready() -> Result<()> {
    let begun = Instant::now();
    loop {
        match http::get(PROVER, "/ready") {
            Ok(answer) if answer["status"] == "ready" => return Ok(()),
            answer => ensure!(begun.elapsed() < PATIENCE, "the prover isn't ready: {answer:?}"),
        }
        thread::sleep(Duration::from_millis(500));
    }
}

/// The compose file on a copy of `deploy` with secrets of its own; gone with the value, volumes included.
struct Compose {
    folder: TempDir,
    /// Of Compose 1, which doesn't know `name`.
    old: bool,
}

impl Compose {
    fn new(root: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        workspace::run(
            Command::new("cp")
                .arg("--archive")
                .arg(root.join("deploy"))
                .arg(folder.path()),
        )?;
        let compose = folder.path().join("deploy/compose");
        workspace::run(
            Command::new("sh")
                .args(["make-secrets.sh", "--development-keys"])
                // No node: the indexer waits for one.
                .env("SOLANA_RPC_URL", "http://node.invalid:8899")
                .current_dir(&compose),
        )?;
        let old = workspace::output(docker().args(["compose", "version"])).is_err();
        if old {
            let file = compose.join("compose.yml");
            let text = fs::read_to_string(&file)?.replace("\nname: bauta\n", "\n");
            fs::write(&file, text)?;
        }
        Ok(Self { folder, old })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = if self.old {
            Command::new("docker-compose")
        } else {
            let mut command = docker();
            command.arg("compose");
            command
        };
        command
            .args(["--project-name", "bauta-drill", "--file"])
            .arg(self.folder.path().join("deploy/compose/compose.yml"))
            .args(arguments);
        command
    }

    fn up(&self, services: &[&str]) -> Result<()> {
        let mut arguments = vec!["up", "--detach", "--no-build", "--scale", "worker=2"];
        arguments.extend(services);
        workspace::run(&mut self.command(&arguments))
    }

    /// The containers of a service that run.
    fn containers(&self, service: &str) -> Result<Vec<String>> {
        let ids = workspace::output(&mut self.command(&["ps", "--quiet", service]))?;
        let mut running = Vec::new();
        for id in ids.split_whitespace() {
            if inspect(id, "{{.State.Running}}")? == "true" {
                running.push(id.to_owned());
            }
        }
        Ok(running)
    }

    fn container(&self, service: &str) -> Result<String> {
        let mut containers = self.containers(service)?;
        containers.pop().with_context(|| format!("no {service} runs"))
    }

    /// Runs a command in Postgres's container, as docs/backup.md has it.
    fn in_postgres(&self, arguments: &[&str]) -> Result<String> {
        let begin = ["exec", "-T", "--user", "postgres", "postgres"];
        let text = workspace::output(&mut self.command(&[&begin, arguments].concat()))?;
        Ok(text.trim().to_owned())
    }

    /// Not root, nothing to write to, ports on this machine alone, databases on a network without a way out, secrets in files alone.
    fn keeps_to_itself(&self) -> Result<()> {
        for service in ["indexer", "prover", "worker"] {
            let container = self.container(service)?;
            let user = workspace::output(docker().args(["exec", &container, "id", "--user"]))?;
            ensure!(user.trim() == "10001", "{service} runs as {user}");
            let written =
                workspace::output(docker().args(["exec", &container, "touch", "/usr/local/bin/new"]));
            ensure!(written.is_err(), "{service} can write to its programs");
        }
        let ports = workspace::output(docker().args(["ps", "--format", "{{.Names}} {{.Ports}}"]))?;
        for line in ports.lines().filter(|line| line.starts_with("bauta-drill")) {
            let (name, mappings) = line.split_once(' ').unwrap_or((line, ""));
            let open = mappings.split(", ").filter(|mapping| mapping.contains("->"));
            for mapping in open {
                ensure!(
                    mapping.starts_with("127.0.0.1:"),
                    "{name} is open to the world: {mapping}"
                );
            }
        }
        let internal = workspace::output(docker().args([
            "network",
            "inspect",
            "--format",
            "{{.Internal}}",
            "bauta-drill_data",
        ]))?;
        ensure!(internal.trim() == "true", "the databases' network has a way out");
        let folder = self.folder.path().join("deploy/compose/secrets");
        let password = fs::read_to_string(folder.join("postgres_password"))?;
        let settings = fs::read_to_string(folder.join("prover.toml"))?;
        let key = settings
            .lines()
            .find_map(|line| line.strip_prefix("cache_key = "));
        let secrets = [password.as_str(), key.context("no cache_key")?.trim_matches('"')];
        for service in ["postgres", "redis", "indexer", "prover", "worker"] {
            let all = workspace::output(docker().args(["inspect", &self.container(service)?]))?;
            let shown = secrets.iter().any(|secret| all.contains(secret));
            ensure!(!shown, "`docker inspect` shows a secret of {service}");
        }
        Ok(())
    }

    /// Prometheus finds every container by DNS.
    fn is_scraped(&self) -> Result<()> {
        let expected = self.containers("worker")?.len() + 2;
        let begun = Instant::now();
        loop {
            let answer = http::post_form(PROMETHEUS, "/api/v1/query", "query", "sum(up)")?;
            let up = answer["data"]["result"][0]["value"][1].as_str();
            if up == Some(expected.to_string().as_str()) {
                return Ok(());
            }
            ensure!(
                begun.elapsed() < PATIENCE,
                "of {expected} containers {up:?} are scraped"
            );
            thread::sleep(Duration::from_secs(1));
        }
    }

    /// Jobs that all succeed, though a worker may be killed meanwhile: where each is asked about, with its answer.
    fn jobs(&self, kill: bool) -> Result<Vec<(String, Value)>> {
        let mut request = http::get(PROVER, "/openapi.json")?["paths"]["/prove"]["post"]["requestBody"]
            ["content"]["application/json"]["example"]
            .take();
        request["wait"] = false.into();
        let mut jobs = Vec::new();
        for number in 0..JOBS {
            let (status, accepted) = http::post(PROVER, "/prove", &request)?;
            ensure!(status == 202, "{accepted}");
            jobs.push(
                accepted["status_url"]
                    .as_str()
                    .context("no status_url")?
                    .to_owned(),
            );
            if kill && number == JOBS / 2 {
                workspace::run(docker().args(["kill", &self.container("worker")?]))?;
            }
        }
        let begun = Instant::now();
        let mut ended = Vec::new();
        for job in jobs {
            loop {
                let document = http::get(PROVER, &job)?;
                if document["state"] == "succeeded" {
                    ended.push((job, document));
                    break;
                }
                ensure!(
                    document["state"] != "failed" && begun.elapsed() < PATIENCE,
                    "{document}"
                );
                thread::sleep(Duration::from_millis(200));
            }
        }
        Ok(ended)
    }

    /// docs/backup.md, word for word: a backup, more work, the server's data gone, restored from backup and log.
    fn loses_its_database(&self, services: &[&str], before: &[(String, Value)]) -> Result<()> {
        let backup = self.in_postgres(&[
            "sh",
            "/usr/local/lib/bauta/backup.sh",
            "bauta",
            "/var/backups/bauta",
            "14",
        ])?;
        let after = self.jobs(false)?;
        self.in_postgres(&["psql", "--dbname", "bauta", "--command", "SELECT pg_switch_wal()"])?;
        self.stop()?;
        workspace::run(&mut self.command(&["rm", "--force", "postgres"]))?;
        workspace::run(docker().args(["volume", "rm", "bauta-drill_postgres"]))?;
        workspace::run(&mut self.command(&[
            "run",
            "--rm",
            "--no-deps",
            "--user",
            "postgres",
            "postgres",
            "sh",
            "/usr/local/lib/bauta/restore.sh",
            &backup,
            "/var/backups/bauta/wal",
            "/var/lib/postgresql/data",
        ]))?;
        self.up(services)?;
        until_ready()?;
        for (job, document) in before.iter().chain(&after) {
            ensure!(http::get(PROVER, job)? == *document, "{job} isn't what it was");
        }
        dashboard::ask_for_work(PROVER)
    }

    /// Every service ends by itself when it is told to.
    fn stop(&self) -> Result<()> {
        let services = ["indexer", "prover", "worker", "postgres"];
        let mut containers = Vec::new();
        for service in services {
            for container in self.containers(service)? {
                containers.push((service, container));
            }
        }
        workspace::run(&mut self.command(&[&["stop"], &services[..]].concat()))?;
        for (service, container) in containers {
            let code = inspect(&container, "{{.State.ExitCode}}")?;
            ensure!(code == "0", "{service} ended with {code}");
        }
        Ok(())
    }
}

impl Drop for Compose {
    fn drop(&mut self) {
        // What is left if it fails is named by the engine.
        let _ = self.command(&["down", "--volumes", "--remove-orphans"]).status();
    }
}

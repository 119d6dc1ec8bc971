//! Builds the image and runs the compose file in a container engine, as deploy/README.md describes.
//!
//! ```text
//!   stand-ins (optional) --> image, target verifier --> secrets --> up --> prove, kill a worker
//!     --> backup --> lose Postgres --> restore --> down
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

use super::{
    dashboard,
    docker::{TIMEOUT, docker, inspect},
    http, standins, verifier,
};
use crate::workspace;

const PROVER: &str = "127.0.0.1:3001";
const PROMETHEUS: &str = "http://127.0.0.1:9093";
/// Number of jobs in a run. A worker that owns some of them is killed.
const JOBS: usize = 40;

/// Runs the drill.
pub fn run(stand_ins: bool) -> Result<()> {
    workspace::output(docker().arg("version"))
        .context("no container engine is running; on Debian, install docker.io and docker-compose")?;
    let root = workspace::root()?;
    let mut services = vec!["indexer", "prover", "worker", "api", "prometheus"];
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

    for program in ["bauta-indexer", "prover-service", "bauta-api", "bauta"] {
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
    verifier::run(&root)?;
    let stack = Compose::new(&root)?;
    let start = Instant::now();
    stack.up(&services)?;
    stack.wait_until_ready()?;
    println!("ready {:.0} s after `up`", start.elapsed().as_secs_f64());
    stack.check_isolation()?;
    stack.check_permissions()?;
    dashboard::send_sample_requests(&stack.prover()?)?;
    stack.check_scraping()?;
    let before = stack.run_jobs(true)?;
    stack.lose_and_restore_database(&services, &before)?;
    stack.stop()?;
    println!(
        "the image ({:.0} MB, its base {:.0} MB) and the services of the compose file work as deploy/README.md describes",
        size / 1e6,
        bases / 1e6
    );
    Ok(())
}

/// The compose file in a copy of `deploy`, with separate secrets. Dropping it stops the services
/// and removes the folder and the volumes.
struct Compose {
    folder: TempDir,
    /// Whether this is Compose 1, which doesn't support the key `name`.
    compose_1: bool,
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
                // There is no node. The indexer keeps waiting for one.
                .env("SOLANA_RPC_URL", "http://node.invalid:8899")
                .current_dir(&compose),
        )?;
        let compose_1 = workspace::output(docker().args(["compose", "version"])).is_err();
        if compose_1 {
            let file = compose.join("compose.yml");
            let text = fs::read_to_string(&file)?.replace("\nname: bauta\n", "\n");
            fs::write(&file, text)?;
        }
        Ok(Self { folder, compose_1 })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = if self.compose_1 {
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

    /// Returns the prover's URL with the client's API key that `make-secrets.sh` generated.
    fn prover(&self) -> Result<String> {
        self.prover_with("api_key")
    }

    /// Returns the prover's URL with the API key in a file of `make-secrets.sh`.
    fn prover_with(&self, file: &str) -> Result<String> {
        let key = fs::read_to_string(self.folder.path().join("deploy/compose/secrets").join(file))?;
        Ok(format!("http://{}@{PROVER}", key.trim()))
    }

    /// Checks that only the operator's API key may see statistics.
    fn check_permissions(&self) -> Result<()> {
        http::get(&self.prover_with("admin_key")?, "/api/queue/stats")?;
        let refused = http::get(&self.prover()?, "/api/queue/stats");
        ensure!(
            refused.is_err_and(|error| error.to_string().contains("403")),
            "the client's API key may administrate the prover"
        );
        Ok(())
    }

    /// Waits until the prover is ready. Its operations port is not published.
    fn wait_until_ready(&self) -> Result<()> {
        let start = Instant::now();
        loop {
            let url = "http://127.0.0.1:9090/ready";
            let answer = self.container("prover").and_then(|container| {
                workspace::output(docker().args(["exec", &container, "curl", "--silent", url]))
            });
            match answer {
                Ok(answer) if answer.contains(r#""status":"ready""#) => return Ok(()),
                answer => ensure!(
                    start.elapsed() < TIMEOUT,
                    "the prover is not ready after {TIMEOUT:?}: {answer:?}"
                ),
            }
            thread::sleep(Duration::from_millis(500));
        }
    }

    fn up(&self, services: &[&str]) -> Result<()> {
        let mut arguments = vec!["up", "--detach", "--no-build", "--scale", "worker=2"];
        arguments.extend(services);
        workspace::run(&mut self.command(&arguments))
    }

    /// Returns the running containers of a service.
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
        containers
            .pop()
            .with_context(|| format!("no container of {service} is running"))
    }

    /// Runs a command in Postgres's container, as described in docs/backup.md.
    fn in_postgres(&self, arguments: &[&str]) -> Result<String> {
        let exec = ["exec", "-T", "--user", "postgres", "postgres"];
        let text = workspace::output(&mut self.command(&[&exec, arguments].concat()))?;
        Ok(text.trim().to_owned())
    }

    /// Checks the isolation of the containers: services do not run as root and cannot write to
    /// their programs, ports are published only on this machine, the databases' network has no
    /// access to the outside, and secrets are only in files.
    fn check_isolation(&self) -> Result<()> {
        for service in ["indexer", "prover", "worker", "api"] {
            let container = self.container(service)?;
            let user = workspace::output(docker().args(["exec", &container, "id", "--user"]))?;
            ensure!(user.trim() == "10001", "{service} runs as {user}");
            let written =
                workspace::output(docker().args(["exec", &container, "touch", "/usr/local/bin/new"]));
            ensure!(
                written.is_err(),
                "{service} can write to the folder of its programs"
            );
        }
        let ports = workspace::output(docker().args(["ps", "--format", "{{.Names}} {{.Ports}}"]))?;
        for line in ports.lines().filter(|line| line.starts_with("bauta-drill")) {
            let (name, mappings) = line.split_once(' ').unwrap_or((line, ""));
            let open = mappings.split(", ").filter(|mapping| mapping.contains("->"));
            for mapping in open {
                ensure!(
                    mapping.starts_with("127.0.0.1:"),
                    "{name} publishes a port on addresses other than 127.0.0.1: {mapping}"
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
        ensure!(
            internal.trim() == "true",
            "the databases' network has access to the outside"
        );
        let superusers = "SELECT count(*) FROM pg_stat_activity JOIN pg_user USING (usename)
            WHERE usesuper AND backend_type = 'client backend' AND application_name <> 'psql'";
        let superusers = self.in_postgres(&[
            "psql",
            "--dbname",
            "bauta",
            "--tuples-only",
            "--command",
            superusers,
        ])?;
        ensure!(
            superusers == "0",
            "{superusers} connections of services are those of a superuser"
        );
        let folder = self.folder.path().join("deploy/compose/secrets");
        let password = fs::read_to_string(folder.join("postgres_password"))?;
        let settings = fs::read_to_string(folder.join("prover.toml"))?;
        let key = settings
            .lines()
            .find_map(|line| line.strip_prefix("cache_key = "));
        let secrets = [
            password.as_str(),
            key.context("prover.toml has no cache_key")?.trim_matches('"'),
        ];
        for service in ["postgres", "redis", "indexer", "prover", "worker", "api"] {
            let all = workspace::output(docker().args(["inspect", &self.container(service)?]))?;
            let shown = secrets.iter().any(|secret| all.contains(secret));
            ensure!(!shown, "`docker inspect` of {service} shows a secret");
        }
        Ok(())
    }

    /// Waits until Prometheus scrapes every container. It finds them by DNS.
    fn check_scraping(&self) -> Result<()> {
        let expected = self.containers("worker")?.len() + 3;
        let start = Instant::now();
        loop {
            let answer = http::post_form(PROMETHEUS, "/api/v1/query", "query", "sum(up)")?;
            let up = answer["data"]["result"][0]["value"][1].as_str();
            if up == Some(expected.to_string().as_str()) {
                return Ok(());
            }
            ensure!(
                start.elapsed() < TIMEOUT,
                "{expected} containers should be scraped, but the number of scraped ones is {up:?}"
            );
            thread::sleep(Duration::from_secs(1));
        }
    }

    /// Submits jobs, waits until all succeed, and returns each job's status URL with its final
    /// document. With `kill`, kills a worker after half of the jobs are submitted.
    fn run_jobs(&self, kill: bool) -> Result<Vec<(String, Value)>> {
        let prover = self.prover()?;
        let mut request = http::get(&prover, "/openapi.json")?["paths"]["/prove"]["post"]["requestBody"]
            ["content"]["application/json"]["examples"]["ownership"]["value"]
            .take();
        request["wait"] = false.into();
        let mut jobs = Vec::new();
        for number in 0..JOBS {
            let (status, accepted) = http::post(&prover, "/prove", &request)?;
            ensure!(status == 202, "{accepted}");
            jobs.push(
                accepted["status_url"]
                    .as_str()
                    .context("the answer has no status_url")?
                    .to_owned(),
            );
            if kill && number == JOBS / 2 {
                workspace::run(docker().args(["kill", &self.container("worker")?]))?;
            }
        }
        let start = Instant::now();
        let mut completed = Vec::new();
        for job in jobs {
            loop {
                let document = http::get(&prover, &job)?;
                if document["state"] == "succeeded" {
                    completed.push((job, document));
                    break;
                }
                ensure!(
                    document["state"] != "failed" && start.elapsed() < TIMEOUT,
                    "{document}"
                );
                thread::sleep(Duration::from_millis(200));
            }
        }
        Ok(completed)
    }

    /// Follows docs/backup.md: makes a backup, runs more jobs, deletes the server's data, and
    /// restores it from the backup and the archived log.
    fn lose_and_restore_database(&self, services: &[&str], before: &[(String, Value)]) -> Result<()> {
        let prover = self.prover()?;
        let backup = self.in_postgres(&[
            "sh",
            "/usr/local/lib/bauta/backup.sh",
            "bauta",
            "/var/backups/bauta",
            "14",
        ])?;
        let after = self.run_jobs(false)?;
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
        self.wait_until_ready()?;
        for (job, document) in before.iter().chain(&after) {
            ensure!(
                http::get(&prover, job)? == *document,
                "{job} has changed after the restore"
            );
        }
        dashboard::send_sample_requests(&self.prover()?)
    }

    /// Stops the services and checks that each one exits with code 0.
    fn stop(&self) -> Result<()> {
        let services = ["indexer", "prover", "worker", "api", "postgres"];
        let mut containers = Vec::new();
        for service in services {
            for container in self.containers(service)? {
                containers.push((service, container));
            }
        }
        workspace::run(&mut self.command(&[&["stop"], &services[..]].concat()))?;
        for (service, container) in containers {
            let code = inspect(&container, "{{.State.ExitCode}}")?;
            ensure!(code == "0", "{service} exited with code {code}");
        }
        Ok(())
    }
}

impl Drop for Compose {
    fn drop(&mut self) {
        // If this fails, the engine prints what is left.
        let _ = self.command(&["down", "--volumes", "--remove-orphans"]).status();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::workspace;

    #[test]
    fn the_context_of_the_image_has_everything_that_the_dockerfile_copies() {
        let folder = workspace::root().unwrap().join("deploy");
        let read = |file| fs::read_to_string(folder.join(file)).unwrap();
        let (dockerfile, ignore) = (read("Dockerfile"), read("Dockerfile.dockerignore"));
        let kept: Vec<&str> = ignore.lines().filter_map(|line| line.strip_prefix('!')).collect();
        let copies = dockerfile.lines().filter_map(|line| line.strip_prefix("COPY "));
        for copy in copies.filter(|copy| !copy.starts_with("--from=")) {
            let (sources, _) = copy.rsplit_once(' ').expect("sources and a target");
            for source in sources.split(' ') {
                assert!(kept.contains(&source), "the context has no {source}");
            }
        }
    }
}

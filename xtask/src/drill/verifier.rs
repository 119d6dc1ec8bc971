//! Runs the image target `verifier` without a database, without keys for witnesses and without a
//! connection to the outside.

use std::{fs, path::Path, thread, time::Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::docker::{TIMEOUT, docker, inspect};
use crate::workspace;

const IMAGE: &str = "bauta-verifier";
const NAME: &str = "bauta-drill-verifier";
/// The document whose example is a valid proof of the development key. A test sends it.
const EXAMPLES: &str = "docs/api/prover-service.openapi.json";

/// A running container. Dropping it removes it.
struct Container;

impl Drop for Container {
    fn drop(&mut self) {
        // If this fails, the engine prints what is left.
        let _ = docker().args(["rm", "--force", NAME]).status();
    }
}

/// Builds the target from the layers of the image, starts it, and verifies a proof with it.
pub fn run(root: &Path) -> Result<()> {
    let file = root.join("deploy/Dockerfile");
    let build = ["build", "--target", "verifier", "--tag", IMAGE, "--file"];
    workspace::run(docker().args(build).arg(&file).arg(root))?;
    let options = [
        "run",
        "--detach",
        "--name",
        NAME,
        "--read-only",
        // The tables of the development key.
        "--tmpfs",
        "/var/lib/bauta:uid=10001,gid=10001",
        "--cap-drop",
        "ALL",
        "--security-opt",
        "no-new-privileges:true",
        "--network",
        "none",
        "--memory",
        "512m",
        "--env",
        "ALLOW_DEVELOPMENT_KEYS=true",
        IMAGE,
    ];
    let container = Container;
    workspace::run(docker().args(options))?;
    wait_until_healthy()?;
    let document: Value = serde_json::from_slice(&fs::read(root.join(EXAMPLES))?)?;
    let mut request = document["paths"]["/verify"]["post"]["requestBody"]["content"]["application/json"]
        ["examples"]["public"]["value"]
        .clone();
    for (valid, expected) in [(true, r#""valid":true"#), (false, r#""valid":false"#)] {
        if !valid {
            request["public"]["claim"] = request["public"]["scope"].clone();
        }
        let verdict = post("/verify", &request)?;
        ensure!(verdict.contains(expected), "{verdict}");
    }
    let refused = post("/prove", &request)?;
    ensure!(refused.contains("no_such_route"), "{refused}");
    workspace::run(docker().args(["stop", NAME]))?;
    let code = inspect(NAME, "{{.State.ExitCode}}")?;
    ensure!(code == "0", "the verifier exited with code {code}");
    drop(container);
    println!("the image target verifier verifies proofs and nothing else");
    Ok(())
}

/// Waits for the health check of the image.
fn wait_until_healthy() -> Result<()> {
    let start = Instant::now();
    loop {
        let health = inspect(NAME, "{{.State.Health.Status}}")?;
        if health == "healthy" {
            return Ok(());
        }
        ensure!(
            start.elapsed() < TIMEOUT,
            "the verifier is {health} after {TIMEOUT:?}"
        );
        thread::sleep(std::time::Duration::from_millis(500));
    }
}

/// Sends a request inside of the container, which has no network.
fn post(path: &str, body: &Value) -> Result<String> {
    let url = format!("http://127.0.0.1:3001{path}");
    let body = body.to_string();
    let curl = [
        "exec",
        NAME,
        "curl",
        "--silent",
        "--header",
        "content-type: application/json",
        "--data",
        &body,
        &url,
    ];
    workspace::output(docker().args(curl)).with_context(|| format!("POST {path} in the container"))
}

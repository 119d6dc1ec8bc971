//! The local chain: tools/localnet, which is built first if need be.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::workspace;

/// A node that answers.
pub struct Node {
    ready: Ready,
    /// None when it is not ours.
    process: Option<Child>,
}

/// What localnet says when it is ready.
#[derive(Deserialize)]
struct Ready {
    rpc: String,
    websocket: String,
}

impl Node {
    /// Somebody else's node.
    pub fn elsewhere(rpc: &str, websocket: &str) -> Self {
        Self {
            ready: Ready {
                rpc: rpc.to_owned(),
                websocket: websocket.to_owned(),
            },
            process: None,
        }
    }

    /// Starts one with the program in it.
    pub fn start(port: u16, ledger: Option<&Path>, program: &str, authority: &str) -> Result<Self> {
        let elf = workspace::root()?.join("programs/bauta/artifacts/bauta.so");
        let mut command = Command::new(build()?);
        command
            .args(["--json", "--until-stdin-closes", "--port", &port.to_string()])
            .args(["--upgrade-authority", authority, "--program"])
            .arg(format!("{program}={}", elf.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // A group of its own: Ctrl-C is for us, and we stop the node.
            .process_group(0);
        if let Some(file) = ledger {
            command.arg("--ledger").arg(file);
        }
        let mut process = command.spawn().context("can't start the local node")?;
        let mut line = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output)
                .read_line(&mut line)
                .context("can't read what the local node says")?;
        }
        let Ok(ready) = serde_json::from_str(&line) else {
            // It has said why on standard error.
            bail!("the local node didn't start: {}", process.wait()?);
        };
        Ok(Self {
            ready,
            process: Some(process),
        })
    }

    /// Where JSON-RPC answers.
    pub fn rpc(&self) -> &str {
        &self.ready.rpc
    }

    /// Where subscriptions are taken.
    pub fn websocket(&self) -> &str {
        &self.ready.websocket
    }

    /// An error if the node has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        if let Some(process) = &mut self.process
            && let Some(status) = process.try_wait()?
        {
            bail!("the local node ended: {status}");
        }
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            drop(process.stdin.take());
            // It ends as soon as its input does; there is nobody to tell if it can't be waited for.
            let _ = process.wait();
        }
    }
}

/// Builds tools/localnet, a workspace of its own, and says where its program is.
fn build() -> Result<PathBuf> {
    let target = workspace::cache()?.join("target-localnet");
    let program = target.join("debug/bauta-localnet");
    if !program.is_file() {
        eprintln!("building tools/localnet; the first time takes about ten minutes on two cores");
    }
    workspace::run(
        workspace::cargo()?
            .args(["build", "--quiet", "--locked"])
            // Its settings for cargo lie in that folder.
            .current_dir(workspace::root()?.join("tools/localnet"))
            .env("CARGO_TARGET_DIR", &target),
    )?;
    Ok(program)
}

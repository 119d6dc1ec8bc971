use std::{
    env,
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
};

use serde::Deserialize;

use crate::{Error, cache, supervisor::START_TIMEOUT};

/// The name of the program that `tools/localnet` builds.
const PROGRAM: &str = "bauta-localnet";
/// The environment variable with the program's path.
const PATH_VARIABLE: &str = "BAUTA_LOCALNET";

/// A private Solana chain: a process of `tools/localnet` on 127.0.0.1. Dropping the value ends it.
pub struct Chain {
    process: Child,
    ready: Ready,
}

/// The settings of a chain.
#[derive(Clone, Debug, Default)]
pub struct ChainSettings {
    /// The port of the JSON-RPC. The websocket uses the next port. 0 means two free ports.
    pub port: u16,
    /// Programs that are deployed from the first slot: the address and the ELF file.
    pub programs: Vec<(String, PathBuf)>,
    /// The address that may upgrade the programs. `None` means that they cannot be upgraded.
    pub upgrade_authority: Option<String>,
    /// Milliseconds between slots. `None` means 400, as on public clusters.
    pub slot_time: Option<u16>,
    /// The file that stores the chain. `None` means that the chain exists only in memory.
    pub ledger: Option<PathBuf>,
}

/// The line that the node prints when it is ready.
#[derive(Deserialize)]
struct Ready {
    rpc: String,
    websocket: String,
}

impl Chain {
    /// Starts a chain and waits until it is ready.
    pub fn start(settings: &ChainSettings) -> Result<Self, Error> {
        let mut command = Command::new(node_program()?);
        command
            .args(["--json", "--until-stdin-closes", "--port"])
            .arg(settings.port.to_string());
        for (address, elf) in &settings.programs {
            command
                .arg("--program")
                .arg(format!("{address}={}", elf.display()));
        }
        if let Some(authority) = &settings.upgrade_authority {
            command.args(["--upgrade-authority", authority]);
        }
        if let Some(milliseconds) = settings.slot_time {
            command.args(["--slot-time", &milliseconds.to_string()]);
        }
        if let Some(file) = &settings.ledger {
            command.arg("--ledger").arg(file);
        }
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // With its own process group the node does not receive Ctrl-C. This process ends it.
            .process_group(0)
            .spawn()
            .map_err(Error::system("start the local node"))?;
        let (sender, receiver) = mpsc::channel();
        let output = process.stdout.take();
        thread::spawn(move || {
            let mut line = String::new();
            let read = output.map(|output| BufReader::new(output).read_line(&mut line));
            // The receiver no longer exists if the time limit has passed.
            let _ = sender.send(read.and_then(Result::ok).map(|_| line));
        });
        let line = receiver.recv_timeout(START_TIMEOUT).ok();
        let ready = line
            .iter()
            .flatten()
            .find_map(|line| serde_json::from_str(line).ok());
        let mut errors = process.stderr.take();
        let Some(ready) = ready else {
            // The node may still be running. If ending it fails, the error below matters more.
            let _ = process.kill();
            let _ = process.wait();
            let mut log = String::new();
            if let Some(errors) = &mut errors {
                // An incomplete log is better than none, so a read error is ignored.
                let _ = errors.read_to_string(&mut log);
            }
            return Err(if line.is_some() {
                Error::Exited {
                    program: PROGRAM,
                    log,
                }
            } else {
                Error::Timeout {
                    program: PROGRAM,
                    limit: START_TIMEOUT,
                    log,
                }
            });
        };
        // If the pipe is not read, it fills up and blocks the node.
        if let Some(mut errors) = errors {
            thread::spawn(move || std::io::copy(&mut errors, &mut std::io::stderr()));
        }
        Ok(Self { process, ready })
    }

    /// Returns the URL of the JSON-RPC: `http://127.0.0.1:port`.
    #[must_use]
    pub fn rpc_url(&self) -> &str {
        &self.ready.rpc
    }

    /// Returns the URL of the websocket: `ws://127.0.0.1:port`.
    #[must_use]
    pub fn websocket_url(&self) -> &str {
        &self.ready.websocket
    }

    /// Returns the id of the node's process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Returns an error if the node has ended by itself.
    pub fn check(&mut self) -> Result<(), Error> {
        let status = self.process.try_wait();
        match status.map_err(Error::system("read the status of the local node"))? {
            None => Ok(()),
            Some(status) => Err(Error::Exited {
                program: PROGRAM,
                log: status.to_string(),
            }),
        }
    }

    /// Ends the node and waits for it. The ledger is complete when this method returns.
    pub fn stop(self) {}
}

impl Drop for Chain {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // The node ends when its standard input closes. An error cannot be reported from `drop`.
        let _ = self.process.wait();
    }
}

/// Returns the path of the node's program.
///
/// The environment variable `BAUTA_LOCALNET` overrides the search. Otherwise the program is
/// searched in the folder where cargo built this test, and then where `cargo xtask localnet` builds
/// it.
pub fn node_program() -> Result<PathBuf, Error> {
    let variable = |name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let beside_this_test = || {
        let test = env::current_exe().ok()?;
        let folder = test.parent().filter(|folder| folder.ends_with("deps"))?;
        Some(folder.parent()?.join(PROGRAM))
    };
    let target = || variable("CARGO_TARGET_DIR").or_else(|| Some(cache().ok()?.join("target")));
    variable(PATH_VARIABLE)
        .or_else(|| beside_this_test().filter(|file| file.is_file()))
        .or_else(|| Some(target()?.join("debug").join(PROGRAM)))
        .filter(|file| file.is_file())
        .ok_or(Error::NotBuilt)
}

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

use crate::{Error, cache, keeper::PATIENCE};

/// The name of the local node's program, that of `tools/localnet`.
const PROGRAM: &str = "bauta-localnet";
/// The variable that says where it is.
const VARIABLE: &str = "BAUTA_LOCALNET";

/// A Solana chain of our own: `tools/localnet`, on the loopback address.
pub struct Chain {
    process: Child,
    ready: Ready,
}

/// What a chain begins with.
#[derive(Clone, Debug, Default)]
pub struct ChainSettings {
    /// The port of JSON-RPC, the websocket's being the next; 0: two free ones.
    pub port: u16,
    /// Programs that are there from the first slot: address and ELF.
    pub programs: Vec<(String, PathBuf)>,
    /// The address that may upgrade them; none: nobody.
    pub upgrade_authority: Option<String>,
    /// Milliseconds between slots; none: 400, as on public clusters.
    pub slot_time: Option<u16>,
    /// The file that the chain is kept in; none: memory.
    pub ledger: Option<PathBuf>,
}

/// What the node says when it is ready.
#[derive(Deserialize)]
struct Ready {
    rpc: String,
    websocket: String,
}

impl Chain {
    /// Starts a chain and waits until it answers.
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
            // A group of its own: Ctrl-C is for its starter, who stops the node.
            .process_group(0)
            .spawn()
            .map_err(Error::system("start the local node"))?;
        let (said, heard) = mpsc::channel();
        let output = process.stdout.take();
        thread::spawn(move || {
            let mut line = String::new();
            let read = output.map(|output| BufReader::new(output).read_line(&mut line));
            // Whoever has waited too long doesn't listen any more.
            let _ = said.send(read.and_then(Result::ok).map(|_| line));
        });
        let line = heard.recv_timeout(PATIENCE).ok();
        let ready = line
            .iter()
            .flatten()
            .find_map(|line| serde_json::from_str(line).ok());
        let mut errors = process.stderr.take();
        let Some(ready) = ready else {
            // It may run, and never be ready; there is nobody to tell if it can't be ended.
            let _ = process.kill();
            let _ = process.wait();
            let mut log = String::new();
            if let Some(errors) = &mut errors {
                // Half of what it wrote is better than nothing.
                let _ = errors.read_to_string(&mut log);
            }
            return Err(if line.is_some() {
                Error::Ended {
                    program: PROGRAM,
                    log,
                }
            } else {
                Error::Late {
                    program: PROGRAM,
                    waited: PATIENCE,
                    log,
                }
            });
        };
        // A pipe that nobody empties would stop the node.
        if let Some(mut errors) = errors {
            thread::spawn(move || std::io::copy(&mut errors, &mut std::io::stderr()));
        }
        Ok(Self { process, ready })
    }

    /// Where JSON-RPC answers: `http://127.0.0.1:port`.
    #[must_use]
    pub fn rpc_url(&self) -> &str {
        &self.ready.rpc
    }

    /// Where subscriptions are taken: `ws://127.0.0.1:port`.
    #[must_use]
    pub fn websocket_url(&self) -> &str {
        &self.ready.websocket
    }

    /// Its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// An error if it has ended by itself.
    pub fn check(&mut self) -> Result<(), Error> {
        let status = self.process.try_wait();
        match status.map_err(Error::system("look at the local node"))? {
            None => Ok(()),
            Some(status) => Err(Error::Ended {
                program: PROGRAM,
                log: status.to_string(),
            }),
        }
    }

    /// Stops it and waits for its end, by when a ledger is written.
    pub fn stop(self) {}
}

impl Drop for Chain {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // It ends as soon as its input does; there is nobody to tell if it can't be waited for.
        let _ = self.process.wait();
    }
}

/// Returns the path of the node's program. The variable `BAUTA_LOCALNET` names it. Without the variable it is in
/// the folder where cargo built this test, or in the one where `cargo xtask localnet` builds.
pub fn node_program() -> Result<PathBuf, Error> {
    let set = |name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let beside_this_test = || {
        let program = env::current_exe().ok()?;
        let folder = program.parent().filter(|folder| folder.ends_with("deps"))?;
        Some(folder.parent()?.join(PROGRAM))
    };
    let target = || set("CARGO_TARGET_DIR").or_else(|| Some(cache().ok()?.join("target")));
    set(VARIABLE)
        .or_else(|| beside_this_test().filter(|file| file.is_file()))
        .or_else(|| Some(target()?.join("debug").join(PROGRAM)))
        .filter(|file| file.is_file())
        .ok_or(Error::NotBuilt)
}

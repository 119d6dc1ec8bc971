use std::{
    env,
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Error,
    ports::choose_port,
    supervisor::{Home, SupervisedServer},
};

/// The name of the validator's program.
const NAME: &str = "solana-test-validator";

/// A private Solana chain: a process of Agave's `solana-test-validator`. Dropping the value ends it
/// and removes its ledger.
pub struct TestValidator {
    server: SupervisedServer,
    rpc: String,
    websocket: String,
}

/// The settings of a test validator.
pub struct TestValidatorSettings<'a> {
    /// The path of the validator's program; [`TestValidator::find`] returns it.
    pub validator: &'a Path,
    /// The port of the JSON-RPC on 127.0.0.1. 0 means a free port.
    pub port: u16,
    /// The address of the program that is deployed from the first slot.
    pub program: &'a str,
    /// The program's ELF file.
    pub elf: &'a Path,
    /// The address that may upgrade the program.
    pub upgrade_authority: &'a str,
}

impl TestValidator {
    /// Returns the path of the validator's program, searching `PATH`.
    pub fn find() -> Result<PathBuf, Error> {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path)
            .map(|folder| folder.join(NAME))
            .find(|file| file.is_file())
            .ok_or(Error::NoValidator)
    }

    /// Starts a validator and waits until it is ready.
    pub fn start(settings: &TestValidatorSettings<'_>) -> Result<Self, Error> {
        let port = choose_port(NAME, settings.port)?;
        // The validator always uses the next port for the websocket.
        let websocket = port.checked_add(1).map(|next| choose_port(NAME, next));
        let websocket = websocket.unwrap_or_else(|| choose_port(NAME, 0))?;
        let home = Home::new("bauta-validator-")?;
        let mut command = Command::new(settings.validator);
        command
            .args([
                "--quiet",
                "--reset",
                "--bind-address",
                "127.0.0.1",
                "--rpc-port",
                &port.to_string(),
            ])
            .args(["--faucet-port", &choose_port(NAME, 0)?.to_string()])
            .arg("--ledger")
            .arg(home.path().join("ledger"))
            .args(["--upgradeable-program", settings.program])
            .arg(settings.elf)
            .arg(settings.upgrade_authority);
        let server = SupervisedServer::start(home, NAME, &command, "TERM", |_| {
            is_healthy(port) && TcpStream::connect((Ipv4Addr::LOCALHOST, websocket)).is_ok()
        })?;
        Ok(Self {
            server,
            rpc: format!("http://127.0.0.1:{port}"),
            websocket: format!("ws://127.0.0.1:{websocket}"),
        })
    }

    /// Returns the URL of the JSON-RPC.
    #[must_use]
    pub fn rpc_url(&self) -> &str {
        &self.rpc
    }

    /// Returns the URL of the websocket.
    #[must_use]
    pub fn websocket_url(&self) -> &str {
        &self.websocket
    }

    /// Returns an error with the validator's output if the validator has ended by itself.
    pub fn check(&self) -> Result<(), Error> {
        self.server.check()
    }
}

/// Returns whether the node responds `ok` to `getHealth`.
fn is_healthy(port: u16) -> bool {
    const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"getHealth"}"#;
    let request = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        let length = CALL.len();
        write!(
            stream,
            "POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{CALL}"
        )?;
        let mut response = String::new();
        stream.read_to_string(&mut response)?;
        Ok(response)
    };
    request().is_ok_and(|response| response.contains(r#""result":"ok""#))
}

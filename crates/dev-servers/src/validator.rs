use std::{
    env,
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Error,
    keeper::{Home, Kept, choose_port},
};

/// The program's name.
const NAME: &str = "solana-test-validator";

/// A chain of our own by Agave's `solana-test-validator`, in a folder that goes with it.
pub struct TestValidator {
    server: Kept,
    rpc: String,
    websocket: String,
}

impl TestValidator {
    /// Where the program is on PATH.
    pub fn find() -> Result<PathBuf, Error> {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path)
            .map(|folder| folder.join(NAME))
            .find(|file| file.is_file())
            .ok_or(Error::NoValidator)
    }

    /// Starts it with a program in it, JSON-RPC on this port of 127.0.0.1 (0: a free one), and waits until it answers.
    pub fn start(
        validator: &Path,
        port: u16,
        program: &str,
        elf: &Path,
        upgrade_authority: &str,
    ) -> Result<Self, Error> {
        let port = choose_port(NAME, port)?;
        // the validator's own rule
        let websocket = port.checked_add(1).map(|next| choose_port(NAME, next));
        let websocket = websocket.unwrap_or_else(|| choose_port(NAME, 0))?;
        let home = Home::new("bauta-validator-")?;
        let mut command = Command::new(validator);
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
            .args(["--upgradeable-program", program])
            .arg(elf)
            .arg(upgrade_authority);
        let server = Kept::start(home, NAME, &command, "TERM", |_| {
            answers(port) && TcpStream::connect((Ipv4Addr::LOCALHOST, websocket)).is_ok()
        })?;
        Ok(Self {
            server,
            rpc: format!("http://127.0.0.1:{port}"),
            websocket: format!("ws://127.0.0.1:{websocket}"),
        })
    }

    /// Where JSON-RPC answers.
    #[must_use]
    pub fn rpc_url(&self) -> &str {
        &self.rpc
    }

    /// Where subscriptions are taken.
    #[must_use]
    pub fn websocket_url(&self) -> &str {
        &self.websocket
    }

    /// An error with what it wrote if it has ended by itself.
    pub fn check(&self) -> Result<(), Error> {
        self.server.check()
    }
}

/// Whether JSON-RPC says that the node is well.
fn answers(port: u16) -> bool {
    const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"getHealth"}"#;
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        let length = CALL.len();
        write!(
            stream,
            "POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{CALL}"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.contains(r#""result":"ok""#))
}

//! Starts nodes and sends the transactions that the tests need.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio},
};

use serde_json::Value;
use solana_address::Address;
use solana_commitment_config::CommitmentConfig;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_rpc_client::rpc_client::RpcClient;
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction::Transaction;

/// One SOL.
pub const SOL: u64 = 1_000_000_000;

/// Returns the node's command with these arguments.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bauta-localnet"));
    command.args(arguments);
    command
}

/// Runs the node until it ends and returns its output.
pub fn output(arguments: &[&str]) -> Output {
    command(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the binary was built with this test")
}

/// Returns the path of the checked-in ELF.
pub fn elf() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../programs/bauta/artifacts/bauta.v3.so");
    path.to_str().expect("the checkout's path is UTF-8").to_owned()
}

/// A running node. Dropping the value ends it, even when the test fails.
pub struct Node {
    child: Child,
    input: Option<ChildStdin>,
    ready: Value,
}

impl Node {
    /// Starts a node on free ports and waits until it is ready.
    pub fn start(arguments: &[&str]) -> Self {
        let mut child = command(&["--port", "0", "--json", "--until-stdin-closes"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary was built with this test");
        let input = child.stdin.take();
        let mut line = String::new();
        let output = child.stdout.take().expect("standard output is piped");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("the node writes UTF-8");
        let ready = serde_json::from_str(&line).expect("the node prints its URLs as JSON");
        Self { child, input, ready }
    }

    /// Returns the line that the node printed when it was ready.
    pub fn ready(&self) -> &Value {
        &self.ready
    }

    /// Returns the id of the node's process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the URL of the websocket.
    pub fn websocket(&self) -> &str {
        self.ready["websocket"].as_str().expect("a URL")
    }

    /// Returns a client with the commitment level `confirmed`.
    pub fn client(&self) -> RpcClient {
        let url = self.ready["rpc"].as_str().expect("a URL");
        RpcClient::new_with_commitment(url.to_owned(), CommitmentConfig::confirmed())
    }

    /// Sends a signal to the node and waits until it ends.
    pub fn signal(mut self, name: &str) -> ExitStatus {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .expect("a shell")
                .success()
        );
        self.child.wait().expect("the node was started")
    }

    /// Closes the node's standard input and waits until it ends.
    pub fn close_input(mut self) -> ExitStatus {
        drop(self.input.take());
        self.child.wait().expect("the node was started")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Both fail if the node has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Creates a keypair with 10 SOL.
pub fn funded(client: &RpcClient) -> Keypair {
    let keypair = Keypair::new();
    let signature = client.request_airdrop(&keypair.pubkey(), 10 * SOL).unwrap();
    client.poll_for_signature(&signature).unwrap();
    keypair
}

/// Sends instructions in one transaction that `payer` signs, and waits for its confirmation.
pub fn send(client: &RpcClient, payer: &Keypair, instructions: &[Instruction]) -> Signature {
    client
        .send_and_confirm_transaction(&signed(client, payer, instructions))
        .unwrap()
}

/// Returns a transaction that `payer` has signed, without sending it.
pub fn signed(client: &RpcClient, payer: &Keypair, instructions: &[Instruction]) -> Transaction {
    let blockhash = client.get_latest_blockhash().unwrap();
    Transaction::new_signed_with_payer(instructions, Some(&payer.pubkey()), &[payer], blockhash)
}

/// Returns an instruction that transfers lamports.
pub fn transfer(from: &Keypair, to: &Address, lamports: u64) -> Instruction {
    solana_system_interface::instruction::transfer(&from.pubkey(), to, lamports)
}

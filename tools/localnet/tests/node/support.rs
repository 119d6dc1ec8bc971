//! Starts nodes, and says the few things that every test has to say to one.

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

/// The command, with nothing but these arguments.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bauta-localnet"));
    command.args(arguments);
    command
}

/// Runs the command to its end.
pub fn output(arguments: &[&str]) -> Output {
    command(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the binary was built with this test")
}

/// The ELF that the project checks in.
pub fn elf() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../programs/bauta/artifacts/bauta.so");
    path.to_str().expect("the checkout's path is UTF-8").to_owned()
}

/// A running node. It stops with the test, whatever becomes of that.
pub struct Node {
    child: Child,
    input: Option<ChildStdin>,
    ready: Value,
}

impl Node {
    /// Starts a node on free ports and waits until it answers.
    pub fn start(arguments: &[&str]) -> Self {
        let mut child = command(&["--port", "0", "--json", "--until-stdin-closes"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary was built with this test");
        let input = child.stdin.take();
        let mut line = String::new();
        let output = child.stdout.take().expect("it is piped");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("the node writes UTF-8");
        let ready = serde_json::from_str(&line).expect("the node says in JSON that it is ready");
        Self { child, input, ready }
    }

    /// What the node said when it was ready.
    pub fn ready(&self) -> &Value {
        &self.ready
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where its websocket is.
    pub fn websocket(&self) -> &str {
        self.ready["websocket"].as_str().expect("a URL")
    }

    /// A client that takes a transaction as done when it is confirmed.
    pub fn client(&self) -> RpcClient {
        let url = self.ready["rpc"].as_str().expect("a URL");
        RpcClient::new_with_commitment(url.to_owned(), CommitmentConfig::confirmed())
    }

    /// Sends the process a signal and waits for its end.
    pub fn signal(mut self, name: &str) -> ExitStatus {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .expect("a shell")
                .success()
        );
        self.child.wait().expect("it was started")
    }

    /// Closes its standard input and waits for its end.
    pub fn close_input(mut self) -> ExitStatus {
        drop(self.input.take());
        self.child.wait().expect("it was started")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Somebody with 10 SOL.
pub fn funded(client: &RpcClient) -> Keypair {
    let keypair = Keypair::new();
    let signature = client.request_airdrop(&keypair.pubkey(), 10 * SOL).unwrap();
    client.poll_for_signature(&signature).unwrap();
    keypair
}

/// Sends instructions in one transaction, signed and paid by one, and waits for its confirmation.
pub fn send(client: &RpcClient, payer: &Keypair, instructions: &[Instruction]) -> Signature {
    client
        .send_and_confirm_transaction(&signed(client, payer, instructions))
        .unwrap()
}

/// The same transaction, not sent.
pub fn signed(client: &RpcClient, payer: &Keypair, instructions: &[Instruction]) -> Transaction {
    let blockhash = client.get_latest_blockhash().unwrap();
    Transaction::new_signed_with_payer(instructions, Some(&payer.pubkey()), &[payer], blockhash)
}

/// A payment from one to another.
pub fn transfer(from: &Keypair, to: &Address, lamports: u64) -> Instruction {
    solana_system_interface::instruction::transfer(&from.pubkey(), to, lamports)
}

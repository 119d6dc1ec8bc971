//! A verification that the API service relays: a holder who has no SOL reads the leaves over HTTP,
//! makes the proof, and the wallet of the service pays for the transaction.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use bauta_client::{ReferenceTree, instructions::Verify};
use bauta_http::{Api, RelayOutcome, relay_body, wire::api::FEE_SPONSORED};
use bauta_primitives::tree::Depth;
use rand::{RngCore, rngs::OsRng};
use serde_json::Value;
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;
use tokio::time::{sleep, timeout};

use crate::{
    chain::variable,
    protocol::{ProofRequest, expiry},
    scenario::Scenario,
};

/// Index of the holder whose verification is relayed.
const HOLDER: usize = 42;
/// Lamports that the service's wallet starts with: one SOL.
const BALANCE: u64 = 1_000_000_000;
/// Time limit of each step of the service.
const TIMEOUT: Duration = Duration::from_mins(2);
/// Interval at which the state of the service and of the relay is read.
const POLL: Duration = Duration::from_millis(25);

/// A running process. Dropping the value ends it.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // An error means that the process has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running API service.
struct Service {
    _process: Process,
    api: Api,
}

/// Starts the API service, relays the verification of one holder and checks it in Postgres.
pub async fn verify_once(scenario: &mut Scenario) -> Result<()> {
    let output = &scenario.output;
    output.heading("6. Another holder, without SOL: the API service pays for the transaction");
    let wallet = Keypair::new();
    let payer = scenario.chain.payer.pubkey();
    let funded = scenario
        .chain
        .send(&[transfer(&payer, &wallet.pubkey(), BALANCE)], &[])
        .await;
    funded
        .map_err(anyhow::Error::from)
        .context("the balance of the service's wallet")?;
    let service = Service::start(&wallet, scenario.scope.address).await?;
    output.fact("API service", service.api.host());

    let start = Instant::now();
    let scope = scenario.database.store.scope(scenario.scope.address).await?;
    let root = scope.root.context("a scope of mode Snapshot has a root")?;
    let leaves = service.api.leaves(&scenario.registry.address, root).await?;
    let number = leaves.len();
    let tree = ReferenceTree::from_leaves(Depth::Ten, leaves.iter().copied())?;
    ensure!(tree.root() == root, "the API service sent leaves of another tree");
    let member = &scenario.members[HOLDER];
    let index = leaves.iter().position(|leaf| *leaf == member.leaf());
    let index = index.context("the API service sent no leaf of the holder")?;
    let verify = scenario.circuit.prove(ProofRequest {
        payer: wallet.pubkey(),
        relayer: Some(wallet.pubkey()),
        member,
        path: tree.path(index as u64)?,
        root,
        scope: &scenario.scope,
        expiry: expiry(&scenario.chain).await?,
    })?;
    output.fact(
        "all leaves read over HTTP, path and proof made here in",
        format!("{:.0} ms", start.elapsed().as_secs_f64() * 1e3),
    );
    output.fact(
        "  the service learns only that a client read",
        format!("{number} leaves"),
    );

    let start = Instant::now();
    service.relay(&verify).await?;
    output.fact(
        "relayed and confirmed by the cluster in",
        format!("{:.0} ms", start.elapsed().as_secs_f64() * 1e3),
    );
    scenario.reach_nullifier(&verify).await?;
    let (_, account) = scenario
        .chain
        .rpc
        .account(&wallet.pubkey(), bauta_rpc::CommitmentLevel::Confirmed)
        .await?;
    let left = account.map_or(0, |account| account.lamports);
    scenario.output.fact(
        "  paid by the service's wallet (fee and rent, which returns)",
        format!("{} lamports", BALANCE.saturating_sub(left)),
    );
    Ok(())
}

impl Service {
    /// Starts the service with a wallet that pays in one scope. Waits until it offers to relay.
    async fn start(wallet: &Keypair, scope: Address) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("wallet.json");
        fs::write(&file, serde_json::to_vec(&wallet.to_bytes().to_vec())?)?;
        let mut key = [0; 32];
        OsRng.fill_bytes(&mut key);
        let mut process = Command::new(env::current_exe()?.with_file_name("bauta-api"))
            .envs([("PORT", "0"), ("METRICS_PORT", "0")])
            .envs([("HOST", "127.0.0.1"), ("METRICS_HOST", "127.0.0.1")])
            .env("DATABASE_URL", variable("DATABASE_URL")?)
            .env("SOLANA_RPC_URL", variable("SOLANA_RPC_URL")?)
            .env("RELAY_PAYERS", &file)
            .env("RELAY_SPONSORED", format!("{scope}={BALANCE}"))
            .env("RELAY_KEY", hex::encode(key))
            .env("ANONYMOUS_REQUESTS_PER_MINUTE", "0")
            // The line with the address of the service has this level.
            .env("RUST_LOG", "info")
            .stdout(Stdio::piped())
            .spawn()
            .context("can't start the API service")?;
        let log = process.stdout.take().context("the service's log is piped")?;
        let process = Process(process);
        let mut url = None;
        let mut lines = BufReader::new(log).lines();
        for line in lines.by_ref() {
            let entry: Value = serde_json::from_str(&line?)?;
            if entry["event"] == "listening" {
                let address = entry["address"].as_str().context("the address of the service")?;
                url = Some(format!("http://{address}"));
                break;
            }
        }
        let url = url.context("the API service ended at its start")?;
        // Read and discard the rest of the log, so that the pipe does not fill up.
        thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let api = Api::new(&url)?;
        let offered = async {
            // The service has no wallet until it has read the balance from the node.
            while !api
                .relay_offer()
                .await
                .is_ok_and(|offer| !offer.relayers.is_empty())
            {
                sleep(POLL).await;
            }
        };
        let offered = timeout(TIMEOUT, offered).await;
        offered.context("the API service does not offer to relay")?;
        Ok(Self {
            _process: process,
            api,
        })
    }

    /// Sends a verification and waits until it is confirmed.
    async fn relay(&self, verify: &Verify) -> Result<()> {
        let body = relay_body(verify, FEE_SPONSORED, Duration::ZERO)?;
        let confirmed = async {
            let RelayOutcome::Accepted(accepted) = self.api.relay(&body).await? else {
                bail!("the API service wants another signature");
            };
            loop {
                let relay = self.api.relayed(&accepted.id).await?;
                match &*relay.state {
                    "confirmed" | "finalized" => return Ok(()),
                    "queued" | "sent" => sleep(POLL).await,
                    _ => bail!("the relay did not succeed: {relay:?}"),
                }
            }
        };
        let confirmed = timeout(TIMEOUT, confirmed).await;
        confirmed.context("the relay was not confirmed in time")?
    }
}

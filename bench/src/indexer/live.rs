//! Measures the lag behind a live chain.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bauta::state::{RegistryKind, Tree};
use bauta_client::instructions::{AppendLeaves, CreateRegistry, Initialize};
use bauta_dev_servers::{Chain, ChainSettings, Postgres};
use bauta_indexing::nodes::RpcSource;
use bauta_indexing::{Indexer, RunSettings, Settings, wake};
use bauta_primitives::{FieldElement, Leaf};
use bauta_rpc::{CommitmentLevel, Pubsub, Rpc, sign};
use bauta_store::Slot;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Number of transactions per second.
const RATE: u64 = 50;
/// How often the newest slot is compared with the checkpoint.
const SAMPLE: Duration = Duration::from_millis(50);

/// The lag in slots.
pub struct Lag {
    pub p50: u32,
    pub p99: u32,
}

/// An authority with its registry, which sends transactions.
struct Writer {
    rpc: Rpc,
    authority: Keypair,
    tree: Keypair,
}

impl Writer {
    async fn start(rpc: Rpc, authority: Keypair) -> Result<Self> {
        let writer = Self {
            rpc,
            authority,
            tree: Keypair::new(),
        };
        let (rpc, payer) = (&writer.rpc, writer.authority.pubkey());
        rpc.airdrop(&payer, 100_000_000_000).await?;
        let initialize = Initialize {
            payer,
            upgrade_authority: payer,
            cluster_tag: [7; 32],
            admin: payer,
            development_keys_allowed: true,
        };
        rpc.send_and_confirm(&[initialize.instruction()], &[&writer.authority])
            .await?;
        let rent = rpc.rent_exempt_balance(Tree::SPACE).await?;
        let account = solana_system_interface::instruction::create_account(
            &payer,
            &writer.tree.pubkey(),
            rent,
            u64::try_from(Tree::SPACE)?,
            &bauta::ID,
        );
        let signers = [&writer.authority, &writer.tree];
        rpc.send_and_confirm(&[account, writer.registry().instruction()], &signers)
            .await?;
        Ok(writer)
    }

    fn registry(&self) -> CreateRegistry {
        CreateRegistry {
            payer: self.authority.pubkey(),
            authority: self.authority.pubkey(),
            tree: Some(self.tree.pubkey()),
            nonce: 0,
            kind: RegistryKind::Managed,
            depth: 10,
            leaf_format: 1,
            root_ttl: 3_600,
        }
    }

    fn append(&self, number: u64) -> Instruction {
        let append = AppendLeaves {
            authority: self.authority.pubkey(),
            registry: self.registry().registry(),
            tree: self.tree.pubkey(),
            leaves: vec![Leaf::new(FieldElement::from_u64(number + 1))],
        };
        append.instruction()
    }

    /// Sends transactions at a fixed rate, without waiting for their confirmation.
    async fn write(&self, transactions: u64) -> Result<()> {
        let mut due = interval(Duration::from_secs(1) / u32::try_from(RATE)?);
        due.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let (mut blockhash, _) = self.rpc.latest_blockhash(CommitmentLevel::Confirmed).await?;
        for number in 0..transactions {
            due.tick().await;
            if number % RATE == 0 {
                (blockhash, _) = self.rpc.latest_blockhash(CommitmentLevel::Confirmed).await?;
            }
            let transaction = sign(&[self.append(number)], &[&self.authority], blockhash)?;
            self.rpc.send_without_preflight(&transaction).await?;
        }
        Ok(())
    }
}

/// Measures the lag for `seconds` seconds.
pub async fn lag(server: &Postgres, seconds: u64) -> Result<Lag> {
    let authority = Keypair::new();
    let elf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs/bauta/artifacts/bauta.v3.so");
    let chain = Chain::start(&ChainSettings {
        programs: vec![(bauta::ID.to_string(), elf)],
        upgrade_authority: Some(authority.pubkey().to_string()),
        ..ChainSettings::default()
    })?;
    let rpc = Rpc::new(chain.rpc_url())?;
    let writer = Writer::start(Rpc::new(chain.rpc_url())?, authority).await?;
    let database = super::database(server).await?;
    let store = database.store.clone();
    let settings = RunSettings {
        follow: Settings::new(super::program()),
        poll_interval: Duration::from_secs(1),
        finality_interval: Duration::from_secs(2),
        reconcile_interval: Some(Duration::from_secs(10)),
    };
    let source = RpcSource::new(super::program(), &[super::node(chain.rpc_url())])?;
    let (indexer, _status) = Indexer::new(Arc::new(source), store.clone(), settings);
    let websocket = Pubsub::new(chain.websocket_url())?;
    let wake_task = tokio::spawn(wake(websocket, super::program(), indexer.wake_up()));
    let end = CancellationToken::new();
    let running = tokio::spawn(indexer.run(end.clone()));

    let transactions = RATE * seconds;
    let writing = tokio::spawn(async move { writer.write(transactions).await.map(|()| writer) });
    let mut lags = Vec::new();
    let mut sample = interval(SAMPLE);
    while !writing.is_finished() {
        sample.tick().await;
        let head = Slot::new(rpc.slot(CommitmentLevel::Confirmed).await?);
        // Before the first checkpoint, the indexer reads the history.
        if let Some(at) = store.checkpoint().await? {
            lags.push(u32::try_from(head.slots_since(at.slot))?);
        }
    }
    let writer = writing.await??;
    let address = writer.registry().registry();
    let all = async {
        while store.registry(address).await?.next_index < transactions {
            tokio::time::sleep(SAMPLE).await;
        }
        Ok::<_, anyhow::Error>(())
    };
    tokio::time::timeout(Duration::from_mins(1), all)
        .await
        .context("the indexer did not apply all transactions within a minute")??;
    end.cancel();
    wake_task.abort();
    running.await?;
    lags.sort_unstable();
    anyhow::ensure!(!lags.is_empty(), "the indexer never wrote a checkpoint");
    Ok(Lag {
        p50: lags[lags.len() / 2],
        p99: lags[lags.len() * 99 / 100],
    })
}

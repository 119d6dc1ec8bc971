//! A chain for one test, with the program and a Managed registry.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bauta::state::{RegistryKind, Tree};
use bauta_chaos::RecordedTransaction;
use bauta_client::instructions::{AppendLeaves, CreateRegistry, Initialize};
use bauta_dev_servers::{Chain, ChainSettings};
use bauta_indexing::chain::Transaction;
use bauta_indexing::nodes::{NodeSettings, RpcSource};
use bauta_indexing::testing::{TestChain, transaction_json};
use bauta_indexing::{Indexer, IndexerStatus, RunSettings, Settings, wake};
use bauta_primitives::{FieldElement, Leaf};
use bauta_rpc::{Pubsub, Rpc};
use bauta_store::Store;
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Returns the history of a chain in memory, for a replay server.
pub fn recorded(chain: &TestChain) -> Vec<RecordedTransaction> {
    let record = |transaction: &Transaction| RecordedTransaction {
        signature: transaction.signature.to_string(),
        slot: transaction.slot.get(),
        block_time: transaction.time.unwrap_or_default(),
        failed: !transaction.succeeded,
        json: transaction_json(transaction).to_string(),
    };
    chain.transactions.iter().map(record).collect()
}

/// A chain, and the authority of its program and registry.
pub struct TestCluster {
    pub chain: Chain,
    pub rpc: Rpc,
    pub authority: Keypair,
    pub tree: Keypair,
    appended: u64,
    changes: u64,
}

impl TestCluster {
    /// Starts a chain and initialises the program.
    pub async fn start() -> Self {
        let authority = Keypair::new();
        let elf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs/bauta/artifacts/bauta.v3.so");
        let settings = ChainSettings {
            programs: vec![(bauta::ID.to_string(), elf)],
            upgrade_authority: Some(authority.pubkey().to_string()),
            slot_time: Some(50),
            ..ChainSettings::default()
        };
        let chain = Chain::start(&settings).unwrap();
        let rpc = Rpc::new(chain.rpc_url()).unwrap();
        rpc.airdrop(&authority.pubkey(), 100_000_000_000).await.unwrap();
        let cluster = Self {
            chain,
            rpc,
            authority,
            tree: Keypair::new(),
            appended: 0,
            changes: 0,
        };
        let initialize = Initialize {
            payer: cluster.authority.pubkey(),
            upgrade_authority: cluster.authority.pubkey(),
            cluster_tag: [7; 32],
            admin: cluster.authority.pubkey(),
            development_keys_allowed: true,
        };
        cluster
            .rpc
            .send_and_confirm(&[initialize.instruction()], &[&cluster.authority])
            .await
            .unwrap();
        cluster
    }

    fn creation(&self) -> CreateRegistry {
        CreateRegistry {
            payer: self.authority.pubkey(),
            authority: self.authority.pubkey(),
            tree: Some(self.tree.pubkey()),
            nonce: 1,
            kind: RegistryKind::Managed,
            depth: 10,
            leaf_format: 1,
            root_ttl: 600,
        }
    }

    /// Returns the address of the registry.
    pub fn registry(&self) -> Address {
        self.creation().registry()
    }

    /// Creates the registry and its tree account.
    pub async fn create_registry(&self) {
        let lamports = self.rpc.rent_exempt_balance(Tree::SPACE).await.unwrap();
        let space = u64::try_from(Tree::SPACE).unwrap();
        let payer = self.authority.pubkey();
        let account = solana_system_interface::instruction::create_account(
            &payer,
            &self.tree.pubkey(),
            lamports,
            space,
            &bauta::ID,
        );
        self.rpc
            .send_and_confirm(
                &[account, self.creation().instruction()],
                &[&self.authority, &self.tree],
            )
            .await
            .unwrap();
    }

    /// Appends leaves in one transaction.
    pub async fn append(&mut self, leaves: u64) {
        let first = self.appended + 1;
        self.appended += leaves;
        self.changes += 1;
        let append = AppendLeaves {
            authority: self.authority.pubkey(),
            registry: self.registry(),
            tree: self.tree.pubkey(),
            leaves: (first..first + leaves)
                .map(|value| Leaf::new(FieldElement::from_u64(value)))
                .collect(),
        };
        self.rpc
            .send_and_confirm(&[append.instruction()], &[&self.authority])
            .await
            .unwrap();
    }

    /// Returns the number of changes of the registry.
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// Returns a source with this chain as the only node.
    pub fn source(&self) -> RpcSource {
        let node = NodeSettings {
            url: self.chain.rpc_url().to_owned(),
            concurrency: 8,
            requests_per_second: NonZeroU32::new(500).unwrap(),
            timeout: Duration::from_secs(10),
            weight: 0,
        };
        RpcSource::new(bauta::ID, &[node]).unwrap()
    }

    /// Starts an indexer of this chain.
    pub fn index(&self, store: &Store) -> Replica {
        let settings = RunSettings {
            follow: Settings {
                compare_interval: Duration::from_millis(200),
                ..Settings::new(bauta::ID)
            },
            poll_interval: Duration::from_millis(500),
            finality_interval: Duration::from_millis(200),
            reconcile_interval: Some(Duration::from_millis(500)),
        };
        let (indexer, status) = Indexer::new(Arc::new(self.source()), store.clone(), settings);
        let node = Pubsub::new(self.chain.websocket_url()).unwrap();
        let wake_task = tokio::spawn(wake(node, bauta::ID, indexer.wake_up()));
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(indexer.run(shutdown.clone()));
        Replica {
            status,
            shutdown,
            task,
            wake_task,
        }
    }
}

/// A running indexer.
pub struct Replica {
    pub status: watch::Receiver<IndexerStatus>,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    wake_task: tokio::task::JoinHandle<()>,
}

impl Replica {
    /// Waits until the status meets a condition, and returns the status.
    pub async fn until(
        &mut self,
        what: &str,
        condition: impl FnMut(&IndexerStatus) -> bool,
    ) -> IndexerStatus {
        let waited = tokio::time::timeout(Duration::from_mins(1), self.status.wait_for(condition)).await;
        let status = waited.map(|status| status.unwrap().clone());
        status.unwrap_or_else(|_| panic!("not {what} within a minute: {:?}", *self.status.borrow()))
    }

    /// Ends the indexer.
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.wake_task.abort();
        self.task.await.unwrap();
    }
}

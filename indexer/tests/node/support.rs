//! A chain of one test, with the program and a Managed registry to write to.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bauta::state::{RegistryKind, Tree};
use bauta_client::instructions::{AppendLeaves, CreateRegistry, Initialize};
use bauta_dev_servers::{Chain, ChainSettings};
use bauta_indexer::rpc::{NodeSettings, RpcSource};
use bauta_indexer::{Indexer, RunSettings, Settings, Status, wake};
use bauta_primitives::{FieldElement, Leaf};
use bauta_rpc::{Pubsub, Rpc};
use bauta_store::Store;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub struct Net {
    pub chain: Chain,
    pub rpc: Rpc,
    pub authority: Keypair,
    pub tree: Keypair,
    appended: u64,
}

impl Net {
    /// A chain with the program initialised.
    pub async fn start() -> Self {
        let authority = Keypair::new();
        let elf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs/bauta/artifacts/bauta.so");
        let settings = ChainSettings {
            programs: vec![(bauta::ID.to_string(), elf)],
            upgrade_authority: Some(authority.pubkey().to_string()),
            slot_time: Some(50),
            ..ChainSettings::default()
        };
        let chain = Chain::start(&settings).unwrap();
        let rpc = Rpc::new(chain.rpc_url()).unwrap();
        rpc.airdrop(&authority.pubkey(), 100_000_000_000).await.unwrap();
        let net = Self {
            chain,
            rpc,
            authority,
            tree: Keypair::new(),
            appended: 0,
        };
        let initialize = Initialize {
            payer: net.authority.pubkey(),
            upgrade_authority: net.authority.pubkey(),
            cluster_tag: [7; 32],
            admin: net.authority.pubkey(),
            development_keys_allowed: true,
        };
        net.rpc
            .send_and_confirm(&[initialize.instruction()], &[&net.authority])
            .await
            .unwrap();
        net
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

    pub fn registry(&self) -> solana_address::Address {
        self.creation().registry()
    }

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

    /// Appends some leaves in one transaction.
    pub async fn append(&mut self, leaves: u64) {
        let first = self.appended + 1;
        self.appended += leaves;
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

    pub fn source(&self) -> RpcSource {
        let node = NodeSettings {
            url: self.chain.rpc_url().to_owned(),
            concurrency: 8,
            per_second: NonZeroU32::new(500).unwrap(),
            patience: Duration::from_secs(10),
        };
        RpcSource::new(bauta::ID, &[node]).unwrap()
    }

    /// An indexer that runs until its token is cancelled.
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
        let awake = tokio::spawn(wake(node, bauta::ID, indexer.awake()));
        let end = CancellationToken::new();
        let task = tokio::spawn(indexer.run(end.clone()));
        Replica {
            status,
            end,
            task,
            awake,
        }
    }
}

pub struct Replica {
    pub status: watch::Receiver<Status>,
    end: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    awake: tokio::task::JoinHandle<()>,
}

impl Replica {
    /// Waits until its status is so.
    pub async fn until(&mut self, what: &str, is_so: impl FnMut(&Status) -> bool) -> Status {
        let waited = tokio::time::timeout(Duration::from_mins(1), self.status.wait_for(is_so)).await;
        let found = waited.map(|status| status.unwrap().clone());
        found.unwrap_or_else(|_| panic!("not {what} within a minute: {:?}", *self.status.borrow()))
    }

    pub async fn stop(self) {
        self.end.cancel();
        self.awake.abort();
        self.task.await.unwrap();
    }
}

//! A chain with the program, and authorities who change their registries on it.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bauta::state::{RegistryKind, Tree};
use bauta_client::ReferenceTree;
use bauta_client::instructions::{AppendLeaves, CreateRegistry, Initialize, ReplaceLeaf};
use bauta_local::ChainSettings;
use bauta_primitives::tree::Depth;
use bauta_primitives::{FieldElement, Leaf, poseidon};
use bauta_rpc::{Confirmed, Rpc, RpcError};
use bauta_store::Address as StoreAddress;
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tempfile::TempDir;

/// One SOL.
const SOL: u64 = 1_000_000_000;
/// Milliseconds between slots: a drill sees many, and forks of many slots, in little time.
const SLOT_TIME: u16 = 50;

/// A chain in a file, so that an older copy can be put back.
pub struct World {
    chain: Option<bauta_local::Chain>,
    settings: ChainSettings,
    folder: TempDir,
    admin: Keypair,
}

impl World {
    /// A chain on which the program is initialised.
    pub async fn start() -> Self {
        let admin = Keypair::new();
        let folder = tempfile::tempdir().unwrap();
        let elf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../programs/bauta/artifacts/bauta.so");
        let settings = ChainSettings {
            // it comes back at the same ones
            port: free_ports(),
            programs: vec![(bauta::ID.to_string(), elf)],
            upgrade_authority: Some(admin.pubkey().to_string()),
            slot_time: Some(SLOT_TIME),
            ledger: Some(folder.path().join("ledger.sqlite")),
        };
        let chain = Some(bauta_local::Chain::start(&settings).unwrap());
        let world = Self {
            chain,
            settings,
            folder,
            admin,
        };
        let rpc = world.rpc();
        rpc.airdrop(&world.admin.pubkey(), 10 * SOL).await.unwrap();
        let initialize = Initialize {
            payer: world.admin.pubkey(),
            upgrade_authority: world.admin.pubkey(),
            cluster_tag: [7; 32],
            admin: world.admin.pubkey(),
            development_keys_allowed: true,
        };
        rpc.send_and_confirm(&[initialize.instruction()], &[&world.admin])
            .await
            .unwrap();
        world
    }

    fn chain(&self) -> &bauta_local::Chain {
        self.chain.as_ref().expect("it is only away within a call")
    }

    /// A client of the node.
    pub fn rpc(&self) -> Rpc {
        Rpc::new(self.chain().rpc_url()).unwrap()
    }

    pub fn rpc_url(&self) -> &str {
        self.chain().rpc_url()
    }

    pub fn websocket_url(&self) -> &str {
        self.chain().websocket_url()
    }

    fn copy(&self) -> PathBuf {
        self.folder.path().join("copy.sqlite")
    }

    /// Remembers the chain as it is now. The node is away meanwhile.
    pub fn remember(&mut self) {
        self.restart(|ledger, copy| (ledger, copy));
    }

    /// Puts the remembered chain back: what came after is as if it had never been.
    pub fn put_back(&mut self) {
        self.restart(|ledger, copy| (copy, ledger));
    }

    fn restart(&mut self, files: fn(PathBuf, PathBuf) -> (PathBuf, PathBuf)) {
        if let Some(chain) = self.chain.take() {
            chain.stop();
        }
        let (from, to) = files(self.settings.ledger.clone().unwrap(), self.copy());
        std::fs::copy(from, to).unwrap();
        self.chain = Some(bauta_local::Chain::start(&self.settings).unwrap());
    }
}

/// A port that is free now, with the next one.
fn free_ports() -> u16 {
    loop {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = first.local_addr().unwrap().port();
        if port < u16::MAX && TcpListener::bind((Ipv4Addr::LOCALHOST, port + 1)).is_ok() {
            return port;
        }
    }
}

/// The authority of a Managed registry, who changes it again and again.
pub struct Writer {
    pub rpc: Rpc,
    pub authority: Keypair,
    pub registry: Address,
    tree_account: Address,
    pub tree: ReferenceTree,
    next_index: u64,
    pub changes: u64,
    /// Part of every leaf: on another fork, other leaves.
    fork: u64,
}

impl Writer {
    pub async fn create(rpc: Rpc) -> Self {
        let (authority, tree) = (Keypair::new(), Keypair::new());
        rpc.airdrop(&authority.pubkey(), 100 * SOL).await.unwrap();
        let space = Tree::SPACE;
        let rent = rpc.rent_exempt_balance(space).await.unwrap();
        let account = solana_system_interface::instruction::create_account(
            &authority.pubkey(),
            &tree.pubkey(),
            rent,
            space as u64,
            &bauta::ID,
        );
        let create = CreateRegistry {
            payer: authority.pubkey(),
            authority: authority.pubkey(),
            tree: Some(tree.pubkey()),
            nonce: 0,
            kind: RegistryKind::Managed,
            depth: 10,
            leaf_format: 1,
            root_ttl: 3_600,
        };
        rpc.send_and_confirm(&[account, create.instruction()], &[&authority, &tree])
            .await
            .unwrap();
        Self {
            registry: create.registry(),
            tree_account: tree.pubkey(),
            authority,
            rpc,
            tree: ReferenceTree::new(Depth::Ten),
            next_index: 0,
            changes: 0,
            fork: 0,
        }
    }

    /// The same authority with what it knows now, to go on from here on another fork.
    pub fn fork(&self, rpc: Rpc) -> Self {
        Self {
            rpc,
            authority: self.authority.insecure_clone(),
            registry: self.registry,
            tree_account: self.tree_account,
            tree: self.tree.clone(),
            next_index: self.next_index,
            changes: self.changes,
            fork: self.fork + 1,
        }
    }

    /// What the database calls the registry.
    pub fn address(&self) -> StoreAddress {
        StoreAddress(self.registry.to_bytes())
    }

    fn leaf(&self, place: u64) -> Leaf {
        let number = FieldElement::from_u64(1 + self.changes);
        Leaf::new(poseidon::hash([
            number,
            FieldElement::from_u64(place + 16 * self.fork),
        ]))
    }

    /// An append of these leaves.
    pub fn append(&self, leaves: &[Leaf]) -> Instruction {
        let append = AppendLeaves {
            authority: self.authority.pubkey(),
            registry: self.registry,
            tree: self.tree_account,
            leaves: leaves.to_vec(),
        };
        append.instruction()
    }

    /// One change: mostly an append of one to three leaves, now and then another leaf, or none, in the place of one.
    pub async fn change(&mut self) -> Result<Confirmed, RpcError> {
        if self.changes % 4 == 3 {
            let index = self.changes.wrapping_mul(0x9e37_79b9) % self.next_index;
            let new_leaf = if self.changes % 8 == 3 {
                Leaf::EMPTY
            } else {
                self.leaf(9)
            };
            let replace = ReplaceLeaf {
                authority: self.authority.pubkey(),
                registry: self.registry,
                tree: self.tree_account,
                index,
                old_leaf: self.tree.leaf(index).unwrap(),
                new_leaf,
                path: self.tree.on_chain_path(index).unwrap(),
            };
            let done = self.send(replace.instruction()).await?;
            self.tree.set(index, new_leaf).unwrap();
            self.changes += 1;
            return Ok(done);
        }
        let leaves: Vec<Leaf> = (0..=self.changes % 3).map(|place| self.leaf(place)).collect();
        let done = self.send(self.append(&leaves)).await?;
        for leaf in leaves {
            self.tree.set(self.next_index, leaf).unwrap();
            self.next_index += 1;
        }
        self.changes += 1;
        Ok(done)
    }

    async fn send(&self, instruction: Instruction) -> Result<Confirmed, RpcError> {
        self.rpc
            .send_and_confirm(&[instruction], &[&self.authority])
            .await
    }
}

/// Writers at work until told to stop.
pub struct Load {
    stop: Arc<AtomicBool>,
    writers: Vec<tokio::task::JoinHandle<Writer>>,
}

impl Load {
    pub async fn start(world: &World, writers: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = Vec::new();
        for _ in 0..writers {
            let mut writer = Writer::create(world.rpc()).await;
            let stop = Arc::clone(&stop);
            tasks.push(tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    writer.change().await.unwrap();
                }
                writer
            }));
        }
        Self { stop, writers: tasks }
    }

    /// Stops it.
    pub async fn stop(self) -> Vec<Writer> {
        self.stop.store(true, Ordering::Relaxed);
        let mut writers = Vec::new();
        for writer in self.writers {
            writers.push(writer.await.unwrap());
        }
        writers
    }
}

/// Waits until something is so.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let patience = Duration::from_secs(90);
    let waited = tokio::time::timeout(patience, async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(waited.await.is_ok(), "not within {patience:?}: {what}");
}

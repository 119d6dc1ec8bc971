//! A chain with the program, and people who change it: authorities of registries, and holders of tokens.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bauta::state::{RegistryKind, Tree};
use bauta_client::ReferenceTree;
use bauta_client::instructions::{AppendLeaves, CreateRegistry, Initialize, ReplaceLeaf};
use bauta_dev_servers::ChainSettings;
use bauta_primitives::tree::Depth;
use bauta_primitives::{FieldElement, Leaf, poseidon};
use bauta_rpc::{Rpc, RpcError};
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tempfile::TempDir;

use crate::circuit;
use crate::holders::Holders;

/// One SOL.
const SOL: u64 = 1_000_000_000;
/// Milliseconds between slots: a drill sees many, and forks of many slots, in little time.
const SLOT_TIME: u16 = 50;
/// What keeps this cluster's proofs to it.
pub const CLUSTER_TAG: [u8; 32] = [7; 32];

/// A chain in a file, so that an older copy can be put back.
pub struct World {
    chain: Option<bauta_dev_servers::Chain>,
    settings: ChainSettings,
    folder: TempDir,
    admin: Keypair,
}

impl World {
    /// A chain on which the program is initialised.
    pub async fn start() -> Self {
        let admin = Keypair::new();
        let folder = tempfile::tempdir().unwrap();
        let elf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs/bauta/artifacts/bauta.so");
        let settings = ChainSettings {
            // it comes back at the same ones
            port: free_ports(),
            programs: vec![(bauta::ID.to_string(), elf)],
            upgrade_authority: Some(admin.pubkey().to_string()),
            slot_time: Some(SLOT_TIME),
            ledger: Some(folder.path().join("ledger.sqlite")),
        };
        let chain = Some(bauta_dev_servers::Chain::start(&settings).unwrap());
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
            cluster_tag: CLUSTER_TAG,
            admin: world.admin.pubkey(),
            development_keys_allowed: true,
        };
        let circuit = circuit::registration(world.admin.pubkey());
        for instruction in [initialize.instruction(), circuit.instruction()] {
            rpc.send_and_confirm(&[instruction], &[&world.admin])
                .await
                .unwrap();
        }
        world
    }

    fn chain(&self) -> &bauta_dev_servers::Chain {
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
        self.chain = Some(bauta_dev_servers::Chain::start(&self.settings).unwrap());
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

/// What somebody who changes a registry knows of it.
pub struct Seen {
    pub rpc: Rpc,
    pub registry: Address,
    pub tree: ReferenceTree,
    /// Tree changes.
    pub changes: u64,
    /// Proofs that were accepted.
    pub uses: u64,
    /// Proofs that were refused because they had been used.
    pub refused: u64,
}

impl Seen {
    pub fn new(rpc: Rpc, registry: Address) -> Self {
        Self {
            rpc,
            registry,
            tree: ReferenceTree::new(Depth::Ten),
            changes: 0,
            uses: 0,
            refused: 0,
        }
    }

    pub fn fork(&self, rpc: Rpc) -> Self {
        Self {
            rpc,
            tree: self.tree.clone(),
            ..*self
        }
    }

    /// What the database calls the registry.
    pub fn address(&self) -> Address {
        self.registry
    }

    /// A change of one leaf.
    pub fn set(&mut self, index: u64, leaf: Leaf) {
        self.tree.set(index, leaf).unwrap();
        self.changes += 1;
    }
}

/// Gives lamports to an authority and creates its registry; returns it and its Tree account.
pub async fn create_registry(rpc: &Rpc, authority: &Keypair, kind: RegistryKind) -> (Address, Address) {
    let tree = Keypair::new();
    rpc.airdrop(&authority.pubkey(), 100 * SOL).await.unwrap();
    let rent = rpc.rent_exempt_balance(Tree::SPACE).await.unwrap();
    let account = solana_system_interface::instruction::create_account(
        &authority.pubkey(),
        &tree.pubkey(),
        rent,
        Tree::SPACE as u64,
        &bauta::ID,
    );
    let create = CreateRegistry {
        payer: authority.pubkey(),
        authority: authority.pubkey(),
        tree: Some(tree.pubkey()),
        nonce: 0,
        kind,
        depth: 10,
        leaf_format: 1,
        root_ttl: 3_600,
    };
    rpc.send_and_confirm(&[account, create.instruction()], &[authority, &tree])
        .await
        .unwrap();
    (create.registry(), tree.pubkey())
}

/// The authority of a Managed registry, who changes it again and again.
pub struct Writer {
    pub seen: Seen,
    pub authority: Keypair,
    tree_account: Address,
    next_index: u64,
    /// Part of every leaf: on another fork, other leaves.
    fork: u64,
}

impl Writer {
    pub async fn create(rpc: Rpc) -> Self {
        let authority = Keypair::new();
        let (registry, tree_account) = create_registry(&rpc, &authority, RegistryKind::Managed).await;
        Self {
            seen: Seen::new(rpc, registry),
            authority,
            tree_account,
            next_index: 0,
            fork: 0,
        }
    }

    /// The same authority with what it knows now, to go on from here on another fork.
    pub fn fork(&self, rpc: Rpc) -> Self {
        Self {
            seen: self.seen.fork(rpc),
            authority: self.authority.insecure_clone(),
            tree_account: self.tree_account,
            next_index: self.next_index,
            fork: self.fork + 1,
        }
    }

    fn leaf(&self, place: u64) -> Leaf {
        let number = FieldElement::from_u64(1 + self.seen.changes);
        Leaf::new(poseidon::hash([
            number,
            FieldElement::from_u64(place + 16 * self.fork),
        ]))
    }

    /// An append of these leaves.
    pub fn append(&self, leaves: &[Leaf]) -> Instruction {
        let append = AppendLeaves {
            authority: self.authority.pubkey(),
            registry: self.seen.registry,
            tree: self.tree_account,
            leaves: leaves.to_vec(),
        };
        append.instruction()
    }

    /// One change: mostly an append of one to three leaves, now and then another leaf, or none, in the place of one.
    pub async fn change(&mut self) -> Result<(), RpcError> {
        let changes = self.seen.changes;
        if changes % 4 == 3 {
            let index = changes.wrapping_mul(0x9e37_79b9) % self.next_index;
            let new_leaf = if changes % 8 == 3 {
                Leaf::EMPTY
            } else {
                self.leaf(9)
            };
            let replace = ReplaceLeaf {
                authority: self.authority.pubkey(),
                registry: self.seen.registry,
                tree: self.tree_account,
                index,
                old_leaf: self.seen.tree.leaf(index).unwrap(),
                new_leaf,
                path: self.seen.tree.on_chain_path(index).unwrap(),
            };
            self.send(replace.instruction()).await?;
            self.seen.set(index, new_leaf);
            return Ok(());
        }
        let leaves: Vec<Leaf> = (0..=changes % 3).map(|place| self.leaf(place)).collect();
        self.send(self.append(&leaves)).await?;
        for leaf in leaves {
            self.seen.tree.set(self.next_index, leaf).unwrap();
            self.next_index += 1;
        }
        self.seen.changes += 1;
        Ok(())
    }

    async fn send(&self, instruction: Instruction) -> Result<(), RpcError> {
        let signers = [&self.authority];
        self.seen.rpc.send_and_confirm(&[instruction], &signers).await?;
        Ok(())
    }
}

/// Somebody who changes a registry.
pub enum Author {
    Writer(Box<Writer>),
    Holders(Box<Holders>),
}

impl Author {
    pub async fn writer(world: &World) -> Self {
        Self::Writer(Box::new(Writer::create(world.rpc()).await))
    }

    pub async fn holders(world: &World) -> Self {
        Self::Holders(Box::new(Holders::create(world.rpc()).await))
    }

    pub const fn seen(&self) -> &Seen {
        match self {
            Self::Writer(writer) => &writer.seen,
            Self::Holders(holders) => &holders.seen,
        }
    }

    pub fn fork(&self, world: &World) -> Self {
        match self {
            Self::Writer(writer) => Self::Writer(Box::new(writer.fork(world.rpc()))),
            Self::Holders(holders) => Self::Holders(Box::new(holders.fork(world.rpc()))),
        }
    }

    pub async fn change(&mut self) -> Result<(), RpcError> {
        match self {
            Self::Writer(writer) => writer.change().await,
            Self::Holders(holders) => holders.change().await,
        }
    }
}

/// People at work until told to stop.
pub struct Load {
    stop: Arc<AtomicBool>,
    authors: Vec<tokio::task::JoinHandle<Author>>,
}

impl Load {
    /// Authorities of Managed registries, and holders of others.
    pub async fn start(world: &World) -> Self {
        let mut authors = Vec::new();
        for _ in 0..3 {
            authors.push(Author::writer(world).await);
            authors.push(Author::holders(world).await);
        }
        Self::of(authors)
    }

    /// These alone.
    pub fn of(authors: impl IntoIterator<Item = Author>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let work = |mut author: Author| {
            let stop = Arc::clone(&stop);
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    author.change().await.unwrap();
                }
                author
            })
        };
        let authors = authors.into_iter().map(work).collect();
        Self { stop, authors }
    }

    /// Stops it.
    pub async fn stop(self) -> Vec<Author> {
        self.stop.store(true, Ordering::Relaxed);
        let mut authors = Vec::new();
        for author in self.authors {
            authors.push(author.await.unwrap());
        }
        authors
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

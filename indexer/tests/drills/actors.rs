//! The actors that change registries during a drill, and the state that the database must reach.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bauta::state::{RegistryKind, Tree};
use bauta_client::ReferenceTree;
use bauta_client::instructions::CreateRegistry;
use bauta_primitives::Leaf;
use bauta_primitives::tree::Depth;
use bauta_rpc::{Rpc, RpcError};
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;

use crate::authority::Authority;
use crate::chain::{DrillChain, SOL};
use crate::holders::Holders;

/// The state of a registry that an actor expects on the chain and in the database.
pub struct ExpectedState {
    pub rpc: Rpc,
    pub registry: Address,
    pub tree: ReferenceTree,
    /// The number of tree changes.
    pub tree_changes: u64,
    /// The number of accepted proofs.
    pub verifications: u64,
    /// The number of proofs that were refused because their nullifier was used before.
    pub refused_reuses: u64,
}

impl ExpectedState {
    pub fn new(rpc: Rpc, registry: Address) -> Self {
        Self {
            rpc,
            registry,
            tree: ReferenceTree::new(Depth::Ten),
            tree_changes: 0,
            verifications: 0,
            refused_reuses: 0,
        }
    }

    pub fn fork(&self, rpc: Rpc) -> Self {
        Self {
            rpc,
            tree: self.tree.clone(),
            ..*self
        }
    }

    /// Records a change of one leaf.
    pub fn set(&mut self, index: u64, leaf: Leaf) {
        self.tree.set(index, leaf).unwrap();
        self.tree_changes += 1;
    }
}

/// Creates a registry and funds its authority. Returns the addresses of the registry and of its
/// tree account.
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

/// An actor that changes one registry.
pub enum Actor {
    /// The authority of a Managed registry.
    Authority(Box<Authority>),
    /// The holders of a registry of kind Holders.
    Holders(Box<Holders>),
}

impl Actor {
    pub async fn authority(chain: &DrillChain) -> Self {
        Self::Authority(Box::new(Authority::create(chain.rpc()).await))
    }

    pub async fn holders(chain: &DrillChain) -> Self {
        Self::Holders(Box::new(Holders::create(chain.rpc()).await))
    }

    pub const fn expected(&self) -> &ExpectedState {
        match self {
            Self::Authority(authority) => &authority.expected,
            Self::Holders(holders) => &holders.expected,
        }
    }

    /// Returns an actor with the same state, which continues on another fork.
    pub fn fork(&self, chain: &DrillChain) -> Self {
        match self {
            Self::Authority(authority) => Self::Authority(Box::new(authority.fork(chain.rpc()))),
            Self::Holders(holders) => Self::Holders(Box::new(holders.fork(chain.rpc()))),
        }
    }

    /// Makes one change.
    pub async fn change(&mut self) -> Result<(), RpcError> {
        match self {
            Self::Authority(authority) => authority.change().await,
            Self::Holders(holders) => holders.change().await,
        }
    }
}

/// Actors that make changes until they are stopped.
pub struct Load {
    stop: Arc<AtomicBool>,
    actors: Vec<tokio::task::JoinHandle<Actor>>,
}

impl Load {
    /// Starts three authorities and three groups of holders.
    pub async fn start(chain: &DrillChain) -> Self {
        let mut actors = Vec::new();
        for _ in 0..3 {
            actors.push(Actor::authority(chain).await);
            actors.push(Actor::holders(chain).await);
        }
        Self::of(actors)
    }

    /// Starts the given actors.
    pub fn of(actors: impl IntoIterator<Item = Actor>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let spawn = |mut actor: Actor| {
            let stop = Arc::clone(&stop);
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    actor.change().await.unwrap();
                }
                actor
            })
        };
        let actors = actors.into_iter().map(spawn).collect();
        Self { stop, actors }
    }

    /// Stops the actors after their present change, and returns them.
    pub async fn stop(self) -> Vec<Actor> {
        self.stop.store(true, Ordering::Relaxed);
        let mut actors = Vec::new();
        for actor in self.actors {
            actors.push(actor.await.unwrap());
        }
        actors
    }
}

/// Waits up to 90 seconds until a condition is true.
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let limit = Duration::from_secs(90);
    let waited = tokio::time::timeout(limit, async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(waited.await.is_ok(), "not within {limit:?}: {what}");
}

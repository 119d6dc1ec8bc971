//! The events of a chain. Their roots come from light-poseidon, which shares no code with the
//! service.

use std::time::{SystemTime, UNIX_EPOCH};

use bauta::state::CollectionKind;
use bauta_peers::poseidon::hash_groups_of_bytes;
use bauta_primitives::{
    Attributes, Claim, Commitment, EntryId, FieldElement, Leaf, Nullifier, Root, Scope, tree::Depth,
};
use bauta_store::{
    Batch, Event, EventRecord, Position, Provenance, RegistryKind, ScopeMode, Sequence, Slot,
    event::{
        CircuitRegistered, CollectionAdded, ConfigChanged, HolderEvicted, HolderRegistered, LeavesAppended,
        MerkleRootUpdated, OwnershipVerified, RegistryCreated, ScopeCreated, TreeChange, TreeChangeKind,
    },
    testing::TestDatabase,
};
use solana_address::Address;
use solana_signature::Signature;

/// The address of the program.
pub const PROGRAM: &str = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2";
/// The chain begins this many seconds before now.
const NOW_AGO: i64 = 5 * super::DAY;
/// Seconds for which a replaced root is accepted.
const TTL: i64 = 20 * super::DAY;

/// Returns an address that begins with a name.
pub fn address(name: &str) -> Address {
    let mut bytes = [0; 32];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    Address::from(bytes)
}

/// Returns a nullifier. Nullifiers with numbers that are near begin with other bits.
pub fn nullifier(number: u64) -> Nullifier {
    Nullifier::new(element(&poseidon(&[number_bytes(number), number_bytes(2)])))
}

fn element(bytes: &[u8; 32]) -> FieldElement {
    FieldElement::from_bytes("a hash", *bytes).unwrap()
}

/// Returns a number as a field element.
pub fn number_bytes(number: u64) -> [u8; 32] {
    FieldElement::from_u64(number).to_bytes()
}

/// Hashes field elements with light-poseidon.
pub fn poseidon(inputs: &[[u8; 32]]) -> [u8; 32] {
    hash_groups_of_bytes(inputs, inputs.len())[0]
}

/// Computes the root of the subtree with this many levels above its entries, by definition. Missing
/// entries are empty subtrees, whose entries are at `level`.
pub fn poseidon_tree(entries: &[[u8; 32]], level: usize, levels: usize) -> [u8; 32] {
    let mut empty = (0..level).fold([0; 32], |child, _| poseidon(&[child; 4]));
    let mut nodes = entries.to_vec();
    for _ in 0..levels {
        nodes.resize(nodes.len().next_multiple_of(4).max(4), empty);
        nodes = hash_groups_of_bytes(&nodes, 4);
        empty = poseidon(&[empty; 4]);
    }
    nodes[0]
}

/// A registry of holders, or of an authority.
struct Tree {
    registry: Address,
    leaves: Vec<[u8; 32]>,
    sequence: u64,
    mints: Vec<Address>,
}

/// A chain whose events are applied slot by slot.
pub struct Chain {
    pub database: TestDatabase,
    pub now: i64,
    pub slot: u64,
    trees: Vec<Tree>,
    records: Vec<EventRecord>,
    verifications: u64,
}

impl Chain {
    /// Creates a chain with a configuration and a circuit.
    pub async fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut chain = Self {
            database: TestDatabase::create().await.unwrap(),
            now: i64::try_from(now).unwrap() - NOW_AGO,
            slot: 100,
            trees: Vec::new(),
            records: Vec::new(),
            verifications: 0,
        };
        chain.emit(Event::ConfigChanged(ConfigChanged {
            admin: address("admin"),
            pending_admin: None,
            cluster_tag: [7; 32],
            paused: false,
            development_keys_allowed: true,
        }));
        chain.circuit(address("circuit"), [1; 32]);
        chain.apply().await;
        chain
    }

    pub fn emit(&mut self, event: Event) {
        self.records.push(EventRecord {
            position: Position {
                slot: Slot::new(self.slot),
                transaction_index: u32::try_from(self.records.len()).unwrap(),
                instruction_index: 0,
                inner_index: 0,
            },
            signature: Signature::from([u8::try_from(self.verifications % 256).unwrap(); 64]),
            time: self.now,
            event,
        });
    }

    /// Applies the events since the last call as one slot, and begins the next slot.
    pub async fn apply(&mut self) {
        let batch = Batch {
            records: std::mem::take(&mut self.records),
            checkpoint: Position::end_of_slot(Slot::new(self.slot)),
        };
        self.database.store.apply(&batch).await.unwrap();
        self.slot += 1;
    }

    pub fn circuit(&mut self, circuit: Address, vk_hash: [u8; 32]) {
        self.emit(Event::CircuitRegistered(CircuitRegistered {
            circuit,
            vk_hash,
            statement: "ownership".into(),
            version: 1,
            depth: Depth::Ten,
            leaf_format: 1,
            provenance: Provenance::Development,
            constraint_system_hash: [2; 32],
            transcript_hash: [3; 32],
            auxiliary_format: 0,
        }));
    }

    pub fn create(&mut self, registry: Address, kind: RegistryKind) {
        self.create_by(address("authority"), registry, kind);
    }

    /// Creates a registry with this authority.
    pub fn create_by(&mut self, authority: Address, registry: Address, kind: RegistryKind) {
        self.emit(Event::RegistryCreated(RegistryCreated {
            registry,
            authority,
            nonce: 3,
            kind,
            depth: Depth::Ten,
            leaf_format: 1,
            root_ttl_seconds: TTL,
            root: Root::new(element(&poseidon_tree(&[], 0, 10))),
        }));
        self.trees.push(Tree {
            registry,
            leaves: Vec::new(),
            sequence: 0,
            mints: Vec::new(),
        });
    }

    /// Adds a collection without rules.
    pub fn collection(&mut self, registry: Address, key: Address, kind: CollectionKind) {
        self.collection_with_rules(registry, key, kind, 0);
    }

    pub fn collection_with_rules(
        &mut self,
        registry: Address,
        key: Address,
        kind: CollectionKind,
        rules: u16,
    ) {
        self.emit(Event::CollectionAdded(CollectionAdded {
            registry,
            key,
            kind: kind as u8,
            rules,
            number: 1,
            track: u64::MAX,
        }));
    }

    fn tree(&mut self, registry: Address) -> &mut Tree {
        let mut trees = self.trees.iter_mut();
        trees.find(|tree| tree.registry == registry).unwrap()
    }

    /// Returns the leaves of a registry.
    pub fn leaves(&mut self, registry: Address) -> Vec<[u8; 32]> {
        self.tree(registry).leaves.clone()
    }

    /// Returns a leaf of a registry.
    pub fn leaf(&mut self, registry: Address, index: u64) -> Leaf {
        let leaf = self.tree(registry).leaves[usize::try_from(index).unwrap()];
        Leaf::new(element(&leaf))
    }

    /// Returns the root of a registry, computed by definition.
    pub fn root(&mut self, registry: Address) -> Root {
        Root::new(element(&poseidon_tree(&self.tree(registry).leaves, 0, 10)))
    }

    /// Emits a tree change and the `MerkleRootUpdated` that follows it.
    fn change(&mut self, registry: Address, kind: TreeChangeKind) {
        let tree = self.tree(registry);
        tree.sequence += 1;
        let sequence = Sequence::new(tree.sequence);
        self.emit(Event::TreeChanged(TreeChange {
            registry,
            sequence,
            kind,
        }));
        let root = self.root(registry);
        let replaced_root_expires_at = Some(self.now + TTL);
        self.emit(Event::MerkleRootUpdated(MerkleRootUpdated {
            registry,
            sequence,
            root,
            replaced_root_expires_at,
        }));
    }

    /// Appends leaves to a managed registry.
    pub fn append(&mut self, registry: Address, count: u64) {
        let tree = self.tree(registry);
        let first = tree.leaves.len() as u64;
        let new: Vec<[u8; 32]> = (first..first + count)
            .map(|number| number_bytes(number + 1))
            .collect();
        tree.leaves.extend(&new);
        let appended = LeavesAppended {
            first_index: Depth::Ten.check_index(first).unwrap(),
            leaves: new.iter().map(|leaf| Leaf::new(element(leaf))).collect(),
        };
        self.change(registry, TreeChangeKind::LeavesAppended(appended));
    }

    /// Registers a token for the first time. Returns the commitment.
    pub fn register(&mut self, registry: Address, mint: Address, owner: Address, track: u64) -> Commitment {
        let number = mint.as_array()[31];
        let commitment = Commitment::new(element(&poseidon(&[number_bytes(number.into())])));
        let entry_id = EntryId::of_mint(mint.as_array());
        let leaf = Leaf::of(commitment, entry_id, Attributes::of_track(track));
        let tree = self.tree(registry);
        let index = tree.leaves.len() as u64;
        tree.leaves.push(leaf.to_bytes());
        tree.mints.push(mint);
        let registered = HolderRegistered {
            mint,
            owner,
            commitment,
            track,
            index: Depth::Ten.check_index(index).unwrap(),
            replaced: false,
        };
        self.change(registry, TreeChangeKind::HolderRegistered(registered));
        commitment
    }

    /// Publishes the root of an attested registry with these leaves.
    pub fn publish(&mut self, registry: Address, leaves: Vec<[u8; 32]>) {
        self.tree(registry).leaves = leaves;
        let root = self.root(registry);
        self.change(registry, TreeChangeKind::RootPublished { root });
    }

    pub fn evict(&mut self, registry: Address, mint: Address) {
        let tree = self.tree(registry);
        let index = tree.mints.iter().position(|known| *known == mint).unwrap();
        tree.leaves[index] = [0; 32];
        let index = Depth::Ten.check_index(index as u64).unwrap();
        let evicted = HolderEvicted { mint, index };
        self.change(registry, TreeChangeKind::HolderEvicted(evicted));
    }

    pub fn scope(&mut self, scope: Address, registry: Address, mode: ScopeMode) {
        let root = self.root(registry);
        self.emit(Event::ScopeCreated(ScopeCreated {
            scope,
            scope_element: Scope::derive(&[7; 32], &[8; 32], scope.as_array()),
            creator: address("creator"),
            nonce: 3,
            registry,
            circuit: address("circuit"),
            auxiliary_registry: None,
            gate: None,
            mode,
            root: (mode == ScopeMode::Snapshot).then_some(root),
            required_claim: None,
            opens_at: self.now,
            closes_at: i64::MAX,
        }));
    }

    /// Verifies a proof at the registry's current root. Its nullifier is `nullifier(n)` for the
    /// n-th verification.
    pub fn verify(&mut self, scope: Address, registry: Address, track: u64) {
        self.verifications += 1;
        let root = self.root(registry);
        self.emit(Event::OwnershipVerified(OwnershipVerified {
            scope,
            root,
            claim: Claim::of_track(track),
            nullifier: nullifier(self.verifications),
        }));
    }
}

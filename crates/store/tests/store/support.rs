//! A chain in memory. It emits the events of the program, with roots from a tree that shares no
//! code with the store's.

use std::collections::BTreeMap;

use bauta_primitives::tree::{Depth, EMPTY_SUBTREES, Siblings};
use bauta_primitives::{
    Attributes, Claim, Commitment, EntryId, FieldElement, Leaf, Nullifier, Root, Scope, poseidon,
};
use bauta_store::event::{
    CircuitRegistered, HolderEvicted, HolderRegistered, LeafReplaced, LeavesAppended, MerkleRootUpdated,
    OwnershipVerified, RegistryCreated, ScopeCreated, TreeChange, TreeChangeKind,
};
use bauta_store::testing::{TestDatabase, chain_tables};
use bauta_store::{Batch, Event, EventRecord, Position, Provenance, RegistryKind, ScopeMode, Sequence, Slot};
use solana_address::Address;
use solana_signature::Signature;
use sqlx::Row;

/// 2026-01-01 00:00 UTC.
pub const START: i64 = 1_767_225_600;
pub const TTL: i64 = 1_600;
/// The time between two roots in the program's long ring: a sixteenth of the time-to-live.
pub const KEEP: i64 = 100;

/// A tree by its definition. It stores the leaves and computes every node when it is needed.
#[derive(Clone, Default)]
pub struct ReferenceTree {
    pub leaves: BTreeMap<u64, Leaf>,
}

impl ReferenceTree {
    pub fn node(&self, level: usize, position: u64) -> FieldElement {
        let width = 1u64 << (2 * level);
        if self
            .leaves
            .range(position * width..(position + 1) * width)
            .next()
            .is_none()
        {
            return EMPTY_SUBTREES[level];
        }
        if level == 0 {
            return self.leaves[&position].element();
        }
        poseidon::hash([0, 1, 2, 3].map(|child| self.node(level - 1, 4 * position + child)))
    }

    pub fn root(&self, depth: Depth) -> Root {
        Root::new(self.node(depth.levels(), 0))
    }

    pub fn path(&self, depth: Depth, index: u64) -> Vec<Siblings> {
        (0..depth.levels())
            .map(|level| {
                let own = index >> (2 * level);
                let group = own & !3;
                let others: Vec<_> = (group..group + 4)
                    .filter(|i| *i != own)
                    .map(|i| self.node(level, i))
                    .collect();
                others.try_into().unwrap()
            })
            .collect()
    }
}

pub fn address(name: &str) -> Address {
    let mut bytes = [0; 32];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    Address::from(bytes)
}

pub fn leaf(number: u64) -> Leaf {
    Leaf::new(poseidon::hash([FieldElement::from_u64(number + 1)]))
}

pub fn commitment(number: u64) -> Commitment {
    Commitment::new(poseidon::hash([
        FieldElement::from_u64(number),
        FieldElement::from_u64(1),
    ]))
}

pub fn nullifier(number: u64) -> Nullifier {
    Nullifier::new(poseidon::hash([
        FieldElement::from_u64(number),
        FieldElement::from_u64(2),
    ]))
}

/// A registry as the program keeps it.
#[derive(Clone)]
struct OnChain {
    depth: Depth,
    tree: ReferenceTree,
    next_index: u64,
    sequence: Sequence,
    /// The times of the last entries of the long and of the short ring.
    last_kept: Option<i64>,
    last_recent: Option<i64>,
    mints: BTreeMap<Address, u64>,
}

#[derive(Clone)]
pub struct Chain {
    pub now: i64,
    slot: Slot,
    records: Vec<EventRecord>,
    registries: BTreeMap<Address, OnChain>,
    verifications: u64,
}

impl Chain {
    pub fn new() -> Self {
        Self {
            now: START,
            slot: Slot::new(100),
            records: Vec::new(),
            registries: BTreeMap::new(),
            verifications: 0,
        }
    }

    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// Begins the next slot, some seconds later.
    pub fn wait(&mut self, seconds: i64) {
        self.slot = self.slot.saturating_add(1);
        self.now += seconds;
    }

    pub fn emit(&mut self, event: Event) {
        let last = self
            .records
            .last()
            .map(|record| record.position)
            .filter(|p| p.slot == self.slot);
        let position = Position {
            slot: self.slot,
            transaction_index: last.map_or(0, |p| p.transaction_index + 1),
            instruction_index: 0,
            inner_index: 0,
        };
        let signature = Signature::from([self.verifications.to_le_bytes()[0]; 64]);
        self.records.push(EventRecord {
            position,
            signature,
            time: self.now,
            event,
        });
    }

    /// Emits a tree change with the next sequence, and the `MerkleRootUpdated` that follows it.
    fn change(&mut self, registry: Address, kind: TreeChangeKind) {
        let sequence = self.sequence(registry).next();
        let change = TreeChange {
            registry,
            sequence,
            kind,
        };
        self.emit(Event::TreeChanged(change));
        let root = self.root(registry);
        let on_chain = self.registries.get_mut(&registry).unwrap();
        let now = self.now;
        let due = |last: &mut Option<i64>, interval| {
            let due = last.is_none_or(|last| now - last >= interval);
            if due {
                *last = Some(now);
            }
            due
        };
        let expires_at = if due(&mut on_chain.last_kept, KEEP) {
            Some(now + TTL)
        } else if due(&mut on_chain.last_recent, 2) {
            Some(now + 64)
        } else {
            None
        };
        on_chain.sequence = sequence;
        self.emit(Event::MerkleRootUpdated(MerkleRootUpdated {
            registry,
            sequence,
            root,
            replaced_root_expires_at: expires_at,
        }));
    }

    /// Returns the events since the last batch, and begins the next slot.
    pub fn batch(&mut self) -> Batch {
        let checkpoint = Position::end_of_slot(self.slot);
        self.slot = self.slot.saturating_add(1);
        Batch {
            records: std::mem::take(&mut self.records),
            checkpoint,
        }
    }

    pub fn create(&mut self, registry: Address, kind: RegistryKind, depth: Depth) {
        self.emit(Event::RegistryCreated(RegistryCreated {
            registry,
            authority: address("authority"),
            nonce: u64::MAX,
            kind,
            depth,
            leaf_format: 1,
            root_ttl_seconds: TTL,
            root: depth.empty_root(),
        }));
        self.registries.insert(
            registry,
            OnChain {
                depth,
                tree: ReferenceTree::default(),
                next_index: 0,
                sequence: Sequence::ZERO,
                last_kept: None,
                last_recent: None,
                mints: BTreeMap::new(),
            },
        );
    }

    pub fn tree(&self, registry: Address) -> &ReferenceTree {
        &self.registries[&registry].tree
    }

    pub fn root(&self, registry: Address) -> Root {
        let on_chain = &self.registries[&registry];
        on_chain.tree.root(on_chain.depth)
    }

    pub fn sequence(&self, registry: Address) -> Sequence {
        self.registries[&registry].sequence
    }

    pub fn append(&mut self, registry: Address, leaves: Vec<Leaf>) {
        let on_chain = self.registries.get_mut(&registry).unwrap();
        let first_index = on_chain.next_index;
        on_chain.next_index += leaves.len() as u64;
        on_chain
            .tree
            .leaves
            .extend((first_index..).zip(leaves.iter().copied()));
        let first_index = on_chain.depth.check_index(first_index).unwrap();
        let appended = LeavesAppended { first_index, leaves };
        self.change(registry, TreeChangeKind::LeavesAppended(appended));
    }

    pub fn replace(&mut self, registry: Address, index: u64, new_leaf: Leaf) {
        let on_chain = self.registries.get_mut(&registry).unwrap();
        let old_leaf = on_chain
            .tree
            .leaves
            .insert(index, new_leaf)
            .unwrap_or(Leaf::EMPTY);
        if new_leaf == Leaf::EMPTY {
            on_chain.tree.leaves.remove(&index);
        }
        let replaced = LeafReplaced {
            index: on_chain.depth.check_index(index).unwrap(),
            old_leaf,
            new_leaf,
        };
        self.change(registry, TreeChangeKind::LeafReplaced(replaced));
    }

    pub fn appended(&self, registry: Address) -> u64 {
        self.registries[&registry].next_index
    }

    pub fn publish(&mut self, registry: Address, tree: ReferenceTree) {
        let on_chain = self.registries.get_mut(&registry).unwrap();
        let root = tree.root(on_chain.depth);
        on_chain.tree = tree;
        self.change(registry, TreeChangeKind::RootPublished { root });
    }

    pub fn register(&mut self, registry: Address, mint: Address, owner: Address, secret: u64, track: u64) {
        let on_chain = self.registries.get_mut(&registry).unwrap();
        let known = on_chain.mints.get(&mint).copied();
        let index = known.unwrap_or(on_chain.next_index);
        on_chain.next_index += u64::from(known.is_none());
        on_chain.mints.insert(mint, index);
        let commitment = commitment(secret);
        let entry_id = EntryId::of_mint(mint.as_array());
        let leaf = Leaf::of(commitment, entry_id, Attributes::of_track(track));
        on_chain.tree.leaves.insert(index, leaf);
        let registered = HolderRegistered {
            mint,
            owner,
            commitment,
            track,
            index: on_chain.depth.check_index(index).unwrap(),
            replaced: known.is_some(),
        };
        self.change(registry, TreeChangeKind::HolderRegistered(registered));
    }

    pub fn evict(&mut self, registry: Address, mint: Address) {
        let on_chain = self.registries.get_mut(&registry).unwrap();
        let index = on_chain.mints[&mint];
        on_chain.tree.leaves.remove(&index);
        let index = on_chain.depth.check_index(index).unwrap();
        self.change(
            registry,
            TreeChangeKind::HolderEvicted(HolderEvicted { mint, index }),
        );
    }

    pub fn circuit(&mut self, circuit: Address) {
        self.emit(Event::CircuitRegistered(CircuitRegistered {
            circuit,
            vk_hash: [1; 32],
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

    pub fn scope(&mut self, scope: Address, registry: Address, circuit: Address, mode: ScopeMode) {
        self.emit(Event::ScopeCreated(ScopeCreated {
            scope,
            scope_element: Scope::derive(&[7; 32], &[8; 32], scope.as_array()),
            creator: address("creator"),
            nonce: 3,
            registry,
            circuit,
            auxiliary_registry: None,
            gate: Some(address("gate")),
            mode,
            root: (mode == ScopeMode::Snapshot).then(|| self.root(registry)),
            required_claim: None,
            opens_at: self.now,
            closes_at: i64::MAX,
        }));
    }

    pub fn verify(&mut self, scope: Address, root: Root, track: u64) {
        self.verifications += 1;
        self.emit(Event::OwnershipVerified(OwnershipVerified {
            scope,
            root,
            claim: Claim::of_track(track),
            nullifier: nullifier(self.verifications),
        }));
    }
}

/// Returns every row of the tables that follow the chain, as text. Journal and finality are left
/// out.
pub async fn rows(database: &TestDatabase) -> BTreeMap<String, Vec<String>> {
    let mut rows = BTreeMap::new();
    for table in chain_tables(database.pool()).await.unwrap() {
        if ["journal", "finality"].contains(&table.as_str()) {
            continue;
        }
        let query = format!("SELECT to_jsonb(t)::text FROM {table} t ORDER BY 1");
        let found = sqlx::query(sqlx::AssertSqlSafe(query))
            .fetch_all(database.pool())
            .await
            .unwrap();
        rows.insert(table, found.iter().map(|row| row.get(0)).collect());
    }
    rows
}

/// The registry of tests that need one.
pub fn registry() -> Address {
    address("registry")
}

/// A registry with one leaf, and a circuit.
pub async fn registry_with_a_leaf() -> (TestDatabase, Chain) {
    let database = TestDatabase::create().await.unwrap();
    let mut chain = Chain::new();
    chain.create(registry(), RegistryKind::Managed, Depth::Ten);
    chain.circuit(address("circuit"));
    chain.append(registry(), vec![leaf(0)]);
    database.store.apply(&chain.batch()).await.unwrap();
    (database, chain)
}

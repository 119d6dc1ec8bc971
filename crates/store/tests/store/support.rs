//! A chain to index: what the program would emit, with roots from a tree that has nothing in common with the store's.

use std::collections::BTreeMap;

use bauta_primitives::tree::{Depth, EMPTY_SUBTREES, Siblings};
use bauta_primitives::{
    Attributes, Claim, Commitment, EntryId, FieldElement, Leaf, Nullifier, Root, Scope, poseidon,
};
use bauta_store::testing::TestDatabase;
use bauta_store::{Address, Batch, Event, Position, Provenance, Record, RegistryKind, ScopeMode, Signature};
use sqlx::Row;

/// 2026-01-01 00:00 UTC.
pub const START: i64 = 1_767_225_600;
pub const TTL: i64 = 1_600;
/// What the program asks between two kept roots: a sixteenth of the time-to-live.
pub const KEEP: i64 = 100;

/// A tree by its definition: leaves by index, everything computed anew.
#[derive(Clone, Default)]
pub struct PlainTree {
    pub leaves: BTreeMap<u64, Leaf>,
}

impl PlainTree {
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
    Address(bytes)
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

/// One registry on the chain, as the program keeps it.
#[derive(Clone)]
struct OnChain {
    depth: Depth,
    tree: PlainTree,
    next_index: u64,
    sequence: u64,
    last_kept: Option<i64>,
    mints: BTreeMap<Address, u64>,
}

#[derive(Clone)]
pub struct Chain {
    pub now: i64,
    slot: u64,
    records: Vec<Record>,
    registries: BTreeMap<Address, OnChain>,
    uses: u64,
}

impl Chain {
    pub fn new() -> Self {
        Self {
            now: START,
            slot: 100,
            records: Vec::new(),
            registries: BTreeMap::new(),
            uses: 0,
        }
    }

    pub fn slot(&self) -> u64 {
        self.slot
    }

    /// The next slot, some seconds later.
    pub fn wait(&mut self, seconds: i64) {
        self.slot += 1;
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
        let signature = Signature([self.uses.to_le_bytes()[0]; 64]);
        self.records.push(Record {
            position,
            signature,
            time: self.now,
            event,
        });
    }

    /// What has happened since the last batch, up to the end of the present slot.
    pub fn batch(&mut self) -> Batch {
        let checkpoint = Position::end_of_slot(self.slot);
        self.slot += 1;
        Batch {
            records: std::mem::take(&mut self.records),
            checkpoint,
        }
    }

    pub fn create(&mut self, registry: Address, kind: RegistryKind, depth: Depth) {
        self.emit(Event::RegistryCreated {
            registry,
            authority: address("authority"),
            nonce: u64::MAX,
            kind,
            depth,
            leaf_format: 1,
            root_ttl_seconds: TTL,
            root: depth.empty_root(),
        });
        self.registries.insert(
            registry,
            OnChain {
                depth,
                tree: PlainTree::default(),
                next_index: 0,
                sequence: 0,
                last_kept: None,
                mints: BTreeMap::new(),
            },
        );
    }

    pub fn tree(&self, registry: Address) -> &PlainTree {
        &self.registries[&registry].tree
    }

    pub fn root(&self, registry: Address) -> Root {
        let on_chain = &self.registries[&registry];
        on_chain.tree.root(on_chain.depth)
    }

    pub fn sequence(&self, registry: Address) -> u64 {
        self.registries[&registry].sequence
    }

    fn root_updated(&mut self, registry: Address) {
        let root = self.root(registry);
        self.root_published(registry, root);
    }

    fn root_published(&mut self, registry: Address, root: Root) {
        let on_chain = self.registries.get_mut(&registry).unwrap();
        let kept = on_chain.last_kept.is_none_or(|last| self.now - last >= KEEP);
        if kept {
            on_chain.last_kept = Some(self.now);
        }
        on_chain.sequence += 1;
        let sequence = on_chain.sequence;
        self.emit(Event::MerkleRootUpdated {
            registry,
            sequence,
            root,
            replaced_root_kept: kept,
        });
    }

    pub fn append(&mut self, registry: Address, leaves: Vec<Leaf>) {
        let on_chain = self.registries.get_mut(&registry).unwrap();
        let (first_index, sequence) = (on_chain.next_index, on_chain.sequence + 1);
        on_chain.next_index += leaves.len() as u64;
        on_chain
            .tree
            .leaves
            .extend((first_index..).zip(leaves.iter().copied()));
        self.emit(Event::LeavesAppended {
            registry,
            sequence,
            first_index,
            leaves,
        });
        self.root_updated(registry);
    }

    pub fn replace(&mut self, registry: Address, index: u64, new_leaf: Leaf) {
        let on_chain = self.registries.get_mut(&registry).unwrap();
        let sequence = on_chain.sequence + 1;
        let old_leaf = on_chain
            .tree
            .leaves
            .insert(index, new_leaf)
            .unwrap_or(Leaf::EMPTY);
        if new_leaf == Leaf::EMPTY {
            on_chain.tree.leaves.remove(&index);
        }
        self.emit(Event::LeafReplaced {
            registry,
            sequence,
            index,
            old_leaf,
            new_leaf,
        });
        self.root_updated(registry);
    }

    pub fn appended(&self, registry: Address) -> u64 {
        self.registries[&registry].next_index
    }

    pub fn publish(&mut self, registry: Address, tree: PlainTree) {
        let on_chain = self.registries.get_mut(&registry).unwrap();
        let (sequence, root) = (on_chain.sequence + 1, tree.root(on_chain.depth));
        on_chain.tree = tree;
        self.emit(Event::RootPublished {
            registry,
            sequence,
            root,
        });
        self.root_published(registry, root);
    }

    pub fn register(&mut self, registry: Address, mint: Address, owner: Address, secret: u64, track: u64) {
        let on_chain = self.registries.get_mut(&registry).unwrap();
        let sequence = on_chain.sequence + 1;
        let known = on_chain.mints.get(&mint).copied();
        let index = known.unwrap_or(on_chain.next_index);
        on_chain.next_index += u64::from(known.is_none());
        on_chain.mints.insert(mint, index);
        let commitment = commitment(secret);
        let leaf = Leaf::of(commitment, EntryId::of_mint(&mint.0), Attributes::of_track(track));
        on_chain.tree.leaves.insert(index, leaf);
        let replaced = known.is_some();
        self.emit(Event::HolderRegistered {
            registry,
            sequence,
            mint,
            owner,
            commitment,
            track,
            index,
            replaced,
        });
        self.root_updated(registry);
    }

    pub fn evict(&mut self, registry: Address, mint: Address) {
        let on_chain = self.registries.get_mut(&registry).unwrap();
        let (sequence, index) = (on_chain.sequence + 1, on_chain.mints[&mint]);
        on_chain.tree.leaves.remove(&index);
        self.emit(Event::HolderEvicted {
            registry,
            sequence,
            mint,
            index,
        });
        self.root_updated(registry);
    }

    pub fn circuit(&mut self, circuit: Address) {
        self.emit(Event::CircuitRegistered {
            circuit,
            vk_hash: [1; 32],
            statement: "ownership".into(),
            version: 1,
            depth: Depth::Ten,
            leaf_format: 1,
            provenance: Provenance::Development,
            constraint_system_hash: [2; 32],
            transcript_hash: [3; 32],
        });
    }

    pub fn scope(&mut self, scope: Address, registry: Address, circuit: Address, mode: ScopeMode) {
        self.emit(Event::ScopeCreated {
            scope,
            scope_element: Scope::derive(&[7; 32], &[8; 32], &scope.0),
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
        });
    }

    pub fn verify(&mut self, scope: Address, root: Root, track: u64) {
        self.uses += 1;
        let claim = Claim::of_track(track);
        self.emit(Event::OwnershipVerified {
            scope,
            root,
            claim,
            nullifier: nullifier(self.uses),
        });
    }
}

/// Every row of every table that follows the chain, as text.
pub async fn rows(database: &TestDatabase) -> BTreeMap<String, Vec<String>> {
    let tables: Vec<String> = sqlx::query(
        "SELECT table_name::text FROM information_schema.tables
         WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
           AND table_name NOT IN ('_sqlx_migrations', 'journal', 'finality')",
    )
    .fetch_all(database.pool())
    .await
    .unwrap()
    .iter()
    .map(|row| row.get(0))
    .collect();
    assert!(tables.len() >= 17, "{tables:?}");
    let mut rows = BTreeMap::new();
    for table in tables {
        let query = format!("SELECT to_jsonb(t)::text FROM {table} t ORDER BY 1");
        let found = sqlx::query(sqlx::AssertSqlSafe(query))
            .fetch_all(database.pool())
            .await
            .unwrap();
        rows.insert(table, found.iter().map(|row| row.get(0)).collect());
    }
    rows
}

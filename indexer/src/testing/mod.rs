//! A chain in memory, for tests and benchmarks: the program's events with the program's own encoding, with roots from a
//! tree that has nothing in common with the store's; and a source that can be made to lie.

mod accounts;
mod recorded;
mod reuse;

use std::collections::BTreeMap;

use anchor_lang::Event as AnchorEvent;
use anchor_lang::event::EVENT_IX_TAG_LE;
use bauta::events;
use bauta::state::{Provenance, RegistryKind, ScopeMode};
use bauta_client::{ReferenceTree, addresses};
use bauta_primitives::tree::Depth;
use bauta_primitives::{
    Attributes, Claim, Commitment, EntryId, FieldElement, Leaf, Nullifier, Root, Scope, poseidon,
};
use bauta_store::Slot;
use solana_address::Address;
use solana_signature::Signature;

use crate::chain::{InnerCall, Transaction};

pub use recorded::{Recorded, State};
pub use reuse::verify_call;

/// 2026-01-01 00:00 UTC.
const START: i64 = 1_767_225_600;
const TTL: i64 = 1_600;
/// What the program asks between two kept roots: a sixteenth of the time-to-live.
const KEEP: i64 = 100;

/// The program's address.
#[must_use]
pub fn program() -> Address {
    bauta::ID
}

/// An address that begins with a name.
#[must_use]
pub fn named(name: &str) -> Address {
    let mut bytes = [0; 32];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    Address::from(bytes)
}

/// The inner call of an event, as the program makes it.
pub fn emitted<E: AnchorEvent>(event: &E) -> InnerCall {
    let mut data = EVENT_IX_TAG_LE.to_vec();
    data.extend(event.data());
    InnerCall {
        instruction: 0,
        position: 0,
        program: program(),
        accounts: vec![addresses::event_authority().address],
        data,
    }
}

/// A registry as the program keeps it.
#[derive(Clone)]
struct OnChain {
    tree: ReferenceTree,
    next_index: u64,
    sequence: u64,
    last_kept: Option<i64>,
    mints: BTreeMap<[u8; 32], u64>,
}

/// Makes transactions.
#[derive(Clone)]
pub struct Chain {
    /// The present slot.
    pub slot: Slot,
    /// Every transaction so far.
    pub transactions: Vec<Transaction>,
    now: i64,
    registries: BTreeMap<Address, OnChain>,
    uses: u64,
    /// Part of every signature: another fork, other signatures.
    fork: u8,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            slot: Slot::new(100),
            transactions: Vec::new(),
            now: START,
            registries: BTreeMap::new(),
            uses: 0,
            fork: 0,
        }
    }
}

impl Chain {
    /// A fork of this chain from its present state on: what happens on it has other signatures.
    #[must_use]
    pub fn forked(&self) -> Self {
        let mut fork = self.clone();
        fork.fork += 1;
        fork
    }

    /// The next slot, some seconds later.
    pub fn wait(&mut self, seconds: i64) {
        self.slot = self.slot.saturating_add(1);
        self.now += seconds;
    }

    /// Puts inner calls into a transaction of their own.
    pub fn send(&mut self, calls: Vec<InnerCall>) -> Signature {
        self.put(calls, true)
    }

    /// The same, in a transaction that fails.
    pub fn send_failing(&mut self, calls: Vec<InnerCall>) -> Signature {
        self.put(calls, false)
    }

    fn put(&mut self, calls: Vec<InnerCall>, succeeded: bool) -> Signature {
        let number = self.transactions.len() as u64;
        let mut signature = [self.fork; 64];
        signature[..8].copy_from_slice(&number.to_be_bytes());
        signature[8..16].copy_from_slice(&self.slot.get().to_be_bytes());
        let last = self.transactions.last().filter(|last| last.slot == self.slot);
        // other people's transactions lie between
        let index = last.map_or(3, |last| last.index + 2);
        let inner = calls
            .into_iter()
            .zip(0..)
            .map(|(call, position)| InnerCall { position, ..call });
        let transaction = Transaction {
            slot: self.slot,
            index,
            signature: Signature::from(signature),
            succeeded,
            reuse: None,
            time: Some(self.now),
            calls: Vec::new(),
            inner: inner.collect(),
        };
        self.transactions.push(transaction);
        Signature::from(signature)
    }

    /// The program is initialised.
    pub fn initialize(&mut self) -> Signature {
        let event = events::ConfigChanged {
            admin: named("admin"),
            pending_admin: Address::default(),
            cluster_tag: [7; 32],
            paused: false,
            development_keys_allowed: true,
            timestamp: self.now,
        };
        self.send(vec![emitted(&event)])
    }

    /// A registry is created.
    pub fn create(&mut self, registry: Address, kind: RegistryKind) -> Signature {
        let tree = ReferenceTree::new(Depth::Ten);
        let event = events::RegistryCreated {
            registry,
            authority: named("authority"),
            nonce: 1,
            tree: named("tree"),
            kind,
            depth: 10,
            leaf_format: 1,
            root_ttl: TTL,
            root: tree.root().to_bytes(),
            timestamp: self.now,
        };
        self.registries.insert(
            registry,
            OnChain {
                tree,
                next_index: 0,
                sequence: 0,
                last_kept: None,
                mints: BTreeMap::new(),
            },
        );
        self.send(vec![emitted(&event)])
    }

    /// A registry's present root.
    #[must_use]
    pub fn root(&self, registry: Address) -> Root {
        self.registries
            .get(&registry)
            .map_or_else(|| Depth::Ten.empty_root(), |on_chain| on_chain.tree.root())
    }

    fn on_chain(&mut self, registry: Address) -> &mut OnChain {
        self.registries.entry(registry).or_insert_with(|| OnChain {
            tree: ReferenceTree::new(Depth::Ten),
            next_index: 0,
            sequence: 0,
            last_kept: None,
            mints: BTreeMap::new(),
        })
    }

    /// The event that follows a tree change.
    fn root_updated(&mut self, registry: Address) -> InnerCall {
        let now = self.now;
        let on_chain = self.on_chain(registry);
        let kept = on_chain.last_kept.is_none_or(|last| now - last >= KEEP);
        if kept {
            on_chain.last_kept = Some(now);
        }
        emitted(&events::MerkleRootUpdated {
            registry,
            sequence: on_chain.sequence,
            root: on_chain.tree.root().to_bytes(),
            replaced_root_kept: kept,
            timestamp: now,
        })
    }

    /// A token registers, for the first time or again.
    pub fn register(
        &mut self,
        registry: Address,
        mint: u64,
        owner: u64,
        track: u64,
    ) -> Result<Signature, bauta_primitives::PrimitivesError> {
        let (now, key) = (self.now, number("mint", mint));
        let commitment = Commitment::new(poseidon::hash([FieldElement::from_u64(mint ^ (owner << 32))]));
        let on_chain = self.on_chain(registry);
        let known = on_chain.mints.get(&key.to_bytes()).copied();
        let index = known.unwrap_or(on_chain.next_index);
        let leaf = Leaf::of(
            commitment,
            EntryId::of_mint(&key.to_bytes()),
            Attributes::of_track(track),
        );
        on_chain.tree.set(index, leaf)?;
        on_chain.mints.insert(key.to_bytes(), index);
        on_chain.next_index += u64::from(known.is_none());
        on_chain.sequence += 1;
        let registered = emitted(&events::HolderRegistered {
            registry,
            sequence: on_chain.sequence,
            mint: key,
            owner: number("owner", owner),
            commitment: commitment.to_bytes(),
            track,
            index,
            replaced: known.is_some(),
            timestamp: now,
        });
        let updated = self.root_updated(registry);
        Ok(self.send(vec![registered, updated]))
    }

    /// The authority of a Managed registry appends leaves.
    pub fn append(
        &mut self,
        registry: Address,
        leaves: &[u64],
    ) -> Result<Signature, bauta_primitives::PrimitivesError> {
        let now = self.now;
        let leaves: Vec<_> = leaves
            .iter()
            .map(|value| Leaf::new(poseidon::hash([FieldElement::from_u64(*value)])))
            .collect();
        let on_chain = self.on_chain(registry);
        let first_index = on_chain.next_index;
        on_chain
            .tree
            .set_all((first_index..).zip(leaves.iter().copied()))?;
        on_chain.next_index += leaves.len() as u64;
        on_chain.sequence += 1;
        let appended = emitted(&events::LeavesAppended {
            registry,
            sequence: on_chain.sequence,
            first_index,
            leaves: leaves.iter().map(|leaf| leaf.to_bytes()).collect(),
            timestamp: now,
        });
        let updated = self.root_updated(registry);
        Ok(self.send(vec![appended, updated]))
    }

    /// A circuit is registered, and a live scope over a registry created.
    pub fn open_scope(&mut self, scope: Address, registry: Address) {
        let circuit = named("circuit");
        let mut statement = [0; 32];
        statement[..9].copy_from_slice(b"ownership");
        let registered = emitted(&events::CircuitRegistered {
            circuit,
            vk_hash: [1; 32],
            statement,
            version: 1,
            depth: 10,
            leaf_format: 1,
            provenance: Provenance::Development,
            constraint_system_hash: [2; 32],
            transcript_hash: [0; 32],
            timestamp: self.now,
        });
        self.send(vec![registered]);
        let element = Scope::derive(&[7; 32], &bauta::ID.to_bytes(), &scope.to_bytes());
        let created = emitted(&events::ScopeCreated {
            scope,
            scope_element: element.to_bytes(),
            creator: named("creator"),
            nonce: 1,
            registry,
            circuit,
            auxiliary_registry: Address::default(),
            gate: Address::default(),
            mode: ScopeMode::Live,
            root: [0; 32],
            required_claim: None,
            opens_at: self.now,
            closes_at: i64::MAX,
            timestamp: self.now,
        });
        self.send(vec![created]);
    }

    /// A verification's event.
    pub fn verified(&mut self, scope: Address, registry: Address, track: u64) -> InnerCall {
        self.uses += 1;
        let nullifier = Nullifier::new(poseidon::hash([FieldElement::from_u64(self.uses)]));
        emitted(&events::OwnershipVerified {
            scope,
            registry,
            circuit: named("circuit"),
            root: self.root(registry).to_bytes(),
            claim: Claim::of_track(track).to_bytes(),
            nullifier: nullifier.to_bytes(),
            recipient: named("recipient"),
            relayer: Address::default(),
            payload_hash: [0; 32],
            timestamp: self.now,
        })
    }

    /// A proof is accepted.
    pub fn verify(&mut self, scope: Address, registry: Address, track: u64) -> Signature {
        let verified = self.verified(scope, registry, track);
        self.send(vec![verified])
    }
}

/// An address with a number in it.
fn number(name: &str, number: u64) -> Address {
    let mut bytes = named(name).to_bytes();
    bytes[24..].copy_from_slice(&number.to_be_bytes());
    Address::from(bytes)
}

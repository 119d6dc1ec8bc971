//! A chain in memory, for tests and benchmarks.
//!
//! [`TestChain`] emits the program's events in the program's own encoding. Its roots come from a
//! reference tree that shares no code with the store's tree. [`TestSource`] is a source for such a
//! chain that can give wrong answers.

mod accounts;
mod json;
mod refused_reuse;
mod source;

use std::collections::BTreeMap;

use anchor_lang::Event as AnchorEvent;
use anchor_lang::event::EVENT_IX_TAG_LE;
use bauta::events;
use bauta::state::{AssetForm, Provenance, RegistryKind, ScopeMode};
use bauta_client::{ReferenceTree, addresses};
use bauta_primitives::tree::Depth;
use bauta_primitives::{
    Attributes, Claim, Commitment, EntryId, FieldElement, Leaf, Nullifier, Root, Scope, poseidon,
};
use bauta_store::Slot;
use solana_address::Address;
use solana_signature::Signature;

use crate::chain::{InnerInstruction, Transaction};

pub use json::transaction_json;
pub use refused_reuse::verify_instruction;
pub use source::{SourceState, TestSource};

/// The time of the first slot: 2026-01-01 00:00 UTC.
const START_TIME: i64 = 1_767_225_600;
/// The slot in which a chain starts.
const START_SLOT: Slot = Slot::new(100);
/// The time-to-live of kept roots in seconds.
const ROOT_TTL: i64 = 1_600;
/// The shortest time between two kept roots in seconds. The program requires a sixteenth of the
/// time-to-live.
const KEEP_INTERVAL: i64 = 100;

/// Returns an address that begins with a name of at most 32 bytes.
#[must_use]
pub fn named(name: &str) -> Address {
    let mut bytes = [0; 32];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    Address::from(bytes)
}

/// Returns the inner instruction that records an event, as the program creates it.
pub fn emitted<E: AnchorEvent>(event: &E) -> InnerInstruction {
    let mut data = EVENT_IX_TAG_LE.to_vec();
    data.extend(event.data());
    InnerInstruction {
        outer_index: 0,
        inner_index: 0,
        program: bauta::ID,
        accounts: vec![addresses::event_authority().address],
        data,
    }
}

/// The state of a registry on the chain.
#[derive(Clone)]
struct ChainRegistry {
    tree: ReferenceTree,
    next_index: u64,
    sequence: u64,
    last_kept: Option<i64>,
    /// The leaf index of each registered mint.
    mints: BTreeMap<[u8; 32], u64>,
}

impl Default for ChainRegistry {
    fn default() -> Self {
        Self {
            tree: ReferenceTree::new(Depth::Ten),
            next_index: 0,
            sequence: 0,
            last_kept: None,
            mints: BTreeMap::new(),
        }
    }
}

/// A chain in memory that executes the program's instructions.
#[derive(Clone)]
pub struct TestChain {
    /// The present slot.
    pub slot: Slot,
    /// All transactions in the order of the chain.
    pub transactions: Vec<Transaction>,
    now: i64,
    registries: BTreeMap<Address, ChainRegistry>,
    verifications: u64,
    /// The number of the fork. It is part of each signature, so that forks have different
    /// signatures.
    fork: u8,
}

impl Default for TestChain {
    fn default() -> Self {
        Self {
            slot: START_SLOT,
            transactions: Vec::new(),
            now: START_TIME,
            registries: BTreeMap::new(),
            verifications: 0,
            fork: 0,
        }
    }
}

impl TestChain {
    /// Returns a fork that begins with the present state. Its later transactions have other
    /// signatures.
    #[must_use]
    pub fn forked(&self) -> Self {
        let mut fork = self.clone();
        fork.fork += 1;
        fork
    }

    /// Moves to the next slot and advances the time.
    pub fn wait(&mut self, seconds: i64) {
        self.slot = self.slot.saturating_add(1);
        self.now += seconds;
    }

    /// Adds a transaction with these inner instructions.
    pub fn send(&mut self, inner_instructions: Vec<InnerInstruction>) -> Signature {
        self.add(inner_instructions, true)
    }

    /// Adds a transaction with these inner instructions that failed.
    pub fn send_failing(&mut self, inner_instructions: Vec<InnerInstruction>) -> Signature {
        self.add(inner_instructions, false)
    }

    fn add(&mut self, inner_instructions: Vec<InnerInstruction>, succeeded: bool) -> Signature {
        let number = self.transactions.len() as u64;
        let mut signature = [self.fork; 64];
        signature[..8].copy_from_slice(&number.to_be_bytes());
        signature[8..16].copy_from_slice(&self.slot.get().to_be_bytes());
        let signature = Signature::from(signature);
        let last = self.transactions.last().filter(|last| last.slot == self.slot);
        // The gaps stand for transactions of other programs.
        let index = last.map_or(3, |last| last.index + 2);
        let inner_instructions = inner_instructions
            .into_iter()
            .zip(0..)
            .map(|(inner, inner_index)| InnerInstruction { inner_index, ..inner })
            .collect();
        self.transactions.push(Transaction {
            slot: self.slot,
            index,
            signature,
            succeeded,
            refused_reuse: None,
            time: Some(self.now),
            instructions: Vec::new(),
            inner_instructions,
        });
        signature
    }

    /// Initialises the program.
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

    /// Creates a registry of depth 10.
    pub fn create(&mut self, registry: Address, kind: RegistryKind) -> Signature {
        let created = ChainRegistry::default();
        let event = events::RegistryCreated {
            registry,
            authority: named("authority"),
            nonce: 1,
            tree: named("tree"),
            kind,
            depth: 10,
            leaf_format: 1,
            root_ttl: ROOT_TTL,
            root: created.tree.root().to_bytes(),
            timestamp: self.now,
        };
        self.registries.insert(registry, created);
        self.send(vec![emitted(&event)])
    }

    /// Seals a registry of holders.
    pub fn seal(&mut self, registry: Address) -> Signature {
        let event = events::RegistrySealed {
            registry,
            timestamp: self.now,
        };
        self.send(vec![emitted(&event)])
    }

    /// Returns the present root of a registry.
    #[must_use]
    pub fn root(&self, registry: Address) -> Root {
        self.registries
            .get(&registry)
            .map_or_else(|| Depth::Ten.empty_root(), |state| state.tree.root())
    }

    fn registry(&mut self, registry: Address) -> &mut ChainRegistry {
        self.registries.entry(registry).or_default()
    }

    /// Returns the event that follows a tree change.
    fn root_updated(&mut self, registry: Address) -> InnerInstruction {
        let now = self.now;
        let state = self.registry(registry);
        let kept = state.last_kept.is_none_or(|last| now - last >= KEEP_INTERVAL);
        if kept {
            state.last_kept = Some(now);
        }
        emitted(&events::MerkleRootUpdated {
            registry,
            sequence: state.sequence,
            root: state.tree.root().to_bytes(),
            replaced_root_expires_at: kept.then_some(now + ROOT_TTL),
            timestamp: now,
        })
    }

    /// Registers a token, for the first time or again. `mint` and `owner` are numbers from which
    /// the addresses are derived.
    pub fn register(
        &mut self,
        registry: Address,
        mint: u64,
        owner: u64,
        track: u64,
    ) -> Result<Signature, bauta_primitives::PrimitivesError> {
        let (now, key) = (self.now, numbered("mint", mint));
        let commitment = Commitment::new(poseidon::hash([FieldElement::from_u64(mint ^ (owner << 32))]));
        let state = self.registry(registry);
        let known = state.mints.get(&key.to_bytes()).copied();
        let index = known.unwrap_or(state.next_index);
        let leaf = Leaf::of(
            commitment,
            EntryId::of_mint(&key.to_bytes()),
            Attributes::of_track(track),
        );
        state.tree.set(index, leaf)?;
        state.mints.insert(key.to_bytes(), index);
        state.next_index += u64::from(known.is_none());
        state.sequence += 1;
        let registered = emitted(&events::HolderRegistered {
            registry,
            sequence: state.sequence,
            mint: key,
            owner: numbered("owner", owner),
            commitment: commitment.to_bytes(),
            track,
            index,
            replaced: known.is_some(),
            timestamp: now,
            form: AssetForm::Token,
            collection: 1,
        });
        let updated = self.root_updated(registry);
        Ok(self.send(vec![registered, updated]))
    }

    /// Appends leaves to a Managed registry. The leaves are hashes of the numbers.
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
        let state = self.registry(registry);
        let first_index = state.next_index;
        state.tree.set_all((first_index..).zip(leaves.iter().copied()))?;
        state.next_index += leaves.len() as u64;
        state.sequence += 1;
        let appended = emitted(&events::LeavesAppended {
            registry,
            sequence: state.sequence,
            first_index,
            leaves: leaves.iter().map(|leaf| leaf.to_bytes()).collect(),
            timestamp: now,
        });
        let updated = self.root_updated(registry);
        Ok(self.send(vec![appended, updated]))
    }

    /// Registers a circuit, and creates a live scope over a registry.
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
            auxiliary_format: 0,
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

    /// Returns the event of a verification with a new nullifier.
    pub fn verified(&mut self, scope: Address, registry: Address, track: u64) -> InnerInstruction {
        self.verifications += 1;
        let nullifier = Nullifier::new(poseidon::hash([FieldElement::from_u64(self.verifications)]));
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

    /// Adds a transaction that closes the account of the last nullifier.
    pub fn reclaim_last(&mut self, scope: Address) -> Signature {
        let nullifier = Nullifier::new(poseidon::hash([FieldElement::from_u64(self.verifications)]));
        let reclaimed = emitted(&events::NullifierReclaimed {
            scope,
            nullifier: nullifier.to_bytes(),
            rent_payer: named("payer"),
            lamports: 1,
            timestamp: self.now,
        });
        self.send(vec![reclaimed])
    }

    /// Adds a transaction with a verification.
    pub fn verify(&mut self, scope: Address, registry: Address, track: u64) -> Signature {
        let verified = self.verified(scope, registry, track);
        self.send(vec![verified])
    }
}

/// Returns an address that begins with a name of at most 24 bytes and ends with a number.
fn numbered(name: &str, number: u64) -> Address {
    let mut bytes = named(name).to_bytes();
    bytes[24..].copy_from_slice(&number.to_be_bytes());
    Address::from(bytes)
}

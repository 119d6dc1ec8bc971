//! The events of a chain with one registry and one scope, without hashing: all verifications are at
//! the same root.

use anyhow::Result;
use bauta_primitives::{Claim, FieldElement, Leaf, Nullifier, Root, Scope, tree::Depth};
use bauta_store::{
    Batch, Event, EventRecord, Position, Provenance, ScopeMode, Slot,
    event::{CircuitRegistered, ConfigChanged, OwnershipVerified, ScopeCreated},
    root_of_leaves,
    testing::TestDatabase,
};
use solana_address::Address;
use solana_signature::Signature;

use crate::store;

const SCOPE: Address = Address::new_from_array([3; 32]);
const CIRCUIT: Address = Address::new_from_array([4; 32]);

/// The writer of a database, as the indexer is.
pub struct Writer {
    pub database: TestDatabase,
    root: Root,
    slot: u64,
    verifications: u64,
}

impl Writer {
    /// Migrates a database, and adds a registry and a scope.
    pub async fn start(database: TestDatabase) -> Result<Self> {
        database.store.migrate().await?;
        let root = root_of_leaves(Depth::Ten, &[Leaf::new(FieldElement::from_u64(1))])?;
        let registry = store::publish(&database, root).await?;
        let mut writer = Self {
            database,
            root,
            slot: 2,
            verifications: 0,
        };
        let events = vec![
            Event::ConfigChanged(ConfigChanged {
                admin: CIRCUIT,
                pending_admin: None,
                cluster_tag: [7; 32],
                paused: false,
                development_keys_allowed: true,
            }),
            Event::CircuitRegistered(CircuitRegistered {
                circuit: CIRCUIT,
                vk_hash: [1; 32],
                statement: "ownership".into(),
                version: 1,
                depth: Depth::Ten,
                leaf_format: 1,
                provenance: Provenance::Development,
                constraint_system_hash: [2; 32],
                transcript_hash: [3; 32],
                auxiliary_format: 0,
            }),
            Event::ScopeCreated(ScopeCreated {
                scope: SCOPE,
                scope_element: Scope::derive(&[7; 32], &[8; 32], SCOPE.as_array()),
                creator: CIRCUIT,
                nonce: 3,
                registry: registry.address,
                circuit: CIRCUIT,
                auxiliary_registry: None,
                gate: None,
                mode: ScopeMode::Live,
                root: None,
                required_claim: None,
                opens_at: store::NOW,
                closes_at: i64::MAX,
            }),
        ];
        writer.apply(events).await?;
        Ok(writer)
    }

    /// Writes one slot with this number of verifications. Returns the slot.
    pub async fn verify(&mut self, count: u64) -> Result<u64> {
        let first = self.verifications + 1;
        self.verifications += count;
        let verified = |number| {
            Event::OwnershipVerified(OwnershipVerified {
                scope: SCOPE,
                root: self.root,
                claim: Claim::of_track(7),
                nullifier: Nullifier::new(FieldElement::from_u64(number)),
            })
        };
        let events = (first..first + count).map(verified).collect();
        self.apply(events).await
    }

    /// Makes all slots final.
    pub async fn finalize(&self) -> Result<()> {
        let last = Slot::new(self.slot - 1);
        Ok(self.database.store.mark_final(last).await?)
    }

    async fn apply(&mut self, events: Vec<Event>) -> Result<u64> {
        let slot = Slot::new(self.slot);
        let records = (0..).zip(events).map(|(transaction_index, event)| EventRecord {
            position: Position {
                slot,
                transaction_index,
                instruction_index: 0,
                inner_index: 0,
            },
            signature: Signature::default(),
            time: store::NOW,
            event,
        });
        let batch = Batch {
            records: records.collect(),
            checkpoint: Position::end_of_slot(slot),
        };
        self.database.store.apply(&batch).await?;
        self.slot += 1;
        Ok(slot.get())
    }
}

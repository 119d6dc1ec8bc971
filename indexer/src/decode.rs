//! From a transaction to what the store is told.
//!
//! ```text
//!   Transaction, succeeded --inner calls--> bauta_client::decode_event --> records, by position
//!        |                                  (program and event authority are checked there)
//!        failed: nothing, or the refused use that it failed for
//! ```

use anchor_lang::{AnchorDeserialize, Discriminator};
use bauta::events as chain;
use bauta_client::{Event as ChainEvent, decode_event};
use bauta_primitives::tree::{Depth, LeafIndex};
use bauta_primitives::{Claim, Commitment, FieldElement, Leaf, Nullifier, PrimitivesError, Root, Scope};
use bauta_store::event::{
    CircuitRegistered, CollectionAdded, ConfigChanged, HolderEvicted, HolderRegistered, LeafReplaced,
    LeavesAppended, MerkleRootUpdated, OwnershipVerified, RegistryCreated, ScopeCreated, TreeChange,
    TreeChangeKind,
};
use bauta_store::{Event, EventRecord, Position, Provenance, RegistryKind, ScopeMode, Sequence};
use solana_address::Address;

use crate::IndexerError;
use crate::chain::Transaction;

/// Where `verify` has its scope: after payer, recipient and config.
const VERIFY_SCOPE: usize = 3;

/// The program's events in a transaction, by position. In one that failed: a refused use, or nothing.
pub fn records(transaction: &Transaction) -> Result<Vec<EventRecord>, IndexerError> {
    let mut records = Vec::new();
    if !transaction.succeeded {
        records.extend(refused_use(transaction));
        return Ok(records);
    }
    let signature = transaction.signature;
    for call in &transaction.inner {
        let decoded = decode_event(&call.program, &call.accounts, &call.data).map_err(|source| {
            IndexerError::Event {
                signature,
                source: Box::new(source),
            }
        })?;
        let Some(decoded) = decoded else { continue };
        let (time, event) = event(decoded).map_err(|source| IndexerError::Value { signature, source })?;
        records.push(EventRecord {
            position: Position {
                slot: transaction.slot,
                transaction_index: transaction.index,
                instruction_index: call.instruction,
                inner_index: call.position,
            },
            signature,
            time,
            event,
        });
    }
    records.sort_by_key(|record| record.position);
    Ok(records)
}

/// The second use of a nullifier that a transaction failed for. The program says "used" only when everything else about
/// the use is right, so its scope is one and the proof holds. Without the block's time it can't be counted.
fn refused_use(transaction: &Transaction) -> Option<EventRecord> {
    let instruction = transaction.reuse?;
    // what refuses calls nothing more: a consumer program that fails later with the same code is told apart by that
    let last = transaction
        .inner
        .iter()
        .rev()
        .find(|call| call.instruction == instruction);
    let (inner_index, program, accounts, data) = if let Some(call) = last {
        (call.position, call.program, &call.accounts, &call.data)
    } else {
        let call = transaction.calls.get(usize::try_from(instruction).ok()?)?;
        (0, call.program, &call.accounts, &call.data)
    };
    let arguments = data.strip_prefix(bauta::instruction::Verify::DISCRIMINATOR)?;
    if program != bauta::ID {
        return None;
    }
    let arguments = bauta::instruction::Verify::try_from_slice(arguments).ok()?;
    let scope = *accounts.get(VERIFY_SCOPE)?;
    let claim = Claim::from_bytes(arguments.presentation.claim).ok()?;
    Some(EventRecord {
        position: Position {
            slot: transaction.slot,
            transaction_index: transaction.index,
            instruction_index: instruction,
            inner_index,
        },
        signature: transaction.signature,
        time: transaction.time?,
        event: Event::ReuseRefused { scope, claim },
    })
}

/// The program says "none" with a zero address.
fn given(address: Address) -> Option<Address> {
    Some(address).filter(|address| *address != Address::default())
}

/// The index of a leaf. The depth of the registry is not known here, so the index is checked against the deepest tree; the
/// store checks it against the registry's.
const fn leaf_index(index: u64) -> Result<LeafIndex, PrimitivesError> {
    Depth::Sixteen.check_index(index)
}

fn tree_change(registry: Address, sequence: u64, kind: TreeChangeKind) -> Event {
    Event::TreeChanged(TreeChange {
        registry,
        sequence: Sequence::new(sequence),
        kind,
    })
}

/// The name of a statement, which is zero-padded on chain; the database has no zero in texts.
fn statement(name: &[u8; 32]) -> String {
    let end = name
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    String::from_utf8_lossy(&name[..end]).replace('\0', "\u{fffd}")
}

const fn kind(kind: bauta::state::RegistryKind) -> RegistryKind {
    match kind {
        bauta::state::RegistryKind::Holders => RegistryKind::Holders,
        bauta::state::RegistryKind::Managed => RegistryKind::Managed,
        bauta::state::RegistryKind::Attested => RegistryKind::Attested,
    }
}

const fn provenance(provenance: bauta::state::Provenance) -> Provenance {
    match provenance {
        bauta::state::Provenance::Development => Provenance::Development,
        bauta::state::Provenance::Ceremony => Provenance::Ceremony,
    }
}

/// The event's time and what the store keeps of it.
fn event(decoded: ChainEvent) -> Result<(i64, Event), PrimitivesError> {
    Ok(match decoded {
        ChainEvent::ConfigChanged(e) => (e.timestamp, config_changed(&e)),
        ChainEvent::CircuitRegistered(e) => (e.timestamp, circuit_registered(&e)?),
        ChainEvent::CircuitRetired(e) => (e.timestamp, Event::CircuitRetired { circuit: e.circuit }),
        ChainEvent::RegistryCreated(e) => (e.timestamp, registry_created(&e)?),
        ChainEvent::CollectionAdded(e) => (e.timestamp, collection_added(&e)),
        ChainEvent::RegistrySealed(e) => (e.timestamp, Event::RegistrySealed { registry: e.registry }),
        ChainEvent::HolderRegistered(e) => (e.timestamp, holder_registered(&e)?),
        ChainEvent::HolderEvicted(e) => (e.timestamp, holder_evicted(&e)?),
        ChainEvent::LeavesAppended(e) => (e.timestamp, leaves_appended(&e)?),
        ChainEvent::LeafReplaced(e) => (e.timestamp, leaf_replaced(&e)?),
        ChainEvent::RootPublished(e) => (e.timestamp, root_published(&e)?),
        ChainEvent::MerkleRootUpdated(e) => (e.timestamp, merkle_root_updated(&e)?),
        ChainEvent::ScopeCreated(e) => (e.timestamp, scope_created(&e)?),
        ChainEvent::ScopeClosed(e) => (e.timestamp, Event::ScopeClosed { scope: e.scope }),
        ChainEvent::OwnershipVerified(e) => (e.timestamp, ownership_verified(&e)?),
        ChainEvent::NullifierReclaimed(e) => (
            e.timestamp,
            Event::NullifierReclaimed {
                scope: e.scope,
                nullifier: Nullifier::from_bytes(e.nullifier)?,
            },
        ),
    })
}

fn config_changed(e: &chain::ConfigChanged) -> Event {
    Event::ConfigChanged(ConfigChanged {
        admin: e.admin,
        pending_admin: given(e.pending_admin),
        cluster_tag: e.cluster_tag,
        paused: e.paused,
        development_keys_allowed: e.development_keys_allowed,
    })
}

fn circuit_registered(e: &chain::CircuitRegistered) -> Result<Event, PrimitivesError> {
    Ok(Event::CircuitRegistered(CircuitRegistered {
        circuit: e.circuit,
        vk_hash: e.vk_hash,
        statement: statement(&e.statement),
        version: e.version,
        depth: Depth::try_from(e.depth)?,
        leaf_format: e.leaf_format,
        provenance: provenance(e.provenance),
        constraint_system_hash: e.constraint_system_hash,
        transcript_hash: e.transcript_hash,
    }))
}

fn registry_created(e: &chain::RegistryCreated) -> Result<Event, PrimitivesError> {
    Ok(Event::RegistryCreated(RegistryCreated {
        registry: e.registry,
        authority: e.authority,
        nonce: e.nonce,
        kind: kind(e.kind),
        depth: Depth::try_from(e.depth)?,
        leaf_format: e.leaf_format,
        root_ttl_seconds: e.root_ttl,
        root: Root::from_bytes(e.root)?,
    }))
}

fn collection_added(e: &chain::CollectionAdded) -> Event {
    Event::CollectionAdded(CollectionAdded {
        registry: e.registry,
        key: e.key,
        is_group: e.is_group,
        track: e.track,
    })
}

fn holder_registered(e: &chain::HolderRegistered) -> Result<Event, PrimitivesError> {
    let registered = HolderRegistered {
        mint: e.mint,
        owner: e.owner,
        commitment: Commitment::from_bytes(e.commitment)?,
        track: e.track,
        index: leaf_index(e.index)?,
        replaced: e.replaced,
    };
    let kind = TreeChangeKind::HolderRegistered(registered);
    Ok(tree_change(e.registry, e.sequence, kind))
}

fn holder_evicted(e: &chain::HolderEvicted) -> Result<Event, PrimitivesError> {
    let evicted = HolderEvicted {
        mint: e.mint,
        index: leaf_index(e.index)?,
    };
    let kind = TreeChangeKind::HolderEvicted(evicted);
    Ok(tree_change(e.registry, e.sequence, kind))
}

fn leaves_appended(e: &chain::LeavesAppended) -> Result<Event, PrimitivesError> {
    let leaves = e.leaves.iter().copied().map(Leaf::from_bytes);
    let appended = LeavesAppended {
        first_index: leaf_index(e.first_index)?,
        leaves: leaves.collect::<Result<_, _>>()?,
    };
    let kind = TreeChangeKind::LeavesAppended(appended);
    Ok(tree_change(e.registry, e.sequence, kind))
}

fn leaf_replaced(e: &chain::LeafReplaced) -> Result<Event, PrimitivesError> {
    let replaced = LeafReplaced {
        index: leaf_index(e.index)?,
        old_leaf: Leaf::from_bytes(e.old_leaf)?,
        new_leaf: Leaf::from_bytes(e.new_leaf)?,
    };
    let kind = TreeChangeKind::LeafReplaced(replaced);
    Ok(tree_change(e.registry, e.sequence, kind))
}

fn root_published(e: &chain::RootPublished) -> Result<Event, PrimitivesError> {
    let kind = TreeChangeKind::RootPublished {
        root: Root::from_bytes(e.root)?,
    };
    Ok(tree_change(e.registry, e.sequence, kind))
}

fn merkle_root_updated(e: &chain::MerkleRootUpdated) -> Result<Event, PrimitivesError> {
    Ok(Event::MerkleRootUpdated(MerkleRootUpdated {
        registry: e.registry,
        sequence: Sequence::new(e.sequence),
        root: Root::from_bytes(e.root)?,
        replaced_root_kept: e.replaced_root_kept,
    }))
}

fn ownership_verified(e: &chain::OwnershipVerified) -> Result<Event, PrimitivesError> {
    Ok(Event::OwnershipVerified(OwnershipVerified {
        scope: e.scope,
        root: Root::from_bytes(e.root)?,
        claim: Claim::from_bytes(e.claim)?,
        nullifier: Nullifier::from_bytes(e.nullifier)?,
    }))
}

fn scope_created(e: &chain::ScopeCreated) -> Result<Event, PrimitivesError> {
    let (mode, root) = match e.mode {
        bauta::state::ScopeMode::Snapshot => (ScopeMode::Snapshot, Some(Root::from_bytes(e.root)?)),
        bauta::state::ScopeMode::Live => (ScopeMode::Live, None),
    };
    let required_claim = e
        .required_claim
        .map(|claim| FieldElement::from_bytes("required_claim", claim));
    Ok(Event::ScopeCreated(ScopeCreated {
        scope: e.scope,
        scope_element: Scope::from_bytes(e.scope_element)?,
        creator: e.creator,
        nonce: e.nonce,
        registry: e.registry,
        circuit: e.circuit,
        auxiliary_registry: given(e.auxiliary_registry),
        gate: given(e.gate),
        mode,
        root,
        required_claim: required_claim.transpose()?,
        opens_at: e.opens_at,
        closes_at: e.closes_at,
    }))
}

//! Decodes transactions into the events that the store applies.
//!
//! ```text
//!   Transaction, succeeded ── inner instructions ── bauta_client::decode_event ──> records
//!        |                                          (checks program and event authority)    by position
//!        failed: nothing, or the refused reuse of a nullifier
//! ```

use anchor_lang::{AnchorDeserialize, Discriminator};
use bauta::events as chain;
use bauta_client::{Event as ChainEvent, decode_event};
use bauta_primitives::tree::{Depth, LeafIndex};
use bauta_primitives::{Claim, Commitment, FieldElement, Leaf, Nullifier, PrimitivesError, Root, Scope};
use bauta_store::event::{
    CircuitRegistered, CircuitStatusChanged, CollectionAdded, ConfigChanged, HolderEvicted, HolderRegistered,
    LeafReplaced, LeavesAppended, MerkleRootUpdated, OwnershipVerified, RegistryCreated, ScopeCreated,
    TreeChange, TreeChangeKind,
};
use bauta_store::{Event, EventRecord, Position, Provenance, RegistryKind, ScopeMode, Sequence};
use sha2::{Digest, Sha256};
use solana_address::Address;

use crate::IndexerError;
use crate::chain::{Transaction, VersionDigest};

/// The index of the scope among the accounts of `verify`, after payer, recipient and config.
const VERIFY_SCOPE_ACCOUNT: usize = 3;

/// Returns the program's events in a transaction, ordered by position. For a failed transaction
/// returns a refused reuse, or nothing.
pub fn records(transaction: &Transaction) -> Result<Vec<EventRecord>, IndexerError> {
    let mut records = Vec::new();
    if !transaction.succeeded {
        records.extend(refused_reuse(transaction));
        return Ok(records);
    }
    let signature = transaction.signature;
    for inner in &transaction.inner_instructions {
        let decoded = decode_event(&inner.program, &inner.accounts, &inner.data).map_err(|source| {
            IndexerError::Event {
                signature,
                source: Box::new(source),
            }
        })?;
        let Some(decoded) = decoded else { continue };
        let (time, event) = convert(decoded).map_err(|source| IndexerError::Value {
            signature,
            source: Box::new(source),
        })?;
        records.push(EventRecord {
            position: Position {
                slot: transaction.slot,
                transaction_index: transaction.index,
                instruction_index: inner.outer_index,
                inner_index: inner.inner_index,
            },
            signature,
            time,
            event,
        });
    }
    records.sort_by_key(|record| record.position);
    Ok(records)
}

/// Returns the digest of what the store records of a transaction. Two answers with the same digest
/// have the same effect, apart from the index of the transaction in its slot.
#[must_use]
pub fn digest(transaction: &Transaction) -> VersionDigest {
    let mut hash = Sha256::new();
    let mut add = |outer: u32, inner: u32, data: &[u8]| {
        hash.update(outer.to_le_bytes());
        hash.update(inner.to_le_bytes());
        hash.update((data.len() as u64).to_le_bytes());
        hash.update(data);
    };
    if transaction.succeeded {
        for inner in &transaction.inner_instructions {
            if is_event(&inner.program, &inner.accounts, &inner.data) {
                add(inner.outer_index, inner.inner_index, &inner.data);
            }
        }
    } else if let Some(EventRecord {
        position,
        event: Event::ReuseRefused { scope, claim },
        ..
    }) = refused_reuse(transaction)
    {
        let data = [scope.to_bytes(), claim.to_bytes()].concat();
        add(position.instruction_index, position.inner_index, &data);
    }
    hash.finalize().into()
}

/// Returns whether an inner instruction records an event of the program, known or unknown.
#[must_use]
pub fn is_event(program: &Address, accounts: &[Address], data: &[u8]) -> bool {
    !matches!(decode_event(program, accounts, data), Ok(None))
}

/// Returns the refused reuse of a nullifier, if the transaction failed for it.
///
/// The program returns `NullifierUsed` only after every other check, so the scope exists and the
/// proof is valid. A refused reuse without a block time is not counted, because the store counts by
/// hour.
fn refused_reuse(transaction: &Transaction) -> Option<EventRecord> {
    let outer_index = transaction.refused_reuse?;
    // The instruction that fails is the last one. A consumer program may itself fail with the same
    // error code after its call of `verify`; then the last instruction is not a `verify`.
    let last = transaction
        .inner_instructions
        .iter()
        .rev()
        .find(|inner| inner.outer_index == outer_index);
    let (inner_index, program, accounts, data) = if let Some(inner) = last {
        (inner.inner_index, inner.program, &inner.accounts, &inner.data)
    } else {
        let index = usize::try_from(outer_index).ok()?;
        let instruction = transaction.instructions.get(index)?;
        (0, instruction.program, &instruction.accounts, &instruction.data)
    };
    let arguments = data.strip_prefix(bauta::instruction::Verify::DISCRIMINATOR)?;
    if program != bauta::ID {
        return None;
    }
    let arguments = bauta::instruction::Verify::try_from_slice(arguments).ok()?;
    let scope = *accounts.get(VERIFY_SCOPE_ACCOUNT)?;
    let claim = Claim::from_bytes(arguments.presentation.claim).ok()?;
    Some(EventRecord {
        position: Position {
            slot: transaction.slot,
            transaction_index: transaction.index,
            instruction_index: outer_index,
            inner_index,
        },
        signature: transaction.signature,
        time: transaction.time?,
        event: Event::ReuseRefused { scope, claim },
    })
}

/// Converts an optional address. The program uses the zero address for "none".
fn optional(address: Address) -> Option<Address> {
    Some(address).filter(|address| *address != Address::default())
}

/// Converts the name of a statement. On chain it is padded with zeros. Other zeros are replaced,
/// because Postgres does not allow them in text.
fn statement_name(name: &[u8; 32]) -> String {
    let end = name
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    String::from_utf8_lossy(&name[..end]).replace('\0', "\u{fffd}")
}

/// Converts a leaf index. The event does not contain the depth of the tree, so only the largest
/// depth is checked here. The store checks the depth of the registry.
const fn leaf_index(index: u64) -> Result<LeafIndex, PrimitivesError> {
    Depth::Sixteen.check_index(index)
}

const fn registry_kind(kind: bauta::state::RegistryKind) -> RegistryKind {
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

/// Converts an event of the program to its time and the event of the store.
fn convert(decoded: ChainEvent) -> Result<(i64, Event), PrimitivesError> {
    Ok(match decoded {
        ChainEvent::ConfigChanged(e) => (e.timestamp, config_changed(&e)),
        ChainEvent::CircuitRegistered(e) => (e.timestamp, circuit_registered(&e)?),
        ChainEvent::CircuitStatusChanged(e) => (e.timestamp, circuit_status_changed(&e)),
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
        ChainEvent::NullifierReclaimed(e) => {
            let nullifier = Nullifier::from_bytes(e.nullifier)?;
            let scope = e.scope;
            (e.timestamp, Event::NullifierReclaimed { scope, nullifier })
        }
    })
}

fn config_changed(e: &chain::ConfigChanged) -> Event {
    Event::ConfigChanged(ConfigChanged {
        admin: e.admin,
        pending_admin: optional(e.pending_admin),
        cluster_tag: e.cluster_tag,
        paused: e.paused,
        development_keys_allowed: e.development_keys_allowed,
    })
}

fn circuit_registered(e: &chain::CircuitRegistered) -> Result<Event, PrimitivesError> {
    Ok(Event::CircuitRegistered(CircuitRegistered {
        circuit: e.circuit,
        vk_hash: e.vk_hash,
        statement: statement_name(&e.statement),
        version: e.version,
        depth: Depth::try_from(e.depth)?,
        leaf_format: e.leaf_format,
        provenance: provenance(e.provenance),
        constraint_system_hash: e.constraint_system_hash,
        transcript_hash: e.transcript_hash,
        auxiliary_format: e.auxiliary_format,
    }))
}

const fn circuit_status_changed(e: &chain::CircuitStatusChanged) -> Event {
    Event::CircuitStatusChanged(CircuitStatusChanged {
        circuit: e.circuit,
        suspended: e.suspended,
        retires_at: if e.retires_at == 0 {
            None
        } else {
            Some(e.retires_at)
        },
    })
}

fn registry_created(e: &chain::RegistryCreated) -> Result<Event, PrimitivesError> {
    Ok(Event::RegistryCreated(RegistryCreated {
        registry: e.registry,
        authority: e.authority,
        nonce: e.nonce,
        kind: registry_kind(e.kind),
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
        kind: e.kind as u8,
        rules: e.rules,
        number: e.number,
        track: e.track,
    })
}

fn tree_changed(registry: Address, sequence: u64, kind: TreeChangeKind) -> Event {
    Event::TreeChanged(TreeChange {
        registry,
        sequence: Sequence::new(sequence),
        kind,
    })
}

fn holder_registered(e: &chain::HolderRegistered) -> Result<Event, PrimitivesError> {
    let kind = TreeChangeKind::HolderRegistered(HolderRegistered {
        mint: e.mint,
        owner: e.owner,
        commitment: Commitment::from_bytes(e.commitment)?,
        track: e.track,
        index: leaf_index(e.index)?,
        replaced: e.replaced,
    });
    Ok(tree_changed(e.registry, e.sequence, kind))
}

fn holder_evicted(e: &chain::HolderEvicted) -> Result<Event, PrimitivesError> {
    let kind = TreeChangeKind::HolderEvicted(HolderEvicted {
        mint: e.mint,
        index: leaf_index(e.index)?,
    });
    Ok(tree_changed(e.registry, e.sequence, kind))
}

fn leaves_appended(e: &chain::LeavesAppended) -> Result<Event, PrimitivesError> {
    let leaves = e.leaves.iter().copied().map(Leaf::from_bytes);
    let kind = TreeChangeKind::LeavesAppended(LeavesAppended {
        first_index: leaf_index(e.first_index)?,
        leaves: leaves.collect::<Result<_, _>>()?,
    });
    Ok(tree_changed(e.registry, e.sequence, kind))
}

fn leaf_replaced(e: &chain::LeafReplaced) -> Result<Event, PrimitivesError> {
    let kind = TreeChangeKind::LeafReplaced(LeafReplaced {
        index: leaf_index(e.index)?,
        old_leaf: Leaf::from_bytes(e.old_leaf)?,
        new_leaf: Leaf::from_bytes(e.new_leaf)?,
    });
    Ok(tree_changed(e.registry, e.sequence, kind))
}

fn root_published(e: &chain::RootPublished) -> Result<Event, PrimitivesError> {
    let root = Root::from_bytes(e.root)?;
    let kind = TreeChangeKind::RootPublished { root };
    Ok(tree_changed(e.registry, e.sequence, kind))
}

fn merkle_root_updated(e: &chain::MerkleRootUpdated) -> Result<Event, PrimitivesError> {
    Ok(Event::MerkleRootUpdated(MerkleRootUpdated {
        registry: e.registry,
        sequence: Sequence::new(e.sequence),
        root: Root::from_bytes(e.root)?,
        replaced_root_expires_at: e.replaced_root_expires_at,
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
        auxiliary_registry: optional(e.auxiliary_registry),
        gate: optional(e.gate),
        mode,
        root,
        required_claim: required_claim.transpose()?,
        opens_at: e.opens_at,
        closes_at: e.closes_at,
    }))
}

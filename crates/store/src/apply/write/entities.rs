//! Configuration, circuits, registries, collections, holdings, owners and scopes.

use bauta_primitives::{FieldElement, Root};
use sqlx::PgConnection;
use sqlx::postgres::PgBindIterExt;

use super::super::state::State;
use crate::uint64::Uint64;
use crate::values::bigint;
use crate::{CircuitStatus, ScopeStatus, Sequence, StoreError};

pub async fn config(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    let Some(config) = &state.config else {
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO config (admin, pending_admin, cluster_tag, paused, development_keys_allowed)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (singleton) DO UPDATE SET admin = excluded.admin, pending_admin = excluded.pending_admin,
             cluster_tag = excluded.cluster_tag, paused = excluded.paused,
             development_keys_allowed = excluded.development_keys_allowed",
    )
    .bind(config.admin.to_bytes())
    .bind(config.pending_admin.map(|admin| admin.to_bytes()))
    .bind(config.cluster_tag)
    .bind(config.paused)
    .bind(config.development_keys_allowed)
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn circuits(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    // Circuits are rare, so each is a statement.
    for circuit in &state.new_circuits {
        let event = &circuit.event;
        sqlx::query(
            "INSERT INTO circuits (id, address, statement, version, depth, leaf_format, provenance, status, vk_hash,
                                   constraint_system_hash, transcript_hash, registered_at, auxiliary_format)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, to_timestamp($12::bigint), $13)",
        )
        .bind(circuit.id)
        .bind(event.circuit.to_bytes())
        .bind(&event.statement)
        .bind(i32::from(event.version))
        .bind(i16::from(event.depth as u8))
        .bind(i16::from(event.leaf_format))
        .bind(event.provenance.as_str())
        .bind(CircuitStatus::Active.as_str())
        .bind(event.vk_hash)
        .bind(event.constraint_system_hash)
        .bind(event.transcript_hash)
        .bind(circuit.time)
        .bind(i16::from(event.auxiliary_format))
        .execute(&mut *connection)
        .await?;
    }
    for (id, change) in &state.changed_circuits {
        let status = if change.suspended {
            CircuitStatus::Suspended
        } else {
            CircuitStatus::Active
        };
        sqlx::query("UPDATE circuits SET status = $2, retires_at = $3 WHERE id = $1")
            .bind(id)
            .bind(status.as_str())
            .bind(change.retires_at)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

pub async fn registries(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    let (mut changed, mut next_indices, mut sequences) = (Vec::new(), Vec::new(), Vec::new());
    for registry in state.registries.values() {
        let next_index = bigint("next index", registry.next_index)?;
        let sequence = registry.sequence.to_column()?;
        if let Some(created) = &registry.created {
            sqlx::query(
                "INSERT INTO registries (id, address, authority, nonce, kind, depth, leaf_format, root_ttl_seconds,
                                         sealed, next_index, sequence, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, to_timestamp($12::bigint))",
            )
            .bind(registry.id)
            .bind(registry.address.to_bytes())
            .bind(created.event.authority.to_bytes())
            .bind(Uint64(created.event.nonce))
            .bind(registry.kind.as_str())
            .bind(i16::from(registry.depth as u8))
            .bind(i16::from(created.event.leaf_format))
            .bind(registry.root_ttl_seconds)
            .bind(registry.sealed)
            .bind(next_index)
            .bind(sequence)
            .bind(created.time)
            .execute(&mut *connection)
            .await?;
        } else if registry.changed {
            changed.push(registry);
            next_indices.push(next_index);
            sequences.push(sequence);
        }
    }
    if !changed.is_empty() {
        sqlx::query(
            "UPDATE registries r SET sealed = c.sealed, next_index = c.next_index, sequence = c.sequence
             FROM unnest($1::integer[], $2::boolean[], $3::bigint[], $4::bigint[])
                  AS c (id, sealed, next_index, sequence)
             WHERE r.id = c.id",
        )
        .bind(changed.iter().map(|registry| registry.id).bind_iter())
        .bind(changed.iter().map(|registry| registry.sealed).bind_iter())
        .bind(next_indices)
        .bind(sequences)
        .execute(connection)
        .await?;
    }
    Ok(())
}

pub async fn collections(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    for collection in &state.collections {
        let event = &collection.event;
        let inserted = sqlx::query(
            // Programs of the previous release read is_group.
            "INSERT INTO collections (registry_id, key, is_group, track_id, added_at, kind, rules, number)
             VALUES ($1, $2, $3 = 1, $4, to_timestamp($5::bigint), $3, $6, $7) ON CONFLICT DO NOTHING",
        )
        .bind(collection.registry_id)
        .bind(event.key.to_bytes())
        .bind(i16::from(event.kind))
        .bind(Uint64(event.track))
        .bind(collection.time)
        .bind(i32::from(event.rules))
        .bind(i32::from(event.number))
        .execute(&mut *connection)
        .await?;
        if inserted.rows_affected() == 0 {
            return Err(StoreError::CreatedTwice {
                what: "collection",
                address: event.key,
            });
        }
    }
    Ok(())
}

pub async fn holdings(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    let rows: Vec<_> = state
        .holdings
        .iter()
        .filter(|(key, _)| state.changed_holdings.contains(key))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let indices: Result<Vec<_>, _> = rows
        .iter()
        .map(|(_, held)| bigint("leaf index", held.index.get()))
        .collect();
    sqlx::query(
        "INSERT INTO holdings (registry_id, mint, owner, commitment, index, track_id, live, last_change_at)
         SELECT registry_id, mint, owner, commitment, index, track_id, live, to_timestamp(last_change)
         FROM unnest($1::integer[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bigint[], $6::numeric[], $7::boolean[],
                     $8::bigint[]) AS h (registry_id, mint, owner, commitment, index, track_id, live, last_change)
         ON CONFLICT (registry_id, mint) DO UPDATE SET owner = excluded.owner, commitment = excluded.commitment,
             track_id = excluded.track_id, live = excluded.live, last_change_at = excluded.last_change_at",
    )
    .bind(rows.iter().map(|(key, _)| key.registry_id).bind_iter())
    .bind(rows.iter().map(|(key, _)| key.mint.to_bytes()).bind_iter())
    .bind(rows.iter().map(|(_, held)| held.owner.to_bytes()).bind_iter())
    .bind(rows.iter().map(|(_, held)| held.commitment.to_bytes()).bind_iter())
    .bind(indices?)
    .bind(rows.iter().map(|(_, held)| Uint64(held.track)).bind_iter())
    .bind(rows.iter().map(|(_, held)| held.live).bind_iter())
    .bind(rows.iter().map(|(_, held)| held.last_change).bind_iter())
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes the live tokens of owners, and the distinct owners of tracks after each change.
pub async fn owners(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    let (live, gone): (Vec<_>, Vec<_>) = state
        .track_owners
        .iter()
        .filter(|(key, _)| state.changed_owners.contains(key))
        .partition(|(_, tokens)| **tokens > 0);
    if !live.is_empty() {
        sqlx::query(
            "INSERT INTO track_owners (registry_id, track_id, owner, tokens)
             SELECT * FROM unnest($1::integer[], $2::numeric[], $3::bytea[], $4::bigint[])
             ON CONFLICT (registry_id, track_id, owner) DO UPDATE SET tokens = excluded.tokens",
        )
        .bind(live.iter().map(|(key, _)| key.track.registry_id).bind_iter())
        .bind(live.iter().map(|(key, _)| Uint64(key.track.track)).bind_iter())
        .bind(live.iter().map(|(key, _)| key.owner.to_bytes()).bind_iter())
        .bind(live.iter().map(|(_, tokens)| **tokens).bind_iter())
        .execute(&mut *connection)
        .await?;
    }
    if !gone.is_empty() {
        sqlx::query(
            "DELETE FROM track_owners o
             USING unnest($1::integer[], $2::numeric[], $3::bytea[]) AS g (registry_id, track_id, owner)
             WHERE o.registry_id = g.registry_id AND o.track_id = g.track_id AND o.owner = g.owner",
        )
        .bind(gone.iter().map(|(key, _)| key.track.registry_id).bind_iter())
        .bind(gone.iter().map(|(key, _)| Uint64(key.track.track)).bind_iter())
        .bind(gone.iter().map(|(key, _)| key.owner.to_bytes()).bind_iter())
        .execute(&mut *connection)
        .await?;
    }
    let sets = &state.anonymity_sets;
    if !sets.is_empty() {
        let sequences: Result<Vec<_>, _> = sets.keys().map(|(_, sequence)| sequence.to_column()).collect();
        sqlx::query(
            "INSERT INTO anonymity_sets (registry_id, track_id, since_sequence, owners)
             SELECT * FROM unnest($1::integer[], $2::numeric[], $3::bigint[], $4::integer[])",
        )
        .bind(sets.keys().map(|(track, _)| track.registry_id).bind_iter())
        .bind(sets.keys().map(|(track, _)| Uint64(track.track)).bind_iter())
        .bind(sequences?)
        .bind(sets.values().copied().bind_iter())
        .execute(connection)
        .await?;
    }
    Ok(())
}

pub async fn scopes(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    for scope in &state.new_scopes {
        let event = &scope.event;
        let root_sequence = scope.root_sequence.map(Sequence::to_column);
        sqlx::query(
            "INSERT INTO scopes (id, address, registry_id, circuit_id, auxiliary_registry_id, creator, nonce, gate, scope,
                                 mode, status, root, root_sequence, required_claim, opens_at, closes_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, to_timestamp($17::bigint))",
        )
        .bind(scope.id)
        .bind(event.scope.to_bytes())
        .bind(scope.registry_id)
        .bind(scope.circuit_id)
        .bind(scope.auxiliary_registry_id)
        .bind(event.creator.to_bytes())
        .bind(Uint64(event.nonce))
        .bind(event.gate.map(|gate| gate.to_bytes()))
        .bind(event.scope_element.to_bytes())
        .bind(event.mode.as_str())
        .bind(ScopeStatus::Open.as_str())
        .bind(event.root.map(Root::to_bytes))
        .bind(root_sequence.transpose()?)
        .bind(event.required_claim.map(FieldElement::to_bytes))
        .bind(event.opens_at)
        .bind(event.closes_at)
        .bind(scope.time)
        .execute(&mut *connection)
        .await?;
    }
    if !state.closed_scopes.is_empty() {
        sqlx::query("UPDATE scopes SET status = $2 WHERE id = ANY ($1)")
            .bind(&state.closed_scopes)
            .bind(ScopeStatus::Closed.as_str())
            .execute(connection)
            .await?;
    }
    Ok(())
}

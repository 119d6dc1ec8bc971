//! What accounts say: configuration, circuits, registries, collections, holdings, scopes.

use bauta_primitives::FieldElement;
use sqlx::PgConnection;

use super::super::state::State;
use crate::values::bigint;
use crate::{CircuitStatus, Event, ScopeStatus, StoreError};

pub async fn config(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    let Some(Event::ConfigChanged {
        admin,
        pending_admin,
        cluster_tag,
        paused,
        development_keys_allowed,
    }) = &state.config
    else {
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO config (admin, pending_admin, cluster_tag, paused, development_keys_allowed)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (singleton) DO UPDATE SET admin = excluded.admin, pending_admin = excluded.pending_admin,
             cluster_tag = excluded.cluster_tag, paused = excluded.paused,
             development_keys_allowed = excluded.development_keys_allowed",
    )
    .bind(admin.0.as_slice())
    .bind(pending_admin.map(|admin| admin.0.to_vec()))
    .bind(cluster_tag.as_slice())
    .bind(paused)
    .bind(development_keys_allowed)
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn circuits(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    // few and far between
    for row in &state.new_circuits {
        let Event::CircuitRegistered {
            vk_hash,
            statement,
            version,
            depth,
            leaf_format,
            provenance,
            constraint_system_hash,
            transcript_hash,
            ..
        } = &row.event
        else {
            continue;
        };
        sqlx::query(
            "INSERT INTO circuits (id, address, statement, version, depth, leaf_format, provenance, status, vk_hash,
                                   constraint_system_hash, transcript_hash, registered_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, to_timestamp($12::bigint))",
        )
        .bind(row.id)
        .bind(row.address.0.as_slice())
        .bind(statement)
        .bind(i32::from(*version))
        .bind(i16::from(*depth as u8))
        .bind(i16::from(*leaf_format))
        .bind(provenance.as_str())
        .bind(CircuitStatus::Active.as_str())
        .bind(vk_hash.as_slice())
        .bind(constraint_system_hash.as_slice())
        .bind(transcript_hash.as_slice())
        .bind(row.time)
        .execute(&mut *connection)
        .await?;
    }
    if !state.retired_circuits.is_empty() {
        sqlx::query("UPDATE circuits SET status = $2 WHERE id = ANY ($1)")
            .bind(&state.retired_circuits)
            .bind(CircuitStatus::Retired.as_str())
            .execute(connection)
            .await?;
    }
    Ok(())
}

pub async fn registries(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    let mut changed = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for registry in state.registries.values() {
        let (next_index, sequence) = (
            bigint("next index", registry.next_index)?,
            bigint("sequence", registry.sequence)?,
        );
        if let Some(created) = registry.created {
            sqlx::query(
                "INSERT INTO registries (id, address, authority, nonce, kind, depth, leaf_format, root_ttl_seconds,
                                         sealed, next_index, sequence, created_at)
                 VALUES ($1, $2, $3, $4::numeric, $5, $6, $7, $8, $9, $10, $11, to_timestamp($12::bigint))",
            )
            .bind(registry.id)
            .bind(registry.address.0.as_slice())
            .bind(created.authority.0.as_slice())
            .bind(created.nonce.to_string())
            .bind(registry.kind.as_str())
            .bind(i16::from(registry.depth as u8))
            .bind(i16::from(created.leaf_format))
            .bind(registry.root_ttl_seconds)
            .bind(registry.sealed)
            .bind(next_index)
            .bind(sequence)
            .bind(created.time)
            .execute(&mut *connection)
            .await?;
        } else if registry.changed {
            changed.0.push(registry.id);
            changed.1.push(registry.sealed);
            changed.2.push(next_index);
            changed.3.push(sequence);
        }
    }
    if !changed.0.is_empty() {
        sqlx::query(
            "UPDATE registries r SET sealed = c.sealed, next_index = c.next_index, sequence = c.sequence
             FROM unnest($1::integer[], $2::boolean[], $3::bigint[], $4::bigint[])
                  AS c (id, sealed, next_index, sequence)
             WHERE r.id = c.id",
        )
        .bind(changed.0)
        .bind(changed.1)
        .bind(changed.2)
        .bind(changed.3)
        .execute(connection)
        .await?;
    }
    Ok(())
}

pub async fn collections(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    for (registry_id, event, time) in &state.collections {
        let Event::CollectionAdded {
            key, is_group, track, ..
        } = event
        else {
            continue;
        };
        let inserted = sqlx::query(
            "INSERT INTO collections (registry_id, key, is_group, track_id, added_at)
             VALUES ($1, $2, $3, $4::numeric, to_timestamp($5::bigint)) ON CONFLICT DO NOTHING",
        )
        .bind(registry_id)
        .bind(key.0.as_slice())
        .bind(is_group)
        .bind(track.to_string())
        .bind(time)
        .execute(&mut *connection)
        .await?;
        if inserted.rows_affected() == 0 {
            return Err(StoreError::CreatedTwice {
                what: "collection",
                address: *key,
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
    let indices = rows.iter().map(|(_, held)| bigint("leaf index", held.index));
    sqlx::query(
        "INSERT INTO holdings (registry_id, mint, owner, commitment, index, track_id, live, last_change_at)
         SELECT registry_id, mint, owner, commitment, index, track::numeric, live, to_timestamp(last_change)
         FROM unnest($1::integer[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bigint[], $6::text[], $7::boolean[],
                     $8::bigint[]) AS h (registry_id, mint, owner, commitment, index, track, live, last_change)
         ON CONFLICT (registry_id, mint) DO UPDATE SET owner = excluded.owner, commitment = excluded.commitment,
             track_id = excluded.track_id, live = excluded.live, last_change_at = excluded.last_change_at",
    )
    .bind(rows.iter().map(|((registry, _), _)| *registry).collect::<Vec<_>>())
    .bind(rows.iter().map(|((_, mint), _)| mint.0.as_slice()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, held)| held.owner.0.as_slice()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, held)| held.commitment.to_bytes().to_vec()).collect::<Vec<_>>())
    .bind(indices.collect::<Result<Vec<_>, _>>()?)
    .bind(rows.iter().map(|(_, held)| held.track.to_string()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, held)| held.live).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, held)| held.last_change).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// Live tokens by owner, and distinct owners by change.
pub async fn owners(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    let (live, gone): (Vec<_>, Vec<_>) = state
        .track_owners
        .iter()
        .filter(|(key, _)| state.changed_owners.contains(key))
        .partition(|(_, tokens)| **tokens > 0);
    if !live.is_empty() {
        sqlx::query(
            "INSERT INTO track_owners (registry_id, track_id, owner, tokens)
             SELECT registry_id, track::numeric, owner, tokens
             FROM unnest($1::integer[], $2::text[], $3::bytea[], $4::bigint[]) AS o (registry_id, track, owner, tokens)
             ON CONFLICT (registry_id, track_id, owner) DO UPDATE SET tokens = excluded.tokens",
        )
        .bind(live.iter().map(|(key, _)| key.0).collect::<Vec<_>>())
        .bind(live.iter().map(|(key, _)| key.1.to_string()).collect::<Vec<_>>())
        .bind(live.iter().map(|(key, _)| key.2.0.as_slice()).collect::<Vec<_>>())
        .bind(live.iter().map(|(_, tokens)| **tokens).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    }
    if !gone.is_empty() {
        sqlx::query(
            "DELETE FROM track_owners o
             USING unnest($1::integer[], $2::text[], $3::bytea[]) AS g (registry_id, track, owner)
             WHERE o.registry_id = g.registry_id AND o.track_id = g.track::numeric AND o.owner = g.owner",
        )
        .bind(gone.iter().map(|(key, _)| key.0).collect::<Vec<_>>())
        .bind(gone.iter().map(|(key, _)| key.1.to_string()).collect::<Vec<_>>())
        .bind(gone.iter().map(|(key, _)| key.2.0.as_slice()).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    }
    if !state.anonymity_sets.is_empty() {
        let sets = &state.anonymity_sets;
        sqlx::query(
            "INSERT INTO anonymity_sets (registry_id, track_id, since_sequence, owners)
             SELECT registry_id, track::numeric, since_sequence, owners
             FROM unnest($1::integer[], $2::text[], $3::bigint[], $4::integer[])
                  AS a (registry_id, track, since_sequence, owners)",
        )
        .bind(sets.keys().map(|key| key.0).collect::<Vec<_>>())
        .bind(sets.keys().map(|key| key.1.to_string()).collect::<Vec<_>>())
        .bind(sets.keys().map(|key| key.2).collect::<Vec<_>>())
        .bind(sets.values().copied().collect::<Vec<_>>())
        .execute(connection)
        .await?;
    }
    Ok(())
}

pub async fn scopes(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    for row in &state.new_scopes {
        let Event::ScopeCreated {
            scope,
            scope_element,
            creator,
            nonce,
            gate,
            mode,
            root,
            required_claim,
            opens_at,
            closes_at,
            ..
        } = &row.event
        else {
            continue;
        };
        let bytes = |element: FieldElement| element.to_bytes().to_vec();
        sqlx::query(
            "INSERT INTO scopes (id, address, registry_id, circuit_id, auxiliary_registry_id, creator, nonce, gate, scope,
                                 mode, status, root, root_sequence, required_claim, opens_at, closes_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7::numeric, $8, $9, $10, $11, $12, $13, $14, $15, $16,
                     to_timestamp($17::bigint))",
        )
        .bind(row.id)
        .bind(scope.0.as_slice())
        .bind(row.registry_id)
        .bind(row.circuit_id)
        .bind(row.auxiliary_registry_id)
        .bind(creator.0.as_slice())
        .bind(nonce.to_string())
        .bind(gate.map(|gate| gate.0.to_vec()))
        .bind(bytes(scope_element.element()))
        .bind(mode.as_str())
        .bind(ScopeStatus::Open.as_str())
        .bind(root.map(|root| bytes(root.element())))
        .bind(row.root_sequence)
        .bind(required_claim.map(bytes))
        .bind(opens_at)
        .bind(closes_at)
        .bind(row.time)
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

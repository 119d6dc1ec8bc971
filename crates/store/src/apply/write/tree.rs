//! Roots, tiles and leaves.

use sqlx::PgConnection;
use sqlx::postgres::PgBindIterExt;

use super::super::state::State;
use crate::uint64::Uint64;
use crate::values::bigint;
use crate::{Sequence, StoreError};

fn to_columns(sequences: impl Iterator<Item = Sequence>) -> Result<Vec<i64>, StoreError> {
    sequences.map(Sequence::to_column).collect()
}

pub async fn roots(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    let rows: Vec<_> = state
        .registries
        .values()
        .filter(|registry| registry.changed)
        .flat_map(|registry| registry.roots.iter().map(|root| (registry.id, root)))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let leaf_counts: Result<Vec<_>, _> = rows
        .iter()
        .map(|(_, root)| bigint("leaf count", root.leaf_count))
        .collect();
    // The order matters: a registry has at most one root that is not replaced.
    sqlx::query(
        "INSERT INTO roots (registry_id, sequence, root, leaf_count, stored, created_at, replaced_at, valid_until)
         SELECT registry_id, sequence, root, leaf_count, stored, to_timestamp(created_at), to_timestamp(replaced_at),
                to_timestamp(valid_until)
         FROM unnest($1::integer[], $2::bigint[], $3::bytea[], $4::bigint[], $5::boolean[], $6::bigint[], $7::bigint[],
                     $8::bigint[])
              AS r (registry_id, sequence, root, leaf_count, stored, created_at, replaced_at, valid_until)
         ORDER BY registry_id, sequence
         ON CONFLICT (registry_id, sequence) DO UPDATE SET
             stored = excluded.stored, replaced_at = excluded.replaced_at, valid_until = excluded.valid_until",
    )
    .bind(rows.iter().map(|(registry_id, _)| *registry_id).bind_iter())
    .bind(to_columns(rows.iter().map(|(_, root)| root.sequence))?)
    .bind(rows.iter().map(|(_, root)| root.root.to_bytes()).bind_iter())
    .bind(leaf_counts?)
    .bind(rows.iter().map(|(_, root)| root.stored).bind_iter())
    .bind(rows.iter().map(|(_, root)| root.created_at).bind_iter())
    .bind(rows.iter().map(|(_, root)| root.replaced_at).bind_iter())
    .bind(rows.iter().map(|(_, root)| root.valid_until).bind_iter())
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends the versions that were replaced, then inserts the new versions.
pub async fn tiles(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    let ended: Vec<_> = state
        .registries
        .values()
        .flat_map(|registry| {
            registry
                .tree
                .ended_versions
                .iter()
                .map(|ended| (registry.id, ended))
        })
        .collect();
    if !ended.is_empty() {
        let positions: Result<Vec<_>, _> = ended
            .iter()
            .map(|(_, ended)| bigint("tile position", ended.key.position))
            .collect();
        sqlx::query(
            "UPDATE tiles t SET until_sequence = e.until
             FROM unnest($1::integer[], $2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[])
                  AS e (registry_id, level, position, since, until)
             WHERE t.registry_id = e.registry_id AND t.level = e.level AND t.position = e.position
               AND t.since_sequence = e.since",
        )
        .bind(ended.iter().map(|(registry_id, _)| *registry_id).bind_iter())
        .bind(
            ended
                .iter()
                .map(|(_, ended)| i16::from(ended.key.level))
                .bind_iter(),
        )
        .bind(positions?)
        .bind(to_columns(ended.iter().map(|(_, ended)| ended.since))?)
        .bind(to_columns(ended.iter().map(|(_, ended)| ended.until))?)
        .execute(&mut *connection)
        .await?;
    }
    let versions: Vec<_> = state
        .registries
        .values()
        .flat_map(|registry| registry.tree.new_versions.iter().map(|new| (registry.id, new)))
        .collect();
    if versions.is_empty() {
        return Ok(());
    }
    let positions: Result<Vec<_>, _> = versions
        .iter()
        .map(|(_, version)| bigint("tile position", version.key.position))
        .collect();
    let until: Result<Vec<_>, _> = versions
        .iter()
        .map(|(_, version)| version.until.map(Sequence::to_column).transpose())
        .collect();
    sqlx::query(
        "INSERT INTO tiles (registry_id, level, position, since_sequence, until_sequence, hash, nodes)
         SELECT * FROM unnest($1::integer[], $2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[],
                              $7::bytea[])",
    )
    .bind(versions.iter().map(|(registry_id, _)| *registry_id).bind_iter())
    .bind(versions.iter().map(|(_, version)| i16::from(version.key.level)).bind_iter())
    .bind(positions?)
    .bind(to_columns(versions.iter().map(|(_, version)| version.since))?)
    .bind(until?)
    .bind(versions.iter().map(|(_, version)| version.hash.to_bytes()).bind_iter())
    .bind(versions.iter().map(|(_, version)| version.nodes.as_slice()).bind_iter())
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn leaves(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    if state.leaves.is_empty() {
        return Ok(());
    }
    let (keys, rows) = (state.leaves.keys(), state.leaves.values());
    let holders = || rows.clone().map(|row| row.holder);
    let indices: Result<Vec<_>, _> = keys
        .clone()
        .map(|key| bigint("leaf index", key.index.get()))
        .collect();
    sqlx::query(
        "INSERT INTO merkle_leaves (registry_id, index, wallet_hash, token_id, track_id, leaf_hash, created_at)
         SELECT registry_id, index, wallet_hash, token_id, track_id, leaf_hash, to_timestamp(time)
         FROM unnest($1::integer[], $2::bigint[], $3::bytea[], $4::bytea[], $5::numeric[], $6::bytea[], $7::bigint[])
              AS l (registry_id, index, wallet_hash, token_id, track_id, leaf_hash, time)
         ON CONFLICT (id) DO UPDATE SET wallet_hash = excluded.wallet_hash, token_id = excluded.token_id,
             track_id = excluded.track_id, leaf_hash = excluded.leaf_hash, created_at = excluded.created_at",
    )
    .bind(keys.map(|key| key.registry_id).bind_iter())
    .bind(indices?)
    .bind(holders().map(|holder| holder.map(|holder| holder.commitment.to_bytes())).bind_iter())
    .bind(holders().map(|holder| holder.map(|holder| holder.entry_id.to_bytes())).bind_iter())
    .bind(holders().map(|holder| holder.map(|holder| Uint64(holder.track))).bind_iter())
    .bind(rows.clone().map(|row| row.leaf.to_bytes()).bind_iter())
    .bind(rows.clone().map(|row| row.time).bind_iter())
    .execute(connection)
    .await?;
    Ok(())
}

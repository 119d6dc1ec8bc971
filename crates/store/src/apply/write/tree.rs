//! Roots, tiles and leaves.

use sqlx::PgConnection;

use super::super::state::{LeafRow, State};
use crate::StoreError;
use crate::values::bigint;

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
    let leaf_counts = rows.iter().map(|(_, root)| bigint("leaf count", root.leaf_count));
    // In order, so that a root is marked as replaced before the next one becomes the only current one.
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
    .bind(rows.iter().map(|(registry, _)| *registry).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, root)| root.sequence).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, root)| root.root.to_bytes().to_vec()).collect::<Vec<_>>())
    .bind(leaf_counts.collect::<Result<Vec<_>, _>>()?)
    .bind(rows.iter().map(|(_, root)| root.stored).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, root)| root.created_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, root)| root.replaced_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, root)| root.valid_until).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends versions, then inserts the new ones.
pub async fn tiles(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    let ended: Vec<_> = state
        .registries
        .values()
        .flat_map(|registry| registry.tree.ended.iter().map(|ended| (registry.id, ended)))
        .collect();
    if !ended.is_empty() {
        let positions = ended
            .iter()
            .map(|(_, ended)| bigint("tile position", ended.key.position));
        sqlx::query(
            "UPDATE tiles t SET until_sequence = e.until
             FROM unnest($1::integer[], $2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[])
                  AS e (registry_id, level, position, since, until)
             WHERE t.registry_id = e.registry_id AND t.level = e.level AND t.position = e.position
               AND t.since_sequence = e.since",
        )
        .bind(ended.iter().map(|(registry, _)| *registry).collect::<Vec<_>>())
        .bind(
            ended
                .iter()
                .map(|(_, ended)| i16::from(ended.key.level))
                .collect::<Vec<_>>(),
        )
        .bind(positions.collect::<Result<Vec<_>, _>>()?)
        .bind(ended.iter().map(|(_, ended)| ended.since).collect::<Vec<_>>())
        .bind(ended.iter().map(|(_, ended)| ended.until).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    }
    let versions: Vec<_> = state
        .registries
        .values()
        .flat_map(|registry| {
            registry
                .tree
                .versions
                .iter()
                .map(|version| (registry.id, version))
        })
        .collect();
    if versions.is_empty() {
        return Ok(());
    }
    let positions = versions
        .iter()
        .map(|(_, version)| bigint("tile position", version.key.position));
    sqlx::query(
        "INSERT INTO tiles (registry_id, level, position, since_sequence, until_sequence, hash, nodes)
         SELECT * FROM unnest($1::integer[], $2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[],
                              $7::bytea[])",
    )
    .bind(versions.iter().map(|(registry, _)| *registry).collect::<Vec<_>>())
    .bind(versions.iter().map(|(_, version)| i16::from(version.key.level)).collect::<Vec<_>>())
    .bind(positions.collect::<Result<Vec<_>, _>>()?)
    .bind(versions.iter().map(|(_, version)| version.since).collect::<Vec<_>>())
    .bind(versions.iter().map(|(_, version)| version.until).collect::<Vec<_>>())
    .bind(versions.iter().map(|(_, version)| version.hash.to_bytes().to_vec()).collect::<Vec<_>>())
    .bind(versions.iter().map(|(_, version)| version.nodes.as_slice()).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn leaves(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    if state.leaves.is_empty() {
        return Ok(());
    }
    let (keys, rows): (Vec<_>, Vec<LeafRow>) = state.leaves.iter().map(|(key, row)| (*key, *row)).unzip();
    let indices = keys.iter().map(|(_, index)| bigint("leaf index", index.get()));
    let holders: Vec<_> = rows.iter().map(|row| row.holder).collect();
    sqlx::query(
        "INSERT INTO merkle_leaves (registry_id, index, wallet_hash, token_id, track_id, leaf_hash, created_at)
         SELECT registry_id, index, wallet_hash, token_id, track::numeric, leaf_hash, to_timestamp(time)
         FROM unnest($1::integer[], $2::bigint[], $3::bytea[], $4::bytea[], $5::text[], $6::bytea[], $7::bigint[])
              AS l (registry_id, index, wallet_hash, token_id, track, leaf_hash, time)
         ON CONFLICT (id) DO UPDATE SET wallet_hash = excluded.wallet_hash, token_id = excluded.token_id,
             track_id = excluded.track_id, leaf_hash = excluded.leaf_hash, created_at = excluded.created_at",
    )
    .bind(keys.iter().map(|(registry, _)| *registry).collect::<Vec<_>>())
    .bind(indices.collect::<Result<Vec<_>, _>>()?)
    .bind(holders.iter().map(|h| h.map(|(commitment, _, _)| commitment.to_bytes().to_vec())).collect::<Vec<_>>())
    .bind(holders.iter().map(|h| h.map(|(_, entry_id, _)| entry_id.to_bytes().to_vec())).collect::<Vec<_>>())
    .bind(holders.iter().map(|h| h.map(|(_, _, track)| track.to_string())).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.leaf.to_bytes().to_vec()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.time).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

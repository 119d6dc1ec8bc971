//! Nullifiers, verifications, refusals, and their rollups.

use bauta_primitives::{Nullifier, Root};
use sqlx::postgres::PgBindIterExt;
use sqlx::{PgConnection, Row};

use super::super::state::State;
use crate::StoreError;
use crate::uint64::Uint64;
use crate::values::{address, element};

/// Writes the used nullifiers, and marks those that were reclaimed. Fails if a reclaimed nullifier
/// is not stored as used: then its verification is missing.
pub async fn nullifiers(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    let new = &state.verifications;
    if !new.is_empty() {
        sqlx::query(
            "INSERT INTO nullifiers (hash, scope_id, track_id, used_at, tx_signature)
             SELECT hash, scope_id, track_id, to_timestamp(time), signature
             FROM unnest($1::bytea[], $2::integer[], $3::numeric[], $4::bigint[], $5::bytea[])
                  AS n (hash, scope_id, track_id, time, signature)",
        )
        .bind(new.iter().map(|v| v.nullifier.to_bytes()).bind_iter())
        .bind(new.iter().map(|v| v.scope_id).bind_iter())
        .bind(new.iter().map(|v| v.track.map(Uint64)).bind_iter())
        .bind(new.iter().map(|v| v.time).bind_iter())
        .bind(new.iter().map(|v| v.signature.as_ref()).bind_iter())
        .execute(&mut *connection)
        .await?;
    }
    let reclaimed = &state.reclaimed;
    if !reclaimed.is_empty() {
        let unknown = sqlx::query(
            "WITH reclaimed AS MATERIALIZED (
                 SELECT * FROM unnest($1::integer[], $2::bytea[], $3::bigint[]) AS r (scope_id, hash, time)
             ), updated AS (
                 UPDATE nullifiers n SET reclaimed_at = to_timestamp(r.time) FROM reclaimed r
                 WHERE n.hash = r.hash AND n.scope_id = r.scope_id AND n.reclaimed_at IS NULL
                 RETURNING n.scope_id, n.hash
             )
             SELECT s.address, r.hash FROM reclaimed r JOIN scopes s ON s.id = r.scope_id
             WHERE NOT EXISTS (SELECT FROM updated u WHERE u.scope_id = r.scope_id AND u.hash = r.hash) LIMIT 1",
        )
        .bind(reclaimed.iter().map(|r| r.scope_id).bind_iter())
        .bind(reclaimed.iter().map(|r| r.nullifier.to_bytes()).bind_iter())
        .bind(reclaimed.iter().map(|r| r.time).bind_iter())
        .fetch_optional(connection)
        .await?;
        if let Some(row) = unknown {
            return Err(StoreError::UnknownNullifier {
                scope: address(row.get("address"))?,
                nullifier: Nullifier::new(element(row.get("hash"))?),
            });
        }
    }
    Ok(())
}

/// Writes verifications, each with the change of its root and its anonymity set, and their rollups
/// by hour and day. Fails if the registry of a verification never had the root.
pub async fn verifications(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    let new = &state.verifications;
    if new.is_empty() {
        return Ok(());
    }
    let at_sequences: Result<Vec<_>, _> = new.iter().map(|v| v.at_sequence.to_column()).collect();
    // root_sequence: the newest change, at the time of the verification, that gave the root.
    // owners: the distinct owners at that change, if they are not too few.
    let unknown_root = sqlx::query(
        "WITH accepted AS MATERIALIZED (
             SELECT v.*, r.sequence AS root_sequence, a.owners < anonymity_threshold() AS is_small,
                    CASE WHEN a.owners >= anonymity_threshold() THEN a.owners END AS owners
             FROM unnest($1::integer[], $2::integer[], $3::bigint[], $4::bytea[], $5::bytea[], $6::numeric[], $7::bigint[])
                  WITH ORDINALITY AS v (scope_id, registry_id, at_sequence, root, claim, track_id, time, number)
             LEFT JOIN LATERAL (SELECT sequence FROM roots r
                                WHERE r.registry_id = v.registry_id AND r.root = v.root AND r.sequence <= v.at_sequence
                                ORDER BY sequence DESC LIMIT 1) r ON true
             LEFT JOIN LATERAL (SELECT owners FROM anonymity_sets a
                                WHERE a.registry_id = v.registry_id AND a.track_id = v.track_id
                                  AND a.since_sequence <= r.sequence
                                ORDER BY since_sequence DESC LIMIT 1) a ON true
         ), inserted AS (
             INSERT INTO verifications (id, scope_id, track_id, timestamp, root_sequence, anonymity_set)
             SELECT (SELECT coalesce(max(id), 0) FROM verifications) + number, scope_id, track_id,
                    to_timestamp(time), root_sequence, owners
             FROM accepted WHERE root_sequence IS NOT NULL ORDER BY number
         ), counted_by_hour AS (
             INSERT INTO verifications_by_hour (scope_id, claim, hour, track_id, verifications, refused, anonymity_sets,
                                                anonymity_set_sum, anonymity_set_min, small_anonymity_sets)
             SELECT scope_id, claim, to_timestamp(time - time % 3600), max(track_id), count(*), 0, count(owners),
                    coalesce(sum(owners), 0), min(owners), count(*) FILTER (WHERE is_small)
             FROM accepted GROUP BY scope_id, claim, time - time % 3600
             ON CONFLICT (scope_id, claim, hour) DO UPDATE SET
                 verifications = verifications_by_hour.verifications + excluded.verifications,
                 anonymity_sets = verifications_by_hour.anonymity_sets + excluded.anonymity_sets,
                 anonymity_set_sum = verifications_by_hour.anonymity_set_sum + excluded.anonymity_set_sum,
                 anonymity_set_min = least(verifications_by_hour.anonymity_set_min, excluded.anonymity_set_min),
                 small_anonymity_sets = verifications_by_hour.small_anonymity_sets + excluded.small_anonymity_sets
         ), counted_by_day AS (
             INSERT INTO verifications_by_day (scope_id, claim, day, track_id, verifications, refused, anonymity_sets,
                                                anonymity_set_sum, anonymity_set_min, small_anonymity_sets)
             SELECT scope_id, claim, to_timestamp(time - time % 86400), max(track_id), count(*), 0, count(owners),
                    coalesce(sum(owners), 0), min(owners), count(*) FILTER (WHERE is_small)
             FROM accepted GROUP BY scope_id, claim, time - time % 86400
             ON CONFLICT (scope_id, claim, day) DO UPDATE SET
                 verifications = verifications_by_day.verifications + excluded.verifications,
                 anonymity_sets = verifications_by_day.anonymity_sets + excluded.anonymity_sets,
                 anonymity_set_sum = verifications_by_day.anonymity_set_sum + excluded.anonymity_set_sum,
                 anonymity_set_min = least(verifications_by_day.anonymity_set_min, excluded.anonymity_set_min),
                 small_anonymity_sets = verifications_by_day.small_anonymity_sets + excluded.small_anonymity_sets
         ), first_used AS (
             UPDATE roots r SET first_used_at = to_timestamp(f.time)
             FROM (SELECT registry_id, root_sequence, min(time) AS time FROM accepted
                   WHERE root_sequence IS NOT NULL GROUP BY registry_id, root_sequence) f
             WHERE r.registry_id = f.registry_id AND r.sequence = f.root_sequence AND r.first_used_at IS NULL
         )
         SELECT g.address, v.root FROM accepted v JOIN registries g ON g.id = v.registry_id
         WHERE v.root_sequence IS NULL LIMIT 1",
    )
    .bind(new.iter().map(|v| v.scope_id).bind_iter())
    .bind(new.iter().map(|v| v.registry_id).bind_iter())
    .bind(at_sequences?)
    .bind(new.iter().map(|v| v.root.to_bytes()).bind_iter())
    .bind(new.iter().map(|v| v.claim.to_bytes()).bind_iter())
    .bind(new.iter().map(|v| v.track.map(Uint64)).bind_iter())
    .bind(new.iter().map(|v| v.time).bind_iter())
    .fetch_optional(connection)
    .await?;
    match unknown_root {
        None => Ok(()),
        Some(row) => Err(StoreError::UnknownRoot {
            registry: address(row.get("address"))?,
            root: Root::new(element(row.get("root"))?),
        }),
    }
}

/// Counts refused reuses by hour and day.
pub async fn refusals(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    let refusals = &state.refusals;
    if refusals.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "WITH refused AS MATERIALIZED (
             SELECT * FROM unnest($1::integer[], $2::bytea[], $3::numeric[], $4::bigint[])
                           AS r (scope_id, claim, track_id, time)
         ), counted_by_hour AS (
             INSERT INTO verifications_by_hour (scope_id, claim, hour, track_id, verifications, refused, anonymity_sets,
                                                anonymity_set_sum)
             SELECT scope_id, claim, to_timestamp(time - time % 3600), max(track_id), 0, count(*), 0, 0
             FROM refused GROUP BY scope_id, claim, time - time % 3600
             ON CONFLICT (scope_id, claim, hour) DO UPDATE SET
                 refused = verifications_by_hour.refused + excluded.refused
         )
         INSERT INTO verifications_by_day (scope_id, claim, day, track_id, verifications, refused, anonymity_sets,
                                           anonymity_set_sum)
         SELECT scope_id, claim, to_timestamp(time - time % 86400), max(track_id), 0, count(*), 0, 0
         FROM refused GROUP BY scope_id, claim, time - time % 86400
         ON CONFLICT (scope_id, claim, day) DO UPDATE SET
             refused = verifications_by_day.refused + excluded.refused",
    )
    .bind(refusals.iter().map(|r| r.scope_id).bind_iter())
    .bind(refusals.iter().map(|r| r.claim.to_bytes()).bind_iter())
    .bind(refusals.iter().map(|r| r.track.map(Uint64)).bind_iter())
    .bind(refusals.iter().map(|r| r.time).bind_iter())
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn growth(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    let growth = &state.growth;
    if growth.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO growth_by_day (registry_id, track_id, day, registered, renewed, evicted)
         SELECT registry_id, track_id, date '1970-01-01' + day::integer, registered, renewed, evicted
         FROM unnest($1::integer[], $2::numeric[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
              AS g (registry_id, track_id, day, registered, renewed, evicted)
         ON CONFLICT (registry_id, track_id, day) DO UPDATE SET
             registered = growth_by_day.registered + excluded.registered,
             renewed = growth_by_day.renewed + excluded.renewed, evicted = growth_by_day.evicted + excluded.evicted",
    )
    .bind(growth.keys().map(|(track, _)| track.registry_id).bind_iter())
    .bind(growth.keys().map(|(track, _)| Uint64(track.track)).bind_iter())
    .bind(growth.keys().map(|(_, day)| *day).bind_iter())
    .bind(growth.values().map(|g| g.registered).bind_iter())
    .bind(growth.values().map(|g| g.renewed).bind_iter())
    .bind(growth.values().map(|g| g.evicted).bind_iter())
    .execute(connection)
    .await?;
    Ok(())
}

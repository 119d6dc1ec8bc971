//! Nullifiers, verifications and the rollups of both.

use sqlx::{PgConnection, Row};

use super::super::state::State;
use crate::StoreError;

pub async fn nullifiers(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    let uses = &state.uses;
    if !uses.is_empty() {
        sqlx::query(
            "INSERT INTO nullifiers (hash, scope_id, track_id, used_at, tx_signature)
             SELECT hash, scope_id, track::numeric, to_timestamp(time), signature
             FROM unnest($1::bytea[], $2::integer[], $3::text[], $4::bigint[], $5::bytea[])
                  AS n (hash, scope_id, track, time, signature)",
        )
        .bind(
            uses.iter()
                .map(|u| u.nullifier.to_bytes().to_vec())
                .collect::<Vec<_>>(),
        )
        .bind(uses.iter().map(|u| u.scope_id).collect::<Vec<_>>())
        .bind(
            uses.iter()
                .map(|u| u.track.map(|track| track.to_string()))
                .collect::<Vec<_>>(),
        )
        .bind(uses.iter().map(|u| u.time).collect::<Vec<_>>())
        .bind(uses.iter().map(|u| u.signature.0.as_slice()).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    }
    let reclaimed = &state.reclaimed;
    if !reclaimed.is_empty() {
        sqlx::query(
            "UPDATE nullifiers n SET reclaimed_at = to_timestamp(r.time)
             FROM unnest($1::integer[], $2::bytea[], $3::bigint[]) AS r (scope_id, hash, time)
             WHERE n.hash = r.hash AND n.scope_id = r.scope_id",
        )
        .bind(reclaimed.iter().map(|(scope, _, _)| *scope).collect::<Vec<_>>())
        .bind(
            reclaimed
                .iter()
                .map(|(_, hash, _)| hash.to_bytes().to_vec())
                .collect::<Vec<_>>(),
        )
        .bind(reclaimed.iter().map(|(_, _, time)| *time).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// Verifications, each with the change of its root and its anonymity set, and their hours and days.
pub async fn verifications(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    let uses = &state.uses;
    if uses.is_empty() {
        return Ok(());
    }
    // The newest change up to then that gave this root; the distinct owners at that change.
    let written = sqlx::query(
        "WITH used AS MATERIALIZED (
             SELECT u.*, r.sequence AS root_sequence, a.owners
             FROM unnest($1::integer[], $2::integer[], $3::bigint[], $4::bytea[], $5::bytea[], $6::text[], $7::bigint[])
                  WITH ORDINALITY AS u (scope_id, registry_id, at_sequence, root, claim, track, time, place)
             LEFT JOIN LATERAL (SELECT sequence FROM roots r
                                WHERE r.registry_id = u.registry_id AND r.root = u.root AND r.sequence <= u.at_sequence
                                ORDER BY sequence DESC LIMIT 1) r ON true
             LEFT JOIN LATERAL (SELECT owners FROM anonymity_sets a
                                WHERE a.registry_id = u.registry_id AND a.track_id = u.track::numeric
                                  AND a.since_sequence <= r.sequence
                                ORDER BY since_sequence DESC LIMIT 1) a ON true
         ), inserted AS (
             INSERT INTO verifications (id, scope_id, track_id, timestamp, root_sequence, anonymity_set)
             SELECT (SELECT coalesce(max(id), 0) FROM verifications) + place, scope_id, track::numeric,
                    to_timestamp(time), root_sequence, owners
             FROM used WHERE root_sequence IS NOT NULL ORDER BY place
         ), counted AS (
             INSERT INTO verifications_by_hour (scope_id, claim, hour, track_id, verifications, refused, anonymity_sets,
                                                anonymity_set_sum, anonymity_set_min)
             SELECT scope_id, claim, to_timestamp(time - time % 3600), max(track)::numeric, count(*), 0, count(owners),
                    coalesce(sum(owners), 0), min(owners)
             FROM used GROUP BY scope_id, claim, time - time % 3600
             ON CONFLICT (scope_id, claim, hour) DO UPDATE SET
                 verifications = verifications_by_hour.verifications + excluded.verifications,
                 anonymity_sets = verifications_by_hour.anonymity_sets + excluded.anonymity_sets,
                 anonymity_set_sum = verifications_by_hour.anonymity_set_sum + excluded.anonymity_set_sum,
                 anonymity_set_min = least(verifications_by_hour.anonymity_set_min, excluded.anonymity_set_min)
         ), counted_by_day AS (
             INSERT INTO verifications_by_day (scope_id, claim, day, track_id, verifications, refused, anonymity_sets,
                                                anonymity_set_sum, anonymity_set_min)
             SELECT scope_id, claim, to_timestamp(time - time % 86400), max(track)::numeric, count(*), 0, count(owners),
                    coalesce(sum(owners), 0), min(owners)
             FROM used GROUP BY scope_id, claim, time - time % 86400
             ON CONFLICT (scope_id, claim, day) DO UPDATE SET
                 verifications = verifications_by_day.verifications + excluded.verifications,
                 anonymity_sets = verifications_by_day.anonymity_sets + excluded.anonymity_sets,
                 anonymity_set_sum = verifications_by_day.anonymity_set_sum + excluded.anonymity_set_sum,
                 anonymity_set_min = least(verifications_by_day.anonymity_set_min, excluded.anonymity_set_min)
         ), first_uses AS (
             UPDATE roots r SET first_used_at = to_timestamp(f.time)
             FROM (SELECT registry_id, root_sequence, min(time) AS time FROM used
                   WHERE root_sequence IS NOT NULL GROUP BY registry_id, root_sequence) f
             WHERE r.registry_id = f.registry_id AND r.sequence = f.root_sequence AND r.first_used_at IS NULL
         )
         SELECT g.address, u.root FROM used u JOIN registries g ON g.id = u.registry_id
         WHERE u.root_sequence IS NULL LIMIT 1",
    )
    .bind(uses.iter().map(|u| u.scope_id).collect::<Vec<_>>())
    .bind(uses.iter().map(|u| u.registry_id).collect::<Vec<_>>())
    .bind(uses.iter().map(|u| u.at_sequence).collect::<Vec<_>>())
    .bind(uses.iter().map(|u| u.root.to_bytes().to_vec()).collect::<Vec<_>>())
    .bind(uses.iter().map(|u| u.claim.to_bytes().to_vec()).collect::<Vec<_>>())
    .bind(uses.iter().map(|u| u.track.map(|track| track.to_string())).collect::<Vec<_>>())
    .bind(uses.iter().map(|u| u.time).collect::<Vec<_>>())
    .fetch_optional(connection)
    .await?;
    match written {
        None => Ok(()),
        Some(unknown) => Err(StoreError::UnknownRoot {
            registry: crate::values::address(unknown.get("address"))?,
            root: bauta_primitives::Root::new(crate::values::element(unknown.get("root"))?),
        }),
    }
}

pub async fn refusals(connection: &mut PgConnection, state: &State) -> Result<(), StoreError> {
    let refusals = &state.refusals;
    if refusals.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "WITH refused AS MATERIALIZED (
             SELECT * FROM unnest($1::integer[], $2::bytea[], $3::text[], $4::bigint[])
                           AS r (scope_id, claim, track, time)
         ), counted AS (
             INSERT INTO verifications_by_hour (scope_id, claim, hour, track_id, verifications, refused, anonymity_sets,
                                                anonymity_set_sum)
             SELECT scope_id, claim, to_timestamp(time - time % 3600), max(track)::numeric, 0, count(*), 0, 0
             FROM refused GROUP BY scope_id, claim, time - time % 3600
             ON CONFLICT (scope_id, claim, hour) DO UPDATE SET
                 refused = verifications_by_hour.refused + excluded.refused
         )
         INSERT INTO verifications_by_day (scope_id, claim, day, track_id, verifications, refused, anonymity_sets,
                                           anonymity_set_sum)
         SELECT scope_id, claim, to_timestamp(time - time % 86400), max(track)::numeric, 0, count(*), 0, 0
         FROM refused GROUP BY scope_id, claim, time - time % 86400
         ON CONFLICT (scope_id, claim, day) DO UPDATE SET
             refused = verifications_by_day.refused + excluded.refused",
    )
    .bind(refusals.iter().map(|r| r.scope_id).collect::<Vec<_>>())
    .bind(refusals.iter().map(|r| r.claim.to_bytes().to_vec()).collect::<Vec<_>>())
    .bind(refusals.iter().map(|r| r.track.map(|track| track.to_string())).collect::<Vec<_>>())
    .bind(refusals.iter().map(|r| r.time).collect::<Vec<_>>())
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
         SELECT registry_id, track::numeric, date '1970-01-01' + day::integer, registered, renewed, evicted
         FROM unnest($1::integer[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
              AS g (registry_id, track, day, registered, renewed, evicted)
         ON CONFLICT (registry_id, track_id, day) DO UPDATE SET
             registered = growth_by_day.registered + excluded.registered,
             renewed = growth_by_day.renewed + excluded.renewed, evicted = growth_by_day.evicted + excluded.evicted",
    )
    .bind(growth.keys().map(|key| key.0).collect::<Vec<_>>())
    .bind(growth.keys().map(|key| key.1.to_string()).collect::<Vec<_>>())
    .bind(growth.keys().map(|key| key.2).collect::<Vec<_>>())
    .bind(growth.values().map(|g| g.registered).collect::<Vec<_>>())
    .bind(growth.values().map(|g| g.renewed).collect::<Vec<_>>())
    .bind(growth.values().map(|g| g.evicted).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

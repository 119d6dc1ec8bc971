//! Analytics over many verifications.

use std::future::Future;
use std::time::Instant;

use anyhow::Result;
use bauta_store::analytics::Every;
use bauta_store::testing::TestDatabase;
use bauta_store::{Address, StoreError};

/// 2026-01-01 00:00 UTC, when the verifications begin.
const START: i64 = 1_767_225_600;
const DAY: i64 = 86_400;

/// Each question and the milliseconds it takes.
pub async fn measure(database: &TestDatabase, verifications: i64) -> Result<Vec<(&'static str, f64)>> {
    fill(database, verifications).await?;
    let store = &database.store;
    let mut address = [0; 32];
    address[31] = 7;
    let address = Address(address);
    let scope = store.scope(address).await?;
    let (march, april) = (START + 59 * DAY, START + 90 * DAY);
    Ok(vec![
        (
            "a scope's uses by hour, a week",
            median(|| store.uses_of_scope(address, Every::Hour, march, march + 7 * DAY)).await?,
        ),
        (
            "a scope's uses by day, a year",
            median(|| store.uses_of_scope(address, Every::Day, START, START + 365 * DAY)).await?,
        ),
        (
            "a track's uses by day over all scopes, a month",
            median(|| store.uses_of_track(3, Every::Day, march, april)).await?,
        ),
        (
            "a scope's newest 100 verifications with their anonymity sets",
            median(|| store.verifications(&scope, None, 100)).await?,
        ),
    ])
}

/// Milliseconds, the median of 21 times.
async fn median<T, F>(question: impl Fn() -> F) -> Result<f64>
where
    F: Future<Output = Result<Vec<T>, StoreError>>,
{
    let mut times = Vec::new();
    for _ in 0..21 {
        let start = Instant::now();
        anyhow::ensure!(!question().await?.is_empty(), "a question without an answer");
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// A year's verifications in 50 scopes with 4 tracks each, and their rollup as the store keeps it.
async fn fill(database: &TestDatabase, verifications: i64) -> Result<()> {
    // Checking foreign keys is not what is measured.
    for table in ["scopes", "verifications", "verifications_by_hour"] {
        let disable = format!("ALTER TABLE {table} DISABLE TRIGGER ALL");
        sqlx::query(sqlx::AssertSqlSafe(disable))
            .execute(database.pool())
            .await?;
    }
    sqlx::query(
        "INSERT INTO circuits (id, address, statement, version, depth, leaf_format, provenance, status, vk_hash,
                               constraint_system_hash, transcript_hash, registered_at)
         SELECT 1, z, 'ownership', 1, 10, 1, 'development', 'active', z, z, z, timestamptz '2026-01-01Z'
         FROM (SELECT decode(repeat('00', 32), 'hex') AS z) z",
    )
    .execute(database.pool())
    .await?;
    sqlx::query(
        "INSERT INTO scopes (id, address, registry_id, circuit_id, creator, nonce, scope, mode, status, opens_at, closes_at,
                             created_at)
         SELECT i, a, 1, 1, a, i, a, 'live', 'open', 0, 9223372036854775807, timestamptz '2026-01-01Z'
         FROM (SELECT i, decode(lpad(to_hex(i), 64, '0'), 'hex') AS a FROM generate_series(1, 50) i) s",
    )
    .execute(database.pool())
    .await?;
    sqlx::query(
        "INSERT INTO verifications (id, scope_id, track_id, timestamp, root_sequence, anonymity_set)
         SELECT i, 1 + i % 50, 1 + i / 50 % 4, timestamptz '2026-01-01Z' + i * interval '365 days' / $1, 1, 100 + i % 900
         FROM generate_series(1::bigint, $1) i",
    )
    .bind(verifications)
    .execute(database.pool())
    .await?;
    sqlx::query(
        "INSERT INTO verifications_by_hour (scope_id, claim, hour, track_id, verifications, refused, anonymity_sets,
                                            anonymity_set_sum, anonymity_set_min)
         SELECT scope_id, decode(lpad(to_hex(track_id::bigint), 64, '0'), 'hex'), date_trunc('hour', timestamp, 'UTC'),
                track_id, count(*), 0, count(*), sum(anonymity_set), min(anonymity_set)
         FROM verifications GROUP BY 1, 2, 3, 4",
    )
    .execute(database.pool())
    .await?;
    sqlx::query("VACUUM ANALYZE").execute(database.pool()).await?;
    Ok(())
}

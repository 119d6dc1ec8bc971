//! Measures analytics over many verifications.

use std::future::Future;
use std::time::Instant;

use anyhow::Result;
use bauta_store::StoreError;
use bauta_store::analytics::Period;
use bauta_store::testing::TestDatabase;
use solana_address::Address;

use super::REGISTRY;

/// The time of the first verification: 2026-01-01 00:00 UTC, in seconds.
const START: i64 = 1_767_225_600;
const DAY: i64 = 86_400;

/// Returns each query and its median time in milliseconds.
pub async fn measure(database: &TestDatabase, verifications: i64) -> Result<Vec<(&'static str, f64)>> {
    fill(database, verifications).await?;
    let store = &database.store;
    let mut address = [0; 32];
    address[31] = 7;
    let address = Address::from(address);
    let scope = store.scope(address).await?;
    let registry = store.registry(REGISTRY).await?;
    let (march, april) = (START + 59 * DAY, START + 90 * DAY);
    Ok(vec![
        (
            "a scope's verifications by hour, over a week",
            median(|| store.verification_counts_of_scope(address, Period::Hour, march..march + 7 * DAY))
                .await?,
        ),
        (
            "a scope's verifications by day, over a year",
            median(|| store.verification_counts_of_scope(address, Period::Day, START..START + 365 * DAY))
                .await?,
        ),
        (
            "a track's verifications by day in all scopes, over a month",
            median(|| store.verification_counts_of_track(3, Period::Day, march..april)).await?,
        ),
        (
            "a track's growth by day, over a year",
            median(|| store.growth(&registry, 3, START..START + 365 * DAY)).await?,
        ),
        (
            "the time to the first verification with a root, over a month",
            median(|| async {
                Ok(vec![
                    store.first_verification_delay(&registry, march..april).await?,
                ])
            })
            .await?,
        ),
        (
            "the newest 100 verifications of a scope with their anonymity sets",
            median(|| store.verifications(&scope, None, 100)).await?,
        ),
    ])
}

/// Returns the median time of 21 executions, in milliseconds.
async fn median<T, F>(query: impl Fn() -> F) -> Result<f64>
where
    F: Future<Output = Result<Vec<T>, StoreError>>,
{
    let mut times = Vec::new();
    for _ in 0..21 {
        let start = Instant::now();
        anyhow::ensure!(!query().await?.is_empty(), "a query returned nothing");
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// Inserts a year's verifications in 50 scopes with 4 tracks each. They are written directly into
/// the tables with triggers disabled, together with the rollups that the store's transactions would
/// write. The registry has a root change every five minutes.
async fn fill(database: &TestDatabase, verifications: i64) -> Result<()> {
    // The measurement does not include foreign keys and the journal.
    for table in [
        "roots",
        "scopes",
        "verifications",
        "verifications_by_hour",
        "verifications_by_day",
        "growth_by_day",
    ] {
        let disable = format!("ALTER TABLE {table} DISABLE TRIGGER ALL");
        sqlx::query(sqlx::AssertSqlSafe(disable))
            .execute(database.pool())
            .await?;
    }
    for statement in FILL {
        let mut query = sqlx::query(statement);
        if statement.contains("$1") {
            query = query.bind(verifications);
        }
        query.execute(database.pool()).await?;
    }
    sqlx::query("VACUUM ANALYZE").execute(database.pool()).await?;
    Ok(())
}

const FILL: [&str; 7] = [
    "INSERT INTO circuits (id, address, statement, version, depth, leaf_format, provenance, status, vk_hash,
                           constraint_system_hash, transcript_hash, registered_at)
     SELECT 1, z, 'ownership', 1, 10, 1, 'development', 'active', z, z, z, timestamptz '2026-01-01Z'
     FROM (SELECT decode(repeat('00', 32), 'hex') AS z) z",
    "INSERT INTO scopes (id, address, registry_id, circuit_id, creator, nonce, scope, mode, status, opens_at, closes_at,
                         created_at)
     SELECT i, a, 1, 1, a, i, a, 'live', 'open', 0, 9223372036854775807, timestamptz '2026-01-01Z'
     FROM (SELECT i, decode(lpad(to_hex(i), 64, '0'), 'hex') AS a FROM generate_series(1, 50) i) s",
    "INSERT INTO verifications (id, scope_id, track_id, timestamp, root_sequence, anonymity_set)
     SELECT i, 1 + i % 50, 1 + i / 50 % 4, timestamptz '2026-01-01Z' + i::float8 / $1 * interval '365 days', 1, 100 + i % 900
     FROM generate_series(1::bigint, $1) i",
    "INSERT INTO verifications_by_hour (scope_id, claim, hour, track_id, verifications, refused, anonymity_sets,
                                        anonymity_set_sum, anonymity_set_min)
     SELECT scope_id, decode(lpad(to_hex(track_id::bigint), 64, '0'), 'hex'), date_trunc('hour', timestamp, 'UTC'),
            track_id, count(*), count(*) / 20, count(*), sum(anonymity_set), min(anonymity_set)
     FROM verifications GROUP BY 1, 2, 3, 4",
    "INSERT INTO verifications_by_day
     SELECT scope_id, claim, date_trunc('day', hour, 'UTC'), track_id, sum(verifications), sum(refused),
            sum(anonymity_sets), sum(anonymity_set_sum), min(anonymity_set_min)
     FROM verifications_by_hour GROUP BY 1, 2, 3, 4",
    "INSERT INTO roots (registry_id, sequence, root, leaf_count, stored, created_at, replaced_at, first_used_at)
     SELECT 1, i + 2, decode(lpad(to_hex(i), 64, '0'), 'hex'), i, false, at, at + interval '5 minutes',
            at + i % 600 * interval '1 second'
     FROM (SELECT i, timestamptz '2026-01-01Z' + i * interval '5 minutes' AS at FROM generate_series(0, 105119) i) r",
    "INSERT INTO growth_by_day (registry_id, track_id, day, registered, renewed, evicted)
     SELECT 1, track, date '2026-01-01' + day, 60, 10, 2 FROM generate_series(1, 4) track, generate_series(0, 364) day",
];

//! Measures what the steady state costs in databases of different sizes. Most rows are written with
//! SQL, without triggers; the measured batches go through the store.

use std::fmt::Write;
use std::future::Future;
use std::time::Instant;

use anyhow::{Result, anyhow};
use bauta_dev_servers::Postgres;
use bauta_indexing::decode;
use bauta_indexing::testing::{TestChain, named};
use bauta_store::{Batch, HistoryCursor, Position, Slot, Store};
use sqlx::{AssertSqlSafe, PgPool};

use crate::timing::median;

/// As for the other measurements, with less disk for the log.
const SETTINGS: [&str; 2] = ["shared_buffers=512MB", "max_wal_size=1GB"];
/// Number of leaves in one append, which is the limit of the program.
const APPENDED: u64 = 128;
/// The slot of the first measured transaction. The slots of the rows that SQL writes are below it.
const FIRST_SLOT: Slot = Slot::new(1_000_000);
/// Number of measured batches, each of one slot.
const SLOTS: u64 = 200;
/// Number of appends and of verifications in one slot.
const PER_SLOT: u64 = 10;
/// Number of events in one slot: an append has two.
const EVENTS: u64 = 3 * PER_SLOT;
/// The accounts after which a round of the reconciliation ends.
const ROUND: u64 = 10_000;
/// A nullifier is a number below r, so its first byte has 49 values. The last one is rare.
const FIRST_BYTES: u64 = 48;

/// The figures of a database with a number of leaves and as many uses.
struct Figures {
    size: u64,
    disk_gb: f64,
    /// The time to apply a slot, in milliseconds: the median.
    slot_ms: f64,
    slot_without_journal_ms: f64,
    journal_bytes: f64,
    round_ms: f64,
    finality_ms: f64,
    prune_ms: f64,
    switchover_s: f64,
}

/// Measures databases of these sizes, in leaves and as many uses, and returns the table.
pub async fn measure(sizes: &[u64]) -> Result<String> {
    let server = Postgres::start_with(&SETTINGS)?;
    let mut figures = Vec::new();
    for size in sizes {
        let measured = measure_size(&server, *size, sizes[0]).await?;
        println!(
            "{size}: {:.2} ms for a slot, {:.0} ms for a round",
            measured.slot_ms, measured.round_ms
        );
        figures.push(measured);
    }
    let mut text = "| leaves, and as many uses |".to_owned();
    for column in &figures {
        write!(text, " {} |", column.size)?;
    }
    text += "\n|---|";
    text += &"--:|".repeat(figures.len());
    text.push('\n');
    let mut row = |name: &str, figure: &dyn Fn(&Figures) -> String| -> Result<()> {
        write!(text, "| {name} |")?;
        for column in &figures {
            write!(text, " {} |", figure(column))?;
        }
        text.push('\n');
        Ok(())
    };
    row("database on disk, GB", &|f| format!("{:.2}", f.disk_gb))?;
    row("a slot of 30 events, ms", &|f| format!("{:.2}", f.slot_ms))?;
    row("the same without a journal, ms", &|f| {
        format!("{:.2}", f.slot_without_journal_ms)
    })?;
    row("journal, bytes for each event", &|f| {
        format!("{:.0}", f.journal_bytes)
    })?;
    row("a round of 10,000 uses, ms", &|f| format!("{:.0}", f.round_ms))?;
    row("a new final and reconciled slot, ms", &|f| {
        format!("{:.0}", f.finality_ms)
    })?;
    row("pruning, ms", &|f| format!("{:.0}", f.prune_ms))?;
    row("switchover after a rebuild, s", &|f| {
        format!("{:.2}", f.switchover_s)
    })?;
    print!("{text}");
    Ok(text)
}

async fn measure_size(server: &Postgres, size: u64, in_registry: u64) -> Result<Figures> {
    let database = super::database(server).await?;
    let store = &database.store;
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = TestChain::default();
    chain.slot = FIRST_SLOT;
    chain.initialize();
    chain.create(registry, bauta::state::RegistryKind::Managed);
    chain.open_scope(scope, registry);
    for first in (0..in_registry).step_by(usize::try_from(APPENDED)?) {
        chain.wait(1);
        let some: Vec<u64> = (first..(first + APPENDED).min(in_registry)).collect();
        chain.append(registry, &some)?;
    }
    let history = batches(&mut chain)?;
    for batch in &history {
        store.apply(batch).await?;
    }
    store.finalize(chain.slot).await?;
    fill(database.pool(), size, in_registry).await?;

    let with_journal = slots(&mut chain, in_registry)?;
    let slot_ms = apply(store, &with_journal, true).await?;
    let journal: i64 = number(database.pool(), "SELECT pg_total_relation_size('journal')").await?;
    let events = f64::from(u32::try_from(SLOTS * EVENTS)?);
    let journal_bytes = f64::from(i32::try_from(journal)?) / events;
    let reached = chain.slot;
    let finality_ms = timed(async {
        store.mark_final(reached).await?;
        store.mark_reconciled(reached).await
    })
    .await?;
    let without_journal = slots(&mut chain, in_registry + SLOTS * PER_SLOT)?;
    let slot_without_journal_ms = apply(store, &without_journal, false).await?;

    let round_ms = round(store, size).await?;
    let now = store.newest_event_time().await?.unwrap_or(0);
    let prune_ms = timed(async {
        store.prune(now).await?;
        store
            .prune_history(now - 7 * 86_400, &mut HistoryCursor::default())
            .await
    })
    .await?;
    let bytes: i64 = number(database.pool(), "SELECT pg_database_size(current_database())").await?;
    let disk_gb = f64::from(i32::try_from(bytes / 1_000_000)?) / 1e3;

    let url = database.url().map_err(|error| anyhow!("{error}"))?;
    let fresh = Store::in_new_schema(&url, 2, "rebuilt").await?;
    for batch in history.iter().chain(&with_journal).chain(&without_journal) {
        fresh.apply_final_after(None, batch).await?;
    }
    let switchover_ms = timed(async {
        let switchover = store.begin_switchover().await?;
        switchover.finish(&fresh, "rebuilt").await
    })
    .await?;
    fresh.close().await;
    Ok(Figures {
        size,
        disk_gb,
        slot_ms,
        slot_without_journal_ms,
        journal_bytes,
        round_ms,
        finality_ms,
        prune_ms,
        switchover_s: switchover_ms / 1e3,
    })
}

/// Returns the time of a call of the store in milliseconds.
async fn timed<T>(call: impl Future<Output = Result<T, bauta_store::StoreError>>) -> Result<f64> {
    let start = Instant::now();
    call.await?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

async fn number(pool: &PgPool, query: &'static str) -> Result<i64> {
    Ok(sqlx::query_scalar(query).fetch_one(pool).await?)
}

/// Removes the transactions of a chain and returns their events, one batch for each slot.
fn batches(chain: &mut TestChain) -> Result<Vec<Batch>> {
    let transactions = std::mem::take(&mut chain.transactions);
    transactions
        .chunk_by(|a, b| a.slot == b.slot)
        .map(|slot| {
            let mut records = Vec::new();
            for transaction in slot {
                records.extend(decode::records(transaction)?);
            }
            let checkpoint = Position::end_of_slot(slot[0].slot);
            Ok(Batch { records, checkpoint })
        })
        .collect()
}

/// Returns the batches to be measured. `leaf` is the first leaf that the registry does not have.
fn slots(chain: &mut TestChain, leaf: u64) -> Result<Vec<Batch>> {
    let (registry, scope) = (named("registry"), named("scope"));
    for number in 0..SLOTS * PER_SLOT {
        if number % PER_SLOT == 0 {
            chain.wait(1);
        }
        chain.append(registry, &[leaf + number])?;
        chain.verify(scope, registry, 7);
    }
    batches(chain)
}

/// Applies batches one by one, and returns the median time of one.
async fn apply(store: &Store, batches: &[Batch], with_journal: bool) -> Result<f64> {
    let mut times = Vec::new();
    for batch in batches {
        let start = Instant::now();
        if with_journal {
            store.apply(batch).await?;
        } else {
            store.apply_final_after(None, batch).await?;
        }
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(median(times))
}

/// Reads what a round of the reconciliation reads, in parts of the size that it chooses, and
/// returns the time for 10,000 verifications.
async fn round(store: &Store, size: u64) -> Result<f64> {
    let scope = store.scope(named("scope")).await?;
    let is_large = size / FIRST_BYTES > 30_000;
    let start = Instant::now();
    store.current_roots().await?;
    store.verification_counts().await?;
    let (mut read, mut part) = (0_u64, 0_u16);
    while read < ROUND.min(size) {
        let prefix = if is_large {
            part.to_be_bytes().to_vec()
        } else {
            vec![u8::try_from(part)?]
        };
        read += store.nullifiers(&scope, &prefix).await?.len() as u64;
        part += 1;
    }
    let ms = start.elapsed().as_secs_f64() * 1e3;
    Ok(ms * f64::from(u32::try_from(ROUND)?) / f64::from(u32::try_from(read)?))
}

/// Adds rows until there are `size` leaves and nullifiers. A registry has `in_registry` leaves.
async fn fill(pool: &PgPool, size: u64, in_registry: u64) -> Result<()> {
    let (copies, last) = (size / in_registry - 1, in_registry - 1);
    let mut connection = pool.acquire().await?;
    let statements = [
        "SET session_replication_role = replica".to_owned(),
        "SET statement_timeout = 0".to_owned(),
        "SET work_mem = '256MB'".to_owned(),
        format!(
            "INSERT INTO registries SELECT 1 + k, sha256(int8send(k)), authority, nonce, kind, depth, leaf_format,
                 root_ttl_seconds, sealed, next_index, sequence, created_at
             FROM registries CROSS JOIN generate_series(1::bigint, {copies}) k WHERE id = 1"
        ),
        format!(
            "INSERT INTO roots SELECT 1 + k, sequence, root, leaf_count, stored, created_at, replaced_at, valid_until,
                 first_used_at
             FROM roots CROSS JOIN generate_series(1, {copies}) k WHERE registry_id = 1 AND replaced_at IS NULL"
        ),
        format!(
            "INSERT INTO tiles SELECT 1 + k, level, position, since_sequence, until_sequence, hash, nodes
             FROM tiles CROSS JOIN generate_series(1, {copies}) k WHERE registry_id = 1 AND until_sequence IS NULL"
        ),
        format!(
            "INSERT INTO merkle_leaves (registry_id, index, leaf_hash, created_at)
             SELECT 1 + k, i, set_byte(sha256(int8send(k << 32 | i)), 0, 0), now()
             FROM generate_series(1::bigint, {copies}) k CROSS JOIN generate_series(0::bigint, {last}) i"
        ),
        format!(
            "INSERT INTO nullifiers (hash, scope_id, used_at, tx_signature)
             SELECT set_byte(h, 0, get_byte(h, 0) % {FIRST_BYTES}), 1, timestamptz '2025-01-01Z', h || h
             FROM (SELECT sha256(int8send(i)) AS h FROM generate_series(1::bigint, {size}) i) s ORDER BY 1"
        ),
        format!(
            "INSERT INTO verifications_by_day (scope_id, claim, day, track_id, verifications, refused, anonymity_sets,
                 anonymity_set_sum)
             SELECT 1, decode(lpad('7', 64, '0'), 'hex'), timestamptz '2025-01-01Z', 7, {size}, 0, 0, 0"
        ),
        "TRUNCATE journal".to_owned(),
        "VACUUM ANALYZE".to_owned(),
        "CHECKPOINT".to_owned(),
        "RESET session_replication_role".to_owned(),
    ];
    for statement in statements {
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

//! Measures the store: inserting a whole tree, reading paths at a steady rate, analytics. On the
//! same server and in the same run, it measures the layout with one row for each node, which is
//! common among indexers of this kind.

mod analytics;
mod load;
mod rows;

use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use bauta_dev_servers::Postgres;
use bauta_primitives::tree::Depth;
use bauta_primitives::{FieldElement, Leaf, Root};
use bauta_store::event::{MerkleRootUpdated, RegistryCreated, TreeChange, TreeChangeKind};
use bauta_store::testing::TestDatabase;
use bauta_store::{
    Batch, Event, EventRecord, Position, Registry, RegistryKind, Sequence, Slot, root_of_leaves,
};
use solana_address::Address;
use solana_signature::Signature;
use sqlx::{PgPool, Row};

use crate::timing::machine;
use crate::{Figures, Options, page};

/// Durable settings, as on a production server. Only the memory exceeds Postgres's default of 128
/// MB.
pub const SETTINGS: [&str; 2] = ["shared_buffers=512MB", "max_wal_size=4GB"];
/// 2026-01-01 00:00 UTC, in seconds.
pub const NOW: i64 = 1_767_225_600;
/// The address of a registry of kind Attested.
const REGISTRY: Address = Address::new_from_array([1; 32]);
/// Number of path reads per second.
const RATE: u32 = 2_000;

const HEAD: &str = "# Store

Postgres 15 runs on the same machine as the benchmark, with durable settings (`fsync` on) and 512 MB
of shared buffers. A whole tree of depth 10 is inserted, including the hashing. Then paths of random
leaves are requested at a fixed rate over 8 connections. Each request has a scheduled moment and
does not wait for earlier answers (open loop). \"A row for each node\" is the layout that is common
among indexers: one row for each node that is not empty, with the key `(level, index)`. One
statement fetches all siblings of a path.

    cargo xtask bench store

";

/// The results of one layout.
struct Layout {
    bulk_s: f64,
    disk_mb: f64,
    wal_mb: f64,
    paths: load::Latencies,
}

/// Measures both layouts and the analytics.
pub fn run(options: &Options) -> Result<Figures> {
    tokio::runtime::Runtime::new()?.block_on(measure(options))
}

async fn measure(options: &Options) -> Result<Figures> {
    let (leaf_count, seconds, verifications) = if options.quick {
        (50_000, 2, 100_000)
    } else {
        (1_000_000, 15, 10_000_000)
    };
    let server = Postgres::start_with(&SETTINGS)?;
    let database = TestDatabase::on(server.url())
        .await
        .map_err(|error| anyhow!("{error}"))?;
    let leaves: Vec<Leaf> = (0..leaf_count).map(leaf).collect();

    let root = root_of_leaves(Depth::Ten, &leaves)?;
    let tiles = tiles(&database, leaves.clone(), root, seconds).await?;
    let rows = node_rows(&database, leaves, root, seconds).await?;
    let answers = analytics::measure(&database, verifications).await?;

    let mut text = format!(
        "{leaf_count} leaves, {RATE} paths per second for {seconds} s.\n\n\
         | | tiles | a row for each node |\n|---|--:|--:|\n"
    );
    let mut line = |name: &str, figure: fn(&Layout) -> f64| {
        writeln!(text, "| {name} | {:.2} | {:.2} |", figure(&tiles), figure(&rows))
    };
    line("insertion, s", |layout| layout.bulk_s)?;
    line("disk, MB", |layout| layout.disk_mb)?;
    line("write-ahead log, MB", |layout| layout.wal_mb)?;
    line("path, p50, ms", |layout| layout.paths.p50_ms)?;
    line("path, p99, ms", |layout| layout.paths.p99_ms)?;
    text += "\nDisk is the size of the tree alone, with its indexes. With tiles, the insertion and the write-ahead\n\
             log include the million rows of `merkle_leaves`.\n";
    write!(
        text,
        "\n## Analytics at {verifications} verifications\n\n| query | ms |\n|---|--:|\n"
    )?;
    for (query, ms) in &answers {
        writeln!(text, "| {query} | {ms:.2} |")?;
    }
    print!("{text}");
    if !options.quick {
        page::write("store", &format!("{HEAD}{}\n\n{text}", machine()))?;
    }
    let slowest = answers.iter().map(|(_, ms)| *ms).fold(0.0, f64::max);
    Ok([
        ("bulk_s", tiles.bulk_s),
        ("path_p50_ms", tiles.paths.p50_ms),
        ("path_p99_ms", tiles.paths.p99_ms),
        ("disk_mb", tiles.disk_mb),
        ("disk_mb_rows", rows.disk_mb),
        ("bulk_s_rows", rows.bulk_s),
        ("path_p50_ms_rows", rows.paths.p50_ms),
        ("path_p99_ms_rows", rows.paths.p99_ms),
        ("analytics_ms", slowest),
    ]
    .into_iter()
    .map(|(name, figure)| (name.to_owned(), figure.into()))
    .collect())
}

/// Measures the store's own layout.
async fn tiles(database: &TestDatabase, leaves: Vec<Leaf>, root: Root, seconds: u32) -> Result<Layout> {
    let store = database.store.clone();
    store.migrate().await?;
    let registry = publish(database, root).await?;
    let count = leaves.len() as u64;

    let wal = wal_position(database.pool()).await?;
    let start = Instant::now();
    store.import_tree(&registry, leaves).await?;
    let bulk_s = start.elapsed().as_secs_f64();
    let wal_mb = wal_since(database.pool(), &wal).await?;
    settle(database.pool()).await?;

    let registry = Arc::new(registry);
    let paths = load::open_loop(RATE, seconds, move |request| {
        let (store, registry) = (store.clone(), Arc::clone(&registry));
        async move {
            store.path(&registry, root, scatter(request) % count, NOW).await?;
            Ok(())
        }
    })
    .await?;
    Ok(Layout {
        bulk_s,
        disk_mb: size_mb(database.pool(), "tiles").await?,
        wal_mb,
        paths,
    })
}

/// Measures the layout for comparison.
async fn node_rows(database: &TestDatabase, leaves: Vec<Leaf>, root: Root, seconds: u32) -> Result<Layout> {
    let count = leaves.len() as u64;
    let pool = database.pool().clone();
    let wal = wal_position(&pool).await?;
    let start = Instant::now();
    let computed = rows::build(&pool, leaves).await?;
    let bulk_s = start.elapsed().as_secs_f64();
    let wal_mb = wal_since(&pool, &wal).await?;
    anyhow::ensure!(computed == root, "the layouts contain different trees");
    settle(&pool).await?;
    let paths = load::open_loop(RATE, seconds, move |request| {
        let pool = pool.clone();
        async move { rows::path(&pool, scatter(request) % count).await }
    })
    .await?;
    Ok(Layout {
        bulk_s,
        disk_mb: size_mb(database.pool(), "nodes").await?,
        wal_mb,
        paths,
    })
}

/// Creates a registry of kind Attested with this root.
pub async fn publish(database: &TestDatabase, root: Root) -> Result<Registry> {
    let registry = REGISTRY;
    let sequence = Sequence::new(1);
    let events = [
        Event::RegistryCreated(RegistryCreated {
            registry,
            authority: Address::from([2; 32]),
            nonce: 0,
            kind: RegistryKind::Attested,
            depth: Depth::Ten,
            leaf_format: 1,
            root_ttl_seconds: 3_600,
            root: Depth::Ten.empty_root(),
        }),
        Event::TreeChanged(TreeChange {
            registry,
            sequence,
            kind: TreeChangeKind::RootPublished { root },
        }),
        Event::MerkleRootUpdated(MerkleRootUpdated {
            registry,
            sequence,
            root,
            replaced_root_expires_at: Some(i64::from(u32::MAX)),
        }),
    ];
    let slot = Slot::new(1);
    let records = (0..).zip(events).map(|(transaction_index, event)| EventRecord {
        position: Position {
            slot,
            transaction_index,
            instruction_index: 0,
            inner_index: 0,
        },
        signature: Signature::default(),
        time: NOW,
        event,
    });
    let batch = Batch {
        records: records.collect(),
        checkpoint: Position::end_of_slot(slot),
    };
    database.store.apply(&batch).await?;
    Ok(database.store.registry(registry).await?)
}

/// Returns a leaf that does not compress, without computing a hash.
pub fn leaf(number: u64) -> Leaf {
    let mut bytes = [0; 32];
    for (i, word) in (0..).zip(bytes.chunks_exact_mut(8)) {
        word.copy_from_slice(&scatter(4 * number + i).to_be_bytes());
    }
    Leaf::new(FieldElement::from_hash(bytes))
}

/// The finaliser of `SplitMix64`. It spreads counters over all 64-bit numbers.
pub const fn scatter(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Updates the statistics and makes a checkpoint, so that neither happens during the next
/// measurement.
pub async fn settle(pool: &PgPool) -> Result<()> {
    sqlx::query("VACUUM ANALYZE").execute(pool).await?;
    sqlx::query("CHECKPOINT").execute(pool).await?;
    Ok(())
}

async fn wal_position(pool: &PgPool) -> Result<String> {
    Ok(sqlx::query("SELECT pg_current_wal_lsn()::text")
        .fetch_one(pool)
        .await?
        .get(0))
}

async fn wal_since(pool: &PgPool, position: &str) -> Result<f64> {
    let query = "SELECT (pg_current_wal_lsn() - $1::pg_lsn)::float8";
    let bytes: f64 = sqlx::query(query)
        .bind(position)
        .fetch_one(pool)
        .await
        .context("can't read the length of the write-ahead log")?
        .get(0);
    Ok(bytes / 1e6)
}

async fn size_mb(pool: &PgPool, table: &str) -> Result<f64> {
    let query = "SELECT pg_total_relation_size($1::regclass)::float8";
    let bytes: f64 = sqlx::query(query).bind(table).fetch_one(pool).await?.get(0);
    Ok(bytes / 1e6)
}

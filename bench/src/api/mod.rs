//! Measures the API service: cached reads and paths at a fixed rate, tiles as fast as possible, and
//! nginx with the same tiles as files in the same rounds. Then all of them for ten minutes, for the
//! memory.
//!
//! ```text
//!   this process: 1,000 connections --HTTP--> bauta-api (dist) --> Postgres
//!                                   --HTTP--> nginx, alternating with the service
//!
//!   this process: requests to relay --HTTP--> bauta-api (dist) --> local chain
//!   this process: writer --> Postgres --> bauta-api (dist) --> 1,000 subscribers, webhooks
//! ```

mod chain;
mod clients;
mod events;
mod logins;
mod nginx;
mod relay;
mod steady;
mod webhooks;

use std::{fmt::Write as _, time::Duration};

use anyhow::{Context, Result, anyhow, ensure};
use bauta_dev_servers::Postgres;
use bauta_primitives::{Leaf, tree::Depth};
use bauta_store::{root_of_leaves, testing::TestDatabase};
use serde_json::json;

use self::{clients::Requests, nginx::Nginx, steady::Steady};
use crate::{
    Figures, Options, page,
    process::{self, Running},
    store::{self, SETTINGS, scatter},
    timing::{machine, median, percentile},
};

/// Requests per second for registries, roots and the configuration.
const CACHED_PER_S: f64 = 2_000.0;
/// Requests per second for paths of random leaves.
const PATHS_PER_S: f64 = 500.0;
/// The number of tiles that are read from the database at a time.
const TILES_AT_ONCE: usize = 256;
/// The number of clients that read everything once before it is measured. All tiles come from the
/// database then, which has few connections.
const FIRST_CLIENTS: usize = 16;
/// Interval between changes of the database, as on a chain.
const SLOT: Duration = Duration::from_millis(400);

const HEAD: &str = "# The API service

The service (profile `dist`), Postgres 15, nginx and the clients run on one machine. The clients are
another process. All clients hold their connections open. The database is notified of a change every
400 ms, as on a chain, so the service drops its cached responses as often.

    cargo xtask bench api

* **Cached reads**: registries, roots and the configuration at a fixed rate (open loop). Each request
  has a scheduled time. Its duration counts from that time, even if earlier requests are late.
* **Tiles**: the lowest tiles of the tree in random order, each with 256 leaves (8,193 bytes), as
  fast as the service answers. Each client sends its next request when it has a response.
* **nginx**: the same requests, for the same tiles as static files. It is the upper bound on this
  machine. The rounds alternate.
* **Paths**: paths of random leaves at a fixed rate (open loop). They are not cached.
* **Memory**: after the rounds, all three kinds of requests arrive together for ten minutes, at fixed
  rates: 1,000 cached reads, 1,000 tiles and 200 paths per second. The growth is from the mean of the
  second tenth of that time to the mean of the last tenth. The resident memory includes the tiles
  that the service keeps (64 MiB at most).
* **Relays**: verifications that the service pays for, on the local chain with 400 ms slots. The time
  is from the moment of the request until the client reads that the relay is confirmed. The client
  reads the state every 25 ms, and at the high rate every 250 ms. It repeats a request that was
  refused because the node did not answer in time. The rate is that of the confirmations between the
  first and the last one. The node runs on the same cores, in the profile `dist`. It verifies each
  proof twice: in the simulation and in the execution.
* **Events**: one writer and 1,000 event streams (`confirmed`). For the latency, the writer commits
  ten events every 400 ms, and the time is from the beginning of the write until a subscriber has
  read the event. For the rate, it writes 100 at a time and waits while a subscriber has 2,000 less.
  The rate is that of events which all subscribers have received.
* **Webhooks**: events that become final together, each for 20 webhooks of one developer, whose
  receiver answers at once. The rate is that of the messages.
* **Logins**: 32 clients, each with one new wallet after the other: a challenge, a signature, and the
  tokens.

";

/// The extent of a run.
struct Extent {
    leaves: u64,
    clients: usize,
    rounds: usize,
    window: Duration,
    /// The time during which the memory is measured.
    steady: Duration,
    relays: relay::Extent,
    /// The time of each measurement of events and of logins.
    live: Duration,
    /// Events that are sent to each webhook.
    webhook_events: u64,
}

/// The results of the parts that deliver events and log wallets in.
struct Live {
    events: events::Results,
    webhook_per_s: f64,
    login_per_s: f64,
}

impl Live {
    const fn figures(&self) -> [(&'static str, f64); 4] {
        [
            ("events_per_s", self.events.per_s),
            ("event_p99_ms", self.events.p99_ms),
            ("webhook_per_s", self.webhook_per_s),
            ("login_per_s", self.login_per_s),
        ]
    }

    /// Returns the lines of the table: name, key of `--json`, figure, and goal.
    const fn lines(&self) -> [(&'static str, &'static str, f64, &'static str); 4] {
        let [(_, per_s), (_, p99_ms), (_, webhooks), (_, logins)] = self.figures();
        [
            (
                "events per second to 1,000 subscribers",
                "`events_per_s`",
                per_s,
                "",
            ),
            (
                "25 events per second to 1,000 subscribers, p99, ms",
                "`event_p99_ms`",
                p99_ms,
                "",
            ),
            ("messages to webhooks per second", "`webhook_per_s`", webhooks, ""),
            ("logins per second", "`login_per_s`", logins, ""),
        ]
    }
}

/// The results of the rounds.
#[derive(Default)]
struct Results {
    cached_p50: Vec<f64>,
    cached_p99: Vec<f64>,
    tiles: Vec<f64>,
    static_file: Vec<f64>,
    path_p50: Vec<f64>,
    path_p99: Vec<f64>,
}

/// Runs all measurements.
pub fn run(options: &Options) -> Result<Figures> {
    tokio::runtime::Runtime::new()?.block_on(measure(options))
}

async fn measure(options: &Options) -> Result<Figures> {
    let extent = if options.quick {
        Extent {
            leaves: 50_000,
            clients: 1_000,
            rounds: 1,
            window: Duration::from_secs(3),
            steady: Duration::from_secs(10),
            relays: relay::Extent {
                few: 20,
                seconds: 5,
                rate: 60,
            },
            live: Duration::from_secs(4),
            webhook_events: 100,
        }
    } else {
        Extent {
            leaves: 1_000_000,
            clients: 1_000,
            rounds: 3,
            window: Duration::from_secs(10),
            steady: Duration::from_mins(10),
            relays: relay::Extent {
                few: 60,
                seconds: 15,
                rate: 60,
            },
            live: Duration::from_secs(20),
            webhook_events: 1_000,
        }
    };
    let server = Postgres::start_with(&SETTINGS)?;
    let database = TestDatabase::on(server.url())
        .await
        .map_err(|error| anyhow!("{error}"))?;
    let requests = Load::prepare(&database, extent.leaves).await?;
    let url = database.url().map_err(|error| anyhow!("{error}"))?;
    let service = Running::start(command(&url)?).await?;
    let nginx = Nginx::start(&requests.files).await?;
    check_equal(&service, &nginx, &requests).await?;

    let pool = database.pool().clone();
    let slots = tokio::spawn(async move {
        loop {
            tokio::time::sleep(SLOT).await;
            // The measurement fails if the database does.
            let _ = sqlx::query("SELECT pg_notify('bauta_chain', '')::text")
                .execute(&pool)
                .await;
        }
    });
    let results = async {
        let results = rounds(&service, &nginx, &requests, &extent).await?;
        let steady = steady::measure(&service, &requests, extent.clients, extent.steady).await?;
        Ok::<_, anyhow::Error>((results, steady))
    };
    let results = results.await;
    slots.abort();
    let (results, steady) = results?;
    drop((service, nginx));
    let live = Live {
        events: events::measure(extent.live).await?,
        webhook_per_s: webhooks::measure(extent.webhook_events).await?,
        login_per_s: logins::measure(extent.live).await?,
    };
    let relays = relay::measure(&extent.relays).await?;
    report(options, &extent, results, &steady, &relays, &live)
}

/// Fails unless the service and nginx send the same bytes for a tile.
async fn check_equal(service: &Running, nginx: &Nginx, load: &Load) -> Result<()> {
    let (path, content) = load.files.first().context("the tree has no tiles")?;
    for address in [&service.address, &nginx.address] {
        let response = service.client.get(format!("http://{address}{path}")).send();
        let bytes = response.await?.error_for_status()?.bytes().await?;
        ensure!(
            bytes == content[..],
            "{address} sends bytes that are not the tile's"
        );
    }
    Ok(())
}

/// Returns the command of the service, without rate limits and with room for all clients.
fn command(database: &str) -> Result<std::process::Command> {
    let mut command = process::command("bauta-api")?;
    command
        .env("DATABASE_URL", database)
        .env("DATABASE_CONNECTIONS", "16")
        .env("MAX_CONCURRENT_REQUESTS", "4096")
        .env("MAX_CONNECTIONS_PER_ADDRESS", "4096")
        .env("ANONYMOUS_REQUESTS_PER_MINUTE", "0")
        .env("ANONYMOUS_TILES_PER_MINUTE", "0");
    Ok(command)
}

/// The requests of all measurements.
struct Load {
    cached: Requests,
    tiles: Requests,
    paths: Requests,
    /// The path and the content of each tile, for nginx.
    files: Vec<(String, Vec<u8>)>,
}

impl Load {
    /// Imports a tree and creates the requests for it.
    async fn prepare(database: &TestDatabase, count: u64) -> Result<Self> {
        database.store.migrate().await?;
        let leaves: Vec<Leaf> = (0..count).map(store::leaf).collect();
        let root = root_of_leaves(Depth::Ten, &leaves)?;
        let registry = store::publish(database, root).await?;
        database.store.import_tree(&registry, leaves).await?;
        store::settle(database.pool()).await?;
        let tiles = database
            .store
            .leaf_tiles(&registry, root, store::NOW, u16::MAX)
            .await?;
        let hashes: Vec<_> = tiles.iter().map(|tile| tile.hash).collect();
        let mut files = Vec::with_capacity(hashes.len());
        for hashes in hashes.chunks(TILES_AT_ONCE) {
            let stored = database.store.tiles(hashes).await?;
            for (hash, tile) in hashes.iter().zip(stored) {
                let tile = tile.context("a tile is not stored")?;
                let content = [&[tile.root_level][..], &tile.entries].concat();
                files.push((format!("/v1/tiles/{hash}"), content));
            }
        }
        let address = registry.address;
        let cached = [
            format!("/v1/registries/{address}"),
            format!("/v1/registries/{address}/roots"),
            "/v1/registries".to_owned(),
            "/v1/circuits".to_owned(),
            "/v1/scopes".to_owned(),
        ];
        let path = |number| {
            let index = scatter(number) % count;
            format!("/v1/registries/{address}/paths/{index}?root={root}")
        };
        Ok(Self {
            cached: clients::requests(cached.into_iter()),
            tiles: clients::requests(files.iter().map(|(path, _)| path.clone())),
            paths: clients::requests((0..10_007).map(path)),
            files,
        })
    }
}

async fn rounds(service: &Running, nginx: &Nginx, load: &Load, extent: &Extent) -> Result<Results> {
    let (clients, window) = (extent.clients, extent.window);
    let mut results = Results::default();
    for requests in [&load.tiles, &load.cached, &load.paths] {
        clients::closed(&service.address, FIRST_CLIENTS, requests, window / 3).await?;
    }
    for _ in 0..extent.rounds {
        let cached = clients::open(&service.address, clients, &load.cached, CACHED_PER_S, window).await?;
        results.cached_p50.push(percentile(&cached, 0.5));
        results.cached_p99.push(percentile(&cached, 0.99));
        let tiles = clients::closed(&service.address, clients, &load.tiles, window).await?;
        results.tiles.push(tiles);
        let bound = clients::closed(&nginx.address, clients, &load.tiles, window).await?;
        results.static_file.push(bound);
        let paths = clients::open(&service.address, clients, &load.paths, PATHS_PER_S, window).await?;
        results.path_p50.push(percentile(&paths, 0.5));
        results.path_p99.push(percentile(&paths, 0.99));
    }
    Ok(results)
}

/// Returns what was measured, and the heading of the table.
fn heading(extent: &Extent) -> String {
    format!(
        "{} leaves, {} clients, {} rounds of {} s for each line; medians of the rounds. Memory over {} s.\n\n\
         | figure | `--json` | | goal |\n|---|---|--:|--:|\n",
        extent.leaves,
        extent.clients,
        extent.rounds,
        extent.window.as_secs(),
        extent.steady.as_secs()
    )
}

fn report(
    options: &Options,
    extent: &Extent,
    results: Results,
    steady: &Steady,
    relays: &relay::Results,
    live: &Live,
) -> Result<Figures> {
    let growth = steady.end_mb - steady.begin_mb;
    let [cached_p50, cached_p99, tiles, static_file, path_p50, path_p99] = [
        results.cached_p50,
        results.cached_p99,
        results.tiles,
        results.static_file,
        results.path_p50,
        results.path_p99,
    ]
    .map(median);
    let mut text = heading(extent);
    for (name, key, value, goal) in [
        ("cached reads at 2,000 per second, p50, ms", "", cached_p50, ""),
        (
            "cached reads at 2,000 per second, p99, ms",
            "`cached_p99_ms`",
            cached_p99,
            "50",
        ),
        ("tiles per second", "`tiles_per_s`", tiles, "10,000"),
        (
            "the same tiles as files from nginx, per second",
            "`static_per_s`",
            static_file,
            "",
        ),
        ("share of nginx", "", tiles / static_file, ""),
        ("paths at 500 per second, p50, ms", "", path_p50, ""),
        (
            "paths at 500 per second, p99, ms",
            "`path_p99_ms`",
            path_p99,
            "20",
        ),
        (
            "relays at 4 per second, until confirmed, p50, ms",
            "`relay_p50_ms`",
            relays.p50_ms,
            "650",
        ),
        (
            "relays at 4 per second, until confirmed, p95, ms",
            "",
            relays.p95_ms,
            "",
        ),
        (
            "relays at 60 per second, until confirmed, p50, ms",
            "",
            relays.loaded_p50_ms,
            "",
        ),
        (
            "relays at 60 per second, confirmed per second",
            "`relays_per_s`",
            relays.per_s,
            "50",
        ),
        (
            "all together, cached reads, p99, ms",
            "",
            steady.cached_p99_ms,
            "50",
        ),
        ("all together, tiles, p99, ms", "", steady.tile_p99_ms, ""),
        ("all together, paths, p99, ms", "", steady.path_p99_ms, "20"),
        ("memory at the end, MB", "`memory_mb`", steady.end_mb, ""),
        ("memory growth, MB", "`memory_growth_mb`", growth, "0"),
    ]
    .into_iter()
    .chain(live.lines())
    {
        let decimals = if value < 1_000.0 { 2 } else { 0 };
        writeln!(text, "| {name} | {key} | {value:.decimals$} | {goal} |")?;
    }
    print!("{text}");
    if !options.quick {
        page::write("api", &format!("{HEAD}{}\n\n{text}", machine()))?;
    }
    Ok([
        ("cached_p99_ms", cached_p99),
        ("tiles_per_s", tiles),
        ("static_per_s", static_file),
        ("path_p99_ms", path_p99),
        ("relay_p50_ms", relays.p50_ms),
        ("relays_per_s", relays.per_s),
        ("memory_mb", steady.end_mb),
        ("memory_growth_mb", growth),
    ]
    .into_iter()
    .chain(live.figures())
    .map(|(name, value)| (name.to_owned(), json!((value * 1e3).round() / 1e3)))
    .collect())
}

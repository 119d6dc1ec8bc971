//! Measures the prover service: its throughput over HTTP compared with the engine alone, its
//! answers at half load, its start, its memory, its queue.
//!
//! ```text
//!   this process: clients --HTTP--> prover-service (dist) ---> Postgres, Redis
//!                 engine alone, alternating with the clients
//! ```

mod engine;
mod jobs;
mod load;
mod process;

use std::{fmt::Write as _, time::Duration};

use anyhow::{Result, anyhow};
use bauta_dev_servers::Redis;
use bauta_primitives::{Context, FieldElement, ProofInputs, tree::Depth};
use bauta_store::testing::TestDatabase;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use self::{engine::StandaloneEngine, load::CLIENTS, process::Environment};
use crate::{
    Figures, Options, member, page,
    process::Running,
    timing::{machine, median, percentile},
};

/// Verifications per second, of proofs that the service has not received before.
const VERIFICATIONS_PER_S: f64 = 25.0;

const HEAD: &str = "# The prover service

Ownership at depth 10. The service verifies every proof before it returns the proof. Service
(profile `dist`), Postgres 15, Redis and the clients run on one machine. The clients and the service
are different processes. All requests are different: results are written to the caches (disk and
Redis), but no answer comes from them.

    cargo xtask bench service

* **Share of the engine**: the proofs per second of eight clients that send their next request
  immediately, divided by those of `prove_batch` with self-verification in the clients' process. The
  two alternate. The result is corrected for the clients' own processor time by the factor
  `cores / (cores - used by clients)`.
* **Half load**: requests come at half of that rate, without waiting for the answers to earlier
  ones.
* **Ready**: the time from the start of the process to `200` from `/ready`, with the tables of the
  keys' points on disk. The median of five.
* **Idle memory**: the resident memory after the start.
* **Progress events**: the time from a worker's call that announces its progress until a client that
  follows the job by server-sent events receives the event. Another process serves the client.

";

/// Generates requests for proofs. Each has another context.
struct Requests {
    body: Value,
    next: u64,
}

impl Requests {
    fn next(&mut self) -> Value {
        self.next += 1;
        let mut body = self.body.clone();
        body["public"]["context"] = Context::new(FieldElement::from_u64(self.next)).to_string().into();
        body
    }
}

/// Runs all measurements.
pub fn run(options: &Options) -> Result<Figures> {
    tokio::runtime::Runtime::new()?.block_on(measure(options))
}

async fn measure(options: &Options) -> Result<Figures> {
    let (rounds, window, queued) = if options.quick {
        (3, Duration::from_secs(3), 100)
    } else {
        (10, Duration::from_secs(6), 2_000)
    };
    let (cores, database, redis) = (cores(), TestDatabase::create().await, Redis::start()?);
    let database = database.map_err(|error| anyhow!("{error}"))?;
    let url = database.url().map_err(|error| anyhow!("{error}"))?;
    let cache = tempfile::tempdir()?;
    let environment = Environment {
        database: &url,
        redis: redis.url(),
        cache: cache.path(),
    };
    environment.migrate()?;
    let inputs = member::inputs(Depth::Ten)?;
    let mut requests = Requests {
        body: request(&inputs),
        next: 0,
    };
    let alone = StandaloneEngine::new(inputs)?;

    let [ready_s, start_cpu_s] = starts(&environment).await?;

    // This service runs no jobs, so that this process can act as the worker.
    let watched = environment.start(&[("RUN_JOBS", "false")]).await?;
    let progress = jobs::progress_delays(&watched, &database.store, requests.next()).await?;
    drop(watched);
    sqlx::query("DELETE FROM jobs").execute(database.pool()).await?;

    let (admin_key, line) = environment.admin_key()?;
    let service = environment.start(&[("API_KEYS", &line)]).await?;
    let idle_mb = service.memory_mb()?;
    // Run everything once before it is measured.
    load::full(&service, "/prove", || requests.next(), window / 3).await?;
    alone.rate(window / 3)?;

    let full = throughput(&service, &alone, &mut requests, (cores, rounds, window)).await?;

    let bodies = std::iter::repeat_with(|| requests.next());
    let half = load::open(&service, "/prove", bodies, full.http / 2.0, window * 2).await?;
    let verifications = full.proofs.iter().map(verification);
    let verify = load::open(
        &service,
        "/verify",
        verifications,
        VERIFICATIONS_PER_S,
        window * 2,
    )
    .await?;
    let jobs_per_s = jobs::rate(&service, &admin_key, || requests.next(), queued).await?;

    let rows = [
        ("share of the engine's throughput", full.fraction, "0.85"),
        ("share by processor time per proof", full.cpu, ""),
        ("proofs/s, clients on the same cores", full.http, ""),
        (
            "proofs/s, corrected for the clients' processor time",
            full.unloaded,
            "",
        ),
        ("proofs/s of the engine alone", full.engine, ""),
        ("processor time of a proof, engine alone, ms", full.engine_ms, ""),
        ("cores used by the clients", full.load_cores, ""),
        ("p95 at half load, ms", percentile(&half, 0.95), "100"),
        ("p50 at half load, ms", percentile(&half, 0.5), ""),
        ("p95 of a verification, ms", percentile(&verify, 0.95), "10"),
        ("start to ready, s", ready_s, "1"),
        ("processor time of a start, s", start_cpu_s, ""),
        ("idle memory, MB", idle_mb, "150"),
        (
            "memory growth from the first to the last round, MB",
            full.growth,
            "0",
        ),
        ("p99 of progress events, ms", percentile(&progress, 0.99), "100"),
        (
            "jobs/s through the queue, from the first request to the end of the last job",
            jobs_per_s,
            "",
        ),
    ];
    let mut text = format!(
        "{cores} cores, {CLIENTS} clients, {rounds} rounds of {} s; medians of the rounds.\n\n| figure | | goal |\n|---|--:|--:|\n",
        window.as_secs()
    );
    for (name, value, goal) in rows {
        writeln!(text, "| {name} | {:.*} | {goal} |", digits(value), value)?;
    }
    print!("{text}");
    if !options.quick {
        page::write("service", &format!("{HEAD}{}\n\n{text}", machine()))?;
    }
    Ok([
        ("http_fraction", full.fraction),
        ("proofs_per_s", full.http),
        ("p95_ms", percentile(&half, 0.95)),
        ("verify_p95_ms", percentile(&verify, 0.95)),
        ("ready_s", ready_s),
        ("idle_mb", idle_mb),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), json!((value * 1e3).round() / 1e3)))
    .collect())
}

/// Returns the median time from start to ready and the median processor time until then, in
/// seconds.
async fn starts(environment: &Environment<'_>) -> Result<[f64; 2]> {
    // The first start computes the tables and is not counted.
    drop(environment.start(&[]).await?);
    let (mut starts, mut start_cpu) = (vec![], vec![]);
    for _ in 0..5 {
        let started = environment.start(&[]).await?;
        starts.push(started.ready.as_secs_f64());
        start_cpu.push(started.cpu_s()?);
    }
    Ok([starts, start_cpu].map(median))
}

/// The results of the service at full load, alternating with the engine alone.
struct Throughput {
    fraction: f64,
    http: f64,
    unloaded: f64,
    engine: f64,
    engine_ms: f64,
    cpu: f64,
    load_cores: f64,
    /// Memory growth from the first to the last round, in MB.
    growth: f64,
    proofs: Vec<Value>,
}

async fn throughput(
    service: &Running,
    alone: &StandaloneEngine,
    requests: &mut Requests,
    (cores, rounds, window): (f64, usize, Duration),
) -> Result<Throughput> {
    let (mut fractions, mut http, mut unloaded, mut engine, mut cpu) =
        (vec![], vec![], vec![], vec![], vec![]);
    let (mut engine_ms, mut load_cores, mut proofs, mut memory) = (vec![], vec![], vec![], vec![]);
    for _ in 0..rounds {
        let before = alone.rate(window / 2)?;
        let full = load::full(service, "/prove", || requests.next(), window).await?;
        memory.push(service.memory_mb()?);
        let after = alone.rate(window / 2)?;
        let engine_per_s = f64::midpoint(before.per_s, after.per_s);
        fractions.push(full.unloaded_per_s(cores) / engine_per_s);
        http.push(full.per_s());
        unloaded.push(full.unloaded_per_s(cores));
        load_cores.push(full.load_cpu_s / full.window.as_secs_f64());
        let service_ms = 1e3 * full.service_cpu_s / (full.per_s() * full.window.as_secs_f64());
        let alone_ms = f64::midpoint(before.cpu_ms, after.cpu_ms);
        cpu.push(alone_ms / service_ms);
        engine_ms.push(alone_ms);
        engine.push(engine_per_s);
        proofs.extend(full.answers);
    }
    let [fraction, http, unloaded, engine, engine_ms, cpu, load_cores] =
        [fractions, http, unloaded, engine, engine_ms, cpu, load_cores].map(median);
    Ok(Throughput {
        fraction,
        http,
        unloaded,
        engine,
        engine_ms,
        cpu,
        load_cores,
        growth: memory.last().copied().unwrap_or_default() - memory[0],
        proofs,
    })
}

/// Returns the body of a request to `/prove`.
fn request(inputs: &ProofInputs) -> Value {
    let path: Vec<Vec<String>> = inputs
        .path
        .siblings()
        .iter()
        .map(|siblings| siblings.iter().map(ToString::to_string).collect())
        .collect();
    json!({
        "statement": "ownership",
        "public": {
            "root": inputs.root.to_string(), "scope": inputs.scope.to_string(),
            "claim": inputs.claim.to_string(), "context": inputs.context.to_string(),
        },
        "private": {
            "secret": format!("0x{}", hex::encode(inputs.secret.expose())), "entry_id": inputs.entry_id.to_string(),
            "attributes": inputs.attributes.to_string(), "index": inputs.path.index().get(), "path": path,
        },
    })
}

/// Returns the body of a request to `/verify`, from an answer of `/prove`.
fn verification(answer: &Value) -> Value {
    json!({
        "proof": answer["proof"]["proof"], "circuitId": answer["proof"]["metadata"]["circuit_id"],
        "public": answer["public"],
    })
}

/// Returns the number of decimals that shows three significant digits.
fn digits(value: f64) -> usize {
    match value.abs() {
        ..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    }
}

#[allow(clippy::cast_precision_loss, reason = "the number is small")]
fn cores() -> f64 {
    std::thread::available_parallelism().map_or(1, usize::from) as f64
}

/// Returns the processor time of this process in seconds.
fn cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).map_or(0.0, |time| time.as_secs_f64())
}

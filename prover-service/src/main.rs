//! The prover service makes proofs for members who can't or don't want to prove on their device.
//!
//! The service sees the secrets of these members and could use them for any recipient.
//! docs/prover-service.md explains the consequences.
//!
//! ```text
//!   POST /prove --request--> inputs --Prover: worker slots, threads--> verified proof
//!                  |                   ^
//!                  +-- "wait": false --> Queue --> worker (this process, or another one)
//!                                          |
//!                                          +--> Events --> SSE, websocket
//! ```
//!
//! The folder `routes` has the HTTP routes. All other modules are domain code and don't know HTTP.

mod audit;
mod cache;
mod circuits;
mod events;
mod fair_queue;
mod memory;
mod metrics;
mod pairings;
mod profile;
mod proof;
mod prover;
mod queue;
mod recent;
mod request;
mod routes;
mod settings;
mod time;
mod witness_keys;

use std::{
    alloc::System,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use bauta_service_common::{
    ApiKeyError, ApiKeys, Arguments, Check, NewApiKey, Quota, Service, ServiceError, TrustedProxies,
};
use bauta_store::Store;
use clap::{Parser, Subcommand};
use rustix::process::{Resource, Rlimit, setrlimit};
use zeroizing_alloc::ZeroAlloc;

use crate::{
    cache::Caches,
    circuits::Circuits,
    events::Events,
    prover::Prover,
    queue::Queue,
    routes::{AppState, Limits, PERMISSIONS, Streams},
    settings::Settings,
    witness_keys::WitnessKeys,
};

/// Wipes all memory that is freed. A request is also in buffers of the HTTP library and of the JSON
/// parser, which don't wipe their memory.
#[global_allocator]
static WIPING: ZeroAlloc<System> = ZeroAlloc(System);

const NAME: &str = "prover-service";
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Timeout of Postgres's health check.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// Makes proofs for members who delegate proving. Without a command, serves HTTP and runs a worker.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    arguments: Arguments,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, PartialEq, Eq)]
enum Command {
    /// Run only jobs, without HTTP routes except those of the operations port.
    Worker,
    /// Migrate the database and exit. Needs the database's owner. The services themselves don't change
    /// the schema.
    Migrate,
    /// Generate an API key. Prints the key, and the line for `API_KEYS`.
    ApiKey {
        /// Requests per minute of this key. 0: no limit. Default: `REQUESTS_PER_MINUTE`
        #[arg(long)]
        requests_per_minute: Option<u32>,
        /// Proofs per minute of this key. 0: no limit. Default: `PROOFS_PER_MINUTE`
        #[arg(long)]
        proofs_per_minute: Option<u32>,
        /// The key's permissions, separated by commas
        #[arg(long, value_parser = PERMISSIONS, value_delimiter = ',', default_value = routes::PROVE)]
        permissions: Vec<String>,
        /// Days until the key expires, 1 to 3650
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
    },
}

/// Why the service can't start, or why it stopped.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error(transparent)]
    Circuits(#[from] circuits::LoadError),
    #[error("the database (DATABASE_URL): {0}")]
    Store(#[from] bauta_store::StoreError),
    #[error("the queue: {0}")]
    Queue(#[from] queue::QueueError),
    #[error(transparent)]
    Cache(#[from] cache::CacheError),
    #[error(transparent)]
    Seal(#[from] witness_keys::SealError),
    #[error("can't start the proving threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    #[error("API_KEYS: {0}")]
    ApiKeys(#[from] ApiKeyError),
    #[error("DATABASE_URL is missing: the command {0} needs Postgres")]
    NoDatabase(&'static str),
    #[error(
        "WITNESS_KEYS is missing: it is required with DATABASE_URL, because witnesses of jobs are stored encrypted; \
         generate a key with `echo first:$(openssl rand -hex 32)` and store it outside that database"
    )]
    NoWitnessKeys,
}

/// Prevents core dumps, which would contain the secrets of all requests in progress. The limit is
/// one byte, because a limit of zero has no effect if the system passes dumps to a program.
fn disable_core_dumps() {
    let limit = Rlimit {
        current: Some(1),
        maximum: Some(1),
    };
    if let Err(error) = setrlimit(Resource::Core, limit) {
        eprintln!("warning: a crash may write a core dump that contains secrets of members: {error}");
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    disable_core_dumps();
    bauta_service_common::exit_code(run(Cli::parse()).await)
}

async fn run(cli: Cli) -> Result<(), Error> {
    if let Some(Command::ApiKey {
        permissions,
        days,
        requests_per_minute,
        proofs_per_minute,
    }) = &cli.command
    {
        let quota = Quota {
            requests_per_minute: *requests_per_minute,
            proofs_per_minute: *proofs_per_minute,
        };
        let permissions: Vec<&str> = permissions.iter().map(String::as_str).collect();
        let expiry = time::now().as_secs() + u64::from(*days) * 86_400;
        let new = NewApiKey::random(&permissions, expiry, quota);
        println!("key (shown only once): {}", *new.key);
        println!("line for API_KEYS:     {}", new.line);
        return Ok(());
    }
    let started = Instant::now();
    let Some(settings) = cli.arguments.settings::<Settings>()? else {
        return Ok(());
    };
    if cli.command == Some(Command::Migrate) {
        let store = connect(&settings).await?.ok_or(Error::NoDatabase("migrate"))?;
        store.migrate().await?;
        return Ok(Queue::migrate(&store).await?);
    }
    let api_keys = settings
        .api_keys
        .as_ref()
        .map(|keys| ApiKeys::parse(keys, &PERMISSIONS))
        .transpose()?
        .unwrap_or_default();
    let service = Service::start(NAME, VERSION, &settings.operations).await?;
    metrics::register();
    metrics::spawn_process_sampler(&service);
    let circuits = Arc::new(Circuits::load(&settings)?);
    // The start fails if a circuit can't be loaded, so the check always succeeds. It exists because
    // a service without checks isn't ready, and without a database there is no other check.
    service.health().add("circuits", || async { Check::Ok });
    let caches = Caches::open(&settings, &circuits, &service).await?;
    let prover = Arc::new(Prover::start(&settings, caches)?);
    let is_worker = cli.command == Some(Command::Worker);
    let queue = open_queue(&settings, is_worker, &service).await?;
    if let Some(queue) = &queue {
        queue.check_schema().await?;
        if settings.run_jobs || is_worker {
            queue
                .spawn_worker(circuits.clone(), prover.clone(), &service)
                .await?;
        }
        queue.spawn_housekeeping(&service);
    }
    if is_worker {
        queue.ok_or(Error::NoDatabase("worker"))?;
    } else {
        warn_about_access(settings.allow_anonymous, &api_keys);
        let events = Events::start(queue.clone(), &service).await?;
        let state = Arc::new(AppState {
            circuits,
            prover,
            api_keys,
            allow_anonymous: settings.allow_anonymous,
            trusted_proxies: TrustedProxies::new(settings.http.trusted_proxies.clone()),
            queue,
            events,
            limits: Limits::new(&settings),
            streams: Streams::new(settings.max_streams_per_client),
            websocket_idle_timeout: Duration::from_millis(settings.websocket_idle_timeout_ms),
            shutdown: service.shutdown(),
            started,
            profiling: tokio::sync::Mutex::default(),
            websocket_url: settings.ws_url.clone(),
        });
        service
            .serve(
                settings.port,
                routes::all(state, service.metrics_route()),
                &settings.http,
            )
            .await?;
    }
    tracing::info!(
        event = "ready",
        duration_ms = time::milliseconds(started.elapsed())
    );
    Ok(service.run().await?)
}

/// Logs who may request proofs, if it is probably not what the operator wants.
fn warn_about_access(allow_anonymous: bool, api_keys: &ApiKeys) {
    if allow_anonymous {
        tracing::warn!(
            event = "anonymous_allowed",
            "every client that reaches the port may request proofs (ALLOW_ANONYMOUS)"
        );
    } else if api_keys.is_empty() {
        tracing::warn!(
            event = "no_access",
            "no client may request proofs: set API_KEYS (`prover-service api-key`), or ALLOW_ANONYMOUS=true"
        );
    }
}

async fn connect(settings: &Settings) -> Result<Option<Store>, Error> {
    let Some(url) = &settings.database_url else {
        return Ok(None);
    };
    Ok(Some(
        Store::connect(url.expose(), settings.database_connections).await?,
    ))
}

/// Returns the check of Postgres. A worker can't work without it and fails. An instance with HTTP
/// is only degraded, because all instances lose Postgres at the same time, and a load balancer must
/// not remove all of them.
fn database_check(ping: Result<(), String>, is_worker: bool) -> Check {
    let Err(error) = ping else { return Check::Ok };
    // The response of `/ready` doesn't contain the error of the database.
    tracing::warn!(event = "database_unavailable", error);
    if is_worker {
        let reason = "Postgres is unavailable; the log has the cause".to_owned();
        return Check::Failed { reason };
    }
    Check::Degraded {
        reason: "Postgres is unavailable: there are no jobs, and paths of registries can't be read; requests that \
                 contain their path are proved; the log has the cause"
            .to_owned(),
    }
}

async fn open_queue(settings: &Settings, is_worker: bool, service: &Service) -> Result<Option<Queue>, Error> {
    let Some(store) = connect(settings).await? else {
        return Ok(None);
    };
    store.check_schema().await?;
    let keys = settings.witness_keys.as_ref().ok_or(Error::NoWitnessKeys)?;
    let keys = WitnessKeys::parse(keys)?;
    let checked = store.clone();
    service.health().add("database", move || {
        let store = checked.clone();
        async move {
            let ping = match tokio::time::timeout(PING_TIMEOUT, store.ping()).await {
                Ok(ping) => ping.map_err(|error| error.to_string()),
                Err(_) => Err(format!("no answer within {} s", PING_TIMEOUT.as_secs())),
            };
            database_check(ping, is_worker)
        }
    });
    Ok(Some(Queue::new(store, keys, settings)))
}

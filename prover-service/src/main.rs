//! Proves for members who can't or don't want to prove on their device. It sees their secrets and could spend them for
//! any recipient: docs/prover-service.md says what that means.
//!
//! ```text
//!   POST /prove --request--> a statement's inputs --Prover: slots, threads--> proof, verified by itself
//!                  |                                   ^
//!                  +-- "wait": false --> Queue --> worker (this process, or `prover-service worker`)
//!                                          |
//!                                          +--> Events --> SSE, websocket
//! ```
//!
//! Each route is a file in `routes`.

mod audit;
mod cache;
mod circuits;
mod events;
mod line;
mod metrics;
mod profile;
mod proof;
mod prover;
mod queue;
mod recent;
mod request;
mod routes;
mod seal;
mod settings;
mod time;

use std::{
    alloc::System,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use bauta_service_common::{ApiKeyError, ApiKeys, Arguments, Check, NewApiKey, Service, ServiceError};
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
    routes::{Limits, Parts, SCOPES, State},
    seal::WitnessKeys,
    settings::Settings,
};

/// Wipes whatever is freed: a request is in buffers of the HTTP library and of the JSON reader, too, which wipe nothing themselves.
#[global_allocator]
static WIPING: ZeroAlloc<System> = ZeroAlloc(System);

const NAME: &str = "prover-service";
/// How long Postgres may take to say that it is there.
const PING: Duration = Duration::from_secs(1);
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Proves for members who delegate it: HTTP and a worker, unless a command says otherwise.
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
    /// Run jobs alone, without HTTP but the port for operators.
    Worker,
    /// Bring the database's tables up to date, and end.
    Migrate,
    /// Make an API key: print it, and the line of it that `API_KEYS` takes.
    ApiKey {
        /// What it may do
        #[arg(long, value_parser = SCOPES, value_delimiter = ',', default_value = routes::PROVE)]
        scopes: Vec<String>,
        /// Days until it ends, 1 to 3650
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
    },
}

/// Why the service can't start, or ended.
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
    Seal(#[from] seal::SealError),
    #[error("the proving threads can't be started: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    #[error("API_KEYS: {0}")]
    ApiKeys(#[from] ApiKeyError),
    #[error("DATABASE_URL is missing: {0} needs Postgres")]
    NoDatabase(&'static str),
    #[error(
        "WITNESS_KEYS is missing: with DATABASE_URL, witnesses of jobs are kept encrypted; make a key with \
         `echo first:$(openssl rand -hex 32)` and keep it out of that database"
    )]
    NoWitnessKeys,
}

/// A core dump would have the secrets of all who wait. A limit of one byte, unlike none, also holds where dumps go to a program.
fn leave_no_core_dump() {
    let limit = Rlimit {
        current: Some(1),
        maximum: Some(1),
    };
    if let Err(error) = setrlimit(Resource::Core, limit) {
        eprintln!("warning: a crash may leave a core dump with members' secrets in it: {error}");
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    leave_no_core_dump();
    bauta_service_common::exit_code(run(Cli::parse()).await)
}

async fn run(cli: Cli) -> Result<(), Error> {
    if let Some(Command::ApiKey { scopes, days }) = &cli.command {
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let expiry = time::now().as_secs() + u64::from(*days) * 86_400;
        let new = NewApiKey::random(&scopes, expiry);
        println!("key, shown this once:  {}", *new.key);
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
        .map(|keys| ApiKeys::parse(keys, &SCOPES))
        .transpose()?;
    let service = Service::start(NAME, VERSION, &settings.operations).await?;
    metrics::describe();
    metrics::watch_process(&service);
    let circuits = Arc::new(Circuits::load(&settings)?);
    // They are loaded and their hashes are right, or there is no service. Without a database this is the only check.
    service.health().add("circuits", || async { Check::Ok });
    let caches = Caches::open(&settings, &circuits, &service).await?;
    let prover = Arc::new(Prover::start(&settings, caches)?);
    let is_worker = cli.command == Some(Command::Worker);
    let queue = open_queue(&settings, is_worker, &service).await?;
    if let Some(queue) = &queue {
        if settings.run_jobs || is_worker {
            queue.work(circuits.clone(), prover.clone(), &service).await?;
        } else {
            Queue::migrate(queue.store()).await?;
        }
        queue.keep_house(&service);
    }
    if is_worker {
        queue.ok_or(Error::NoDatabase("worker"))?;
    } else {
        let events = Events::start(queue.clone(), &service).await?;
        let state = State(Arc::new(Parts {
            circuits,
            prover,
            api_keys,
            queue,
            events,
            limits: Limits::new(&settings),
            shutdown: service.shutdown(),
            started,
            profiling: tokio::sync::Mutex::default(),
            websocket_url: settings.ws_url.clone(),
        }));
        service
            .serve(settings.port, routes::all(state), &settings.http)
            .await?;
    }
    tracing::info!(
        event = "ready",
        duration_ms = time::milliseconds(started.elapsed())
    );
    Ok(service.run().await?)
}

async fn connect(settings: &Settings) -> Result<Option<Store>, Error> {
    let Some(url) = &settings.database_url else {
        return Ok(None);
    };
    Ok(Some(
        Store::connect(url.expose(), settings.database_connections).await?,
    ))
}

/// A worker is of no use without Postgres. An instance with HTTP is: all of them lose it at the same time, and none should be taken out of
/// service for that.
fn database_check(answer: Result<(), String>, is_worker: bool) -> Check {
    match answer {
        Err(error) if !is_worker => Check::Degraded {
            reason: format!(
                "Postgres is away ({error}): there are no jobs, and no paths of registries; requests that bring their path are proved"
            ),
        },
        answer => Check::required(answer),
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
            let answer = match tokio::time::timeout(PING, store.ping()).await {
                Ok(answer) => answer.map_err(|error| error.to_string()),
                Err(_) => Err(format!("no answer within {} s", PING.as_secs())),
            };
            database_check(answer, is_worker)
        }
    });
    Ok(Some(Queue::new(store, keys, settings)))
}

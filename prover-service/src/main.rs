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
mod key_ring;
mod memory;
mod metrics;
mod profile;
mod proof;
mod prover;
mod queue;
mod recent;
mod request;
mod routes;
mod sealed_inputs;
mod settings;
mod time;
mod witness_keys;

use std::{
    alloc::System,
    convert::Infallible,
    iter,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use bauta_service_common::{
    ApiKeyError, ApiKeys, Arguments, Check, NewApiKey, Process, Quota, Refusals, Service, ServiceError,
    Streams, Tickets, TrustedProxies,
};
use bauta_store::{SessionLimits, Store};
use clap::{Parser, Subcommand};
use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::sync::Semaphore;
use zeroizing_alloc::ZeroAlloc;

use crate::{
    cache::Caches,
    circuits::Circuits,
    events::Events,
    prover::Prover,
    queue::{Queue, Stores},
    routes::{AppState, Limits, PERMISSIONS},
    sealed_inputs::SealingKeys,
    settings::Settings,
    witness_keys::{SealError, WitnessKeys},
};

/// Wipes all memory that is freed. A request is also in buffers of the HTTP library and of the JSON
/// parser, which don't wipe their memory.
#[global_allocator]
static WIPING: ZeroAlloc<System> = ZeroAlloc(System);

const NAME: &str = "prover-service";
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Largest number of batches whose jobs are being stored.
const MAX_STORED_BATCHES: usize = 8;
/// Largest number of threads for work that blocks: files, pairings and host names.
const MAX_BLOCKING_THREADS: usize = 16;
/// Largest number of connections to Postgres for the service's own work.
const MAX_OWN_CONNECTIONS: u32 = 8;
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
    /// Serve only the verification of proofs. It uses no database and no secret keys.
    Verifier,
    /// Migrate the database and exit. Needs the database's owner. The services themselves don't
    /// change the schema.
    Migrate,
    /// Generate an API key. Prints the key, and the line for `API_KEYS`. With --save, stores the
    /// key in the database instead: the services accept it within a second.
    ApiKey {
        /// Store the key in the database. Needs the database's owner
        #[arg(long)]
        save: bool,
        /// The prefix of a key that the new key replaces. The new key keeps access to its jobs.
        /// Revoke the old key when the client has the new one
        #[arg(long, requires = "save", value_name = "PREFIX")]
        replaces: Option<String>,
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
    /// Change the keys for witnesses in `WITNESS_KEY_RING`.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Revoke an API key of the database. The services refuse it within a second. Needs the
    /// database's owner.
    RevokeKey {
        /// The key's prefix: the first 8 hexadecimal digits after `bauta_`
        prefix: String,
    },
}

#[derive(Subcommand, PartialEq, Eq)]
enum KeysCommand {
    /// Add a key, which encrypts from now on, and destroy the replaced keys that no job can need.
    /// Creates the file if it doesn't exist. Needs `DATABASE_URL`, but not the database's owner.
    Rotate,
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
    Seal(#[from] SealError),
    #[error("can't start the service's threads: {0}")]
    Runtime(std::io::Error),
    #[error("can't start the proving threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    #[error("API_KEYS: {0}")]
    ApiKeys(#[from] ApiKeyError),
    #[error(
        "the database has no API key with the prefix {0} that is valid now: keys of API_KEYS are removed there"
    )]
    NoSuchKey(String),
    #[error("{0} is not a prefix of an API key: use the 8 hexadecimal digits after `bauta_`")]
    InvalidPrefix(String),
    #[error("DATABASE_URL is missing: the command {0} needs Postgres")]
    NoDatabase(&'static str),
    #[error(
        "WITNESS_KEYS is missing, and WITNESS_KEY_RING too: one of them is required with DATABASE_URL, because witnesses \
         of jobs are stored encrypted; set WITNESS_KEY_RING to a file outside that database and create it with \
         `prover-service keys rotate`, or generate a key for WITNESS_KEYS with `echo first:$(openssl rand -hex 32)`"
    )]
    NoWitnessKeys,
    #[error("WITNESS_KEY_RING is missing: the command `keys rotate` creates or changes that file")]
    NoKeyRing,
    #[error("can't handle SIGHUP: {0}")]
    Signal(std::io::Error),
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

fn main() -> ExitCode {
    disable_core_dumps();
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .build();
    let outcome = runtime
        .map_err(Error::Runtime)
        .and_then(|runtime| runtime.block_on(run(cli)));
    bauta_service_common::exit_code(outcome)
}

async fn run(cli: Cli) -> Result<(), Error> {
    if let Some(command @ Command::ApiKey { save: false, .. }) = &cli.command
        && let Some(new) = new_api_key(command)
    {
        println!("key (shown only once): {}", *new.key);
        println!("line for API_KEYS:     {}", new.line);
        return Ok(());
    }
    let started = Instant::now();
    let Some(settings) = cli.arguments.settings::<Settings>()? else {
        return Ok(());
    };
    if run_command(cli.command.as_ref(), &settings).await? {
        return Ok(());
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
    let is_verifier = cli.command == Some(Command::Verifier);
    let witness_keys = open_witness_keys(&settings, is_verifier)?;
    let queue = if is_verifier {
        None
    } else {
        open_queue(&settings, witness_keys.clone(), is_worker, &service).await?
    };
    if let Some(queue) = &queue {
        queue.check_schema().await?;
        if settings.run_jobs || is_worker {
            queue
                .spawn_worker(circuits.clone(), prover.clone(), &service)
                .await?;
        }
        queue.spawn_housekeeping(&service).map_err(Error::Signal)?;
    }
    if is_worker {
        queue.ok_or(Error::NoDatabase("worker"))?;
    } else {
        let events = Events::start(queue.clone(), &service).await?;
        let tickets = Tickets::new(queue.as_ref().map(|queue| queue.store().clone()));
        let api_keys = match &queue {
            Some(queue) => api_keys.with_store(queue.own_store().clone()),
            None => api_keys,
        };
        if !is_verifier {
            warn_about_access(settings.allow_anonymous, &api_keys).await;
        }
        let state = Arc::new(AppState {
            circuits,
            prover,
            sealing: sealing_keys(witness_keys, &settings),
            api_keys,
            tickets,
            allow_anonymous: settings.allow_anonymous,
            trusted_proxies: TrustedProxies::new(settings.http.trusted_proxies.clone()),
            queue,
            events,
            limits: Limits::new(&settings),
            refusals: Refusals::start(&service),
            // MAX_CONNECTIONS bounds all of them.
            streams: Streams::new(settings.max_streams_per_client, usize::MAX),
            // The other half is for requests that are answered at once.
            waiting: Streams::new(
                settings.max_streams_per_client,
                settings.http.max_concurrent_requests.div_ceil(2),
            ),
            batches: Semaphore::new(MAX_STORED_BATCHES),
            max_wait: Duration::from_millis(
                settings
                    .proof_timeout_ms
                    .min(settings.http.request_timeout_ms / 2),
            ),
            websocket_idle_timeout: Duration::from_millis(settings.websocket_idle_timeout_ms),
            shutdown: service.shutdown(),
            started,
            profiling: tokio::sync::Mutex::default(),
            websocket_url: settings.ws_url.clone(),
        });
        follow_keys(&service, &state);
        let routes = routes::of(is_verifier, state, service.metrics_route());
        service.serve(settings.port, routes, &settings.http).await?;
    }
    tracing::info!(
        event = "ready",
        duration_ms = time::milliseconds(started.elapsed())
    );
    Ok(service.run().await?)
}

/// Starts the task with which streams learn that their API key was revoked.
fn follow_keys(service: &Service, state: &Arc<AppState>) {
    let (shutdown, state) = (service.shutdown(), state.clone());
    service.spawn("the keys of streams", async move {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = state.api_keys.follow() => {}
        }
        Ok::<_, Infallible>(())
    });
}

/// Returns the keys to which clients seal inputs. Without keys for witnesses, they last as long as
/// this process.
fn sealing_keys(witness_keys: Option<Arc<WitnessKeys>>, settings: &Settings) -> SealingKeys {
    SealingKeys::new(
        witness_keys.unwrap_or_else(|| Arc::new(WitnessKeys::random())),
        Duration::from_secs(settings.sealing_key_grace_seconds),
    )
}

/// Runs a command that doesn't start the service. Returns `false` if the command starts it.
async fn run_command(command: Option<&Command>, settings: &Settings) -> Result<bool, Error> {
    if !matches!(command, Some(Command::Worker | Command::Verifier) | None) {
        bauta_service_common::write_audit_to_stderr(NAME);
    }
    match command {
        Some(Command::Migrate) => {
            let store = connect_as_owner(settings, "migrate").await?;
            store.migrate().await?;
            Queue::migrate(&store).await?;
            audit::admin_command("migrate", &[]);
        }
        Some(command @ Command::ApiKey { replaces, .. }) => {
            let store = connect_as_owner(settings, "api-key --save").await?;
            save_api_key(&store, command, replaces.as_deref()).await?;
        }
        Some(Command::Keys(KeysCommand::Rotate)) => {
            let store = connect(settings, None, settings.database_connections).await?;
            rotate_keys(&store.ok_or(Error::NoDatabase("keys rotate"))?, settings).await?;
        }
        Some(Command::RevokeKey { prefix }) => {
            let store = connect_as_owner(settings, "revoke-key").await?;
            revoke_api_key(&store, prefix).await?;
        }
        Some(Command::Worker | Command::Verifier) | None => return Ok(false),
    }
    Ok(true)
}

/// Generates the key that a command describes.
fn new_api_key(command: &Command) -> Option<NewApiKey> {
    let Command::ApiKey {
        permissions,
        days,
        requests_per_minute,
        proofs_per_minute,
        ..
    } = command
    else {
        return None;
    };
    let quota = Quota {
        requests_per_minute: *requests_per_minute,
        proofs_per_minute: *proofs_per_minute,
    };
    let permissions: Vec<&str> = permissions.iter().map(String::as_str).collect();
    let expiry = time::now().as_secs() + u64::from(*days) * 86_400;
    Some(NewApiKey::random(&permissions, expiry, quota))
}

/// Stores a new key in the database and prints it.
async fn save_api_key(store: &Store, command: &Command, replaces: Option<&str>) -> Result<(), Error> {
    if let Some(prefix) = replaces {
        check_prefix(prefix)?;
    }
    // Another key can have the same prefix, which is random.
    while let Some(mut new) = new_api_key(command) {
        if let Some(prefix) = replaces {
            prefix.clone_into(&mut new.row.owner);
        }
        if store.add_api_key(&new.row).await? {
            println!("key (shown only once): {}", *new.key);
            println!("saved with the prefix: {}", new.row.prefix);
            let subjects: Vec<&str> = iter::once(new.row.prefix.as_str()).chain(replaces).collect();
            audit::admin_command("api-key --save", &subjects);
            break;
        }
    }
    Ok(())
}

async fn rotate_keys(store: &Store, settings: &Settings) -> Result<(), Error> {
    let file = settings.witness_key_ring.as_ref().ok_or(Error::NoKeyRing)?;
    let rotation = queue::rotate_keys(store, file, settings).await?;
    let changed: Vec<&str> = rotation
        .added
        .iter()
        .chain(&rotation.removed)
        .map(String::as_str)
        .collect();
    audit::admin_command("keys rotate", &changed);
    let names = [
        ("added", rotation.added.into_iter().collect::<Vec<_>>()),
        ("destroyed", rotation.removed),
        ("kept, because open jobs may need them", rotation.kept),
    ];
    for (what, names) in names {
        if !names.is_empty() {
            println!("{what}: {}", names.join(", "));
        }
    }
    Ok(())
}

async fn revoke_api_key(store: &Store, prefix: &str) -> Result<(), Error> {
    check_prefix(prefix)?;
    if !store.revoke_api_key(prefix).await? {
        return Err(Error::NoSuchKey(prefix.to_owned()));
    }
    println!("revoked {prefix}");
    audit::admin_command("revoke-key", &[prefix]);
    Ok(())
}

fn check_prefix(prefix: &str) -> Result<(), Error> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if prefix.len() == 8 && prefix.bytes().all(is_digit) {
        Ok(())
    } else {
        Err(Error::InvalidPrefix(prefix.to_owned()))
    }
}

/// Logs who may request proofs, if the operator probably intends something else.
async fn warn_about_access(allow_anonymous: bool, api_keys: &ApiKeys) {
    if allow_anonymous {
        tracing::warn!(
            event = "anonymous_allowed",
            "every client that reaches the port may request proofs (ALLOW_ANONYMOUS)"
        );
    } else if api_keys.is_empty().await {
        tracing::warn!(
            event = "no_access",
            "no client may request proofs: set API_KEYS (`prover-service api-key`), store a key in the database \
             (`prover-service api-key --save`), or set ALLOW_ANONYMOUS=true"
        );
    }
}

/// Connects to the database, if there is one. A command is no `process` of the deployment.
async fn connect(
    settings: &Settings,
    process: Option<Process>,
    connections: u32,
) -> Result<Option<Store>, Error> {
    let Some(url) = &settings.database_url else {
        return Ok(None);
    };
    let limit = Duration::from_millis(settings.statement_timeout_ms);
    let limits = SessionLimits {
        statement: limit,
        lock: limit,
        idle_in_transaction: limit,
    };
    let url = url.expose();
    let store = match process {
        Some(process) => Store::connect_as(&process.instance_name(), url, connections, limits).await?,
        None => Store::connect_within(url, connections, limits).await?,
    };
    Ok(Some(store))
}

/// Connects to the database. Returns the store of requests and the store of the service's own work,
/// which share `DATABASE_CONNECTIONS`. So requests that wait for the database hold no connection
/// that the worker, the housekeeping, the API keys or the health check need.
async fn connect_stores(settings: &Settings, process: Process) -> Result<Option<Stores>, Error> {
    let own = (settings.database_connections / 2).min(MAX_OWN_CONNECTIONS);
    let Some(requests) = connect(settings, Some(process), settings.database_connections - own).await? else {
        return Ok(None);
    };
    let own = connect(settings, Some(process), own).await?;
    Ok(own.map(|own| Stores { requests, own }))
}

/// Connects for a command that changes the schema or the API keys.
async fn connect_as_owner(settings: &Settings, command: &'static str) -> Result<Store, Error> {
    let url = settings.database_url.as_ref().ok_or(Error::NoDatabase(command))?;
    Ok(Store::connect(url.expose(), settings.database_connections).await?)
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

/// Opens the keys for witnesses, if there are some. A verifier needs none.
fn open_witness_keys(settings: &Settings, is_verifier: bool) -> Result<Option<Arc<WitnessKeys>>, SealError> {
    if is_verifier {
        return Ok(None);
    }
    let (configured, ring) = (settings.witness_keys.as_ref(), settings.witness_key_ring.as_ref());
    Ok(WitnessKeys::open(configured, ring)?.map(Arc::new))
}

async fn open_queue(
    settings: &Settings,
    keys: Option<Arc<WitnessKeys>>,
    is_worker: bool,
    service: &Service,
) -> Result<Option<Queue>, Error> {
    let process = if settings.run_jobs || is_worker {
        Process::Worker
    } else {
        Process::Prover
    };
    let Some(stores) = connect_stores(settings, process).await? else {
        return Ok(None);
    };
    stores.own.check_schema().await?;
    let keys = keys.ok_or(Error::NoWitnessKeys)?;
    let checked = stores.own.clone();
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
    Ok(Some(Queue::new(stores, keys, settings)))
}

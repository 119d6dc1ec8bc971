//! The API service answers what dApps read over HTTP. Its routes are built so that a client shows
//! as little as possible: trees are read in tiles, and holdings and nullifiers by prefix.
//!
//! ```text
//!   request -> CORS -> limits -> ETag -> response cache -> compression -> freshness -> route
//!                                                                                      |
//!                                   tiles: from memory, or from Postgres or a replica <-+
//!                                   a node: verifying keys, the tokens of a wallet    <-+
//!                                   the prover service: makes proofs                  <-+
//!                                   the relay: pays for verifications                 <-+
//! ```
//!
//! The folder `routes` has the HTTP routes. All other modules are domain code and don't know HTTP.
//! docs/api-service.md describes the service.

mod accounts;
mod audit;
mod audit_seals;
mod cache;
mod cluster_status;
mod clusters;
mod database_health;
mod databases;
mod deployment_counts;
mod eligibility;
mod feature_flags;
mod key_retention;
mod leaf_stream;
mod limits;
mod live;
mod metrics;
mod ohttp;
mod prefix;
mod proof_queue;
mod prover;
mod proving_keys;
mod relay;
mod relay_watch;
mod routes;
mod series;
mod settings;
mod staff;
mod threshold;
mod tile;
mod tiles;
mod time;
mod tree_upload;
mod upload_authority;
mod verifier;
mod verifying_keys;
mod webhooks;

use std::{
    convert::Infallible,
    process::ExitCode,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bauta_rpc::RpcError;
use bauta_service_common::{
    ApiKeyError, ApiKeys, Arguments, Check, InvalidRedisUrl, NewApiKey, Process, Quota, Refusals, Secret,
    Service, ServiceError, Streams, Tickets, TrustedProxies,
};
use bauta_store::{AuditCheck, AuditRecord, Role, SessionLimits, Store, StoreError};
use clap::{Parser, Subcommand, builder::PossibleValuesParser};
use solana_address::Address;
use tokio::sync::Semaphore;

use crate::{
    accounts::{AccountIds, AccountSetupError, Accounts},
    audit::Audit,
    audit_seals::AuditSigner,
    cluster_status::ClusterStatus,
    database_health::DatabaseHealth,
    databases::Databases,
    deployment_counts::DeploymentCounts,
    eligibility::Eligibility,
    feature_flags::Flags,
    limits::Limits,
    live::Live,
    ohttp::{Gateway, InvalidOhttpKey},
    proof_queue::ProofQueue,
    prover::{InvalidProverUrl, ProverService},
    proving_keys::{ProvingKeyError, ProvingKeys},
    relay::{Relay, RelaySetupError},
    relay_watch::RelayWatch,
    routes::{AppState, Dashboard, DashboardError, PERMISSIONS, ResponseCache},
    settings::Settings,
    staff::Staff,
    tiles::Tiles,
    tree_upload::TreeUploads,
    verifier::Verifier,
    verifying_keys::{VerifyingKeyError, VerifyingKeys},
    webhooks::{WebhookSetupError, Webhooks},
};

const NAME: &str = "bauta-api";
/// Timeout of Postgres's health check.
const PING_TIMEOUT: Duration = Duration::from_secs(1);
/// Interval at which the connection to Redis is checked.
const REDIS_CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Largest number of open event streams of a client.
const MAX_STREAMS_PER_CLIENT: usize = 16;
/// Largest number of open event streams.
const MAX_STREAMS: usize = 2_000;
/// Largest number of open event streams of a relay, so that few relays can't take all streams.
const MAX_STREAMS_PER_RELAY: usize = 4;
/// Largest number of open responses with the leaves of a tree for a client.
const MAX_TREES_PER_CLIENT: usize = 4;
/// Largest number of such responses. Each takes up to 400 KiB.
const MAX_TREES: usize = 128;
/// Number of seals that the checker of the audit log reads at a time.
const SEALS_AT_ONCE: u16 = 1_000;
/// Largest number of requests of the gateway for Oblivious HTTP in progress.
const MAX_OHTTP_REQUESTS: usize = 256;
/// Memory of its responses until they are encrypted in KiB.
const MAX_OHTTP_KIB: usize = 64 << 10;
/// Largest number of its large responses that are being read. Each takes up to 2 MiB.
const MAX_LARGE_OHTTP: usize = 64;
/// Largest number of those of a client, which is a relay.
const MAX_LARGE_OHTTP_PER_CLIENT: usize = 16;
/// What is missing without Redis.
const WITHOUT_REDIS: &str =
    "Redis is unavailable: this instance counts rate limits alone; the log has the cause";

/// Serves what dApps read over HTTP: registries, trees, scopes, verifications and analytics.
#[derive(Parser)]
#[command(name = NAME, version)]
struct Cli {
    #[command(flatten)]
    arguments: Arguments,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Generate an API key. Prints the key, and the line for `API_KEYS`. `prover-service api-key --save`
    /// stores a key in the database
    ApiKey {
        /// The key's permissions, separated by commas
        #[arg(long, value_parser = PERMISSIONS, value_delimiter = ',', default_value = routes::PROVE)]
        permissions: Vec<String>,
        /// Requests per minute of this key. 0: no limit. Default: `REQUESTS_PER_MINUTE`
        #[arg(long)]
        requests_per_minute: Option<u32>,
        /// Proofs per minute of this key. 0: no limit. Default: `PROOFS_PER_MINUTE`
        #[arg(long)]
        proofs_per_minute: Option<u32>,
        /// Days until the key expires, 1 to 3650
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
    },
    /// Give a wallet a role, for example the first owner. Needs `DATABASE_URL` and `ACCOUNT_KEY`
    GrantRole {
        /// The address of the wallet
        #[arg(long)]
        wallet: Address,
        /// The role
        #[arg(long, value_parser = PossibleValuesParser::new(Role::ALL.map(Role::as_str)))]
        role: String,
    },
    /// Compute the hashes of the audit log again, and compare them with the seals. Fails if a record
    /// was changed, removed or inserted. Needs `DATABASE_URL`, and `ACCOUNT_KEY` to check the
    /// signatures of the seals
    CheckAudit {
        /// An earlier checkpoint: the number of records and the hash, as
        /// `RECORDS:64 hexadecimal digits`. Fails if the log had another record then
        #[arg(long, value_parser = parse_checkpoint)]
        checkpoint: Option<(u64, [u8; 32])>,
    },
}

impl Command {
    async fn run(&self, arguments: &Arguments) -> Result<(), Error> {
        match self {
            Self::ApiKey {
                permissions,
                requests_per_minute,
                proofs_per_minute,
                days,
            } => {
                let quota = Quota {
                    requests_per_minute: *requests_per_minute,
                    proofs_per_minute: *proofs_per_minute,
                };
                print_key(permissions, quota, *days);
            }
            Self::GrantRole { wallet, role } => {
                let Some(settings) = arguments.settings::<Settings>()? else {
                    return Ok(());
                };
                grant_role(&settings, wallet, role).await?;
            }
            Self::CheckAudit { checkpoint } => {
                let Some(settings) = arguments.settings::<Settings>()? else {
                    return Ok(());
                };
                check_audit(&settings, *checkpoint).await?;
            }
        }
        Ok(())
    }
}

fn print_key(permissions: &[String], quota: Quota, days: u32) {
    let permissions: Vec<&str> = permissions.iter().map(String::as_str).collect();
    let expiry = time::unix_seconds().unsigned_abs() + u64::from(days) * 86_400;
    let new = NewApiKey::random(&permissions, expiry, quota);
    println!("key (shown only once): {}", *new.key);
    println!("line for API_KEYS:     {}", new.line);
}

/// Gives a wallet a role in the database.
async fn grant_role(settings: &Settings, wallet: &Address, role: &str) -> Result<(), Error> {
    let key = settings.accounts.account_key.as_ref();
    let ids = AccountIds::new(key.ok_or(AccountSetupError::NoAccountKey)?)?;
    let store = Store::connect(settings.database_url.expose(), 1).await?;
    store.check_schema().await?;
    // The parser of the argument accepts no other name.
    if let Some(role) = Role::from_name(role) {
        let id = ids.of(wallet);
        let record = AuditRecord::of(
            "role_granted",
            "operator",
            &format!("{} {}", hex::encode(id.0), role.as_str()),
        );
        store.grant_role(id, role, &record).await?;
    }
    println!("account {} has the role {role}", hex::encode(ids.of(wallet).0));
    Ok(())
}

/// Reads a checkpoint of the audit log.
fn parse_checkpoint(text: &str) -> Result<(u64, [u8; 32]), String> {
    let rule = || "must be RECORDS:HASH, a number and 64 hexadecimal digits".to_owned();
    let (records, digits) = text.split_once(':').ok_or_else(rule)?;
    let mut hash = [0; 32];
    hex::decode_to_slice(digits, &mut hash).map_err(|_| rule())?;
    Ok((records.parse().map_err(|_| rule())?, hash))
}

/// Checks the audit log of the database.
async fn check_audit(settings: &Settings, checkpoint: Option<(u64, [u8; 32])>) -> Result<(), Error> {
    let store = Store::connect(settings.database_url.expose(), 1).await?;
    store.check_schema().await?;
    match store.check_audit_log(checkpoint).await? {
        AuditCheck::Complete(head) => {
            check_seals(settings, &store).await?;
            println!(
                "{} records, {}:{}",
                head.records,
                head.records,
                hex::encode(head.hash)
            );
            Ok(())
        }
        AuditCheck::Broken(number) => Err(Error::AuditBroken(number)),
        AuditCheck::OtherHead { records, head } => Err(Error::AuditCut { records, head }),
    }
}

/// Checks the signatures of the seals, if the key is known.
async fn check_seals(settings: &Settings, store: &Store) -> Result<(), Error> {
    let Some(key) = &settings.accounts.account_key else {
        println!("the signatures of the seals are not checked: set ACCOUNT_KEY");
        return Ok(());
    };
    let checkpoints = AccountIds::new(key)?.checkpoints("");
    let (mut seals, mut last) = (0_u64, 0);
    loop {
        let page = store.audit_seals(last, SEALS_AT_ONCE).await?;
        if page.is_empty() {
            println!("{seals} seals, all signed with the key of this service");
            return Ok(());
        }
        for seal in page {
            if !checkpoints.has_signed(&seal.note, &seal.head) {
                return Err(Error::AuditSeal(seal.head.records));
            }
            (seals, last) = (seals + 1, seal.head.records);
        }
    }
}

/// Why the service can't start, or why it stopped.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error("the database (DATABASE_URL): {0}")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Redis(#[from] InvalidRedisUrl),
    #[error("the database for uploads (UPLOAD_DATABASE_URL): {0}")]
    Uploads(#[source] StoreError),
    #[error("a replica (DATABASE_READ_URLS): {0}")]
    Replica(#[source] StoreError),
    #[error("the node (SOLANA_RPC_URL): {0}")]
    Keys(#[from] VerifyingKeyError),
    #[error("the node (SOLANA_RPC_URL): {0}")]
    Node(#[from] RpcError),
    #[error(transparent)]
    Relay(#[from] RelaySetupError),
    #[error(transparent)]
    Prover(#[from] InvalidProverUrl),
    #[error("the web keys (PROVING_KEYS_DIR): {0}")]
    ProvingKeys(#[from] ProvingKeyError),
    #[error(transparent)]
    Accounts(#[from] AccountSetupError),
    #[error(transparent)]
    Webhooks(#[from] WebhookSetupError),
    #[error("the dashboard (DASHBOARD_DIR): {0}")]
    Dashboard(#[from] DashboardError),
    #[error(transparent)]
    Ohttp(#[from] InvalidOhttpKey),
    #[error("the audit log was changed: record {0} is missing, or not as it was written")]
    AuditBroken(u64),
    #[error(
        "the seal of record {0} is not signed with the key of this service (ACCOUNT_KEY): the seal was changed, or the \
         service had another key"
    )]
    AuditSeal(u64),
    #[error("the audit log was cut: it has {records} records, and should have {head}")]
    AuditCut { records: u64, head: u64 },
    #[error("API_KEYS: {0}")]
    ApiKeys(#[from] ApiKeyError),
}

#[tokio::main]
async fn main() -> ExitCode {
    bauta_service_common::exit_code(Box::pin(run(&Cli::parse())).await)
}

async fn run(cli: &Cli) -> Result<(), Error> {
    if let Some(command) = &cli.command {
        return command.run(&cli.arguments).await;
    }
    let Some(settings) = cli.arguments.settings::<Settings>()? else {
        return Ok(());
    };
    let api_keys = settings
        .api_keys
        .as_ref()
        .map(|keys| ApiKeys::parse(keys, &PERMISSIONS))
        .transpose()?;
    let service = Service::start(NAME, env!("CARGO_PKG_VERSION"), &settings.operations).await?;
    metrics::register();
    let store = Store::connect_as(
        &Process::Api.instance_name(),
        settings.database_url.expose(),
        settings.database_connections,
        SessionLimits::default(),
    )
    .await?;
    store.check_schema().await?;
    add_database_check(&service, &store);
    let replicas = settings
        .database_read_urls
        .iter()
        .map(|url| Store::connect_lazily(url.expose(), settings.database_connections))
        .collect::<Result<_, _>>()
        .map_err(Error::Replica)?;
    let node = settings.solana_rpc_url.as_ref().map(Secret::expose);
    let request_timeout = Duration::from_millis(settings.http.request_timeout_ms);
    let relay = Relay::start(&settings.relay, node, &store, &service).await?;
    let relay_watch = RelayWatch::start(&store, &service);
    let webhooks = Webhooks::new(settings.webhooks.key.as_ref(), &settings.webhooks.networks)?;
    if let Some(webhooks) = &webhooks {
        webhooks.start(&store, &service);
    }
    let accounts = Accounts::new(&settings.accounts, &settings.http.allowed_origins)?;
    let audit_signer = accounts.as_ref().map(|accounts| {
        let signer = AuditSigner::new(store.clone(), accounts.checkpoints.clone());
        Arc::new(signer)
    });
    if let Some(signer) = &audit_signer {
        audit_seals::start(signer.clone(), &service);
    }
    key_retention::start(store.clone(), &service);
    let state = Arc::new(AppState {
        webhooks,
        relay_watch,
        streams_of_relays: Streams::new(MAX_STREAMS_PER_RELAY, MAX_STREAMS),
        relay: relay.map(Arc::new),
        k: store.anonymity_threshold().await?,
        uploads: TreeUploads::new(&settings.uploads, &settings.http).map_err(Error::Uploads)?,
        live: Live::start(store.clone(), &service).await?,
        cluster_status: ClusterStatus::new(node)?,
        deployment_counts: DeploymentCounts::new(store.clone()),
        proof_queue: ProofQueue::start(store.clone(), &service),
        ohttp: settings.ohttp_key.as_ref().map(Gateway::new).transpose()?,
        ohttp_requests: Semaphore::new(MAX_OHTTP_REQUESTS),
        ohttp_memory: Semaphore::new(MAX_OHTTP_KIB),
        ohttp_large: Streams::new(MAX_LARGE_OHTTP_PER_CLIENT, MAX_LARGE_OHTTP),
        cluster_name: OnceLock::new(),
        event_streams: Streams::with_reserve(settings.event_streams_per_client, settings.event_streams),
        flags: Flags::read(store.clone()).await?,
        tickets: Tickets::new(Some(store.clone())),
        staff: Staff::new(store.clone()),
        audit: Audit::start(store.clone(), &service),
        audit_signer,
        api_keys: api_keys.unwrap_or_default().with_store(store.clone()),
        database_health: DatabaseHealth::start(store.clone(), &service).await,
        databases: Arc::new(Databases::start(store, replicas, &service).await?),
        tiles: Arc::new(Tiles::new(settings.tile_cache_mb << 20)),
        responses: ResponseCache::default(),
        verifying_keys: VerifyingKeys::new(node)?,
        proving_keys: ProvingKeys::read(settings.proving_keys_dir.as_deref())?,
        verifier: Verifier::default(),
        accounts,
        prover: ProverService::new(&settings.prover, request_timeout)?,
        eligibility: Eligibility::new(node)?,
        streams: Streams::new(MAX_STREAMS_PER_CLIENT, MAX_STREAMS),
        trees: Streams::new(MAX_TREES_PER_CLIENT, MAX_TREES),
        refusals: Refusals::start(&service),
        shutdown: service.shutdown(),
        limits: Limits::new(&settings)?,
        trusted_proxies: TrustedProxies::new(settings.http.trusted_proxies.clone()),
    });
    age_caches(&service, &state);
    follow_keys(&service, &state);
    keep_redis_connected(&service, &state).await;
    let mut http = settings.http.clone();
    // The routes have their own layer for web pages, because most need no API key.
    let origins = std::mem::take(&mut http.allowed_origins);
    let dashboard = Dashboard::read(settings.dashboard_dir.as_deref())?;
    let routes = routes::all(&state, service.metrics_route(), &dashboard, origins);
    service.serve(settings.port, routes, &http).await?;
    tracing::info!(event = "ready");
    Ok(service.run().await?)
}

/// Starts the task that drops old responses and verdicts from memory.
fn age_caches(service: &Service, state: &Arc<AppState>) {
    let (shutdown, state) = (service.shutdown(), state.clone());
    service.spawn("the caches", async move {
        let mut responses = tokio::time::interval(routes::MAX_AGE);
        let mut verdicts = tokio::time::interval(verifier::MAX_AGE);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return Ok::<_, Infallible>(()),
                _ = responses.tick() => state.responses.age(),
                _ = verdicts.tick() => state.verifier.age(),
            }
        }
    });
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

/// Connects to Redis, and keeps the connection open until the service shuts down.
async fn keep_redis_connected(service: &Service, state: &Arc<AppState>) {
    let Some(redis) = state.limits.redis().cloned() else {
        return;
    };
    redis.ensure_connected().await;
    let checked = redis.clone();
    service.health().add("redis", move || {
        let redis = checked.clone();
        async move { redis.check(WITHOUT_REDIS) }
    });
    let shutdown = service.shutdown();
    service.spawn("the connection to Redis", async move {
        while !shutdown.is_cancelled() {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(REDIS_CHECK_INTERVAL) => {
                    redis.ensure_connected().await;
                }
            }
        }
        Ok::<_, Infallible>(())
    });
}

/// Adds the check of Postgres. Without it the instance is only degraded, because all instances lose
/// Postgres at the same time, and a load balancer must not remove all of them.
fn add_database_check(service: &Service, store: &Store) {
    let store = store.clone();
    service.health().add("database", move || {
        let store = store.clone();
        async move {
            let error = match tokio::time::timeout(PING_TIMEOUT, store.ping()).await {
                Ok(Ok(())) => return Check::Ok,
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("no answer within {} s", PING_TIMEOUT.as_secs()),
            };
            // The response of `/ready` doesn't contain the error of the database.
            tracing::warn!(event = "database_unavailable", error);
            Check::Degraded {
                reason: "Postgres is unavailable, so no route can be answered; the log has the cause"
                    .to_owned(),
            }
        }
    });
}

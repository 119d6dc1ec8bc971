use std::path::PathBuf;

use bauta_service_common::{HttpSettings, OperationsSettings, Secret};
use confique::Config;

/// The default of [`Settings::ws_url`].
pub const DEFAULT_WEBSOCKET_URL: &str = "/ws";

/// Settings of the prover service.
#[derive(Debug, Config)]
pub struct Settings {
    /// Port to listen on. 0 chooses a free port.
    #[config(env = "PORT", default = 3001)]
    pub port: u16,

    /// Key files of the circuits to prove, in the format that `bauta-circuits import` writes. In
    /// the environment, separated by commas. Without key files, development keys are used if they
    /// are allowed.
    #[config(env = "KEY_FILES", parse_env = confique::env::parse::list_by_comma, default = [])]
    pub key_files: Vec<PathBuf>,

    /// Whether development keys are allowed. They are made from a published seed, so anyone can
    /// forge proofs with them. Never allow them where something of value is at stake.
    #[config(env = "ALLOW_DEVELOPMENT_KEYS", default = false)]
    pub allow_development_keys: bool,

    /// Folder for two caches. Tables that are computed from the keys make the start fast, and are
    /// trusted as much as the keys. Cached proofs are not trusted.
    #[config(env = "CACHE_DIR", default = "./cache")]
    pub cache_dir: PathBuf,

    /// Folder of models for the statement `policy`. This version can't prove that statement, and
    /// uses the folder only to choose the error for a request with `model_id`.
    #[config(env = "MODELS_DIR", default = "./models")]
    pub models_dir: PathBuf,

    /// URL of the websocket in the response to a job. Set it if clients don't reach the websocket
    /// at `/ws` of this service.
    #[config(env = "WS_URL", default = "/ws")]
    pub ws_url: String,

    /// Key for the caches: 64 hexadecimal digits (`openssl rand -hex 32`). Entries are encrypted
    /// with it, and their names reveal nothing without it. All instances that share Redis need the
    /// same key. Without it, neither proofs nor results of verifications are cached.
    #[config(env = "CACHE_KEY")]
    pub cache_key: Option<Secret>,

    /// Largest number of cached proofs on disk, and for each circuit in Redis. A proof takes 296
    /// bytes in Redis and one block on disk. 0 disables the cache of proofs.
    #[config(env = "PROOF_CACHE_ENTRIES", default = 10_000)]
    pub proof_cache_entries: usize,

    /// Redis: `redis://user:password@host:port/database`, or `rediss://` for TLS. Instances share
    /// cached proofs, results of verifications, verifying keys and rate limits through it. Without
    /// Redis, and while it is unavailable, each instance has only its own cache and counts rate
    /// limits alone.
    #[config(env = "REDIS_URL")]
    pub redis_url: Option<Secret>,

    /// Number of proofs that run at the same time. At least 1. A proof uses one thread, or all
    /// threads if no other proof runs.
    #[config(env = "MAX_CONCURRENT_PROOFS", default = 4, validate(*max_concurrent_proofs >= 1, "must be at least 1"))]
    pub max_concurrent_proofs: usize,

    /// Largest number of requests that wait for a worker slot. Further requests are refused with
    /// status 429 and Retry-After.
    #[config(env = "MAX_WAITING_PROOFS", default = 256)]
    pub max_waiting_proofs: usize,

    /// Timeout of a proof in milliseconds, including the time in the queue. At least 1.
    #[config(env = "PROOF_TIMEOUT_MS", default = 30_000, validate(*proof_timeout_ms >= 1, "must be at least 1"))]
    pub proof_timeout_ms: u64,

    /// Postgres: `postgres://user:password@host:port/database`, with `?sslmode=verify-full` for
    /// verified TLS. It stores jobs. If an indexer writes to it, it also has paths. Without it, the
    /// service has no jobs, and requests must contain their path.
    #[config(env = "DATABASE_URL")]
    pub database_url: Option<Secret>,

    /// Largest number of connections to Postgres. At least 6. Half of them, at most 8, are for the
    /// service's own work: jobs, notifications, API keys and the health check.
    #[config(env = "DATABASE_CONNECTIONS", default = 50, validate(*database_connections >= 6, "must be at least 6"))]
    pub database_connections: u32,

    /// Milliseconds after which Postgres cancels a statement of this service. At least 100.
    /// It doesn't apply to the commands `migrate`, `api-key` and `revoke-key`.
    #[config(env = "STATEMENT_TIMEOUT_MS", default = 10_000, validate(*statement_timeout_ms >= 100, "must be at least 100"))]
    pub statement_timeout_ms: u64,

    /// Keys for witnesses in the database: `name:64 hexadecimal digits`, separated by commas. All
    /// keys decrypt. The first key encrypts if there is no `WITNESS_KEY_RING`. One of the two is
    /// required with `DATABASE_URL`.
    #[config(env = "WITNESS_KEYS")]
    pub witness_keys: Option<Secret>,

    /// File with keys for witnesses, which all instances share and which only their user can read.
    /// `prover-service keys rotate` creates it. Its keys are replaced and destroyed while the
    /// service runs, so that archived logs of the database can't be decrypted later. Put it on no
    /// disk whose backups contain the database.
    #[config(env = "WITNESS_KEY_RING")]
    pub witness_key_ring: Option<PathBuf>,

    /// Seconds after which the newest key of `WITNESS_KEY_RING` is replaced. 0: only the command
    /// `keys rotate` replaces it.
    #[config(env = "WITNESS_KEY_ROTATION_SECONDS", default = 86_400)]
    pub witness_key_rotation_seconds: u64,

    /// Seconds for which a replaced key of `WITNESS_KEY_RING` still opens what clients have sealed
    /// to it. `/sealing-key` says until when a key is accepted at least. It must be the same for
    /// all instances.
    #[config(env = "SEALING_KEY_GRACE_SECONDS", default = 120)]
    pub sealing_key_grace_seconds: u64,

    /// API keys, separated by commas. `prover-service api-key` prints them. The database can have
    /// further keys (`prover-service api-key --save`). Without API keys and without
    /// `ALLOW_ANONYMOUS`, no client may request proofs.
    #[config(env = "API_KEYS")]
    pub api_keys: Option<Secret>,

    /// Whether every client that reaches the port may request proofs without an API key. Any
    /// of these clients that knows the id of a job can read its answer.
    #[config(env = "ALLOW_ANONYMOUS", default = false)]
    pub allow_anonymous: bool,

    /// Requests per minute for each API key that has no own limit. 0 means no limit. Further
    /// requests are refused with status 429 and Retry-After. Instances that share Redis count
    /// together.
    #[config(env = "REQUESTS_PER_MINUTE", default = 0)]
    pub requests_per_minute: u32,

    /// Proofs per minute for each API key that has no own limit. Each proof of a batch counts. 0
    /// means no limit.
    #[config(env = "PROOFS_PER_MINUTE", default = 0)]
    pub proofs_per_minute: u32,

    /// Requests per minute for each address without an API key (IPv6: each /64). 0 means no limit.
    /// Behind a proxy, set `TRUSTED_PROXIES`. Otherwise all clients have the proxy's address.
    #[config(env = "ANONYMOUS_REQUESTS_PER_MINUTE", default = 100)]
    pub anonymous_requests_per_minute: u32,

    /// Proofs per minute for each address without an API key, if `ALLOW_ANONYMOUS` is true. 0 means
    /// no limit.
    #[config(env = "ANONYMOUS_PROOFS_PER_MINUTE", default = 10)]
    pub anonymous_proofs_per_minute: u32,

    /// Largest number of open websockets and event streams of each API key, or of each address
    /// without one, and largest number of its requests that wait for a job. At least 1.
    #[config(env = "MAX_STREAMS_PER_CLIENT", default = 64, validate(*max_streams_per_client >= 1, "must be at least 1"))]
    pub max_streams_per_client: usize,

    /// Milliseconds after which a websocket without a subscription is closed, whatever else its
    /// client sends. At least 100.
    #[config(env = "WEBSOCKET_IDLE_TIMEOUT_MS", default = 60_000, validate(*websocket_idle_timeout_ms >= 100, "must be at least 100"))]
    pub websocket_idle_timeout_ms: u64,

    /// Whether this process runs jobs. A process started as `worker` always does.
    #[config(env = "RUN_JOBS", default = true)]
    pub run_jobs: bool,

    /// Largest number of queued jobs. One API key, or all clients without one, may have half of
    /// them. Further jobs are refused with status 429 and Retry-After.
    #[config(env = "MAX_QUEUED_JOBS", default = 10_000)]
    pub max_queued_jobs: u64,

    /// Milliseconds after which a job that has not ended fails. At least 1,000.
    #[config(env = "JOB_DEADLINE_MS", default = 600_000, validate(*job_deadline_ms >= 1000, "must be at least 1000"))]
    pub job_deadline_ms: u64,

    /// Seconds after which an ended job is deleted.
    #[config(env = "JOB_RETENTION_SECONDS", default = 86_400)]
    pub job_retention_seconds: u64,

    /// Largest number of ended jobs of each API key, or of all clients without one. The oldest are
    /// deleted before `JOB_RETENTION_SECONDS` have passed. At least 1, because the result of a job
    /// is read after its end.
    #[config(env = "MAX_ENDED_JOBS", default = 20_000, validate(*max_ended_jobs >= 1, "must be at least 1"))]
    pub max_ended_jobs: u64,

    /// Limits of HTTP requests and connections.
    #[config(nested)]
    pub http: HttpSettings,

    /// Logs, spans, metrics and shutdown.
    #[config(nested)]
    pub operations: OperationsSettings,
}

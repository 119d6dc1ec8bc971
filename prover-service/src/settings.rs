use std::path::PathBuf;

use bauta_service_common::{HttpSettings, OperationsSettings, Secret};
use confique::Config;

/// Settings of the prover service.
#[derive(Debug, Config)]
pub struct Settings {
    /// Port to listen on. 0 takes a free one.
    #[config(env = "PORT", default = 3001)]
    pub port: u16,

    /// Key files of the circuits to prove (as `bauta-circuits import` writes them). In the environment separated by commas. None: development keys, if they
    /// are allowed.
    #[config(env = "KEY_FILES", parse_env = confique::env::parse::list_by_comma, default = [])]
    pub key_files: Vec<PathBuf>,

    /// Whether keys whose secrets are published may be used. Anybody can forge proofs for them: never where anything of value is.
    #[config(env = "ALLOW_DEVELOPMENT_KEYS", default = false)]
    pub allow_development_keys: bool,

    /// Folder for tables of multiples of the keys' points, which make a start fast (as trusted as the keys), and for proofs (not trusted).
    #[config(env = "CACHE_DIR", default = "./cache")]
    pub cache_dir: PathBuf,

    /// Folder of models, for the statement `policy`, which this version can't prove: a request that names none of it is told so.
    #[config(env = "MODELS_DIR", default = "./models")]
    pub models_dir: PathBuf,

    /// Where clients reach the websocket, if not at `/ws` of this service; told in the answer to a job.
    #[config(env = "WS_URL", default = "/ws")]
    pub ws_url: String,

    /// 64 hexadecimal digits (`openssl rand -hex 32`): with it, proofs and results of verifications are cached, under names and in a form that tell nothing
    /// without it. The same for all instances that share Redis. None: nothing of the sort is cached.
    #[config(env = "CACHE_KEY")]
    pub cache_key: Option<Secret>,

    /// Most cached proofs, on disk and for each circuit in Redis; each takes 296 bytes (a file's block on disk). 0 caches none.
    #[config(env = "PROOF_CACHE_ENTRIES", default = 10_000)]
    pub proof_cache_entries: usize,

    /// Redis: `redis://user:password@host:port/database`, or `rediss://` for TLS, for what instances share: cached proofs, results of verifications,
    /// verifying keys, rates. Without it, or while it is away, there is less in the caches, and each instance counts rates alone.
    #[config(env = "REDIS_URL")]
    pub redis_url: Option<Secret>,

    /// Proofs made at the same time, from 1. Each has one thread, and all threads when it is alone.
    #[config(env = "MAX_CONCURRENT_PROOFS", default = 4, validate(*max_concurrent_proofs >= 1, "must be at least 1"))]
    pub max_concurrent_proofs: usize,

    /// Requests that may wait for a proof to be begun; more are refused with 429 and Retry-After.
    #[config(env = "MAX_WAITING_PROOFS", default = 256)]
    pub max_waiting_proofs: usize,

    /// Milliseconds that a proof may take, its waiting included, from 1.
    #[config(env = "PROOF_TIMEOUT_MS", default = 30_000, validate(*proof_timeout_ms >= 1, "must be at least 1"))]
    pub proof_timeout_ms: u64,

    /// Postgres: `postgres://user:password@host:port/database`, with `?sslmode=verify-full` for TLS that is checked, for jobs and, where an indexer fills it,
    /// paths. Without it there are no jobs, and requests bring their path.
    #[config(env = "DATABASE_URL")]
    pub database_url: Option<Secret>,

    /// Most connections to Postgres, from 2.
    #[config(env = "DATABASE_CONNECTIONS", default = 50, validate(*database_connections >= 2, "must be at least 2"))]
    pub database_connections: u32,

    /// Keys for witnesses in the database, `name:64 hexadecimal digits`, separated by commas; with `DATABASE_URL` there must be one. The first
    /// encrypts, all decrypt: to rotate, put a new one first and drop the old one after `JOB_DEADLINE_MS`.
    #[config(env = "WITNESS_KEYS")]
    pub witness_keys: Option<Secret>,

    /// API keys, as `prover-service api-key` prints them, separated by commas. None: whoever reaches the port may prove.
    #[config(env = "API_KEYS")]
    pub api_keys: Option<Secret>,

    /// Requests a minute that an API key, or without one an address, may make at all instances that share Redis; more are refused with 429 and Retry-After. 0:
    /// no limit. Without Redis each instance counts alone. Behind a proxy all clients without a key have its address.
    #[config(env = "REQUESTS_PER_MINUTE", default = 0)]
    pub requests_per_minute: u32,

    /// Requests a minute that an address may make without an API key where there are some (`API_KEYS`): to verify, to list circuits, to guess keys. 0: no
    /// limit.
    #[config(env = "STRANGER_REQUESTS_PER_MINUTE", default = 100)]
    pub stranger_requests_per_minute: u32,

    /// Proofs a minute that an API key, or without one an address, may ask for, those of batches counted each. 0: no limit.
    #[config(env = "PROOFS_PER_MINUTE", default = 0)]
    pub proofs_per_minute: u32,

    /// Whether this process runs jobs too, or leaves them to others. A `worker` always does.
    #[config(env = "RUN_JOBS", default = true)]
    pub run_jobs: bool,

    /// Jobs that may wait in the database; more are refused with 429 and Retry-After.
    #[config(env = "MAX_QUEUED_JOBS", default = 10_000)]
    pub max_queued_jobs: u64,

    /// Milliseconds after which a job that hasn't ended has failed, from 1,000.
    #[config(env = "JOB_DEADLINE_MS", default = 600_000, validate(*job_deadline_ms >= 1000, "must be at least 1000"))]
    pub job_deadline_ms: u64,

    /// Seconds after which a job that has ended is forgotten.
    #[config(env = "JOB_RETENTION_SECONDS", default = 86_400)]
    pub job_retention_seconds: u64,

    /// Limits of requests.
    #[config(nested)]
    pub http: HttpSettings,

    /// Logs, metrics and the end.
    #[config(nested)]
    pub operations: OperationsSettings,
}

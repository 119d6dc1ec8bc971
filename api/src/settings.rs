use std::path::PathBuf;

use bauta_service_common::{HttpSettings, Network, OperationsSettings, Origin, Secret};
use confique::Config;

use crate::{
    relay::{
        budgets::{KeyBudget, Sponsored},
        consumers::Consumer,
        wallets::payer::Payer,
    },
    upload_authority::UploadAuthority,
};

/// Settings of the API service.
#[derive(Debug, Config)]
pub struct Settings {
    /// Port to listen on. 0 chooses a free port.
    #[config(env = "PORT", default = 8080)]
    pub port: u16,

    /// URL of Postgres: `postgres://user:password@host:port/database`. The user needs the role
    /// `bauta_api`. The service doesn't migrate.
    #[config(env = "DATABASE_URL")]
    pub database_url: Secret,

    /// Largest number of connections to Postgres, and to each replica. At least 2, because one
    /// receives notifications.
    #[config(env = "DATABASE_CONNECTIONS", default = 50, validate(*database_connections >= 2, "must be at least 2"))]
    pub database_connections: u32,

    /// URLs of replicas of that database, separated by commas. Requests read from them as far as
    /// they have followed the primary. A replica may be unavailable.
    #[config(env = "DATABASE_READ_URLS", parse_env = secrets, default = [])]
    pub database_read_urls: Vec<Secret>,

    /// Bytes in MiB of the tiles that are kept in memory. 0 keeps none. A tree with a million
    /// leaves has about 33 MiB of tiles.
    #[config(env = "TILE_CACHE_MB", default = 64, validate(*tile_cache_mb <= 1 << 20, "must be at most 1048576"))]
    pub tile_cache_mb: usize,

    /// JSON-RPC URL of a node, from which verifying keys and the tokens of wallets are read. Each
    /// key is compared with its hash. Without a node, the routes of verifying keys and eligibility
    /// answer `feature_disabled`.
    #[config(env = "SOLANA_RPC_URL")]
    pub solana_rpc_url: Option<Secret>,

    /// Folder with the web keys that browsers prove with. `bauta-circuits web-key` writes them. The
    /// name of a file is its SHA-256: 64 lower-case hexadecimal digits. They are read at start and
    /// kept in memory: at most 32, each of at most 16 MiB.
    #[config(env = "PROVING_KEYS_DIR")]
    pub proving_keys_dir: Option<PathBuf>,

    /// Folder with the built dashboard for operators, `web/dashboard/dist`. It is read at start, and
    /// served at `/dashboard/`. Without it, the files of a program with the feature `dashboard` are.
    #[config(env = "DASHBOARD_DIR")]
    pub dashboard_dir: Option<PathBuf>,

    /// Key of the gateway for Oblivious HTTP: 64 hexadecimal digits from `openssl rand -hex 32`, the
    /// same for all instances. Without it, there is no gateway. After it is replaced, clients read
    /// the keys of the gateway again.
    #[config(env = "OHTTP_KEY")]
    pub ohttp_key: Option<Secret>,

    /// URL of Redis, where instances count rate limits together. Without it, each instance counts
    /// alone.
    #[config(env = "REDIS_URL")]
    pub redis_url: Option<Secret>,

    /// Requests per minute for each address (IPv6: each /64), without those for tiles and leaves. 0
    /// means no limit. Behind a proxy, set `TRUSTED_PROXIES`. Otherwise all clients have the
    /// proxy's address.
    #[config(env = "ANONYMOUS_REQUESTS_PER_MINUTE", default = 100)]
    pub anonymous_requests_per_minute: u32,

    /// Tiles, and requests for leaves, per minute for each address. Each tile of a list counts. 0
    /// means no limit.
    #[config(env = "ANONYMOUS_TILES_PER_MINUTE", default = 6_000)]
    pub anonymous_tiles_per_minute: u32,

    /// Requests per minute for each API key that has no own limit. They don't count for the
    /// address. 0 means no limit.
    #[config(env = "REQUESTS_PER_MINUTE", default = 1_000)]
    pub requests_per_minute: u32,

    /// Requests per minute of all clients. 0 means no limit.
    #[config(env = "TOTAL_REQUESTS_PER_MINUTE", default = 0)]
    pub total_requests_per_minute: u32,

    /// Largest number of open event streams and websockets for events. Each takes about 20 KiB. A
    /// quarter is kept for clients with a ticket of an API key.
    #[config(env = "EVENT_STREAMS", default = 2_000)]
    pub event_streams: usize,

    /// Largest number of them for each client: an address (IPv6: each /64), or the owner of an API
    /// key.
    #[config(env = "EVENT_STREAMS_PER_CLIENT", default = 16)]
    pub event_streams_per_client: usize,

    /// API keys, separated by commas. `bauta-api api-key` prints them. The database can have
    /// further keys. Only the routes that make proofs or store trees need a key, and relays that
    /// the owner of a key pays for.
    #[config(env = "API_KEYS")]
    pub api_keys: Option<Secret>,

    /// Accounts of wallets that log in.
    #[config(nested)]
    pub accounts: AccountSettings,

    /// Webhooks of developers.
    #[config(nested)]
    pub webhooks: WebhookSettings,

    /// The prover service, which makes proofs for members who delegate proving.
    #[config(nested)]
    pub prover: ProverSettings,

    /// Uploads of the trees of attested registries.
    #[config(nested)]
    pub uploads: UploadSettings,

    /// The relay, which pays for verifications.
    #[config(nested)]
    pub relay: RelaySettings,

    /// Limits of HTTP requests and connections.
    #[config(nested)]
    pub http: HttpSettings,

    /// Logs, spans, metrics and shutdown.
    #[config(nested)]
    pub operations: OperationsSettings,
}

/// Accounts of wallets that log in. Without a secret, no wallet can log in.
#[derive(Debug, Config)]
pub struct AccountSettings {
    /// The secret that the key of access tokens is derived from: at least 32 characters, from
    /// `openssl rand -hex 32`, the same for all instances. After it is replaced, access tokens are
    /// refused, and clients refresh them.
    #[config(env = "JWT_SECRET")]
    pub jwt_secret: Option<Secret>,

    /// The audience of access tokens. Tokens for other audiences are refused.
    #[config(env = "JWT_AUDIENCE", default = "bauta-api")]
    pub jwt_audience: String,

    /// Key of the hashes that stand for wallets: 64 hexadecimal digits from `openssl rand -hex 32`,
    /// the same for all instances. Keep it: with another key, no wallet has its roles and API keys.
    #[config(env = "ACCOUNT_KEY")]
    pub account_key: Option<Secret>,

    /// The origin under which clients reach this service, for example `https://api.example.org`. It
    /// is the issuer of access tokens. Wallets log in on its pages and on those of
    /// `ALLOWED_ORIGINS`.
    #[config(env = "PUBLIC_URL")]
    pub public_url: Option<Origin>,

    /// Logins, and uses of refresh tokens, per minute for each address (IPv6: each /64). 0 means no
    /// limit.
    #[config(env = "LOGINS_PER_MINUTE", default = 10)]
    pub logins_per_minute: u32,
}

/// Webhooks of developers. Without a key, there are none.
#[derive(Debug, Config)]
pub struct WebhookSettings {
    /// Key that encrypts the secrets of webhooks in the database: 64 hexadecimal digits from
    /// `openssl rand -hex 32`, the same for all instances.
    #[config(env = "WEBHOOK_KEY")]
    pub key: Option<Secret>,

    /// Addresses and networks of the operator that webhooks may be sent to, besides public
    /// addresses (in the environment, separated by commas). URLs with one of these addresses may
    /// begin with `http://`. Every developer can reach them with a POST request from this service.
    #[config(env = "WEBHOOK_NETWORKS", parse_env = confique::env::parse::list_by_comma, default = [])]
    pub networks: Vec<Network>,
}

/// Uploads of the trees of attested registries. Without a URL, no tree is accepted.
#[derive(Debug, Config)]
pub struct UploadSettings {
    /// URL of the same database for uploads of trees. The user needs the role `bauta_uploads`,
    /// which may write trees; everything else uses `DATABASE_URL`.
    #[config(env = "UPLOAD_DATABASE_URL")]
    pub database_url: Option<Secret>,

    /// Largest number of leaves of an uploaded tree. Each takes about 150 bytes of memory during
    /// the upload. At most 16,777,216.
    #[config(env = "MAX_UPLOADED_LEAVES", default = 1_048_576, validate(*max_leaves <= 1 << 24, "must be at most 16777216"))]
    pub max_leaves: u64,

    /// Addresses of the wallets that may upload the trees of the registries that they are the
    /// authority of (in the environment, separated by commas). Anyone can create a registry and is
    /// its authority, so other wallets need an API key with the permission `trees`.
    #[config(env = "UPLOAD_AUTHORITIES", parse_env = confique::env::parse::list_by_comma, default = [])]
    pub authorities: Vec<UploadAuthority>,
}

/// The prover service. Without a URL, proofs can't be requested.
#[derive(Debug, Config)]
pub struct ProverSettings {
    /// URL of the prover service.
    #[config(env = "PROVER_URL")]
    pub url: Option<Secret>,

    /// API key of this service at the prover service, with the permission `prove`. Not needed if
    /// the prover service accepts clients without a key.
    #[config(env = "PROVER_API_KEY")]
    pub api_key: Option<Secret>,

    /// Milliseconds until a request for a proof at the prover service is given up. Use more than
    /// its `PROOF_TIMEOUT_MS`, so that it reports a proof that takes too long by itself, and less
    /// than `REQUEST_TIMEOUT_MS`. At least 100.
    #[config(env = "PROVER_TIMEOUT_MS", default = 45_000, validate(*timeout_ms >= 100, "must be at least 100"))]
    pub timeout_ms: u64,

    /// Milliseconds after which a request for a proof becomes a job of the prover service. At most
    /// half of `REQUEST_TIMEOUT_MS` is used.
    #[config(env = "PROOF_WAIT_MS", default = 10_000)]
    pub proof_wait_ms: u64,

    /// Proofs per minute for each API key that has no own limit. 0 means no limit.
    #[config(env = "PROOFS_PER_MINUTE", default = 10)]
    pub proofs_per_minute: u32,
}

/// The relay. Without wallets, it is off.
#[derive(Debug, Config)]
pub struct RelaySettings {
    /// The wallets that pay (in the environment, separated by commas): files with keypairs, as
    /// `solana-keygen new` writes them, or keys of a key store: `vault:KEY:ADDRESS`,
    /// `aws-kms:KEY:ADDRESS` or `gcp-kms:KEY:ADDRESS`. Each store needs a build with the feature of
    /// its name. Without a wallet, the service relays nothing.
    #[config(env = "RELAY_PAYERS", parse_env = confique::env::parse::list_by_comma, default = [])]
    pub payers: Vec<Payer>,

    /// URL of Vault, for keys of its transit engine. It begins with `https://`, or with `http://`
    /// on this machine.
    #[config(env = "RELAY_VAULT_URL")]
    pub vault_url: Option<Secret>,

    /// Token for Vault. Its policy needs `update` on `transit/sign/KEY` and `read` on
    /// `transit/keys/KEY`.
    #[config(env = "RELAY_VAULT_TOKEN")]
    pub vault_token: Option<Secret>,

    /// The scopes that the wallets pay for, each with its lamports for each day (UTC), as
    /// `SCOPE=LAMPORTS` (in the environment, separated by commas). `any=LAMPORTS` is one budget for
    /// all other scopes; anyone can create scopes, so use it only for local chains. Without an
    /// entry, no scope is sponsored.
    #[config(env = "RELAY_SPONSORED", parse_env = confique::env::parse::list_by_comma, default = [])]
    pub sponsored: Vec<Sponsored>,

    /// The API keys whose owners' relays the wallets pay for, each with its lamports for each day
    /// (UTC), as `PREFIX=LAMPORTS` (in the environment, separated by commas). `PREFIX` is the first
    /// 8 digits of the owner's first key. `any=LAMPORTS` is a budget for each other owner. The key
    /// needs the permission `relay`. Such a relay may be in any scope.
    #[config(env = "RELAY_KEY_BUDGETS", parse_env = confique::env::parse::list_by_comma, default = [])]
    pub key_budgets: Vec<KeyBudget>,

    /// Lamports for each day (UTC) that may be reserved for relays whose recipients pay inside the
    /// transaction. The wallet loses them only if such a transaction fails. 0 refuses these relays.
    #[config(env = "RELAY_IN_TRANSACTION", default = 0)]
    pub in_transaction: u64,

    /// The instructions of consumer programs that relays in scopes with a gate may call, as
    /// `PROGRAM:SHA256:DISCRIMINATOR:PAYER:RELAYER:LAMPORTS` (in the environment, separated by
    /// commas): the program, the hash of its ELF without the zeros at the end, the first bytes of
    /// the instruction's data, the positions of payer and relayer among its accounts, and the most
    /// lamports that a call takes from the payer in addition to the rent of the nullifier account.
    /// The wallets sign for these programs: list only programs that you trust with the wallets.
    #[config(env = "RELAY_CONSUMERS", parse_env = confique::env::parse::list_by_comma, default = [])]
    pub consumers: Vec<Consumer>,

    /// Whether to pay in scopes of the mode live, where a registration allows another verification,
    /// and in scopes that are open for more than a year, whose rent is not returned before.
    #[config(env = "RELAY_SPONSOR_OPEN_ENDED", default = false)]
    pub sponsor_open_ended: bool,

    /// Key that encrypts the requests in the database until they end: 64 hexadecimal digits from
    /// `openssl rand -hex 32`, the same for all instances.
    #[config(env = "RELAY_KEY")]
    pub key: Option<Secret>,

    /// JSON-RPC URLs of the nodes that transactions are sent to, separated by commas. With two or
    /// more, no single node decides the end of a relay. They must be different nodes. The default
    /// is `SOLANA_RPC_URL`.
    #[config(env = "RELAY_RPC_URLS", parse_env = secrets, default = [])]
    pub nodes: Vec<Secret>,

    /// Highest price in micro-lamports for each compute unit. The price is that of recent blocks,
    /// at least 1,000, and rises by half or more when a transaction was not executed.
    #[config(env = "RELAY_MAX_PRICE", default = 100_000)]
    pub max_price: u64,

    /// Lamports that remain in each wallet. A relay that would use them is refused.
    #[config(env = "RELAY_MIN_BALANCE", default = 50_000_000)]
    pub min_balance: u64,

    /// Largest number of relays of a wallet that have not ended.
    #[config(env = "RELAY_MAX_OPEN", default = 1_000)]
    pub max_open: u32,

    /// Largest number of relays of the owner of an API key that have not ended. One owner can't use
    /// up `RELAY_MAX_OPEN` with delays.
    #[config(env = "RELAY_MAX_OPEN_PER_KEY", default = 100)]
    pub max_open_of_key: u32,

    /// Requests to relay per minute for each address (IPv6: each /64). 0 means no limit.
    #[config(env = "RELAY_REQUESTS_PER_MINUTE", default = 10)]
    pub requests_per_minute: u32,

    /// Days after which a relay that has ended is deleted. The ledger stays. Until its rent is
    /// returned, only the hash of its request is deleted. At least 1.
    #[config(env = "RELAY_RETENTION_DAYS", default = 30, validate(*retention_days >= 1, "must be at least 1"))]
    pub retention_days: u32,

    /// Seconds between two attempts to reclaim the rent of a nullifier account in a scope that is
    /// over. At least 1.
    #[config(env = "RELAY_RECLAIM_INTERVAL_SECONDS", default = 3_600, validate(*reclaim_interval_seconds >= 1, "must be at least 1"))]
    pub reclaim_interval_seconds: u32,
}

/// A list of URLs with an empty entry.
#[derive(Debug, thiserror::Error)]
#[error("the list of URLs, which is separated by commas, has an empty entry; remove it")]
pub struct EmptyEntry;

fn secrets(list: &str) -> Result<Vec<Secret>, EmptyEntry> {
    let url = |entry: &str| {
        let entry = entry.trim();
        (!entry.is_empty())
            .then(|| Secret::new(entry.to_owned()))
            .ok_or(EmptyEntry)
    };
    list.split(',').map(url).collect()
}

//! The project's services, in the order in which they start. To add a service, add an entry to
//! [`SERVICES`].

use std::path::PathBuf;

use anyhow::Result;
use bauta_dev_servers::random_hex;

use crate::workspace;

/// The API key of the services. It is public: they are open to this machine only.
pub const LOCAL_KEY: &str = "bauta_00000000_local";
/// The SHA-256 of `local`, the secret of this key.
const LOCAL_KEY_HASH: &str = "25bf8e1a2393f1108d37029b3df5593236c755742ec93465bbafa9b290bddcf6";

/// How to start a service.
pub struct ServiceEntry {
    /// The displayed name.
    pub name: &'static str,
    /// The name of the program.
    pub program: &'static str,
    /// The port of `GET /health`.
    pub port: u16,
    /// The variable that sets this port.
    pub port_variable: &'static str,
    /// The operations port, if it is another port and not always a free one.
    pub operations_port: Option<u16>,
    /// The displayed routes.
    pub routes: &'static str,
    /// A subcommand of the program that runs before the service starts.
    pub setup: Option<&'static str>,
    /// The variables that limit what a client may send. 0 means no limit.
    pub client_limits: &'static [&'static str],
    /// Another variable with the URL of the database.
    pub database_variable: Option<&'static str>,
    /// Returns the other settings.
    pub settings: fn() -> Result<Vec<(&'static str, String)>>,
}

/// All services.
pub const SERVICES: &[ServiceEntry] = &[
    ServiceEntry {
        name: "indexer",
        program: "bauta-indexer",
        port: 9091,
        port_variable: "METRICS_PORT",
        operations_port: None,
        routes: "/health, /ready, /metrics",
        setup: None,
        client_limits: &[],
        database_variable: None,
        settings: || Ok(vec![("METRICS_HOST", "127.0.0.1".into())]),
    },
    ServiceEntry {
        name: "prover",
        program: "prover-service",
        port: 3001,
        port_variable: "PORT",
        operations_port: None,
        routes: "/prove, /verify, ...: docs/prover-service.md; /health, /metrics; open to this machine: proofs and metrics \
                 without an API key",
        setup: Some("migrate"),
        client_limits: &["ANONYMOUS_REQUESTS_PER_MINUTE", "ANONYMOUS_PROOFS_PER_MINUTE"],
        database_variable: None,
        settings: || {
            Ok(vec![
                ("HOST", "127.0.0.1".into()),
                ("METRICS_HOST", "127.0.0.1".into()),
                ("METRICS_PORT", "0".into()),
                // Only this machine reaches the port. `up` prints what is open.
                ("ALLOW_ANONYMOUS", "true".into()),
                ("METRICS_ON_SERVICE_PORT", "true".into()),
                ("ALLOW_DEVELOPMENT_KEYS", "true".into()),
                (
                    "API_KEYS",
                    format!("00000000:{LOCAL_KEY_HASH}:admin+prove:{}:0:0", u64::MAX),
                ),
                (
                    "CACHE_DIR",
                    workspace::cache()?.join("prover").display().to_string(),
                ),
                // A later run can't read the jobs of this one. They have no clients any more.
                ("WITNESS_KEYS", format!("local:{}", random_hex::<32>()?)),
                // A later run can't read the cached proofs of this one.
                ("CACHE_KEY", random_hex::<32>()?),
                ("DATABASE_CONNECTIONS", "8".into()),
            ])
        },
    },
    ServiceEntry {
        name: "api",
        program: "bauta-api",
        port: 8080,
        port_variable: "PORT",
        operations_port: Some(9092),
        routes: "/v1/registries, /v1/scopes, ...: docs/api-service.md; /health, /metrics; open to this machine; relays \
                 in all scopes, at the cost of the keypair above, whose wallet has all roles; proofs and uploads with the API key \
                 bauta_00000000_local",
        setup: None,
        client_limits: &[
            "ANONYMOUS_REQUESTS_PER_MINUTE",
            "ANONYMOUS_TILES_PER_MINUTE",
            "RELAY_REQUESTS_PER_MINUTE",
            "LOGINS_PER_MINUTE",
        ],
        database_variable: Some("UPLOAD_DATABASE_URL"),
        settings: || {
            Ok(vec![
                ("HOST", "127.0.0.1".into()),
                ("METRICS_HOST", "127.0.0.1".into()),
                ("METRICS_ON_SERVICE_PORT", "true".into()),
                ("DATABASE_CONNECTIONS", "8".into()),
                // The lamports of a local chain have no value.
                ("RELAY_PAYERS", super::keypair()?.display().to_string()),
                ("RELAY_SPONSORED", "any=100000000000".into()),
                ("RELAY_SPONSOR_OPEN_ENDED", "true".into()),
                (
                    "API_KEYS",
                    format!("00000000:{LOCAL_KEY_HASH}:prove+trees:{}:0:0", u64::MAX),
                ),
                // With it, operators measure the proving time.
                ("PROVER_API_KEY", LOCAL_KEY.into()),
                // A later run can't read the relays of this one. They have no clients any more.
                ("RELAY_KEY", random_hex::<32>()?),
                // The accounts, logins and webhooks of this run end with its database.
                ("JWT_SECRET", random_hex::<32>()?),
                ("ACCOUNT_KEY", random_hex::<32>()?),
                ("WEBHOOK_KEY", random_hex::<32>()?),
                ("OHTTP_KEY", random_hex::<32>()?),
                // Developers of this machine try their receivers.
                ("WEBHOOK_NETWORKS", "127.0.0.1".into()),
            ])
        },
    },
];

impl ServiceEntry {
    /// Returns the path of the program.
    pub fn path(&self) -> Result<PathBuf> {
        Ok(workspace::target()?.join("debug").join(self.program))
    }
}

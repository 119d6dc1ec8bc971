//! The project's services, in the order in which they start. To add one: add its entry.

use std::path::PathBuf;

use anyhow::Result;
use bauta_dev_servers::random_hex;

use crate::workspace;

/// A service.
pub struct Listed {
    /// Its name on the screen.
    pub name: &'static str,
    /// Its program.
    pub program: &'static str,
    /// Where it answers `GET /health`.
    pub port: u16,
    /// The variable for that port.
    pub port_variable: &'static str,
    /// What else is there, for the screen.
    pub routes: &'static str,
    /// What the program is asked to do before it runs as a service.
    pub first: Option<&'static str>,
    /// Its other settings.
    pub settings: fn() -> Result<Vec<(&'static str, String)>>,
}

/// All services that exist.
pub const SERVICES: &[Listed] = &[
    Listed {
        name: "indexer",
        program: "bauta-indexer",
        port: 9091,
        port_variable: "METRICS_PORT",
        routes: "/health, /ready, /metrics",
        first: None,
        settings: || Ok(vec![("METRICS_HOST", "127.0.0.1".into())]),
    },
    Listed {
        name: "prover",
        program: "prover-service",
        port: 3001,
        port_variable: "PORT",
        routes: "/prove, /verify, ...: docs/prover-service.md; /health, /ready, /metrics",
        first: Some("migrate"),
        settings: || {
            Ok(vec![
                ("HOST", "127.0.0.1".into()),
                ("METRICS_HOST", "127.0.0.1".into()),
                ("METRICS_PORT", "0".into()),
                ("ALLOW_DEVELOPMENT_KEYS", "true".into()),
                (
                    "CACHE_DIR",
                    workspace::cache()?.join("prover").display().to_string(),
                ),
                // jobs that wait when it ends can't be read afterwards, as nobody waits for them
                ("WITNESS_KEYS", format!("local:{}", random_hex::<32>()?)),
                // nor are proofs of an earlier run found again
                ("CACHE_KEY", random_hex::<32>()?),
                ("DATABASE_CONNECTIONS", "8".into()),
            ])
        },
    },
];

impl Listed {
    /// Where it is built.
    pub fn file(&self) -> Result<PathBuf> {
        Ok(workspace::target()?.join("debug").join(self.program))
    }
}

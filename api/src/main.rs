//! The API service answers what dApps read over HTTP. Its routes are built so that a client shows
//! as little as possible: trees are read in tiles, and holdings and nullifiers by prefix.
//!
//! ```text
//!   request -> CORS -> limits -> compression -> ETag -> freshness -> route -> Store (Postgres)
//!                                                                      |
//!                                                                      +--> a node: verifying keys
//! ```
//!
//! The folder `routes` has the HTTP routes. All other modules are domain code and don't know HTTP.
//! docs/api-service.md describes the service.

mod clusters;
mod cursor;
mod freshness;
mod leaf_stream;
mod limits;
mod metrics;
mod prefix;
mod routes;
mod series;
mod settings;
mod threshold;
mod tile;
mod time;
mod verifying_keys;

use std::{process::ExitCode, sync::Arc, time::Duration};

use bauta_service_common::{Arguments, Check, Secret, Service, ServiceError, TrustedProxies};
use bauta_store::{Store, StoreError};
use clap::Parser;

use crate::{
    freshness::FreshnessReader,
    limits::Limits,
    routes::AppState,
    settings::Settings,
    verifying_keys::{VerifyingKeyError, VerifyingKeys},
};

const NAME: &str = "bauta-api";
/// Timeout of Postgres's health check.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves what dApps read over HTTP: registries, trees, scopes, verifications and analytics.
#[derive(Parser)]
#[command(name = NAME, version)]
struct Cli {
    #[command(flatten)]
    arguments: Arguments,
}

/// Why the service can't start, or why it stopped.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error("the database (DATABASE_URL): {0}")]
    Store(#[from] StoreError),
    #[error("the node (SOLANA_RPC_URL): {0}")]
    Node(#[from] VerifyingKeyError),
}

#[tokio::main]
async fn main() -> ExitCode {
    bauta_service_common::exit_code(run(&Cli::parse()).await)
}

async fn run(cli: &Cli) -> Result<(), Error> {
    let Some(settings) = cli.arguments.settings::<Settings>()? else {
        return Ok(());
    };
    let service = Service::start(NAME, env!("CARGO_PKG_VERSION"), &settings.operations).await?;
    metrics::register();
    let store = Store::connect(settings.database_url.expose(), settings.database_connections).await?;
    store.check_schema().await?;
    add_database_check(&service, &store);
    let node = settings.solana_rpc_url.as_ref().map(Secret::expose);
    let state = Arc::new(AppState {
        k: store.anonymity_threshold().await?,
        freshness: FreshnessReader::start(store.clone(), &service).await?,
        verifying_keys: VerifyingKeys::new(node)?,
        limits: Limits::new(&settings),
        trusted_proxies: TrustedProxies::new(settings.http.trusted_proxies.clone()),
        store,
    });
    let routes = routes::all(&state, service.metrics_route());
    service.serve(settings.port, routes, &settings.http).await?;
    tracing::info!(event = "ready");
    Ok(service.run().await?)
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

//! `bauta-indexer` follows the chain into Postgres. docs/indexer.md describes how to operate it.

mod commands;
mod config;
mod progress;

use std::future::ready;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use bauta_indexing::nodes::RpcSource;
#[cfg(feature = "yellowstone")]
use bauta_indexing::stream::{StreamSettings, StreamedSource};
use bauta_indexing::{
    DATABASE_UNAVAILABLE, Indexer, IndexerError, IndexerStatus, RunSettings, Settings, check_retention,
    describe_metrics, wake,
};
use bauta_rpc::{Pubsub, RpcError};
use bauta_service_common::{Arguments, Check, Process, Service, ServiceError, exit_code};
use bauta_store::{SessionLimits, SnapshotError, Store, StoreError};
use clap::Parser;
use futures_util::future::join_all;
use tokio::sync::watch;

use commands::Command;
use config::ServiceSettings;

/// How long the comparison with the accounts can make no progress before `/ready` reports it.
const MAX_RECONCILE_PAUSE: Duration = Duration::from_hours(1);

/// Follows the chain into Postgres. Detects missing events, forks and faulty nodes.
#[derive(Parser)]
#[command(name = "bauta-indexer", version)]
struct Cli {
    #[command(flatten)]
    arguments: Arguments,
    #[command(subcommand)]
    command: Option<Command>,
}

/// The reason why the service did not start, or has ended.
#[derive(Debug, thiserror::Error)]
enum MainError {
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error(transparent)]
    Indexer(#[from] IndexerError),
    #[error("database: {0}")]
    Store(#[from] StoreError),
    #[error("{0} accounts differ from the database; the running indexer searches for what is missing")]
    Differences(usize),
    #[error("{0} differences between the slot on the chain and the database; run `bauta-indexer backfill`")]
    SlotDifferences(usize),
    #[error("{0} transactions are not applied after a minute; `bauta-indexer status` names the reasons")]
    NotApplied(usize),
    #[error("snapshot: {0}")]
    Snapshot(#[from] SnapshotError),
    #[error("the file {path} cannot be opened: {source}")]
    File {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("the quarantine has no transaction {0}; `bauta-indexer status` shows its size")]
    NotQuarantined(String),
    #[error("the status cannot be printed as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the setting `websockets`: {0}")]
    Websocket(#[source] RpcError),
}

#[tokio::main]
async fn main() -> ExitCode {
    exit_code(Box::pin(run(Cli::parse())).await)
}

async fn run(cli: Cli) -> Result<(), MainError> {
    let Some(settings) = cli.arguments.settings()? else {
        return Ok(());
    };
    match cli.command {
        None => serve(settings).await,
        Some(command) => Box::pin(command.run(&settings)).await,
    }
}

async fn serve(settings: ServiceSettings) -> Result<(), MainError> {
    let source = RpcSource::new(bauta::ID, &settings.nodes()).map_err(IndexerError::from)?;
    let websockets = settings.websockets.iter().map(|url| Pubsub::new(url.expose()));
    let websockets = websockets
        .collect::<Result<Vec<_>, _>>()
        .map_err(MainError::Websocket)?;

    let service = Service::start("bauta-indexer", env!("CARGO_PKG_VERSION"), &settings.operations).await?;
    describe_metrics();
    let (connection_sender, connection) =
        watch::channel(Connection::Unavailable("no attempt to connect yet"));
    let max_lag = Duration::from_secs(settings.ready_max_lag_seconds);
    add_checks(&service, connection, max_lag);
    let shutdown = service.shutdown();
    service.spawn("the indexer", async move {
        let store = tokio::select! {
            store = connect(&settings, &connection_sender) => store?,
            () = shutdown.cancelled() => return Ok::<_, MainError>(()),
        };
        #[cfg(feature = "yellowstone")]
        let stream = settings.yellowstone_url.as_ref().map(|url| StreamSettings {
            url: url.expose().to_owned(),
            token: settings
                .yellowstone_token
                .as_ref()
                .map(|token| token.expose().to_owned()),
        });
        let settings = run_settings(&settings);
        #[cfg(feature = "yellowstone")]
        let source = StreamedSource::new(source);
        let source = Arc::new(source);
        // A node that does not answer does not delay the start.
        let (for_retention, retention_store) = (Arc::clone(&source), store.clone());
        tokio::spawn(async move {
            if let Err(error) = check_retention(&retention_store, &*for_retention).await {
                tracing::warn!(event = "history_unknown", %error);
            }
        });
        #[cfg(feature = "yellowstone")]
        let streamed = Arc::clone(&source);
        let (indexer, status) = Indexer::new(source, store.clone(), settings);
        // The task ends with the process.
        #[cfg(feature = "yellowstone")]
        if let Some(stream) = stream {
            tokio::spawn(streamed.receive(stream, bauta::ID, indexer.wake_up()));
        }
        let listening = websockets
            .into_iter()
            .map(|websocket| wake(websocket, bauta::ID, indexer.wake_up()));
        let listening = join_all(listening);
        connection_sender.send_replace(Connection::Established {
            store: store.clone(),
            status,
        });
        // Without websockets, `listening` completes at once.
        let indexing = indexer.run(shutdown);
        tokio::pin!(indexing);
        tokio::select! {
            () = &mut indexing => {}
            _ = listening => indexing.await,
        }
        store.close().await;
        Ok(())
    });
    Ok(service.run().await?)
}

/// A check of the status, with the largest lag of the settings. The service can be used without it.
type StatusCheck = fn(&IndexerStatus, Duration) -> Result<(), String>;

/// Adds what `/ready` checks.
fn add_checks(service: &Service, connection: watch::Receiver<Connection>, max_lag: Duration) {
    let for_chain = connection.clone();
    service.health().add("chain", move || {
        ready(Check::required(match &*for_chain.borrow() {
            Connection::Unavailable(_) => Err("the database has not been reached yet".into()),
            Connection::Established { status, .. } => status.borrow().ready(max_lag),
        }))
    });
    let degrading: [(&str, StatusCheck); 5] = [
        ("reconciliation", |status, _| {
            status.reconciling(MAX_RECONCILE_PAUSE)
        }),
        ("quarantine", |status, _| status.complete()),
        ("contests", |status, _| status.uncontested()),
        ("finality", |status, _| status.undisputed()),
        ("second_node", IndexerStatus::listed_by_two),
    ];
    for (name, check) in degrading {
        let connection = connection.clone();
        service.health().add(name, move || {
            ready(match &*connection.borrow() {
                Connection::Unavailable(_) => Check::Ok,
                Connection::Established { status, .. } => match check(&status.borrow(), max_lag) {
                    Ok(()) => Check::Ok,
                    Err(reason) => Check::Degraded { reason },
                },
            })
        });
    }
    service.health().add("database", move || {
        let connection = connection.borrow().clone();
        async move {
            match connection {
                Connection::Unavailable(reason) => Check::required(Err(reason)),
                Connection::Established { store, .. } => {
                    Check::required(store.ping().await.map_err(|error| {
                        // The response does not contain the error of the database.
                        tracing::warn!(event = "database_unavailable", %error);
                        DATABASE_UNAVAILABLE
                    }))
                }
            }
        }
    });
}

/// The first connection to the database.
#[derive(Clone)]
enum Connection {
    /// The database has not been reached, for this reason.
    Unavailable(&'static str),
    /// The database has been reached, and the indexer runs.
    Established {
        store: Store,
        status: watch::Receiver<IndexerStatus>,
    },
}

/// Connects to the database and migrates it, or checks its schema. Retries without limit while the
/// database is unavailable. Any other error ends the service.
async fn connect(
    settings: &ServiceSettings,
    connection: &watch::Sender<Connection>,
) -> Result<Store, StoreError> {
    let attempt = || async {
        let store = Store::connect_as(
            &Process::Indexer.instance_name(),
            settings.database_url.expose(),
            settings.database_connections,
            SessionLimits::default(),
        )
        .await?;
        if settings.database_migrate {
            store.migrate().await?;
        } else {
            store.check_schema().await?;
        }
        Ok(store)
    };
    let backoff = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(250))
        .with_max_delay(Duration::from_secs(5))
        .without_max_times();
    attempt
        .retry(backoff)
        .when(|error| matches!(error, StoreError::Unreachable(_)))
        .notify(|error, delay| {
            tracing::warn!(event = "database_unavailable", %error, retry_in = ?delay);
            connection.send_replace(Connection::Unavailable(DATABASE_UNAVAILABLE));
        })
        .await
}

fn run_settings(settings: &ServiceSettings) -> RunSettings {
    RunSettings {
        follow: Settings {
            cluster: settings.genesis_hash.0,
            batch_transactions: settings.batch_transactions,
            compare_interval: Duration::from_millis(settings.compare_interval_ms),
            ..Settings::new(bauta::ID)
        },
        poll_interval: Duration::from_millis(settings.poll_interval_ms),
        finality_interval: Duration::from_millis(settings.finality_interval_ms),
        reconcile_interval: Some(settings.reconcile_interval_ms)
            .filter(|milliseconds| *milliseconds > 0)
            .map(Duration::from_millis),
    }
}

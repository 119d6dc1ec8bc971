//! `bauta-indexer`: follows the chain into Postgres. docs/indexer.md tells how to operate it.

mod config;

use std::future::ready;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use bauta_indexer::rpc::RpcSource;
use bauta_indexer::{Indexer, IndexerError, RunSettings, Settings, Status, describe_metrics, rebuild, wake};
use bauta_rpc::{Pubsub, RpcError};
use bauta_service_common::{Arguments, Check, Service, ServiceError, exit_code};
use bauta_store::{Store, StoreError};
use clap::{Parser, Subcommand};
use futures_util::future::join_all;
use tokio::sync::watch;

use config::ServiceSettings;

/// Follows the chain into Postgres, exactly: through crashes, holes in histories, forks and nodes that lie.
#[derive(Parser)]
#[command(name = "bauta-indexer", version)]
struct Cli {
    #[command(flatten)]
    arguments: Arguments,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Read the whole chain into new rows beside the old ones, then switch over, while everything else goes on
    Rebuild,
}

/// Why the service doesn't start, or has ended.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error(transparent)]
    Indexer(#[from] IndexerError),
    #[error("the database: {0}")]
    Store(#[from] StoreError),
    #[error("a websocket of the configuration: {0}")]
    Websocket(#[source] RpcError),
}

#[tokio::main]
async fn main() -> ExitCode {
    exit_code(run(Cli::parse()).await)
}

async fn run(cli: Cli) -> Result<(), Failure> {
    let Some(settings) = cli.arguments.settings()? else {
        return Ok(());
    };
    match cli.command {
        None => serve(settings).await,
        Some(Command::Rebuild) => rebuild_database(&settings).await,
    }
}

async fn rebuild_database(settings: &ServiceSettings) -> Result<(), Failure> {
    let source = RpcSource::new(bauta::ID, &settings.nodes()).map_err(IndexerError::from)?;
    let url = settings.database_url.expose();
    let store = Store::connect(url, settings.database_connections).await?;
    store.check_schema().await?;
    let follow = run_settings(settings).follow;
    let rebuilt = rebuild(Arc::new(source), &store, url, follow).await?;
    println!("rebuilt: {} events, up to slot {}", rebuilt.events, rebuilt.slot);
    Ok(())
}

async fn serve(settings: ServiceSettings) -> Result<(), Failure> {
    let source = RpcSource::new(bauta::ID, &settings.nodes()).map_err(IndexerError::from)?;
    let websockets = settings.websockets.iter().map(|url| Pubsub::new(url.expose()));
    let websockets = websockets
        .collect::<Result<Vec<_>, _>>()
        .map_err(Failure::Websocket)?;

    let service = Service::start("bauta-indexer", env!("CARGO_PKG_VERSION"), &settings.operations).await?;
    describe_metrics();
    let (is_up, up) = watch::channel(Up::Not("it has not been asked yet".into()));
    let max_lag = Duration::from_secs(settings.ready_max_lag_seconds);
    let chain = up.clone();
    service.health().add("chain", move || {
        ready(Check::required(match &*chain.borrow() {
            Up::Not(_) => Err("the database has not been reached yet".into()),
            Up::Is { status, .. } => status.borrow().ready(max_lag),
        }))
    });
    service.health().add("database", move || {
        let up = up.borrow().clone();
        async move {
            match up {
                Up::Not(reason) => Check::required(Err(reason)),
                Up::Is { store, .. } => Check::required(store.ping().await),
            }
        }
    });
    let end = service.shutdown();
    service.spawn("the indexer", async move {
        let store = tokio::select! {
            store = reach(&settings, &is_up) => store?,
            () = end.cancelled() => return Ok::<_, Failure>(()),
        };
        let settings = run_settings(&settings);
        let (indexer, status) = Indexer::new(Arc::new(source), store.clone(), settings);
        let listening = websockets
            .into_iter()
            .map(|websocket| wake(websocket, bauta::ID, indexer.awake()));
        let listening = join_all(listening);
        is_up.send_replace(Up::Is {
            store: store.clone(),
            status,
        });
        // without websockets, listening ends at once
        let indexing = indexer.run(end);
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

/// How far the service has got.
#[derive(Clone)]
enum Up {
    /// The database hasn't been reached: why not.
    Not(String),
    /// It has.
    Is {
        store: Store,
        status: watch::Receiver<Status>,
    },
}

/// The database, brought up to date. While it is away it is asked again and again; what is wrong with it is an error.
async fn reach(settings: &ServiceSettings, up: &watch::Sender<Up>) -> Result<Store, StoreError> {
    let once = || async {
        let store = Store::connect(settings.database_url.expose(), settings.database_connections).await?;
        if settings.database_migrate {
            store.migrate().await?;
        } else {
            store.check_schema().await?;
        }
        Ok(store)
    };
    let pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(250))
        .with_max_delay(Duration::from_secs(5))
        .without_max_times();
    once.retry(pauses)
        .when(|error| matches!(error, StoreError::Unreachable(_)))
        .notify(|error, pause| {
            tracing::warn!(event = "database_away", %error, ?pause);
            up.send_replace(Up::Not(error.to_string()));
        })
        .await
}

fn run_settings(settings: &ServiceSettings) -> RunSettings {
    RunSettings {
        follow: Settings {
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

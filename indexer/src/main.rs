//! `bauta-indexer` follows the chain into Postgres. docs/indexer.md describes how to operate it.

mod config;

use std::future::ready;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use bauta_indexing::nodes::RpcSource;
use bauta_indexing::{
    Indexer, IndexerError, IndexerStatus, Overview, RunSettings, Selection, Settings, describe_metrics,
    rebuild, verify, wake,
};
use bauta_rpc::{Pubsub, RpcError};
use bauta_service_common::{Arguments, Check, Service, ServiceError, exit_code};
use bauta_store::{Position, Slot, Store, StoreError};
use clap::{Parser, Subcommand};
use futures_util::future::join_all;
use solana_address::Address;
use tokio::sync::watch;

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

#[derive(Subcommand)]
enum Command {
    /// Rebuild the database from the chain, then replace the rows; services can stay in use
    Rebuild,
    /// Show how far the database is, and the newest slot of the chain
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Roll the database back to the end of a slot, as far as its journal reaches; a running
    /// indexer reads the later slots again
    Undo {
        /// The slot after which everything is undone
        #[arg(long)]
        to: u64,
        /// Show what would happen, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Compare the database with the program's accounts as they are now; an indexer must run. Exits
    /// with 1 if an account differs
    Verify {
        /// Compare only this registry, with its collections and holdings
        #[arg(long)]
        registry: Option<Address>,
        /// Compare only this scope, with its nullifiers
        #[arg(long)]
        scope: Option<Address>,
    },
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
    #[error("the status cannot be printed as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the setting `websockets`: {0}")]
    Websocket(#[source] RpcError),
}

#[tokio::main]
async fn main() -> ExitCode {
    exit_code(run(Cli::parse()).await)
}

async fn run(cli: Cli) -> Result<(), MainError> {
    let Some(settings) = cli.arguments.settings()? else {
        return Ok(());
    };
    match cli.command {
        None => serve(settings).await,
        Some(Command::Rebuild) => rebuild_database(&settings).await,
        Some(Command::Status { json }) => show_status(&settings, json).await,
        Some(Command::Undo { to, dry_run }) => undo(&settings, Slot::new(to), dry_run).await,
        Some(Command::Verify { registry, scope }) => {
            verify_database(&settings, &Selection { registry, scope }).await
        }
    }
}

/// Connects to the database, whose schema must be usable, and creates the source.
async fn open(settings: &ServiceSettings) -> Result<(Store, RpcSource), MainError> {
    let source = RpcSource::new(bauta::ID, &settings.nodes()).map_err(IndexerError::from)?;
    let store = Store::connect(settings.database_url.expose(), settings.database_connections).await?;
    store.check_schema().await?;
    Ok((store, source))
}

async fn show_status(settings: &ServiceSettings, json: bool) -> Result<(), MainError> {
    let (store, source) = open(settings).await?;
    let overview = Overview::read(&store, &source).await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&overview)?);
    } else {
        println!("{overview}");
    }
    Ok(())
}

async fn undo(settings: &ServiceSettings, to: Slot, dry_run: bool) -> Result<(), MainError> {
    let (store, _) = open(settings).await?;
    let before = store.checkpoint().await?;
    let reached = if dry_run {
        store.try_roll_back(to).await?
    } else {
        store.roll_back_for_repair(to).await?
    };
    let text = |at: Option<Position>| at.map_or_else(|| "the beginning".to_owned(), |at| at.to_string());
    let verb = if dry_run { "would move" } else { "moved" };
    println!("the checkpoint {verb} from {} to {}", text(before), text(reached));
    Ok(())
}

async fn verify_database(settings: &ServiceSettings, selection: &Selection) -> Result<(), MainError> {
    let (store, source) = open(settings).await?;
    let verified = verify(&store, &source, selection, |done, all| {
        eprint!("\rrequest {} of {all}", done + 1);
    })
    .await?;
    eprintln!();
    for (kind, address) in &verified.differing {
        println!("{kind} {address} differs");
    }
    println!(
        "compared in {} requests at slot {}: {} accounts differ",
        verified.requests,
        verified.up_to,
        verified.differing.len()
    );
    if verified.differing.is_empty() {
        Ok(())
    } else {
        Err(MainError::Differences(verified.differing.len()))
    }
}

async fn rebuild_database(settings: &ServiceSettings) -> Result<(), MainError> {
    let (store, source) = open(settings).await?;
    let url = settings.database_url.expose();
    let follow = run_settings(settings).follow;
    let rebuilt = rebuild(Arc::new(source), &store, url, follow).await?;
    println!("rebuilt: {} events, up to slot {}", rebuilt.events, rebuilt.slot);
    Ok(())
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
        watch::channel(Connection::Unavailable("no attempt to connect yet".into()));
    let max_lag = Duration::from_secs(settings.ready_max_lag_seconds);
    let for_chain = connection.clone();
    service.health().add("chain", move || {
        ready(Check::required(match &*for_chain.borrow() {
            Connection::Unavailable(_) => Err("the database has not been reached yet".into()),
            Connection::Established { status, .. } => status.borrow().ready(max_lag),
        }))
    });
    let for_reconciliation = connection.clone();
    service.health().add("reconciliation", move || {
        ready(match &*for_reconciliation.borrow() {
            Connection::Unavailable(_) => Check::Ok,
            Connection::Established { status, .. } => {
                match status.borrow().reconciling(MAX_RECONCILE_PAUSE) {
                    Ok(()) => Check::Ok,
                    Err(reason) => Check::Degraded { reason },
                }
            }
        })
    });
    service.health().add("database", move || {
        let connection = connection.borrow().clone();
        async move {
            match connection {
                Connection::Unavailable(reason) => Check::required(Err(reason)),
                Connection::Established { store, .. } => Check::required(store.ping().await),
            }
        }
    });
    let shutdown = service.shutdown();
    service.spawn("the indexer", async move {
        let store = tokio::select! {
            store = connect(&settings, &connection_sender) => store?,
            () = shutdown.cancelled() => return Ok::<_, MainError>(()),
        };
        let settings = run_settings(&settings);
        let (indexer, status) = Indexer::new(Arc::new(source), store.clone(), settings);
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

/// The first connection to the database.
#[derive(Clone)]
enum Connection {
    /// The database has not been reached, for this reason.
    Unavailable(String),
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
        let store = Store::connect(settings.database_url.expose(), settings.database_connections).await?;
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
            connection.send_replace(Connection::Unavailable(error.to_string()));
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

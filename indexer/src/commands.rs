//! The commands for operators. docs/indexer.md describes when to use them.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bauta_indexing::chain::ListedTransaction;
use bauta_indexing::nodes::RpcSource;
use bauta_indexing::{
    IndexerError, Overview, Selection, SnapshotImport, await_applied, find_missing, import_snapshot, rebuild,
    reconcile_now, verify, verify_slot,
};
use bauta_store::{Position, Slot, Store};
use clap::{ArgGroup, Subcommand};
use solana_address::Address;

use crate::config::ServiceSettings;
use crate::progress::{self, ProgressBar};
use crate::{MainError, run_settings};

/// How long a command waits for the running indexer to apply what the command found.
const APPLY_TIMEOUT: Duration = Duration::from_mins(1);
/// The number of missing transactions that are printed.
const SHOWN: usize = 20;

#[derive(Subcommand)]
pub enum Command {
    /// Rebuild the database from the chain, then replace the rows; services can stay in use
    Rebuild {
        /// Read the chain and compare it with the accounts, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Show how far the database is, the newest slot of the chain, and the history of the nodes
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
    /// Compare the database with the program's accounts as they are now, or a slot with the chain;
    /// an indexer must run. Exits with 1 if there is a difference
    Verify {
        /// Compare only this registry, with its collections and holdings
        #[arg(long)]
        registry: Option<Address>,
        /// Compare only this scope, with its nullifiers
        #[arg(long)]
        scope: Option<Address>,
        /// Compare the events of this slot with the transactions that the nodes list in it
        #[arg(long, conflicts_with_all = ["registry", "scope"])]
        slot: Option<u64>,
    },
    /// Compare the database with all accounts, search for what is missing, and let the running
    /// indexer add it
    #[command(group(ArgGroup::new("when").required(true).multiple(true)))]
    Reconcile {
        /// Compare at once, and not only when the running indexer does
        #[arg(long, group = "when")]
        now: bool,
        /// Show what is missing, and change nothing
        #[arg(long, group = "when")]
        dry_run: bool,
    },
    /// Read the lists of all nodes again from a slot on, and let the running indexer add what is
    /// missing
    Backfill {
        /// The first slot to read again
        #[arg(long)]
        from: u64,
        /// Show what is missing, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Change the quarantine, which has the listed transactions that no node returns
    Quarantine {
        #[command(subcommand)]
        command: QuarantineCommand,
    },
    /// Copy the rows of the database from one indexer to another
    Snapshot {
        #[command(subcommand)]
        command: SnapshotCommand,
    },
}

#[derive(Subcommand)]
pub enum QuarantineCommand {
    /// Remove a transaction that is not on the chain; if a node lists it again, it is added again
    Release {
        /// The signature of the transaction
        signature: String,
        /// Show what would be removed, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Subcommand)]
pub enum SnapshotCommand {
    /// Write all rows that follow the chain into a file; the indexer can stay in use
    Export {
        /// The file to write
        file: PathBuf,
    },
    /// Read the rows from a file, compare them with the accounts, follow the chain from there, and
    /// then replace the rows of the database
    Import {
        /// The file to read
        file: PathBuf,
        /// Read and compare, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
}

impl Command {
    pub async fn run(self, settings: &ServiceSettings) -> Result<(), MainError> {
        match self {
            Self::Rebuild { dry_run } => rebuild_database(settings, dry_run).await,
            Self::Status { json } => show_status(settings, json).await,
            Self::Undo { to, dry_run } => undo(settings, Slot::new(to), dry_run).await,
            Self::Verify { slot: Some(slot), .. } => verify_one_slot(settings, Slot::new(slot)).await,
            Self::Verify {
                registry,
                scope,
                slot: None,
            } => verify_database(settings, &Selection { registry, scope }).await,
            Self::Reconcile { dry_run, .. } => reconcile(settings, dry_run).await,
            Self::Backfill { from, dry_run } => backfill(settings, Slot::new(from), dry_run).await,
            Self::Quarantine {
                command: QuarantineCommand::Release { signature, dry_run },
            } => release(settings, &signature, dry_run).await,
            Self::Snapshot { command } => match command {
                SnapshotCommand::Export { file } => export_snapshot(settings, &file).await,
                SnapshotCommand::Import { file, dry_run } => Box::pin(import(settings, &file, dry_run)).await,
            },
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
    let mut bar = ProgressBar::new();
    let verified = verify(&store, &source, selection, |done, all| {
        bar.show_requests(done, all);
    })
    .await;
    drop(bar);
    let verified = verified?;
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

async fn rebuild_database(settings: &ServiceSettings, dry_run: bool) -> Result<(), MainError> {
    let (store, source) = open(settings).await?;
    let url = settings.database_url.expose();
    let follow = run_settings(settings).follow;
    let mut bar = ProgressBar::new();
    let mut progress = |progress| bar.show_stage(progress);
    let rebuilt = rebuild(Arc::new(source), &store, url, follow, dry_run, &mut progress).await;
    drop(bar);
    let rebuilt = rebuilt?;
    let verb = if dry_run { "would be rebuilt" } else { "rebuilt" };
    println!("{verb}: {} events, up to slot {}", rebuilt.events, rebuilt.slot);
    Ok(())
}

async fn verify_one_slot(settings: &ServiceSettings, slot: Slot) -> Result<(), MainError> {
    let (store, source) = open(settings).await?;
    let verified = verify_slot(&store, &Arc::new(source), bauta::ID, slot).await?;
    for difference in &verified.differences {
        println!("{difference}");
    }
    println!(
        "slot {slot} has {} events on the chain: {} differences",
        verified.events,
        verified.differences.len()
    );
    match verified.differences.len() {
        0 => Ok(()),
        count => Err(MainError::SlotDifferences(count)),
    }
}

async fn reconcile(settings: &ServiceSettings, dry_run: bool) -> Result<(), MainError> {
    let (store, source) = open(settings).await?;
    let mut bar = ProgressBar::new();
    let show = |done, all| bar.show_requests(done, all);
    let reconciled = reconcile_now(&store, &Arc::new(source), show).await;
    drop(bar);
    let reconciled = reconciled?;
    for (kind, address) in &reconciled.verified.differing {
        println!("{kind} {address} differs");
    }
    println!(
        "compared up to slot {}: {} accounts differ",
        reconciled.verified.up_to,
        reconciled.verified.differing.len()
    );
    add_missing(&store, &reconciled.missing, "`bauta-indexer reconcile`", dry_run).await?;
    match reconciled.verified.differing.len() {
        count if count > 0 && (dry_run || reconciled.missing.is_empty()) => {
            Err(MainError::Differences(count))
        }
        _ => Ok(()),
    }
}

async fn backfill(settings: &ServiceSettings, from: Slot, dry_run: bool) -> Result<(), MainError> {
    let (store, source) = open(settings).await?;
    let mut bar = ProgressBar::new();
    let mut newest = from;
    let show = |node: &str, slot: Slot| {
        newest = newest.max(slot);
        let all = newest.slots_since(from);
        bar.show(&format!("slots of {node}"), newest.slots_since(slot), Some(all));
    };
    let found = find_missing(&store, &Arc::new(source), bauta::ID, from, show).await;
    drop(bar);
    let found = found?;
    for (node, reason) in &found.unread {
        println!("the history of {node} could not be read: {reason}");
    }
    println!(
        "slots {from} to {}: {} listed transactions, {} are missing",
        found.until,
        found.listed,
        found.missing.len()
    );
    add_missing(&store, &found.missing, "`bauta-indexer backfill`", dry_run).await
}

/// Hands missing transactions to the running indexer, and waits until it has applied them.
async fn add_missing(
    store: &Store,
    missing: &[ListedTransaction],
    finder: &str,
    dry_run: bool,
) -> Result<(), MainError> {
    for entry in missing.iter().take(SHOWN) {
        println!(
            "transaction {} of slot {} is missing",
            entry.signature, entry.slot
        );
    }
    if missing.len() > SHOWN {
        println!("and {} more", missing.len() - SHOWN);
    }
    if dry_run || missing.is_empty() {
        return Ok(());
    }
    let keys: Vec<_> = missing
        .iter()
        .map(|entry| (entry.slot, entry.signature))
        .collect();
    let entries: Vec<_> = missing
        .iter()
        .map(|entry| ((entry.slot, entry.signature), entry.succeeded))
        .collect();
    store
        .quarantine(&entries, &format!("found by {finder}"), true)
        .await?;
    let left = await_applied(store, &keys, APPLY_TIMEOUT).await?;
    println!("{} of {} are added", missing.len() - left.len(), missing.len());
    for entry in left.iter().take(SHOWN) {
        println!("transaction {} is not applied: {}", entry.signature, entry.reason);
    }
    match left.len() {
        0 => Ok(()),
        count => Err(MainError::NotApplied(count)),
    }
}

async fn release(settings: &ServiceSettings, signature: &str, dry_run: bool) -> Result<(), MainError> {
    let (store, _) = open(settings).await?;
    let mut entries = store.quarantined().await?;
    entries.retain(|entry| entry.signature.to_string() == signature);
    if entries.is_empty() {
        return Err(MainError::NotQuarantined(signature.to_owned()));
    }
    let keys: Vec<_> = entries
        .iter()
        .map(|entry| (entry.slot, entry.signature))
        .collect();
    if !dry_run {
        store.release_quarantined(&keys).await?;
    }
    let verb = if dry_run {
        "would be released"
    } else {
        "is released"
    };
    for entry in &entries {
        println!(
            "transaction {signature} of slot {} {verb}: {}",
            entry.slot, entry.reason
        );
    }
    Ok(())
}

async fn export_snapshot(settings: &ServiceSettings, path: &Path) -> Result<(), MainError> {
    let (store, _) = open(settings).await?;
    let failed = |source| file_error(path, source);
    if path.try_exists().map_err(failed)? {
        return Err(failed(std::io::ErrorKind::AlreadyExists.into()));
    }
    // Only its owner can read the temporary file. It is removed if the export fails.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(failed)?;
    let output = progress::writing(file.as_file_mut(), "writing the file");
    let summary = store.export_snapshot(BufWriter::new(output)).await?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist_noclobber(path)
        .map_err(|error| failed(error.error))?;
    println!(
        "exported {} tables up to slot {}: {} bytes",
        summary.tables, summary.slot, summary.bytes
    );
    Ok(())
}

async fn import(settings: &ServiceSettings, path: &Path, dry_run: bool) -> Result<(), MainError> {
    let (store, source) = open(settings).await?;
    let file = File::open(path).map_err(|source| file_error(path, source))?;
    let length = file.metadata().map_err(|source| file_error(path, source))?.len();
    let file = progress::reading(file, "reading the file", length);
    let mut bar = ProgressBar::new();
    let import = SnapshotImport {
        source: Arc::new(source),
        store: &store,
        url: settings.database_url.expose(),
        settings: run_settings(settings).follow,
        input: BufReader::new(file),
        dry_run,
    };
    let imported = Box::pin(import_snapshot(import, &mut |progress| bar.show_stage(progress))).await;
    drop(bar);
    let imported = imported?;
    let verb = if dry_run { "would be imported" } else { "imported" };
    println!(
        "the rows agree with the accounts, and {verb}, up to slot {}, with {} newer events",
        imported.slot, imported.events
    );
    Ok(())
}

fn file_error(path: &Path, source: std::io::Error) -> MainError {
    MainError::File {
        path: path.display().to_string(),
        source,
    }
}

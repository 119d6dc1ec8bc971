//! What `bauta holder watch` keeps between rounds and restarts, and what it measures.

use std::{
    fmt::Write,
    fs::{File, TryLockError},
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::{
    failure::{Failure, Kind},
    new_file,
};

/// The largest state file that is read, in bytes.
const MAX_STATE: u64 = 4_096;

/// The state of a bot. A file keeps it over restarts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The registry that the bot watches.
    pub registry: String,
    /// The lamports that the bot has spent.
    pub spent_lamports: u64,
    /// The holdings that the bot has evicted.
    pub evicted: u64,
    /// The position in the tree at which the next round begins to evict.
    pub next_index: u64,
}

/// The state with its file.
pub struct Ledger {
    pub state: State,
    file: Option<PathBuf>,
    /// Keeps other bots from the file until it is dropped.
    _lock: Option<File>,
}

impl Ledger {
    /// Reads the state of a bot, and keeps other bots from it. Without a file, or if it does not exist, the state is new.
    pub fn open(file: Option<&Path>, registry: &str) -> Result<Self> {
        let new = State {
            registry: registry.to_owned(),
            ..State::default()
        };
        let lock = file.map(lock).transpose()?;
        let state = match file {
            None => new,
            Some(file) => read(file)?.unwrap_or(new),
        };
        ensure!(
            state.registry == registry,
            "the state file is that of the registry {}: choose another one with --state",
            state.registry
        );
        Ok(Self {
            state,
            file: file.map(Path::to_owned),
            _lock: lock,
        })
    }

    /// Writes the state.
    pub fn save(&self) -> Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let json = serde_json::to_vec(&self.state)?;
        new_file::replace(file, &json, 0o600).with_context(|| format!("can't write {}", file.display()))
    }
}

/// Locks the file beside a state file. The state file itself is replaced by each change.
fn lock(state: &Path) -> Result<File> {
    let mut name = state.as_os_str().to_owned();
    name.push(".lock");
    let context = || format!("can't lock the state {}", state.display());
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&name)
        .with_context(context)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::new(
            Kind::Other,
            format!("another bot uses the state {}", state.display()),
        )
        .next("end the other bot, or choose another file with --state")
        .into()),
        Err(TryLockError::Error(error)) => Err(error).with_context(context),
    }
}

fn read(file: &Path) -> Result<Option<State>> {
    let context = || format!("can't read the state in {}", file.display());
    let opened = match File::open(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.with_context(context)?,
    };
    let mut text = String::new();
    opened
        .take(MAX_STATE)
        .read_to_string(&mut text)
        .with_context(context)?;
    serde_json::from_str(&text).map(Some).with_context(context)
}

/// What the last round found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// The registered assets.
    pub holdings: u64,
    /// The holdings for which there is evidence.
    pub stale: u64,
    /// The holdings that were evicted.
    pub evicted: u64,
    /// The holdings that could not be judged or evicted.
    pub failed: u64,
    /// Whether the budget does not suffice for another eviction.
    pub is_exhausted: bool,
}

/// What the bot counts since its start.
#[derive(Clone, Copy, Default)]
pub struct Counters {
    pub rounds: u64,
    pub failed_rounds: u64,
    pub failed_holdings: u64,
    /// The time of the last complete round in Unix seconds. 0 before it.
    pub last_round: u64,
}

/// Returns the metrics in the text format of Prometheus.
pub fn metrics(state: &State, round: &Round, counters: &Counters, budget: u64) -> String {
    let values = [
        (
            "bauta_watch_holdings",
            "gauge",
            "Registered assets.",
            round.holdings,
        ),
        (
            "bauta_watch_stale_holdings",
            "gauge",
            "Holdings with evidence for an eviction that the last round left.",
            round.stale - round.evicted,
        ),
        (
            "bauta_watch_evictions_total",
            "counter",
            "Evicted holdings, also before the last start.",
            state.evicted,
        ),
        (
            "bauta_watch_failures_total",
            "counter",
            "Holdings that could not be judged or evicted.",
            counters.failed_holdings,
        ),
        (
            "bauta_watch_rounds_total",
            "counter",
            "Complete rounds.",
            counters.rounds,
        ),
        (
            "bauta_watch_failed_rounds_total",
            "counter",
            "Rounds that an error ended early.",
            counters.failed_rounds,
        ),
        (
            "bauta_watch_last_round_timestamp_seconds",
            "gauge",
            "Time of the last complete round.",
            counters.last_round,
        ),
        (
            "bauta_watch_spent_lamports_total",
            "counter",
            "Fees of the evictions, also before the last start.",
            state.spent_lamports,
        ),
        (
            "bauta_watch_budget_lamports",
            "gauge",
            "Largest sum of the fees.",
            budget,
        ),
        (
            "bauta_watch_budget_exhausted",
            "gauge",
            "1 if the budget does not suffice for another eviction.",
            round.is_exhausted.into(),
        ),
    ];
    let mut text = String::new();
    for (name, kind, help, value) in values {
        // Writing to a string does not fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_kept_and_belongs_to_one_registry() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state");
        let mut ledger = Ledger::open(Some(&file), "R").unwrap();
        ledger.state.spent_lamports = 5_000;
        ledger.save().unwrap();
        ledger.state.next_index = 7;
        ledger.save().unwrap();
        let state = ledger.state.clone();
        drop(ledger);
        assert_eq!(Ledger::open(Some(&file), "R").unwrap().state, state);
        assert!(Ledger::open(Some(&file), "S").is_err());
    }

    #[test]
    fn two_bots_do_not_use_one_state() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state");
        let first = Ledger::open(Some(&file), "R").unwrap();
        let error = Ledger::open(Some(&file), "R").err().unwrap().to_string();
        assert!(error.contains("another bot"), "{error}");
        drop(first);
        assert!(Ledger::open(Some(&file), "R").is_ok());
    }

    #[test]
    fn a_damaged_state_is_refused_so_that_the_budget_is_not_spent_twice() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state");
        for text in [
            "",
            "{}",
            r#"{"registry":"R","spent_lamports":-1,"evicted":0,"next_index":0}"#,
        ] {
            std::fs::write(&file, text).unwrap();
            assert!(Ledger::open(Some(&file), "R").is_err(), "{text}");
        }
    }
}

//! The file that a node goes on from.

use std::{
    env,
    fs::{File, TryLockError},
    io::Read,
    os::unix::process::CommandExt,
    path::{self, Path},
    process::Command,
};

use anyhow::{Context, Result, anyhow, bail, ensure};

/// How sqlite files begin (<https://www.sqlite.org/fileformat.html>, section 1.3).
const MAGIC: &[u8] = b"SQLite format 3\0";
/// After how many slots surfpool writes down the slot; it reads this once.
const INTERVAL: &str = "SURFPOOL_CHECKPOINT_INTERVAL_SLOTS";

/// A ledger that this process alone uses.
pub struct Ledger {
    path: String,
    /// Held for as long as the ledger is in use.
    _lock: File,
}

impl Ledger {
    /// Opens a ledger, or begins an empty one.
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        let absolute = path::absolute(path).with_context(|| format!("bad ledger path {shown}"))?;
        let text = absolute
            .to_str()
            .with_context(|| format!("ledger {shown}: the path is not UTF-8"))?;
        ensure!(
            !text.contains(['?', '#', '%']),
            "ledger {shown}: the path must not contain ?, # or %, because sqlite takes it as a URI"
        );
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&absolute)
            .with_context(|| format!("can't open the ledger {shown}"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("ledger {shown} is in use by another node"),
            Err(TryLockError::Error(error)) => {
                return Err(anyhow!(error).context(format!("can't lock the ledger {shown}")));
            }
        }
        let mut head = Vec::new();
        file.by_ref()
            .take(MAGIC.len() as u64)
            .read_to_end(&mut head)
            .with_context(|| format!("can't read the ledger {shown}"))?;
        ensure!(
            head.is_empty() || head == MAGIC,
            "{shown} is not a ledger: the file is not in sqlite's format"
        );
        Ok(Self {
            path: text.to_owned(),
            _lock: file,
        })
    }

    /// The file's absolute path.
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// Has the slot written down at every slot, so that none repeats after a restart, not even after a crash.
///
/// The setting has to be in the environment before the process begins, so this begins it once more.
pub fn checkpoint_every_slot() -> Result<()> {
    if env::var_os(INTERVAL).is_some() {
        return Ok(());
    }
    let program = env::current_exe().context("can't find this program's own file")?;
    let error = Command::new(&program)
        .args(env::args_os().skip(1))
        .env(INTERVAL, "1")
        .exec();
    Err(error).with_context(|| format!("can't start {}", program.display()))
}

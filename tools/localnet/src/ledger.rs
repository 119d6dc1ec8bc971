//! The file that stores the chain between two runs of a node.

use std::{
    env,
    fs::{File, TryLockError},
    io::Read,
    os::unix::process::CommandExt,
    path::{self, Path},
    process::Command,
};

use anyhow::{Context, Result, anyhow, bail, ensure};

/// The first bytes of an sqlite file (<https://www.sqlite.org/fileformat.html>, section 1.3).
const MAGIC: &[u8] = b"SQLite format 3\0";
/// The environment variable with the number of slots between two checkpoints of surfpool, which
/// reads it once at the start.
const CHECKPOINT_INTERVAL: &str = "SURFPOOL_CHECKPOINT_INTERVAL_SLOTS";

/// A ledger that this process has locked.
pub struct Ledger {
    path: String,
    /// The lock lasts until this file is closed.
    _lock: File,
}

impl Ledger {
    /// Opens and locks a ledger. Creates an empty file if it does not exist.
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        let absolute = path::absolute(path).with_context(|| format!("invalid ledger path {shown}"))?;
        let text = absolute
            .to_str()
            .with_context(|| format!("ledger {shown}: the path is not UTF-8"))?;
        ensure!(
            !text.contains(['?', '#', '%']),
            "ledger {shown}: the path must not contain ?, # or %, because sqlite parses it as a URI"
        );
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&absolute)
            .with_context(|| format!("cannot open the ledger {shown}"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("ledger {shown} is in use by another node"),
            Err(TryLockError::Error(error)) => {
                return Err(anyhow!(error).context(format!("cannot lock the ledger {shown}")));
            }
        }
        let mut head = Vec::new();
        file.by_ref()
            .take(MAGIC.len() as u64)
            .read_to_end(&mut head)
            .with_context(|| format!("cannot read the ledger {shown}"))?;
        ensure!(
            head.is_empty() || head == MAGIC,
            "{shown} is not a ledger: the file is not in the sqlite format"
        );
        Ok(Self {
            path: text.to_owned(),
            _lock: file,
        })
    }

    /// Returns the absolute path of the file.
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// Makes surfpool store the current slot at every slot, so that no slot is repeated after a
/// restart, even after a crash.
///
/// The setting must be in the environment when the process starts. This function therefore executes
/// the program again with the setting. It returns if the setting already exists.
pub fn checkpoint_every_slot() -> Result<()> {
    if env::var_os(CHECKPOINT_INTERVAL).is_some() {
        return Ok(());
    }
    let program = env::current_exe().context("cannot determine the path of this program")?;
    let error = Command::new(&program)
        .args(env::args_os().skip(1))
        .env(CHECKPOINT_INTERVAL, "1")
        .exec();
    Err(error).with_context(|| format!("cannot start {}", program.display()))
}

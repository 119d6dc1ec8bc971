//! The real snarkjs, for tests (feature `snarkjs`): installed from the lock file in `tests/snarkjs` with npm, once, into
//! `${XDG_CACHE_HOME:-~/.cache}/bauta/npm/<first 16 hex digits of the lock file's SHA-256>`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use etcetera::base_strategy::{BaseStrategy, Xdg};
use sha2::{Digest, Sha256};

const PACKAGE: &str = include_str!("../tests/snarkjs/package.json");
const LOCK: &str = include_str!("../tests/snarkjs/package-lock.json");

static INSTALLING: Mutex<()> = Mutex::new(());

/// An installed snarkjs.
#[derive(Clone, Debug)]
pub struct Snarkjs {
    directory: PathBuf,
}

/// The command line in its directory.
const CLI: &str = "node_modules/snarkjs/build/cli.cjs";

impl Snarkjs {
    /// Installs snarkjs if it isn't there yet. Needs `node` and `npm`, and the network the first time.
    pub fn install() -> io::Result<Self> {
        let digest = hex::encode(&Sha256::digest(LOCK)[..8]);
        let cache = cache_directory()?.join("bauta").join("npm");
        let directory = cache.join(&digest);
        let cli = directory.join(CLI);
        if cli.is_file() {
            return Ok(Self { directory });
        }
        // One thread of this process at a time; other processes don't see half of it, as it is renamed when whole.
        let _guard = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
        if cli.is_file() {
            return Ok(Self { directory });
        }
        let draft = cache.join(format!("{digest}.{}", process::id()));
        fs::create_dir_all(&draft)?;
        fs::write(draft.join("package.json"), PACKAGE)?;
        fs::write(draft.join("package-lock.json"), LOCK)?;
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&draft);
        output(&mut npm)?;
        if let Err(error) = fs::rename(&draft, &directory) {
            fs::remove_dir_all(&draft)?;
            if !cli.is_file() {
                return Err(error);
            }
        }
        Ok(Self { directory })
    }

    /// Where its `node_modules` are.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The program for `node`.
    #[must_use]
    pub fn cli(&self) -> PathBuf {
        self.directory.join(CLI)
    }

    /// Runs a command such as `["zkey", "verify", ..]` in a directory and returns what it printed. Fails with all
    /// that it printed if it exits with another code than zero.
    pub fn run(&self, directory: &Path, arguments: &[&str]) -> io::Result<String> {
        output(
            Command::new("node")
                .arg(self.cli())
                .args(arguments)
                .current_dir(directory)
                .stdin(Stdio::null()),
        )
    }

    /// Makes powers of tau for circuits of up to `2^power` rows, with one contribution, prepared for phase 2, in the
    /// directory, and returns the file's name. For tests: the contribution's entropy is a constant.
    pub fn powers_of_tau(&self, directory: &Path, power: u32) -> io::Result<&'static str> {
        let (power, entropy) = (power.to_string(), "-e=not random at all");
        self.run(
            directory,
            &["powersoftau", "new", "bn128", &power, "powers_0.ptau"],
        )?;
        self.run(
            directory,
            &[
                "powersoftau",
                "contribute",
                "powers_0.ptau",
                "powers_1.ptau",
                "-n=one",
                entropy,
            ],
        )?;
        self.run(
            directory,
            &["powersoftau", "prepare", "phase2", "powers_1.ptau", "powers.ptau"],
        )?;
        Ok("powers.ptau")
    }
}

fn cache_directory() -> io::Result<PathBuf> {
    Ok(Xdg::new().map_err(io::Error::other)?.cache_dir())
}

fn output(command: &mut Command) -> io::Result<String> {
    let output = command
        .output()
        .map_err(|error| io::Error::other(format!("{}: {error}", command.get_program().display())))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    Err(io::Error::other(format!(
        "{command:?}: {}\n{stdout}{stderr}",
        output.status
    )))
}

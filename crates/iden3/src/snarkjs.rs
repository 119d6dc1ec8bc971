//! Runs the real snarkjs, for tests (feature `snarkjs`). npm installs it once from the lock file in
//! `tests/snarkjs`, into
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

/// The path of the command-line program in the installation.
const CLI: &str = "node_modules/snarkjs/build/cli.cjs";

impl Snarkjs {
    /// Installs snarkjs if it is not installed. Needs `node`, `npm` and, for the first
    /// installation, the network.
    pub fn install() -> io::Result<Self> {
        let digest = hex::encode(&Sha256::digest(LOCK)[..8]);
        let cache = cache_directory()?.join("bauta").join("npm");
        let directory = cache.join(&digest);
        let cli = directory.join(CLI);
        if cli.is_file() {
            return Ok(Self { directory });
        }
        // The lock admits one thread of this process. The folder is renamed when it is complete, so
        // other processes never use an incomplete installation.
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

    /// Returns the folder that contains `node_modules`.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the path of the program for `node`.
    #[must_use]
    pub fn cli(&self) -> PathBuf {
        self.directory.join(CLI)
    }

    /// Runs a command such as `["zkey", "verify", ..]` in a folder and returns its standard output.
    /// If the exit code is not zero, the error contains all output.
    pub fn run(&self, directory: &Path, arguments: &[&str]) -> io::Result<String> {
        output(
            Command::new("node")
                .arg(self.cli())
                .args(arguments)
                .current_dir(directory)
                .stdin(Stdio::null()),
        )
    }

    /// Makes powers of tau for circuits of up to `2^power` rows in a folder, with one contribution,
    /// prepared for phase 2. Returns the file's name. The contribution's entropy is a constant, so
    /// this is only for tests.
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

//! A local chain, and a folder in which `bauta` runs.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use bauta_dev_servers::{Chain, ChainSettings};
use serde_json::Value;
use tempfile::TempDir;

/// The program under test.
pub const BAUTA: &str = env!("CARGO_BIN_EXE_bauta");
/// Variables of the user that would change what `bauta` does.
const VARIABLES: [&str; 11] = [
    "BAUTA_DATABASE_URL",
    "BAUTA_API_URL",
    "BAUTA_PROVER_URL",
    "SOLANA_RPC_URL",
    "SOLANA_CONFIG_FILE",
    "BAUTA_KEYPAIR",
    "BAUTA_CLUSTER_TAG",
    // A proxy can't reach 0.0.0.0, by which tests name a node of another machine.
    "http_proxy",
    "HTTP_PROXY",
    "all_proxy",
    "ALL_PROXY",
];

/// A folder in which `bauta` runs, as the home of a user without a configuration.
pub struct Home {
    folder: TempDir,
    url: Option<String>,
}

impl Home {
    /// Creates an empty folder. Commands use no node.
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            url: None,
        }
    }

    /// Creates a folder with `authority.json`, and starts a chain with the program. The authority
    /// can upgrade the program.
    pub fn with_chain() -> (Self, Chain) {
        let mut home = Self::new();
        let authority = home.text(&["keypair", "authority.json"]);
        let chain = start_chain(authority.trim());
        home.url = Some(chain.rpc_url().to_owned());
        (home, chain)
    }

    /// Creates a folder and a chain, and initialises the program with development keys.
    pub fn initialized() -> (Self, Chain) {
        let (home, chain) = Self::with_chain();
        home.json(&[
            "initialize",
            "--keypair",
            "authority.json",
            "--allow-development-keys",
            "--airdrop",
            "100",
        ]);
        (home, chain)
    }

    /// Uses another node.
    pub fn use_node(&mut self, url: &str) {
        self.url = Some(url.to_owned());
    }

    /// Uses the node that the options or the configuration name.
    pub fn forget_node(&mut self) {
        self.url = None;
    }

    /// Returns the path of a file.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.file(name), text).unwrap();
    }

    /// Runs `bauta` with the key of the authority. Returns the JSON document.
    pub fn by_authority(&self, arguments: &[&str]) -> Value {
        self.json(&[arguments, &["--keypair", "authority.json"]].concat())
    }

    /// Returns the commitment of the identity in `identity` for an entry. Creates the identity if the
    /// file does not exist.
    pub fn commitment(&self, registry: &str, entry: &str) -> String {
        if !self.file("identity").exists() {
            self.write("passphrase", "correct horse battery\n");
            self.json(&sealed(&["identity", "new", "identity"]));
        }
        let show = ["identity", "show", "identity", "--registry", registry];
        let shown = self.json(&sealed(&[&show[..], &["--entry", entry]].concat()));
        text_of(&shown["commitment"]).to_owned()
    }

    /// Returns a command in the folder, with the environment of its user.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        for variable in VARIABLES {
            command.env_remove(variable);
        }
        // Development keys stay in the cache of the real user, because their setup takes seconds.
        let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        let cache = env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from);
        command
            .env("HOME", self.folder.path())
            .env("XDG_CACHE_HOME", cache);
        if let Some(url) = &self.url {
            command.env("SOLANA_RPC_URL", url);
        }
        command
    }

    /// Runs `bauta`.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(BAUTA).args(arguments).output().unwrap()
    }

    /// Runs `bauta`, which must succeed. Returns its output.
    pub fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "bauta {}: {}\n{}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs `bauta --json`, which must succeed. Returns its output.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let text = self.text(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Runs `bauta --json`, which must fail with this exit code. Returns its error.
    pub fn failure(&self, code: i32, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "bauta {}\n{errors}",
            arguments.join(" ")
        );
        let json: Value = serde_json::from_str(&errors).unwrap_or_else(|error| panic!("{error}: {errors}"));
        assert_eq!(json["error"]["exit_code"], code);
        json["error"].clone()
    }
}

/// Returns arguments with the option that reads the passphrase from the file `passphrase`.
pub fn sealed<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &["--passphrase-file", "passphrase"]].concat()
}

/// Returns a text in JSON.
pub fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is not a text"))
}

/// Returns the path of an artifact of the program.
pub fn artifact(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../programs/bauta/artifacts")
        .join(name)
}

/// Starts a chain with the program, which the address can upgrade.
pub fn start_chain(authority: &str) -> Chain {
    start_chain_with(authority, vec![(bauta::ID.to_string(), artifact("bauta.v3.so"))])
}

/// Starts a chain with programs, which the address can upgrade.
pub fn start_chain_with(authority: &str, programs: Vec<(String, PathBuf)>) -> Chain {
    Chain::start(&ChainSettings {
        programs,
        upgrade_authority: Some(authority.to_owned()),
        // A blockhash is valid for 150 slots, so a busy machine needs slots that are not too short.
        slot_time: Some(200),
        ..ChainSettings::default()
    })
    .unwrap()
}

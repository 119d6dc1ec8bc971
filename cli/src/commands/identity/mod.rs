//! `bauta identity`: the master secret of a member, in a file that is encrypted under a passphrase.

mod rotate;

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use bauta_primitives::{Commitment, EntryId, FieldElement, IdentitySecret, MasterSecret};
use clap::ArgGroup;
use solana_address::Address;
use zeroize::Zeroizing;

use crate::{
    context::Context,
    passphrase::{self, PassphraseArgs},
    report::Report,
    sealed::{self, Secret},
    values::element,
};

/// The largest file with a secret in hexadecimal digits that is read, in bytes.
const MAX_SECRET_BYTES: u64 = 256;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Create an identity
    New {
        /// File to create
        file: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseArgs,
    },
    /// Print the commitment of an entry, which registers the member. The secret is not printed
    Show(ShowArgs),
    /// Copy an identity to a new file with another passphrase. A browser can restore the copy
    Export {
        /// File of the identity
        file: PathBuf,
        /// File to create
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseArgs,
        /// File whose first line is the passphrase of the copy [default: read from the terminal]
        #[arg(long, value_name = "FILE")]
        new_passphrase_file: Option<PathBuf>,
    },
    /// Create an identity from a master secret or from a backup of a browser
    Import(ImportArgs),
    /// Create a new identity, and register assets again with it. The old identity stays
    Rotate(Box<rotate::Args>),
}

#[derive(clap::Args)]
#[command(group(ArgGroup::new("about").required(true)))]
pub struct ShowArgs {
    /// File of the identity
    file: PathBuf,
    /// Registry of the entry
    #[arg(long, value_name = "ADDRESS")]
    registry: Address,
    /// Entry of a token or a Core asset
    #[arg(long, value_name = "ADDRESS", group = "about")]
    asset: Option<Address>,
    /// Entry that the authority of the registry chose: a number, or 0x and 64 hexadecimal digits
    #[arg(long, value_name = "ENTRY", value_parser = element, group = "about")]
    entry: Option<FieldElement>,
    /// Number of times that the secret of the entry was replaced
    #[arg(long, default_value_t = 0)]
    counter: u32,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

#[derive(clap::Args)]
#[command(group(ArgGroup::new("source").required(true)))]
pub struct ImportArgs {
    /// File to create
    file: PathBuf,
    /// File with the master secret: 64 hexadecimal digits
    #[arg(long, value_name = "FILE", group = "source")]
    secret_file: Option<PathBuf>,
    /// Backup of `@bauta/sdk`, or another identity. Its passphrase stays
    #[arg(long, value_name = "FILE", group = "source")]
    backup: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

/// The identity of a command that needs a secret.
#[derive(clap::Args)]
pub struct IdentityArgs {
    /// File of the member's identity
    #[arg(long, value_name = "FILE", group = "member")]
    pub identity: Option<PathBuf>,
    /// Number of times that the secret of the entry was replaced
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub counter: u32,
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
}

/// An opened identity.
pub struct Opened {
    master: MasterSecret,
    counter: u32,
}

impl IdentityArgs {
    /// Opens the identity.
    pub fn open(&self) -> Result<Opened> {
        let file = self
            .identity
            .as_deref()
            .context("name the identity with --identity")?;
        Ok(Opened {
            master: master(&open(file, &self.passphrase)?),
            counter: self.counter,
        })
    }
}

impl Opened {
    /// Returns the secret of an entry.
    pub fn secret(&self, registry: &Address, entry: EntryId) -> IdentitySecret {
        self.master.identity(registry.as_array(), entry, self.counter)
    }

    /// Returns the commitment of an entry.
    pub fn commitment(&self, registry: &Address, entry: EntryId) -> Commitment {
        self.secret(registry, entry).commitment()
    }
}

fn open(file: &Path, passphrase: &PassphraseArgs) -> Result<Secret> {
    sealed::open(&sealed::read(file)?, &passphrase.existing()?)
}

fn master(secret: &Secret) -> MasterSecret {
    // The copy is wiped by `from_bytes`.
    let mut copy = **secret;
    MasterSecret::from_bytes(&mut copy)
}

/// Runs the subcommand. Only a rotation needs a node.
pub async fn run(context: impl FnOnce() -> Result<Context>, command: &Command) -> Result<Report> {
    match command {
        Command::New { file, passphrase } => {
            // A file that exists is found before the user types a passphrase.
            ensure!(
                !file.exists(),
                "{} exists and is never replaced: choose another file",
                file.display()
            );
            sealed::create(file, &sealed::seal(&sealed::random(), &passphrase.new_one()?)?)?;
            Ok(created(file).next(format!(
                "print a commitment with `bauta identity show {} --registry ADDRESS --asset ADDRESS`",
                file.display()
            )))
        }
        Command::Show(args) => show(args),
        Command::Export {
            file,
            out,
            passphrase,
            new_passphrase_file,
        } => {
            let secret = open(file, passphrase)?;
            let new = passphrase::new_one(new_passphrase_file.as_deref())?;
            sealed::create(out, &sealed::seal(&secret, &new)?)?;
            Ok(created(out))
        }
        Command::Import(args) => import(args),
        Command::Rotate(args) => rotate::run(&context()?, args).await,
    }
}

fn created(file: &Path) -> Report {
    Report::new()
        .fact("identity", file.display())
        .warning("keep a copy of the file and the passphrase. Without both, the memberships are lost.")
}

fn show(args: &ShowArgs) -> Result<Report> {
    let opened = Opened {
        master: master(&open(&args.file, &args.passphrase)?),
        counter: args.counter,
    };
    let asset = args.asset.map(|asset| EntryId::of_mint(asset.as_array()));
    let entry = asset
        .or(args.entry.map(EntryId::new))
        .context("name the entry with --asset or --entry")?;
    Ok(Report::new()
        .fact("registry", args.registry)
        .optional("asset", args.asset)
        .fact("entry", entry)
        .value("counter", args.counter)
        .fact("commitment", opened.commitment(&args.registry, entry)))
}

fn import(args: &ImportArgs) -> Result<Report> {
    if let Some(backup) = &args.backup {
        let sealed = sealed::read(backup)?;
        // A wrong passphrase is found now, and not at the first proof.
        sealed::open(&sealed, &args.passphrase.existing()?)?;
        sealed::create(&args.file, &sealed)?;
        return Ok(created(&args.file));
    }
    let file = args.secret_file.as_deref();
    let secret = read_secret(file.context("name the secret with --secret-file")?)?;
    sealed::create(&args.file, &sealed::seal(&secret, &args.passphrase.new_one()?)?)?;
    Ok(created(&args.file))
}

fn read_secret(file: &Path) -> Result<Secret> {
    let context = || format!("can't read the secret from {}", file.display());
    let mut text = Zeroizing::new(String::with_capacity(256));
    let opened = File::open(file).with_context(context)?;
    opened
        .take(MAX_SECRET_BYTES)
        .read_to_string(&mut text)
        .with_context(context)?;
    let mut secret = Secret::default();
    let digits = text.trim();
    // The error of the decoder would repeat a digit of the secret.
    hex::decode_to_slice(digits.strip_prefix("0x").unwrap_or(digits), &mut secret[..])
        .ok()
        .with_context(|| format!("{} must have 64 hexadecimal digits", file.display()))?;
    Ok(secret)
}

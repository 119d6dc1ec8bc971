//! `bauta-circuits` lists the statements, writes their files for other tools, and makes and checks
//! keys.

use std::{
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use ark_std::rand::rngs::OsRng;
use bauta_circuits::{
    Key, Ownership, Statement,
    figures::{figures, table},
    load_or_setup_development,
    statement::{assign, evaluate, r1cs, sample_inputs},
    statements::{Visitor, visit},
};
use bauta_iden3::{PowersOfTau, Witness, ZKey};
use bauta_primitives::tree::Depth;
use bauta_prover::CompactKey;
use clap::{Args, Parser, Subcommand};
use sha2::{Digest as _, Sha256};

/// Lists statements, writes their files for other tools, and makes and checks their keys
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the statements and their sizes
    List,
    /// Write circuit.r1cs, witness.wtns, proof.json and public.json of a sample, and key.zkey with
    /// its verifying key as JSON
    Export {
        #[command(flatten)]
        circuit: Circuit,
        /// The key file for the sample's proof [default: the development key]
        #[arg(long)]
        key: Option<PathBuf>,
        /// The folder for the files
        #[arg(long)]
        out: PathBuf,
    },
    /// Make a key from published secrets
    Setup {
        #[command(flatten)]
        circuit: Circuit,
        /// Confirms that anyone can forge proofs for this key. There is no other setup here: a key
        /// for production comes from a ceremony
        #[arg(long, required = true)]
        development: bool,
        /// The key file to write
        #[arg(long)]
        out: PathBuf,
    },
    /// Check the last zkey of a ceremony and write it as a key file
    Import {
        #[command(flatten)]
        circuit: Circuit,
        /// The last zkey of the ceremony
        #[arg(long)]
        zkey: PathBuf,
        /// The powers of tau of the ceremony, prepared for phase 2
        #[arg(long)]
        ptau: PathBuf,
        /// The key file to write
        #[arg(long)]
        out: PathBuf,
    },
    /// Write the web-key file of a key, which the WebAssembly prover reads, and print its SHA-256
    WebKey {
        #[command(flatten)]
        circuit: Circuit,
        /// The key file [default: the development key]
        #[arg(long)]
        key: Option<PathBuf>,
        /// The web-key file to write
        #[arg(long)]
        out: PathBuf,
    },
    /// Check a key file and print its header and contributions
    Show {
        #[command(flatten)]
        circuit: Circuit,
        /// The key file
        key: PathBuf,
    },
}

#[derive(Args, Clone)]
struct Circuit {
    /// The name of the statement
    #[arg(long, default_value = Ownership::NAME)]
    statement: String,
    /// The depth of the registry tree: 10 or 16
    #[arg(long)]
    depth: u8,
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let circuit = match &command {
        Command::List => {
            print!("{}", table(&figures()));
            return Ok(());
        }
        Command::Export { circuit, .. }
        | Command::Setup { circuit, .. }
        | Command::Import { circuit, .. }
        | Command::WebKey { circuit, .. }
        | Command::Show { circuit, .. } => circuit.clone(),
    };
    let depth = Depth::try_from(circuit.depth)?;
    visit(&circuit.statement, depth, &mut Run(Some(command))).with_context(|| {
        let name = circuit.statement;
        format!("there is no statement {name:?}; `bauta-circuits list` lists the statements")
    })?
}

/// A command for one statement.
struct Run(Option<Command>);

impl Visitor for Run {
    type Output = Result<()>;

    fn visit<S: Statement + Clone>(&mut self, statement: S) -> Result<()> {
        match self.0.take().expect("a command runs once") {
            Command::List => {}
            Command::Export { key, out, .. } => export(statement, key.as_deref(), &out)?,
            Command::Setup { out, .. } => {
                let key = Key::development(statement)?;
                write(&out, &key.to_bytes()?)?;
                show(&key);
            }
            Command::Import { zkey, ptau, out, .. } => {
                let zkey = ZKey::from_bytes(&read(&zkey)?)
                    .with_context(|| format!("{} is refused", zkey.display()))?;
                let file = File::open(&ptau).with_context(|| format!("can't read {}", ptau.display()))?;
                let mut powers = PowersOfTau::open(BufReader::new(file))?;
                let key = Key::import(statement, zkey, &mut powers)?;
                write(&out, &key.to_bytes()?)?;
                show(&key);
            }
            Command::WebKey { key, out, .. } => {
                let key = key_or_development(statement, key.as_deref())?;
                let bytes = CompactKey::new(key.zkey())?.to_bytes()?;
                write(&out, &bytes)?;
                println!("{}", hex::encode(Sha256::digest(&bytes)));
                if let Some(warning) = key.warning() {
                    eprintln!("\nWARNING: {warning}");
                }
            }
            Command::Show { key, .. } => show(&Key::from_bytes(statement, &read(&key)?)?),
        }
        Ok(())
    }
}

/// Reads a key file, or loads the development key if there is no path.
fn key_or_development<S: Statement + Clone>(statement: S, path: Option<&Path>) -> Result<Key<S>> {
    Ok(match path {
        Some(path) => Key::from_bytes(statement, &read(path)?)?,
        None => load_or_setup_development(&statement)?,
    })
}

fn show<S: Statement>(key: &Key<S>) {
    let header = key.header();
    println!(
        "statement               {} version {}",
        header.statement, header.version
    );
    println!("depth                   {}", header.depth);
    println!("leaf format             {}", header.leaf_format);
    println!(
        "constraint system hash  {}",
        hex::encode(header.constraint_system_hash)
    );
    println!(
        "verifying key hash      {}",
        hex::encode(header.verifying_key_hash)
    );
    println!("provenance              {}", header.provenance);
    for (index, contribution) in key.zkey().contributions.iter().enumerate() {
        let name = contribution.name.as_deref().unwrap_or("(no name)");
        println!(
            "contribution {:<10} {name}\n                        {}",
            index + 1,
            hex::encode(contribution.hash())
        );
    }
    if let Some(warning) = key.warning() {
        eprintln!("\nWARNING: {warning}");
    }
}

/// Writes the files of a sample whose secrets are published, so that other tools can compute with
/// it.
fn export<S: Statement + Clone>(statement: S, key: Option<&Path>, out: &Path) -> Result<()> {
    let key = key_or_development(statement, key)?;
    let statement = key.statement();
    let inputs = sample_inputs(statement);
    let r1cs = r1cs(statement);
    let assignment = assign(statement, &inputs, r1cs.wires as usize, r1cs.constraints.len())?;
    let witness = Witness::new(assignment.wires().to_vec());
    let digest = evaluate(statement, &inputs)?.digest;
    let proof = key.prove(&inputs, &mut OsRng)?;
    key.verifying_key().verify(digest, &proof)?;

    println!("constraint system hash  {}", hex::encode(r1cs.hash()));
    fs::create_dir_all(out).with_context(|| format!("can't create {}", out.display()))?;
    write(&out.join("circuit.r1cs"), &r1cs.to_bytes()?)?;
    write(&out.join("witness.wtns"), &witness.to_bytes()?)?;
    write(&out.join("key.zkey"), &key.zkey().to_bytes()?)?;
    write(
        &out.join("verification_key.json"),
        key.verifying_key().to_snarkjs().as_bytes(),
    )?;
    write(&out.join("proof.json"), proof.to_snarkjs().as_bytes())?;
    write(
        &out.join("public.json"),
        bauta_circuits::public_to_snarkjs(digest).as_bytes(),
    )?;
    if let Some(warning) = key.warning() {
        eprintln!("WARNING: {warning}");
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("can't read {}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("can't write {}", path.display()))
}

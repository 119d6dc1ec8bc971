//! `bauta circuit`: the circuits whose proofs the program verifies.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result, ensure};
use bauta::{
    instructions::CircuitRegistration,
    state::{self, Circuit},
};
use bauta_circuits::{
    AnyKey, Ownership, Statement, keys,
    statements::{Visitor, visit_all},
};
use bauta_client::instructions::{RegisterCircuit, RetireCircuit, SuspendCircuit};
use bauta_primitives::tree::Depth;
use clap::ArgGroup;
use solana_address::Address;

use crate::{
    context::Context,
    report::Report,
    transaction::Action,
    values::{hex32, padded_text},
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// List the circuits
    List,
    /// Show a circuit
    Show {
        /// Address of the circuit account
        circuit: Address,
    },
    /// Register the verifying key of a key file. The signer is the admin
    Register(RegisterArgs),
    /// Refuse new scopes and verifications with a circuit at once. The signer is the admin
    Suspend {
        /// Address of the circuit account
        circuit: Address,
        /// Accept them again
        #[arg(long)]
        resume: bool,
    },
    /// Schedule the retirement of a circuit for ever, in 7 days. The signer is the admin
    Retire {
        /// Address of the circuit account
        circuit: Address,
        /// Cancel a scheduled retirement
        #[arg(long)]
        cancel: bool,
    },
}

#[derive(clap::Args)]
#[command(group(ArgGroup::new("source").required(true)))]
pub struct RegisterArgs {
    /// Key file of the ceremony
    #[arg(long, value_name = "FILE", group = "source")]
    key: Option<PathBuf>,
    /// Use the development key. Anyone can forge proofs with it
    #[arg(long, group = "source")]
    development: bool,
    /// Name of the statement
    #[arg(long, default_value = Ownership::NAME)]
    statement: String,
    /// Depth of the registry tree: 10 or 16
    #[arg(long, default_value_t = 10)]
    depth: u8,
}

/// Runs the subcommand.
pub async fn run(context: &Context, command: &Command) -> Result<Report> {
    match command {
        Command::List => {
            context.check_pinned().await?;
            let circuits = context.list::<Circuit>(&[]).await?;
            let now = context.now().await?;
            Ok(Report::list(
                circuits
                    .iter()
                    .map(|(address, circuit)| summary(*address, circuit, now))
                    .collect(),
            ))
        }
        Command::Show { circuit } => {
            context.check_pinned().await?;
            show(context, circuit).await
        }
        Command::Register(args) => register(context, args).await,
        Command::Suspend { circuit, resume } => {
            let change = SuspendCircuit {
                admin: context.signer_address()?,
                circuit: *circuit,
                suspended: !resume,
            };
            let what = format!(
                "{} the circuit {circuit}",
                if *resume { "resume" } else { "suspend" }
            );
            change_status(context, circuit, &what, change.instruction()).await
        }
        Command::Retire { circuit, cancel } => {
            let change = RetireCircuit {
                admin: context.signer_address()?,
                circuit: *circuit,
                retire: !cancel,
            };
            let what = if *cancel {
                format!("cancel the retirement of the circuit {circuit}")
            } else {
                format!("retire the circuit {circuit} for ever in 7 days")
            };
            change_status(context, circuit, &what, change.instruction()).await
        }
    }
}

async fn change_status(
    context: &Context,
    circuit: &Address,
    what: &str,
    instruction: solana_instruction::Instruction,
) -> Result<Report> {
    context.read::<Circuit>(circuit, "circuit").await?;
    let signers = context.signers()?;
    let outcome = context.run(&signers, Action::of(what, instruction)).await?;
    outcome.report_after(show(context, circuit).await)
}

async fn register(context: &Context, args: &RegisterArgs) -> Result<Report> {
    let key = any_key(args)?;
    let signers = context.signers()?;
    let register = RegisterCircuit {
        payer: signers.payer().pubkey(),
        admin: signers.signer.pubkey(),
        registration: registration(&key)?,
    };
    let circuit = register.circuit();
    let report = if context.find::<Circuit>(&circuit).await?.is_some() {
        Report::new()
            .fact("circuit", circuit)
            .value("already_registered", true)
    } else {
        let what = format!(
            "register the circuit {circuit} of the statement {} with a key from {}",
            key.statement(),
            match key.header().provenance {
                keys::Provenance::Development => "development",
                keys::Provenance::Ceremony { .. } => "a ceremony",
            }
        );
        let action = Action::of(&what, register.instruction()).creating::<Circuit>();
        let outcome = context.run(&signers, action).await?;
        Report::new().fact("circuit", circuit).and(outcome.report())
    };
    let report = match key.warning() {
        Some(warning) => report.warning(warning),
        None => report,
    };
    Ok(report.next(format!(
        "create a scope with `bauta scope create --circuit {circuit}`"
    )))
}

/// Returns the key of the statement that the arguments name.
fn any_key(args: &RegisterArgs) -> Result<AnyKey> {
    let (name, depth) = (&args.statement, Depth::try_from(args.depth)?);
    let Some(file) = &args.key else {
        let key = AnyKey::load_or_setup_development(name, depth);
        let key = key.with_context(|| format!("there is no statement {name:?}"))?;
        return Ok(key?);
    };
    let key = read_key(file)?;
    ensure!(
        key.statement() == name && key.depth() == depth,
        "the key file {} is for {} at depth {}: name them with --statement and --depth",
        file.display(),
        key.statement(),
        key.depth() as u8
    );
    Ok(key)
}

/// Reads a key file.
pub fn read_key(file: &PathBuf) -> Result<AnyKey> {
    let bytes = fs::read(file).with_context(|| format!("can't read the key file {}", file.display()))?;
    AnyKey::from_bytes(&bytes).with_context(|| format!("the key file {}", file.display()))
}

fn registration(key: &AnyKey) -> Result<CircuitRegistration> {
    let header = key.header();
    let mut statement = [0; 32];
    statement[..key.statement().len()].copy_from_slice(key.statement().as_bytes());
    let (provenance, transcript_hash) = match header.provenance {
        keys::Provenance::Development => (state::Provenance::Development, [0; 32]),
        keys::Provenance::Ceremony { transcript_hash } => (state::Provenance::Ceremony, transcript_hash),
    };
    Ok(CircuitRegistration {
        statement,
        version: header.version,
        depth: header.depth,
        leaf_format: u8::try_from(header.leaf_format)
            .with_context(|| format!("the leaf format {} is above 255", header.leaf_format))?,
        auxiliary_format: key.auxiliary_format(),
        provenance,
        constraint_system_hash: header.constraint_system_hash,
        transcript_hash,
        verifying_key: key.verifying_key().to_bytes(),
    })
}

fn summary(address: Address, circuit: &Circuit, now: i64) -> Report {
    Report::new()
        .fact("circuit", address)
        .fact("statement", padded_text(&circuit.statement))
        .value("version", circuit.version)
        .value("depth", circuit.depth)
        .fact("provenance", provenance(circuit))
        .fact("status", status(circuit, now))
}

async fn show(context: &Context, address: &Address) -> Result<Report> {
    let circuit: Circuit = context.read(address, "circuit").await?;
    let now = context.now().await?;
    let report = summary(*address, &circuit, now)
        .value("leaf_format", circuit.leaf_format)
        .value("auxiliary_format", circuit.auxiliary_format)
        .fact("verifying_key_hash", hex32(&circuit.vk_hash))
        .fact("constraint_system_hash", hex32(&circuit.constraint_system_hash))
        .fact("transcript_hash", hex32(&circuit.transcript_hash))
        .value(
            "retires_at",
            (circuit.retires_at != 0).then_some(circuit.retires_at),
        );
    let development = is_development(&circuit).then(|| keys::DEVELOPMENT_WARNING.to_owned());
    let warnings = development.into_iter().chain(wrong_auxiliary_format(&circuit));
    Ok(warnings.fold(report, Report::warning))
}

/// Returns what is wrong if a circuit of a statement of this version is registered with an
/// auxiliary format other than that of the statement. The admin chose it at the registration. With
/// a wrong one, scopes would compare no auxiliary root, or would compare one that claims do not
/// include.
pub fn wrong_auxiliary_format(circuit: &Circuit) -> Option<String> {
    struct Format;

    impl Visitor for Format {
        type Output = (&'static str, u16, u8);

        fn visit<S: Statement>(&mut self, _: S) -> Self::Output {
            (S::NAME, S::VERSION, S::AUXILIARY_FORMAT)
        }
    }

    let statement = padded_text(&circuit.statement);
    let formats = visit_all(&mut Format);
    let (_, _, format) = formats
        .iter()
        .find(|(name, version, _)| statement == *name && circuit.version == *version)?;
    (circuit.auxiliary_format != *format).then(|| {
        format!(
            "the circuit is registered with the auxiliary format {}, but the statement {statement} version {} has {format}: \
             its verifications don't show what the statement says",
            circuit.auxiliary_format, circuit.version
        )
    })
}

/// Returns whether the circuit has a development key, or a provenance that this version does not
/// know.
pub fn is_development(circuit: &Circuit) -> bool {
    circuit.provenance != state::Provenance::Ceremony as u8
}

fn provenance(circuit: &Circuit) -> &'static str {
    match circuit.provenance {
        0 => "development",
        1 => "ceremony",
        _ => "unknown",
    }
}

/// Returns the status of a circuit at a time.
pub fn status(circuit: &Circuit, now: i64) -> &'static str {
    let retires = circuit.retires_at != 0;
    match circuit.status {
        _ if retires && now >= circuit.retires_at => "retired",
        Circuit::SUSPENDED => "suspended",
        Circuit::ACTIVE if retires => "retires",
        Circuit::ACTIVE => "active",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use bauta_circuits::Address as AddressStatement;

    use super::*;

    fn circuit(name: &str, version: u16, auxiliary_format: u8) -> Circuit {
        let mut statement = [0; 32];
        statement[..name.len()].copy_from_slice(name.as_bytes());
        Circuit {
            statement,
            version,
            depth: 10,
            leaf_format: 1,
            provenance: 0,
            status: 0,
            bump: 255,
            auxiliary_format,
            vk_hash: [0; 32],
            constraint_system_hash: [0; 32],
            transcript_hash: [0; 32],
            verifying_key: [0; 576],
            retires_at: 0,
        }
    }

    #[test]
    fn a_circuit_with_an_auxiliary_format_other_than_its_statements_is_named() {
        let is_wrong =
            |name, version, format| wrong_auxiliary_format(&circuit(name, version, format)).is_some();
        let own = AddressStatement::AUXILIARY_FORMAT;
        assert_ne!(own, 0);
        assert!(!is_wrong(AddressStatement::NAME, AddressStatement::VERSION, own));
        assert!(is_wrong(AddressStatement::NAME, AddressStatement::VERSION, 0));
        assert!(!is_wrong(Ownership::NAME, Ownership::VERSION, 0));
        assert!(is_wrong(Ownership::NAME, Ownership::VERSION, own));
        // This version can't know the format of other statements.
        assert!(!is_wrong("added_later", 1, 7));
        assert!(!is_wrong(Ownership::NAME, Ownership::VERSION + 1, 7));
    }
}

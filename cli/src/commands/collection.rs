//! `bauta collection`: the collections whose assets can be registered in a registry of holders.

use anyhow::Result;
use bauta::state::{Collection, CollectionKind, Registry};
use bauta_client::{addresses, instructions::AddCollection};
use clap::ValueEnum;
use solana_address::Address;

use crate::{
    context::Context,
    report::Report,
    transaction::Action,
    values::{CollectionKindName, collection_kind},
};

/// The rules with their names, which `docs/protocol.md` explains.
const RULES: [(Rule, u16); 5] = [
    (Rule::Locked, Collection::LOCKED),
    (Rule::Prints, Collection::PRINTS),
    (Rule::Compressed, Collection::COMPRESSED),
    (Rule::IssuerMoves, Collection::ISSUER_MOVES),
    (Rule::Leaving, Collection::LEAVING),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Rule {
    /// Assets that are frozen or locked may be registered
    Locked,
    /// Prints may be registered
    Prints,
    /// Compressed assets may be registered
    Compressed,
    /// Assets that their issuer can move may be registered
    IssuerMoves,
    /// That an asset left the collection is evidence for its eviction
    Leaving,
}

#[derive(clap::Subcommand)]
pub enum Command {
    /// Add a collection. The signer is the authority of the registry
    Add(AddArgs),
    /// List the collections of a registry
    List {
        /// Address of the registry
        registry: Address,
    },
}

#[derive(clap::Args)]
pub struct AddArgs {
    /// Address of the registry
    registry: Address,
    /// Address that identifies the collection: a mint, a group, a Core collection or a master
    #[arg(long, value_name = "ADDRESS")]
    key: Address,
    /// What the key is the address of
    #[arg(long, value_enum)]
    kind: CollectionKindName,
    /// Track of the collection's members: the number that their proofs show
    #[arg(long, value_name = "NUMBER")]
    track: u64,
    /// What the collection allows. Can be repeated. Without rules it is strictest
    #[arg(long = "rule", value_enum, value_name = "RULE")]
    rules: Vec<Rule>,
}

/// Runs the subcommand.
pub async fn run(context: &Context, command: &Command) -> Result<Report> {
    match command {
        Command::Add(args) => add(context, args).await,
        Command::List { registry } => {
            let collections = of_registry(context, registry).await?;
            Ok(Report::list(
                collections.iter().map(|(_, found)| summary(found)).collect(),
            ))
        }
    }
}

/// Lists the collections of a registry.
pub async fn of_registry(context: &Context, registry: &Address) -> Result<Vec<(Address, Collection)>> {
    context.read::<Registry>(registry, "registry").await?;
    context.list(&[(0, registry.as_ref())]).await
}

async fn add(context: &Context, args: &AddArgs) -> Result<Report> {
    context.read::<Registry>(&args.registry, "registry").await?;
    let signers = context.signers()?;
    let chosen = RULES.iter().filter(|(rule, _)| args.rules.contains(rule));
    let add = AddCollection {
        payer: signers.payer().pubkey(),
        authority: signers.signer.pubkey(),
        registry: args.registry,
        key: args.key,
        kind: args.kind.into(),
        rules: chosen.map(|(_, bit)| bit).sum(),
        track: args.track,
    };
    let action = Action::of("add a collection", add.instruction()).creating::<Collection>();
    let outcome = context.run(&signers, action).await?;
    let address = addresses::collection(&args.registry, &args.key).address;
    Ok(Report::new()
        .fact("collection", address)
        .fact("key", args.key)
        .fact("kind", collection_kind(CollectionKind::from(args.kind) as u8))
        .value("track", args.track)
        .and(outcome.report())
        .next(format!(
            "holders register with `bauta holder register {}`",
            args.registry
        )))
}

fn summary(collection: &Collection) -> Report {
    let rules = RULES.iter().filter(|(_, bit)| collection.rules & bit != 0);
    let names: Vec<String> = rules
        .filter_map(|(rule, _)| Some(rule.to_possible_value()?.get_name().to_owned()))
        .collect();
    Report::new()
        .fact("key", collection.key)
        .fact("kind", collection_kind(collection.kind))
        .value("track", collection.track)
        .value("number", collection.number)
        .fact("rules", names.join(","))
}

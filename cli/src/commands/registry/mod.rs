//! `bauta registry`: trees of members.

mod import;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bauta::state::{Registry, RegistryKind, Tree};
use bauta_circuits::{Ownership, Statement as _};
use bauta_client::instructions::{AppendLeaves, CreateRegistry, PublishRoot, ReplaceLeaf, SealRegistry};
use bauta_primitives::{
    Attributes, Commitment, EntryId, FieldElement, Leaf, Root,
    statements::{Address as MemberAddress, Score},
};
use clap::ArgGroup;
use serde_json::Value;
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;
use solana_system_interface::instruction::create_account;
use tokio::time::{Instant, sleep};

use crate::{
    address_file,
    api_key::ApiKey,
    context::Context,
    failure::{Failure, Kind},
    members, progress,
    report::Report,
    score_file,
    service::{Service, is_busy},
    transaction::{Action, Cost, Outcome, after_sent},
    tree::{Changes, LeafSource},
    values::{self, RegistryKindName, element, hex32, registry_kind},
};

/// The number of leaves that fit into one transaction.
const MAX_LEAVES: usize = 24;
/// The leaf format whose attributes are a track.
const TRACK_FORMAT: u16 = Ownership::LEAF_FORMAT;
/// The interval between the attempts of an upload. An API accepts ten uploads in a minute.
const INTERVAL: Duration = Duration::from_secs(7);
/// The longest time until an API has stored the leaves of a published root.
const PATIENCE: Duration = Duration::from_mins(3);
/// The next step after an upload that failed.
const UPLOAD_AGAIN: &str = "the root is published: repeat the command, and it only uploads";

#[derive(clap::Subcommand)]
pub enum Command {
    /// Create a registry. The signer is its authority
    Create(CreateArgs),
    /// List the registries
    List {
        /// Only registries of this authority
        #[arg(long, value_name = "ADDRESS")]
        authority: Option<Address>,
    },
    /// Show a registry
    Show {
        /// Address of the registry
        registry: Address,
    },
    /// Seal a registry of holders: no collection can be added after that. The signer is its
    /// authority
    Seal {
        /// Address of the registry
        registry: Address,
    },
    /// Append leaves to a registry of kind managed. The signer is its authority
    Append(AppendArgs),
    /// Replace or remove a leaf of a registry of kind managed. The signer is its authority
    Replace(ReplaceArgs),
    /// Publish a root of a registry of kind attested. The signer is its authority
    Publish(PublishArgs),
    /// Make the file of the members of an attested registry from a CSV file, and print the root of
    /// its tree. It needs no node
    Import(import::Args),
}

#[derive(clap::Args)]
#[command(group(ArgGroup::new("source").required(true)))]
pub struct PublishArgs {
    /// Address of the registry
    registry: Address,
    /// File with one line commitment,entry,track for each member, from index 0 on. Members need the
    /// same file to prove
    #[arg(long, value_name = "FILE", group = "source")]
    members: Option<PathBuf>,
    /// Root of the tree
    #[arg(long, value_name = "ROOT", value_parser = element, group = "source")]
    root: Option<FieldElement>,
    /// URL of an API that then stores the leaves. They become public. A root that is published
    /// already is only uploaded
    #[arg(long, value_name = "URL", requires_all = ["members", "api_key_file"])]
    upload: Option<String>,
    /// File whose first line is an API key with the permission `trees`
    #[arg(long, value_name = "FILE", requires = "upload")]
    api_key_file: Option<PathBuf>,
}

#[derive(clap::Args)]
pub struct CreateArgs {
    /// Who writes the leaves: the program for holders of assets, the authority, or the authority
    /// off chain
    #[arg(long, value_enum, default_value = "holders")]
    kind: RegistryKindName,
    /// Number that distinguishes the registries of an authority
    #[arg(long, default_value_t = 0)]
    nonce: u64,
    /// Depth of the tree: 10, or 16 for the kind attested
    #[arg(long, default_value_t = 10)]
    depth: u8,
    /// Leaf format: it must be that of the circuit
    #[arg(long, default_value_t = 1)]
    leaf_format: u8,
    /// Time for which a replaced root is accepted: from 60s to 30d
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = values::duration)]
    root_ttl: Duration,
}

#[derive(clap::Args)]
#[command(group(ArgGroup::new("source").required(true)))]
pub struct AppendArgs {
    /// Address of the registry
    registry: Address,
    /// Commitment of the member, which `bauta identity show` prints
    #[arg(
        long,
        value_name = "COMMITMENT",
        value_parser = element,
        group = "source",
        requires_all = ["entry", "attributes"]
    )]
    commitment: Option<FieldElement>,
    /// Entry that the leaf is about: a number, or 0x and 64 hexadecimal digits
    #[arg(long, value_name = "ENTRY", value_parser = element)]
    entry: Option<FieldElement>,
    /// Track of the member
    #[arg(long, value_name = "NUMBER", group = "attributes")]
    track: Option<u64>,
    /// File with the score of the member, for a registry of leaf format 2
    #[arg(long, value_name = "FILE", group = "attributes", requires = "commitment")]
    score: Option<PathBuf>,
    /// File with the address of the member, for a registry of leaf format 3
    #[arg(long, value_name = "FILE", group = "attributes", requires = "commitment")]
    address: Option<PathBuf>,
    /// Leaf as a field element. Can be repeated
    #[arg(long = "leaf", value_name = "LEAF", value_parser = element, group = "source")]
    leaves: Vec<FieldElement>,
    /// File with one line commitment,entry,track for each member. Members that the tree has are
    /// left out, so the command can be repeated
    #[arg(long, value_name = "FILE", group = "source")]
    file: Option<PathBuf>,
    #[command(flatten)]
    present: LeafSource,
}

#[derive(clap::Args)]
#[command(group(ArgGroup::new("source").required(true)))]
pub struct ReplaceArgs {
    /// Address of the registry
    registry: Address,
    /// Position of the leaf
    #[arg(long)]
    index: u64,
    /// Commitment of the new member
    #[arg(
        long,
        value_name = "COMMITMENT",
        value_parser = element,
        group = "source",
        requires_all = ["entry", "track"]
    )]
    commitment: Option<FieldElement>,
    /// Entry that the new leaf is about
    #[arg(long, value_name = "ENTRY", value_parser = element)]
    entry: Option<FieldElement>,
    /// Track of the new member
    #[arg(long, value_name = "NUMBER")]
    track: Option<u64>,
    /// New leaf as a field element
    #[arg(long, value_name = "LEAF", value_parser = element, group = "source")]
    leaf: Option<FieldElement>,
    /// Remove the leaf
    #[arg(long, group = "source")]
    remove: bool,
    #[command(flatten)]
    present: LeafSource,
}

/// Returns the leaf of a commitment, an entry and attributes, which the parser requires together.
fn leaf_of(
    commitment: Option<FieldElement>,
    entry: Option<FieldElement>,
    attributes: Option<Attributes>,
) -> Option<Leaf> {
    Some(Leaf::of(
        Commitment::new(commitment?),
        EntryId::new(entry?),
        attributes?,
    ))
}

/// Runs the subcommand.
pub async fn run(context: &Context, command: &Command) -> Result<Report> {
    match command {
        Command::Create(args) => create(context, args).await,
        Command::List { authority } => {
            context.check_pinned().await?;
            let authority = authority.as_ref().map(|authority| (0, authority.as_ref()));
            let fields: Vec<(usize, &[u8])> = authority.into_iter().collect();
            let registries = context.list::<Registry>(&fields).await?;
            Ok(Report::list(
                registries
                    .iter()
                    .map(|(address, registry)| summary(*address, registry))
                    .collect(),
            ))
        }
        Command::Show { registry } => {
            context.check_pinned().await?;
            show(context, registry).await
        }
        Command::Seal { registry } => {
            context.read::<Registry>(registry, "registry").await?;
            let seal = SealRegistry {
                authority: context.signer_address()?,
                registry: *registry,
            };
            let what = format!("seal the registry {registry} for ever");
            send(context, registry, &what, seal.instruction()).await
        }
        Command::Append(args) => append(context, args).await,
        Command::Replace(args) => replace(context, args).await,
        Command::Publish(args) => publish(context, args).await,
        Command::Import(args) => import::run(args),
    }
}

async fn send(
    context: &Context,
    registry: &Address,
    what: &str,
    instruction: solana_instruction::Instruction,
) -> Result<Report> {
    let signers = context.signers()?;
    let outcome = context.run(&signers, Action::of(what, instruction)).await?;
    outcome.report_after(show(context, registry).await)
}

async fn create(context: &Context, args: &CreateArgs) -> Result<Report> {
    let signers = context.signers()?;
    let (payer, tree) = (signers.payer().pubkey(), Keypair::new());
    let has_tree = args.kind != RegistryKindName::Attested;
    let create = CreateRegistry {
        payer,
        authority: signers.signer.pubkey(),
        tree: has_tree.then(|| tree.pubkey()),
        nonce: args.nonce,
        kind: args.kind.into(),
        depth: args.depth,
        leaf_format: args.leaf_format,
        root_ttl: values::later(0, args.root_ttl),
    };
    let registry = create.registry();
    ensure!(
        context.find::<Registry>(&registry).await?.is_none(),
        "the registry {registry} exists: the authority has a registry with the nonce {}, so choose another --nonce",
        args.nonce
    );
    let what = format!("create the registry {registry}");
    let mut action = Action::of(&what, create.instruction()).creating::<Registry>();
    if has_tree {
        let rent = context.rent(Tree::SPACE).await?;
        let account = create_account(&payer, &tree.pubkey(), rent, Tree::SPACE as u64, &bauta::ID);
        action.instructions.insert(0, account);
        action.signers.push(&tree);
        action.accounts.push(Tree::SPACE);
    }
    let outcome = context.run(&signers, action).await?;
    let report = Report::new()
        .fact("registry", registry)
        .fact("kind", registry_kind(RegistryKind::from(args.kind) as u8))
        .optional("tree", create.tree)
        .fact("authority", create.authority)
        .value("nonce", args.nonce)
        .and(outcome.report());
    Ok(match args.kind {
        RegistryKindName::Holders => {
            report.next(format!("add a collection: `bauta collection add {registry}`"))
        }
        RegistryKindName::Managed => {
            report.next(format!("append members: `bauta registry append {registry}`"))
        }
        RegistryKindName::Attested => report.next(format!(
            "publish a root: `bauta registry publish {registry} --members FILE`"
        )),
    })
}

async fn append(context: &Context, args: &AppendArgs) -> Result<Report> {
    let registry: Registry = context.read(&args.registry, "registry").await?;
    let score = args.score.as_deref().map(score_file::read).transpose()?;
    let address = args.address.as_deref().map(address_file::read).transpose()?;
    let format = u16::from(registry.leaf_format);
    let of_files = [
        ("a score", score.is_some(), Score::LEAF_FORMAT),
        ("an address", address.is_some(), MemberAddress::LEAF_FORMAT),
    ];
    for (what, is_given, needed) in of_files {
        ensure!(
            !is_given || format == needed,
            "the registry has the leaf format {format}, but leaves with {what} have the format {needed}"
        );
    }
    let attributes = args
        .track
        .map(Attributes::of_track)
        .or(score.as_ref().map(Score::attributes))
        .or(address.as_ref().map(MemberAddress::attributes));
    let mut leaves: Vec<Leaf> = match (&args.file, leaf_of(args.commitment, args.entry, attributes)) {
        (Some(file), _) => members::read(file)?,
        (None, Some(leaf)) => vec![leaf],
        (None, None) => args.leaves.iter().copied().map(Leaf::new).collect(),
    };
    check_track_format(&registry, args.track.is_some() || args.file.is_some())?;
    let changes = Changes::at_current_root(context, &args.present, &args.registry, &registry).await?;
    let mut present = changes.leaves(Root::from_bytes(registry.root)?);
    if args.file.is_some() {
        leaves.retain(|leaf| !present.contains(leaf));
    } else if let Some(repeated) = leaves.iter().find(|leaf| !present.insert(**leaf)) {
        return Err(appended_already(repeated).into());
    }
    let signers = context.signers()?;
    let batches = leaves.len().div_ceil(MAX_LEAVES);
    if batches > 1 {
        let cost = Cost {
            fee: context.fee_of_series(batches, signers.count()),
            rent: 0,
        };
        let what = format!("append {} leaves in {batches} transactions", leaves.len());
        let payer = signers.payer().pubkey();
        if !context.approve_series(&payer, &what, &cost).await? {
            return Ok(Report::new()
                .fact("registry", args.registry)
                .value("leaves", leaves.len())
                .value("transactions", batches)
                .value("fee_lamports", cost.fee)
                .value("sent", false));
        }
    }
    let progress = progress::bar(context, "appending", "transactions", batches as u64, 0);
    let mut transactions = Vec::new();
    for batch in leaves.chunks(MAX_LEAVES) {
        let append = AppendLeaves {
            authority: signers.signer.pubkey(),
            registry: args.registry,
            tree: registry.tree,
            leaves: batch.to_vec(),
        };
        let what = format!("append {} leaves to the registry {}", batch.len(), args.registry);
        let outcome = context
            .run(&signers, Action::of(&what, append.instruction()))
            .await?;
        transactions.push(outcome);
        progress.inc(1);
    }
    progress.finish_and_clear();
    let report = Report::new()
        .fact("registry", args.registry)
        .value("leaves", leaves.len())
        .value("transactions", transactions.len());
    match &transactions[..] {
        // Positions are only useful for a few members. `bauta prove` finds that of its member.
        [outcome] if outcome.is_sent() => {
            let report = report.and(outcome.report());
            // An API follows the chain with a delay, so it does not have the new leaves yet.
            if args.present.api.is_some() {
                return Ok(report);
            }
            let appended = positions(context, &args.registry, &registry, &leaves).await;
            Ok(report.and(after_sent(appended.map(Report::list))))
        }
        [outcome] => Ok(report.and(outcome.report())),
        _ => Ok(report
            .value("sent", transactions.iter().any(Outcome::is_sent))
            .next("members find their leaves with `bauta prove`; an interrupted --file is continued by the same command")),
    }
}

/// A member with two leaves could prove with the second one after the first one is removed.
fn appended_already(leaf: &Leaf) -> Failure {
    let message = format!("the tree has the leaf {leaf} already, or it is given twice: nothing was sent");
    Failure::new(Kind::Other, message).next(
        "an earlier command has appended it: leave it out, and look at the tree with `bauta registry show`",
    )
}

/// Refuses leaves with a track in a registry whose leaves have other attributes. No circuit could
/// prove such a leaf.
fn check_track_format(registry: &Registry, has_track: bool) -> Result<()> {
    ensure!(
        !has_track || u16::from(registry.leaf_format) == TRACK_FORMAT,
        Failure::new(
            Kind::Other,
            format!(
                "the registry has the leaf format {}, but leaves with a track have the format {TRACK_FORMAT}: \
                 no circuit of the registry could prove them",
                registry.leaf_format
            )
        )
        .next("name another registry, or give the attributes of its format (`bauta registry append --help`)")
    );
    Ok(())
}

/// Returns the position of each appended leaf. Other transactions can append at the same time, so
/// the positions come from the tree after the transaction.
async fn positions(
    context: &Context,
    address: &Address,
    before: &Registry,
    leaves: &[Leaf],
) -> Result<Vec<Report>> {
    let registry: Registry = context.read(address, "registry").await?;
    let changes = Changes::read(context, address, &registry).await?;
    let root = Root::from_bytes(registry.root)?;
    Ok(leaves
        .iter()
        .map(|leaf| {
            let indices = changes.indices_of(root, *leaf);
            let new = indices
                .iter()
                .copied()
                .filter(|index| *index >= before.next_index);
            Report::new().value("index", new.min()).fact("leaf", leaf)
        })
        .collect())
}

async fn publish(context: &Context, args: &PublishArgs) -> Result<Report> {
    let key = args.api_key_file.as_deref().map(ApiKey::read).transpose()?;
    let api = args.upload.as_deref().map(Service::with_key).transpose()?;
    let registry: Registry = context.read(&args.registry, "registry").await?;
    check_track_format(&registry, args.members.is_some())?;
    let leaves = args.members.as_deref().map(members::read).transpose()?;
    let root = match (&leaves, args.root) {
        (Some(leaves), _) => Changes::of_leaves(registry.depth()?, leaves.clone())?.last_root()?,
        (None, root) => Root::new(root.context("give the root with --root")?),
    };
    let upload = api.zip(key).zip(leaves);
    let is_published = upload.is_some() && registry.root == root.to_bytes();
    let mut report = if is_published {
        show(context, &args.registry).await?
    } else {
        let publish = PublishRoot {
            authority: context.signer_address()?,
            registry: args.registry,
            root,
        };
        let what = format!("publish the root {root} of the registry {}", args.registry);
        send(context, &args.registry, &what, publish.instruction()).await?
    };
    if let Some(((api, key), leaves)) = upload
        && !context.options.dry_run
    {
        upload_leaves(&api, &key, &args.registry, root, &leaves).await?;
        report = report.value("uploaded_leaves", leaves.len());
    }
    Ok(report)
}

/// Uploads the leaves of a published root, as soon as the API knows the root.
async fn upload_leaves(
    api: &Service,
    key: &ApiKey,
    registry: &Address,
    root: Root,
    leaves: &[Leaf],
) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    let roots = format!("v1/registries/{registry}/roots");
    loop {
        let mut failure = Failure::new(
            Kind::Node,
            format!("{} does not have the root {root} yet", api.host()),
        );
        // The API follows the chain with a delay. A refused upload would count for its limits.
        if let Ok((status, page)) = api.read(&roots).await
            && status.is_success()
            && has_root(&page, root)
        {
            match api.upload(registry, root, leaves, key).await {
                Ok((status, _)) if status.is_success() => return Ok(()),
                Ok((status, problem)) => {
                    failure = api.problem(status, &problem);
                    if !is_busy(status, &problem) {
                        return Err(failure.next(UPLOAD_AGAIN).into());
                    }
                }
                Err(error) => failure = Failure::new(Kind::Node, format!("{error:#}")),
            }
        }
        if Instant::now() > end {
            return Err(failure.next(UPLOAD_AGAIN).into());
        }
        sleep(INTERVAL).await;
    }
}

fn has_root(page: &Value, root: Root) -> bool {
    let mut roots = page["data"].as_array().into_iter().flatten();
    roots.any(|known| known["root"] == root.to_string())
}

async fn replace(context: &Context, args: &ReplaceArgs) -> Result<Report> {
    let registry: Registry = context.read(&args.registry, "registry").await?;
    check_track_format(&registry, args.track.is_some())?;
    let changes = Changes::at_current_root(context, &args.present, &args.registry, &registry).await?;
    let tree = changes.tree(Root::from_bytes(registry.root)?)?;
    let given = leaf_of(args.commitment, args.entry, args.track.map(Attributes::of_track))
        .or(args.leaf.map(Leaf::new));
    let replace = ReplaceLeaf {
        authority: context.signer_address()?,
        registry: args.registry,
        tree: registry.tree,
        index: args.index,
        old_leaf: tree.leaf(args.index)?,
        new_leaf: given.unwrap_or(Leaf::EMPTY),
        path: tree.on_chain_path(args.index)?,
    };
    let what = format!(
        "{} the leaf {} at the index {} of the registry {}",
        if args.remove { "remove" } else { "replace" },
        replace.old_leaf,
        args.index,
        args.registry
    );
    send(context, &args.registry, &what, replace.instruction()).await
}

fn summary(address: Address, registry: &Registry) -> Report {
    Report::new()
        .fact("registry", address)
        .fact("kind", registry_kind(registry.kind))
        .fact("authority", registry.authority)
        .value("nonce", registry.nonce)
        .value("leaves", registry.next_index)
        .value("sealed", registry.sealed != 0)
}

async fn show(context: &Context, address: &Address) -> Result<Report> {
    let registry: Registry = context.read(address, "registry").await?;
    Ok(summary(*address, &registry)
        .optional("tree", values::present(registry.tree))
        .value("depth", registry.depth)
        .value("leaf_format", registry.leaf_format)
        .value("root_ttl_seconds", registry.root_ttl)
        .value("sequence", registry.sequence)
        .fact("root", hex32(&registry.root))
        .value("root_since", registry.root_since))
}

//! `bauta scope`: the domains of nullifiers.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bauta::state::{Circuit, Registry, Scope};
use bauta_client::{
    decode_scope,
    instructions::{CloseScope, CreateScope},
};
use bauta_primitives::{Claim, FieldElement, Root};
use solana_address::Address;

use crate::{
    commands::circuit::wrong_auxiliary_format,
    context::Context,
    failure::{Failure, Kind},
    report::Report,
    transaction::Action,
    values::{self, ScopeModeName, element, hex32, present, scope_mode},
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Create a scope. The signer is its creator
    Create(Box<CreateArgs>),
    /// List the scopes
    List {
        /// Only scopes of this registry
        #[arg(long, value_name = "ADDRESS")]
        registry: Option<Address>,
    },
    /// Show a scope, after a comparison with the pinned cluster tag
    Show {
        /// Address of the scope
        scope: Address,
    },
    /// Close a scope before its end. The signer is its creator
    Close {
        /// Address of the scope
        scope: Address,
    },
}

#[derive(clap::Args)]
pub struct CreateArgs {
    /// Registry whose members may prove
    #[arg(long, value_name = "ADDRESS")]
    registry: Address,
    /// Circuit of the proofs
    #[arg(long, value_name = "ADDRESS")]
    circuit: Address,
    /// Accepted roots: the present one, or each that the registry accepts at the verification
    #[arg(long, value_enum, default_value = "snapshot")]
    mode: ScopeModeName,
    /// Number that distinguishes the scopes of a creator over a registry
    #[arg(long, default_value_t = 0)]
    nonce: u64,
    /// Time until the scope opens
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = values::duration)]
    opens_in: Duration,
    /// Time until the scope ends
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = values::duration)]
    closes_in: Duration,
    /// Only accepted track
    #[arg(long, value_name = "NUMBER", conflicts_with = "required_claim")]
    required_track: Option<u64>,
    /// Only accepted claim, as a field element
    #[arg(long, value_name = "CLAIM", value_parser = element)]
    required_claim: Option<FieldElement>,
    /// Address that must sign each verification: an address of a consumer program
    #[arg(long, value_name = "ADDRESS")]
    gate: Option<Address>,
    /// Registry whose root the claim includes, for circuits that need one
    #[arg(long, value_name = "ADDRESS")]
    auxiliary_registry: Option<Address>,
    /// Root that the registry must accept. With the mode snapshot, it is the accepted root [default:
    /// with the mode snapshot, the root that the registry has now]
    #[arg(long, value_name = "ROOT", value_parser = element)]
    expected_root: Option<FieldElement>,
}

/// Runs the subcommand.
pub async fn run(context: &Context, command: &Command) -> Result<Report> {
    match command {
        Command::Create(args) => create(context, args).await,
        Command::List { registry } => {
            let registry = registry.as_ref().map(|registry| (32, registry.as_ref()));
            let fields: Vec<(usize, &[u8])> = registry.into_iter().collect();
            let scopes = context.list::<Scope>(&fields).await?;
            let now = context.now().await?;
            let summaries = scopes
                .iter()
                .map(|(address, scope)| summary(*address, scope, now));
            Ok(Report::list(summaries.collect()))
        }
        Command::Show { scope } => show(context, scope).await,
        Command::Close { scope } => {
            read(context, scope).await?;
            let signers = context.signers()?;
            let close = CloseScope {
                creator: signers.signer.pubkey(),
                scope: *scope,
            };
            let what = format!("close the scope {scope}");
            let action = Action::of(&what, close.instruction());
            let outcome = context.run(&signers, action).await?;
            outcome.report_after(show(context, scope).await)
        }
    }
}

async fn create(context: &Context, args: &CreateArgs) -> Result<Report> {
    // These errors name what is missing. The program would only refuse the accounts.
    let registry: Registry = context.read(&args.registry, "registry").await?;
    let circuit: Circuit = context.read(&args.circuit, "circuit").await?;
    if let Some(wrong) = wrong_auxiliary_format(&circuit) {
        return Err(Failure::new(Kind::Other, wrong)
            .next("choose another circuit: list them with `bauta circuit list`")
            .into());
    }
    let now = context.now().await?;
    let signers = context.signers()?;
    let create = CreateScope {
        payer: signers.payer().pubkey(),
        creator: signers.signer.pubkey(),
        registry: args.registry,
        circuit: args.circuit,
        auxiliary_registry: args.auxiliary_registry,
        nonce: args.nonce,
        mode: args.mode.into(),
        gate: args.gate,
        required_claim: args
            .required_track
            .map(Claim::of_track)
            .or(args.required_claim.map(Claim::new)),
        opens_at: values::later(now, args.opens_in),
        closes_at: values::later(now, args.closes_in),
        expected_root: accepted_root(args, &registry)?,
    };
    let scope = create.scope();
    ensure!(
        context.find::<Scope>(&scope).await?.is_none(),
        "the scope {scope} exists: the creator has a scope with the nonce {} over the registry, so choose another --nonce",
        args.nonce
    );
    let root = create.expected_root.map(|root| root.to_string());
    let what = format!(
        "create the scope {scope} over the registry {} with the circuit {}, which accepts {}",
        args.registry,
        args.circuit,
        match &root {
            Some(root) if args.mode == ScopeModeName::Snapshot => format!("the root {root} only"),
            _ => "each root of the registry".to_owned(),
        }
    );
    let action = Action::of(&what, create.instruction()).creating::<Scope>();
    let outcome = context.run(&signers, action).await?;
    Ok(Report::new()
        .fact("scope", scope)
        .fact("registry", args.registry)
        .fact("circuit", args.circuit)
        .optional("expected_root", root)
        .value("opens_at", create.opens_at)
        .value("closes_at", create.closes_at)
        .and(outcome.report())
        .next(format!("members prove with `bauta prove {scope}`")))
}

/// Returns the root that the registry must accept. A scope of mode snapshot accepts the root that is
/// shown before the confirmation, although the registry can change since.
fn accepted_root(args: &CreateArgs, registry: &Registry) -> Result<Option<Root>> {
    let given = args.expected_root.map(Root::new);
    let is_snapshot = args.mode == ScopeModeName::Snapshot;
    let read =
        (is_snapshot && given.is_none() && registry.root != [0; 32]).then(|| Root::from_bytes(registry.root));
    Ok(given.or(read.transpose()?))
}

/// Reads a scope, and compares its address and its element with values derived from the pinned tag.
pub async fn read(context: &Context, address: &Address) -> Result<Scope> {
    let tag = context.tag()?;
    let account = context.account(address).await?.ok_or_else(|| {
        Failure::new(
            Kind::Other,
            format!(
                "there is no scope at {address} on the cluster of {}",
                context.rpc.host()
            ),
        )
        .next("list the scopes with `bauta scope list`")
    })?;
    decode_scope(&tag, address, &account.owner, &account.data)
        .with_context(|| format!("can't read the scope {address}"))
}

fn summary(address: Address, scope: &Scope, now: i64) -> Report {
    Report::new()
        .fact("scope", address)
        .fact("registry", scope.registry)
        .fact("mode", scope_mode(scope.mode))
        .fact("status", status(scope, now))
        .value("closes_at", scope.closes_at)
}

/// Returns the status of a scope at a time.
pub fn status(scope: &Scope, now: i64) -> &'static str {
    match scope.status {
        Scope::OPEN if now < scope.opens_at => "not open yet",
        Scope::OPEN if now >= scope.closes_at => "ended",
        Scope::OPEN => "open",
        Scope::CLOSED => "closed",
        _ => "unknown",
    }
}

async fn show(context: &Context, address: &Address) -> Result<Report> {
    let scope = read(context, address).await?;
    let now = context.now().await?;
    let claim = (scope.has_required_claim != 0).then(|| hex32(&scope.required_claim));
    let root = (scope.root != [0; 32]).then(|| hex32(&scope.root));
    Ok(summary(*address, &scope, now)
        .fact("creator", scope.creator)
        .value("nonce", scope.nonce)
        .fact("circuit", scope.circuit)
        .optional("auxiliary_registry", present(scope.auxiliary_registry))
        .optional("gate", present(scope.gate))
        .optional("required_claim", claim)
        .optional("root", root)
        .value("opens_at", scope.opens_at)
        .fact("scope_element", hex32(&scope.scope)))
}

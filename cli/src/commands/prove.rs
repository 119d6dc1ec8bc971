//! `bauta prove`: makes a proof of membership. The tree is rebuilt from all of its leaves. So no
//! service learns which member proves, if the node reports the true root (docs/cli.md).
//!
//! ```text
//!   scope ──> circuit, registry ──> events, or leaves ──> leaf of the identity ──> root ──> path
//!   key of the circuit ──> proof, checked ──> file
//! ```

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bauta::state::{Circuit, Registry, Scope, ScopeMode};
use bauta_circuits::{AnyInputs, AnyKey, Ownership, Reputation, Statement, statements::ReputationInputs};
use bauta_client::{instructions, root_to_prove};
use bauta_primitives::statements::{Score, ScoreClaim};
use bauta_primitives::tree::Depth;
use bauta_primitives::{
    Attributes, Claim, EntryId, FieldElement, Leaf, ProofInputs, Root, Scope as ScopeElement,
};
use clap::ArgGroup;
use rand::rngs::OsRng;
use solana_address::Address;

use crate::{
    commands::{
        circuit::{self, is_development, read_key},
        collection,
        identity::{IdentityArgs, Opened},
        scope,
    },
    context::Context,
    failure::{Failure, Kind},
    members,
    proof_file::ProofFile,
    relay,
    report::Report,
    scope_accounts::{self, ScopeAccounts},
    score_file, sealed,
    tree::Changes,
    values::{self, element, padded_text, present},
};

#[derive(clap::Args)]
#[command(
    group(ArgGroup::new("about").required(true)),
    group(ArgGroup::new("member").required(true))
)]
pub struct Args {
    /// Address of the scope
    scope: Address,
    #[command(flatten)]
    identity: IdentityArgs,
    /// Asset of the member, in a registry of holders
    #[arg(long, value_name = "ADDRESS", group = "about")]
    asset: Option<Address>,
    /// Entry of the member, in a registry of kind managed or attested
    #[arg(long, value_name = "ENTRY", value_parser = element, group = "about", requires = "attributes")]
    entry: Option<FieldElement>,
    /// Track of the member, in a registry of kind managed or attested
    #[arg(long, value_name = "NUMBER", conflicts_with = "asset", group = "attributes")]
    track: Option<u64>,
    /// File with the member's score, for the statement reputation. The authority gives it to the
    /// member. It is private
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "asset",
        group = "attributes",
        requires = "shown"
    )]
    score: Option<PathBuf>,
    /// The proof shows that the score is at least this, in millionths
    #[arg(long, value_name = "NUMBER", requires = "score", group = "shown")]
    at_least: Option<u32>,
    /// The proof shows the score itself
    #[arg(long, requires = "score", group = "shown")]
    exact: bool,
    /// Time in Unix seconds at which the score is valid, which the proof shows [default: the chain's
    /// time]
    #[arg(long, value_name = "TIME", requires = "score")]
    as_of: Option<u64>,
    /// File with the members of a registry of kind attested, which its authority publishes
    #[arg(long, value_name = "FILE", conflicts_with = "asset")]
    members: Option<PathBuf>,
    /// URL of an API that serves all leaves of a root [default: rebuild the tree from the chain].
    /// The API does not learn which member proves
    #[arg(long, value_name = "URL", conflicts_with = "members")]
    api: Option<String>,
    /// Second node, of another operator: a name or a URL. The scope, its registry with the root,
    /// and its circuit must be equal there, so that one node with wrong answers can't learn which
    /// member proves
    #[arg(long, value_name = "CLUSTER")]
    check_node: Option<String>,
    /// Address that benefits from the verification
    #[arg(long, value_name = "ADDRESS")]
    recipient: Address,
    /// Only this address can submit the proof [default: anyone can]
    #[arg(long, value_name = "ADDRESS")]
    relayer: Option<Address>,
    /// URL of an API that will relay the proof: one of its wallets is the relayer
    #[arg(long, value_name = "URL", conflicts_with = "relayer")]
    relay: Option<String>,
    /// Time for which the proof is accepted
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = values::duration)]
    expires_in: Duration,
    /// Data of the consumer, in hexadecimal digits
    #[arg(long, value_name = "HEX", default_value = "")]
    payload: String,
    /// Key file of the circuit [default: the development key, if the circuit has it]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// File of the proof
    #[arg(long, value_name = "FILE", default_value = "proof.json")]
    out: PathBuf,
}

/// A leaf that the member can have, and what it consists of.
struct Member {
    entry: EntryId,
    attributes: Attributes,
    /// The track. `None` if the leaf has a score.
    track: Option<u64>,
    leaf: Leaf,
    /// The index, if the registration names it.
    index: Option<u64>,
}

/// The member's leaf in the tree of the proof.
struct Located {
    entry: EntryId,
    attributes: Attributes,
    track: Option<u64>,
    index: u64,
}

/// Runs the subcommand.
pub async fn run(context: &Context, args: &Args) -> Result<Report> {
    ensure!(
        !args.out.exists(),
        "{} exists and is never replaced: choose another file with --out",
        args.out.display()
    );
    let payload = hex::decode(&args.payload).context("--payload")?;
    let ScopeAccounts {
        scope: state,
        registry,
        circuit,
    } = match &args.check_node {
        Some(node) => ScopeAccounts::read_at_both(context, node, &args.scope).await?,
        None => ScopeAccounts::read(context, &args.scope).await?,
    };
    let now = context.now().await?;
    let score = args.score.as_deref().map(score_file::read).transpose()?;
    check_usable(&state, &circuit, score.is_some(), now)?;
    let identity = args.identity.open()?;
    let relayer = match &args.relay {
        Some(url) => Some(relay::relayer(url).await?),
        None => args.relayer,
    };

    let changes = changes(context, args, &state, &registry).await?;
    let candidates = candidates(context, args, score.as_ref(), &identity, &state, &changes).await?;
    let root = choose_root(&state, &registry, &changes, &candidates, now)?;
    let member = locate(&candidates, &changes, root)?;
    let path = changes.tree(root)?.path(member.index)?;
    let shown = score
        .as_ref()
        .map(|score| score_claim(args, score, now))
        .transpose()?;

    let key = key(args, &circuit)?;
    let domain = ScopeElement::from_bytes(state.scope)?;
    let secret = identity.secret(&state.registry, member.entry);
    let mut verify = instructions::Verify {
        payer: Address::default(),
        scope: args.scope,
        circuit: state.circuit,
        registry: None,
        auxiliary_registry: None,
        gate: None,
        recipient: args.recipient,
        relayer,
        proof: [0; 256],
        root,
        nullifier: secret.nullifier(member.entry, domain),
        claim: match &shown {
            Some(shown) => shown.claim(),
            None => Claim::of_track(member.track.context("the leaf has no track")?),
        },
        auxiliary_root: None,
        expiry: values::later(now, args.expires_in),
        payload,
    };
    check_claim(&state, verify.claim)?;
    let inputs = ProofInputs {
        secret,
        entry_id: member.entry,
        attributes: member.attributes,
        path,
        root,
        scope: domain,
        claim: verify.claim,
        context: verify.context(),
        private: (),
    };
    let inputs = with_score(inputs, score, shown);
    let proof = key.prove(&inputs, &mut OsRng)?;
    verify.proof = proof.to_bytes();
    let file = ProofFile {
        tag: context.tag()?,
        registry: state.registry,
        verify,
        score: shown,
    };
    // A proof that the program would refuse is not written.
    key.verifying_key().verify(file.public().digest(), &proof)?;
    sealed::create(&args.out, file.to_json()?.as_bytes())?;
    let report = report(args, &file, &member);
    let of_one_node = match &args.check_node {
        Some(_) => None,
        None => scope_accounts::warning_of_one_node(context),
    };
    let warnings = key.warning().map(str::to_owned).into_iter().chain(of_one_node);
    Ok(warnings.fold(report, Report::warning))
}

/// Returns the facts of a proof that was written.
fn report(args: &Args, file: &ProofFile, member: &Located) -> Report {
    let verify = &file.verify;
    Report::new()
        .fact("proof", args.out.display())
        .fact("scope", args.scope)
        .value("track", member.track)
        .value("score_shown", file.score.map(|claim| claim.shown))
        .value("score_exact", file.score.map(|claim| claim.exact))
        .value("score_as_of", file.score.map(|claim| claim.as_of))
        .fact("nullifier", verify.nullifier)
        .fact("root", verify.root)
        .fact("recipient", args.recipient)
        .value("expiry", verify.expiry)
        .next(match &args.relay {
            Some(_) => format!("relay it with `bauta verify {} --relay URL`", args.out.display()),
            None => format!("verify it with `bauta verify {}`", args.out.display()),
        })
}

/// Checks that the scope accepts verifications of proofs that this version can make.
fn check_usable(scope: &Scope, circuit: &Circuit, has_score: bool, now: i64) -> Result<()> {
    let status = scope::status(scope, now);
    ensure!(
        status == "open" || status == "not open yet",
        "the scope accepts no more verifications: its status is {status}"
    );
    let status = circuit::status(circuit, now);
    ensure!(
        status == "active" || status == "retires",
        "the circuit of the scope accepts no verifications: its status is {status}"
    );
    let statement = padded_text(&circuit.statement);
    let known = [
        (Ownership::NAME, Ownership::VERSION, false),
        (Reputation::NAME, Reputation::VERSION, true),
    ];
    let found = known
        .iter()
        .find(|(name, version, _)| statement == *name && circuit.version == *version);
    let Some((_, _, needs_score)) = found else {
        anyhow::bail!(
            "the circuit has the statement {statement} version {}: this command proves {} version {} and {} version {}",
            circuit.version,
            Ownership::NAME,
            Ownership::VERSION,
            Reputation::NAME,
            Reputation::VERSION
        );
    };
    ensure!(
        *needs_score == has_score,
        "the circuit has the statement {statement}, which needs {}",
        if *needs_score {
            "--score"
        } else {
            "--asset or --track, and no --score"
        }
    );
    ensure!(
        present(scope.auxiliary_registry).is_none(),
        "the scope has an auxiliary registry: this command makes no proofs for such scopes"
    );
    Ok(())
}

/// Returns the inputs of the statement: ownership without a score, reputation with one.
fn with_score(inputs: ProofInputs, score: Option<Score>, shown: Option<ScoreClaim>) -> AnyInputs {
    match score.zip(shown) {
        Some((score, claim)) => {
            let shown = claim.claim();
            inputs.with(shown, ReputationInputs { score, claim }).into()
        }
        None => inputs.into(),
    }
}

/// Returns what the proof shows of a score. A claim that the score does not fulfil is refused.
fn score_claim(args: &Args, score: &Score, now: i64) -> Result<ScoreClaim> {
    let as_of = match args.as_of {
        Some(time) => time,
        None => u64::try_from(now).context("the chain's time is before 1970")?,
    };
    ensure!(
        (score.issued_at()..score.expires_at()).contains(&as_of),
        "the score is not valid at the time {as_of}: it is valid from {} until before {}",
        score.issued_at(),
        score.expires_at()
    );
    if let Some(least) = args.at_least {
        ensure!(score.score() >= least, "the score is lower than --at-least");
    }
    Ok(ScoreClaim {
        exact: args.exact,
        shown: args.at_least.unwrap_or_else(|| score.score()),
        domain: score.domain(),
        as_of,
    })
}

fn check_claim(scope: &Scope, claim: Claim) -> Result<()> {
    ensure!(
        scope.has_required_claim == 0 || scope.required_claim == claim.to_bytes(),
        "the scope accepts only the claim 0x{}, and the member's claim is {claim}",
        hex::encode(scope.required_claim)
    );
    Ok(())
}

/// Returns the changes of the registry's tree: from the chain, or one change with all leaves of a
/// root, from a file or an API.
async fn changes(context: &Context, args: &Args, scope: &Scope, registry: &Registry) -> Result<Changes> {
    let depth = Depth::try_from(registry.depth)?;
    if let Some(file) = &args.members {
        return Changes::of_leaves(depth, members::read(file)?);
    }
    let Some(url) = &args.api else {
        return Changes::read(context, &scope.registry, registry).await;
    };
    let root = if scope.mode == ScopeMode::Snapshot as u8 {
        scope.root
    } else {
        registry.root
    };
    Changes::from_api(url, &scope.registry, depth, Root::from_bytes(root)?).await
}

/// Returns the leaves that the member can have. The events of a registration name the track.
/// Without events, each track of the registry's collections is possible.
async fn candidates(
    context: &Context,
    args: &Args,
    score: Option<&Score>,
    identity: &Opened,
    scope: &Scope,
    changes: &Changes,
) -> Result<Vec<Member>> {
    let with = |entry, track, attributes, index| {
        let commitment = identity.commitment(&scope.registry, entry);
        Member {
            entry,
            attributes,
            track,
            leaf: Leaf::of(commitment, entry, attributes),
            index,
        }
    };
    let member = |entry, track, index| with(entry, Some(track), Attributes::of_track(track), index);
    if let Some(entry) = args.entry.map(EntryId::new) {
        if let Some(score) = score {
            return Ok(vec![with(entry, None, score.attributes(), None)]);
        }
        let track = args.track.context("name the track with --track")?;
        return Ok(vec![member(entry, track, None)]);
    }
    let asset = args.asset.context("name the asset with --asset")?;
    let entry = EntryId::of_mint(asset.as_array());
    if args.api.is_some() {
        let collections = collection::of_registry(context, &scope.registry).await?;
        let tracks: BTreeSet<u64> = collections.iter().map(|(_, found)| found.track).collect();
        return Ok(tracks
            .into_iter()
            .map(|track| member(entry, track, None))
            .collect());
    }
    let commitment = identity.commitment(&scope.registry, entry).to_bytes();
    let registered = changes
        .registrations
        .iter()
        .rev()
        .find(|event| event.mint == asset && event.commitment == commitment);
    let Some(event) = registered else {
        let others = changes.registrations.iter().any(|event| event.mint == asset);
        let message = if others {
            format!("the asset {asset} is registered with a secret that is not that of the identity")
        } else {
            format!(
                "the asset {asset} is not registered in the registry {}",
                scope.registry
            )
        };
        return Err(Failure::new(Kind::Other, message)
            .next("register it with `bauta holder register`, or give the --counter of the registered secret")
            .into());
    };
    Ok(vec![member(entry, event.track, Some(event.index))])
}

/// Returns the root to prove at: that of the scope, or one that the registry accepts.
fn choose_root(
    scope: &Scope,
    registry: &Registry,
    changes: &Changes,
    candidates: &[Member],
    now: i64,
) -> Result<Root> {
    if scope.mode == ScopeMode::Snapshot as u8 {
        return Ok(Root::from_bytes(scope.root)?);
    }
    let contains = |root| {
        candidates
            .iter()
            .any(|member| !changes.indices_of(root, member.leaf).is_empty())
    };
    root_to_prove(registry, now, contains)?.ok_or_else(|| not_a_member("the accepted roots"))
}

/// Finds the member's leaf in the tree with a root.
fn locate(candidates: &[Member], changes: &Changes, root: Root) -> Result<Located> {
    let located = candidates.iter().find_map(|member| {
        let indices = changes.indices_of(root, member.leaf);
        let known = indices.iter().find(|index| Some(**index) == member.index);
        let index = *known.or(indices.first())?;
        Some(Located {
            entry: member.entry,
            attributes: member.attributes,
            track: member.track,
            index,
        })
    });
    located.ok_or_else(|| not_a_member("the root of the scope"))
}

fn not_a_member(roots: &str) -> anyhow::Error {
    Failure::new(
        Kind::Other,
        format!("the member's leaf is not in the tree of {roots}: it was registered later, was removed, or has another entry, track or counter"),
    )
    .next("check the registration with `bauta holder status` or `bauta registry show`")
    .into()
}

/// Returns the proving key of the circuit.
fn key(args: &Args, circuit: &Circuit) -> Result<AnyKey> {
    let key = match &args.key {
        Some(file) => read_key(file)?,
        None if is_development(circuit) => {
            let statement = padded_text(&circuit.statement);
            let key = AnyKey::load_or_setup_development(&statement, Depth::try_from(circuit.depth)?);
            key.with_context(|| format!("there is no statement {statement:?}"))??
        }
        None => {
            return Err(Failure::new(
                Kind::Other,
                "the circuit has a key from a ceremony, which is not built in",
            )
            .next("give the published key file with --key")
            .into());
        }
    };
    ensure!(
        key.verifying_key().hash() == circuit.vk_hash,
        "the key is not that of the circuit: its verifying key has the hash {}, and the circuit has {}",
        hex::encode(key.verifying_key().hash()),
        hex::encode(circuit.vk_hash)
    );
    Ok(key)
}

//! `bauta prove`: makes a proof of membership. By default, the tree is rebuilt from all of its
//! leaves. So no service learns which member proves, if the node reports the true root (docs/cli.md).
//!
//! ```text
//!   scope ──> circuit, registry ──> events, or leaves ──> leaf of the identity ──> root ──> path
//!                                 └> tiles above the leaf ───────────────────────────────────┘
//!   key of the circuit ──> proof, checked ──> file
//! ```

mod statement;
mod tiles;

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bauta::state::{Circuit, Registry, Scope, ScopeMode};
use bauta_circuits::AnyKey;
use bauta_client::{instructions, root_to_prove};
use bauta_primitives::tree::{Depth, MembershipPath};
use bauta_primitives::{
    Attributes, Claim, EntryId, FieldElement, Leaf, ProofInputs, Root, Scope as ScopeElement,
};
use clap::ArgGroup;
use rand::rngs::OsRng;
use solana_address::Address;

use self::{
    statement::{Contents, check_usable, shown},
    tiles::Tiles,
};
use crate::{
    commands::{
        circuit::{is_development, read_key},
        collection,
        identity::{IdentityArgs, Opened},
    },
    context::Context,
    failure::{Failure, Kind},
    members, progress,
    proof_file::{ProofFile, bound_claim, shown_prefix},
    relay,
    report::Report,
    scope_accounts::{self, ScopeAccounts},
    sealed,
    tree::Changes,
    values::{self, element, padded_text},
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
    /// File with the member's address, for the statement address. The authority gives it to the
    /// member. It is private
    #[arg(long, value_name = "FILE", conflicts_with = "asset", group = "attributes")]
    address: Option<PathBuf>,
    /// What the proof shows of the address: "membership", "structure" or "prefix:N", the first N
    /// components [default: membership]
    #[arg(long, value_name = "PATTERN", requires = "address")]
    pattern: Option<String>,
    /// The proof shows that the address has at least this number of components [default: that of the
    /// pattern]
    #[arg(long, value_name = "NUMBER", requires = "address")]
    min_components: Option<u8>,
    /// Time in Unix seconds at which the score or the address is valid, which the proof shows
    /// [default: the chain's time]
    #[arg(long, value_name = "TIME")]
    as_of: Option<u64>,
    /// File with the members of a registry of kind attested, which its authority publishes
    #[arg(long, value_name = "FILE", conflicts_with = "asset")]
    members: Option<PathBuf>,
    /// URL of an API that serves all leaves of a root [default: rebuild the tree from the chain].
    /// The API does not learn which member proves
    #[arg(long, value_name = "URL", conflicts_with = "members")]
    api: Option<String>,
    /// Read only the tiles above the member's leaf from --api, and not all leaves. The API learns
    /// that the member is one of about 256
    #[arg(long, requires = "api")]
    tiles: bool,
    /// URL of a database of an indexer, from which only the member's path is read. The database is
    /// your own: it learns which member proves
    #[arg(
        long,
        value_name = "URL",
        env = "BAUTA_DATABASE_URL",
        hide_env_values = true,
        conflicts_with_all = ["api", "members"]
    )]
    database: Option<String>,
    /// Position of the member's leaf, for --tiles and --database in a registry of kind managed or
    /// attested
    #[arg(long, value_name = "NUMBER", requires = "entry")]
    index: Option<u64>,
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

/// The member's leaf in the tree of the proof, and its path.
struct Located {
    entry: EntryId,
    attributes: Attributes,
    track: Option<u64>,
    root: Root,
    path: MembershipPath,
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
    let now = context.own_time().await?;
    let contents = Contents::read(args)?;
    check_usable(&state, &circuit, &contents, now)?;
    let identity = args.identity.open()?;
    let relayer = match &args.relay {
        Some(url) => Some(relay::relayer(url).await?),
        None => args.relayer,
    };
    let search = Search {
        context,
        args,
        identity: &identity,
        scope: &state,
        registry: &registry,
        now,
    };
    let member = search.find(contents.attributes()).await?;
    let shown = shown(context, args, contents, member.track, &state, now).await?;

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
        root: member.root,
        nullifier: secret.nullifier(member.entry, domain),
        claim: shown.claim(),
        auxiliary_root: shown.auxiliary_root(),
        expiry: values::rounded_later(now, args.expires_in),
        payload,
    };
    check_claim(&state, verify.claim)?;
    let inputs = ProofInputs {
        secret,
        entry_id: member.entry,
        attributes: member.attributes,
        path: member.path,
        root: member.root,
        scope: domain,
        claim: bound_claim(&verify),
        context: verify.context(),
        private: (),
    };
    let (score, address, track) = (shown.score(), shown.address(), shown.track());
    let inputs = shown.complete(inputs);
    let spinner = progress::spinner(context, "proving");
    let proof = key.prove(&inputs, &mut OsRng)?;
    spinner.finish_and_clear();
    verify.proof = proof.to_bytes();
    let file = ProofFile {
        tag: context.tag()?,
        registry: state.registry,
        verify,
        score,
        address,
    };
    // A proof that the program would refuse is not written.
    key.verifying_key().verify(file.public().digest(), &proof)?;
    sealed::create(&args.out, file.to_json()?.as_bytes())?;
    let report = report(args, &file, track);
    let of_one_node = match &args.check_node {
        Some(_) => None,
        None => scope_accounts::warning_of_one_node(context),
    };
    let warnings = key.warning().map(str::to_owned).into_iter().chain(of_one_node);
    Ok(warnings.fold(report, Report::warning))
}

/// Returns the facts of a proof that was written.
fn report(args: &Args, file: &ProofFile, track: Option<u64>) -> Report {
    let verify = &file.verify;
    Report::new()
        .fact("proof", args.out.display())
        .fact("scope", args.scope)
        .value("track", track)
        .value("score_shown", file.score.map(|claim| claim.shown))
        .value("score_exact", file.score.map(|claim| claim.exact))
        .value("score_as_of", file.score.map(|claim| claim.as_of))
        .optional(
            "address_shown",
            file.address.as_ref().map(|claim| shown_prefix(claim).join("-")),
        )
        .value("address_as_of", file.address.map(|claim| claim.as_of))
        .fact("nullifier", verify.nullifier)
        .fact("root", verify.root)
        .fact("recipient", args.recipient)
        .value("expiry", verify.expiry)
        .next(match &args.relay {
            Some(_) => format!("relay it with `bauta verify {} --relay URL`", args.out.display()),
            None => format!("verify it with `bauta verify {}`", args.out.display()),
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

/// The search for the member's leaf.
struct Search<'a> {
    context: &'a Context,
    args: &'a Args,
    identity: &'a Opened,
    scope: &'a Scope,
    registry: &'a Registry,
    now: i64,
}

impl Search<'_> {
    /// Finds the member's leaf and its path. `attributes` are those of a leaf without a track.
    async fn find(&self, attributes: Option<Attributes>) -> Result<Located> {
        let tiles = match (&self.args.api, &self.args.database) {
            (Some(url), _) if self.args.tiles => Some(Tiles::of_api(url)?),
            (_, Some(url)) => Some(Tiles::of_database(url).await?),
            _ => None,
        };
        match tiles {
            Some(tiles) => self.find_in_tiles(&tiles, attributes).await,
            None => self.find_in_leaves(attributes).await,
        }
    }

    /// Finds the leaf among all leaves, which come from the chain, an API or a file.
    async fn find_in_leaves(&self, attributes: Option<Attributes>) -> Result<Located> {
        let changes = self.changes().await?;
        let candidates = self.candidates(attributes, &changes).await?;
        let root = self.choose_root(&changes, &candidates)?;
        locate(&candidates, &changes, root)
    }

    /// Finds the leaf at its index, and reads only the tiles above it.
    async fn find_in_tiles(&self, tiles: &Tiles, attributes: Option<Attributes>) -> Result<Located> {
        let (member, index) = if let Some(asset) = self.args.asset {
            let place = tiles.place(&self.scope.registry, &asset).await?;
            let place = place.ok_or_else(|| self.not_registered(&asset, false))?;
            let entry = EntryId::of_mint(asset.as_array());
            let attributes = Attributes::of_track(place.track);
            (
                self.member(entry, Some(place.track), attributes, None),
                place.index,
            )
        } else {
            let index = self.args.index;
            let index = index.context("name the position of the member's leaf with --index")?;
            (self.of_entry(attributes)?, index)
        };
        let snapshot = self.snapshot()?;
        let found = tiles
            .find(
                &self.scope.registry,
                (self.registry, snapshot),
                (index, &[member.leaf]),
                self.now,
            )
            .await?
            .ok_or_else(|| not_a_member("the accepted roots at this position"))?;
        ensure!(
            found.leaf == member.leaf && found.path.root(found.leaf) == found.root,
            "the path of the member's leaf does not lead to the root"
        );
        Ok(Located {
            entry: member.entry,
            attributes: member.attributes,
            track: member.track,
            root: found.root,
            path: found.path,
        })
    }

    /// Returns the root of a scope of mode snapshot.
    fn snapshot(&self) -> Result<Option<Root>> {
        let is_snapshot = self.scope.mode == ScopeMode::Snapshot as u8;
        let root = is_snapshot.then(|| Root::from_bytes(self.scope.root));
        Ok(root.transpose()?)
    }

    /// Returns the changes of the registry's tree: from the chain, or one change with all leaves of
    /// a root, from a file or an API.
    async fn changes(&self) -> Result<Changes> {
        let depth = Depth::try_from(self.registry.depth)?;
        if let Some(file) = &self.args.members {
            return Changes::of_leaves(depth, members::read(file)?);
        }
        let Some(url) = &self.args.api else {
            return Changes::read(self.context, &self.scope.registry, self.registry).await;
        };
        let root = match self.snapshot()? {
            Some(root) => root,
            None => Root::from_bytes(self.registry.root)?,
        };
        Changes::from_api(url, &self.scope.registry, depth, root).await
    }

    fn member(
        &self,
        entry: EntryId,
        track: Option<u64>,
        attributes: Attributes,
        index: Option<u64>,
    ) -> Member {
        let commitment = self.identity.commitment(&self.scope.registry, entry);
        Member {
            entry,
            attributes,
            track,
            leaf: Leaf::of(commitment, entry, attributes),
            index,
        }
    }

    /// Returns the leaf of the entry that the arguments name.
    fn of_entry(&self, attributes: Option<Attributes>) -> Result<Member> {
        let entry = self.args.entry.map(EntryId::new);
        let entry = entry.context("name the asset with --asset, or the entry with --entry")?;
        if let Some(attributes) = attributes {
            return Ok(self.member(entry, None, attributes, None));
        }
        let track = self.args.track.context("name the track with --track")?;
        Ok(self.member(entry, Some(track), Attributes::of_track(track), None))
    }

    /// Returns the leaves that the member can have. The events of a registration name the track.
    /// Without events, each track of the registry's collections is possible.
    async fn candidates(&self, attributes: Option<Attributes>, changes: &Changes) -> Result<Vec<Member>> {
        let Some(asset) = self.args.asset else {
            return Ok(vec![self.of_entry(attributes)?]);
        };
        let entry = EntryId::of_mint(asset.as_array());
        let member = |track, index| self.member(entry, Some(track), Attributes::of_track(track), index);
        if self.args.api.is_some() {
            let collections = collection::of_registry(self.context, &self.scope.registry).await?;
            let tracks: BTreeSet<u64> = collections.iter().map(|(_, found)| found.track).collect();
            return Ok(tracks.into_iter().map(|track| member(track, None)).collect());
        }
        let commitment = self.identity.commitment(&self.scope.registry, entry).to_bytes();
        let registered = changes
            .registrations
            .iter()
            .rev()
            .find(|event| event.mint == asset && event.commitment == commitment);
        let Some(event) = registered else {
            let others = changes.registrations.iter().any(|event| event.mint == asset);
            return Err(self.not_registered(&asset, others));
        };
        Ok(vec![member(event.track, Some(event.index))])
    }

    fn not_registered(&self, asset: &Address, with_another_secret: bool) -> anyhow::Error {
        let message = if with_another_secret {
            format!("the asset {asset} is registered with a secret that is not that of the identity")
        } else {
            format!(
                "the asset {asset} is not registered in the registry {}",
                self.scope.registry
            )
        };
        Failure::new(Kind::Other, message)
            .next("register it with `bauta holder register`, or give the --counter of the registered secret")
            .into()
    }

    /// Returns the root to prove at: that of the scope, or one that the registry accepts.
    fn choose_root(&self, changes: &Changes, candidates: &[Member]) -> Result<Root> {
        if let Some(root) = self.snapshot()? {
            return Ok(root);
        }
        let contains = |root| {
            candidates
                .iter()
                .any(|member| !changes.indices_of(root, member.leaf).is_empty())
        };
        root_to_prove(self.registry, self.now, contains)?.ok_or_else(|| not_a_member("the accepted roots"))
    }
}

/// Finds the member's leaf in the tree with a root.
fn locate(candidates: &[Member], changes: &Changes, root: Root) -> Result<Located> {
    let located = candidates.iter().find_map(|member| {
        let indices = changes.indices_of(root, member.leaf);
        let known = indices.iter().find(|index| Some(**index) == member.index);
        let index = *known.or(indices.first())?;
        Some((member, index))
    });
    let (member, index) = located.ok_or_else(|| not_a_member("the root of the scope"))?;
    Ok(Located {
        entry: member.entry,
        attributes: member.attributes,
        track: member.track,
        root,
        path: changes.tree(root)?.path(index)?,
    })
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

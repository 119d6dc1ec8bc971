//! What a proof shows: a track, a score, or an address.

use anyhow::{Context as _, Result, anyhow, ensure};
use bauta::state::{Circuit, Registry, Scope};
use bauta_circuits::{
    Address, AnyInputs, Ownership, Reputation, Statement as _,
    statements::{AddressInputs, NotRevoked, ReputationInputs},
};
use bauta_client::{RevocationList, RevocationListError};
use bauta_primitives::{
    Attributes, Claim, ProofInputs, Root,
    statements::{Address as MemberAddress, AddressClaim, InvalidValue, Pattern, Score, ScoreClaim},
};

use super::Args;
use crate::{
    address_file,
    commands::{circuit, scope},
    context::Context,
    failure::{Failure, Kind},
    score_file,
    tree::{Changes, LeafSource},
    values::{padded_text, present},
};

/// The private contents of the member's leaf besides a track.
pub enum Contents {
    Track,
    Score(Score),
    Address(MemberAddress),
}

/// What the proof shows, and the private inputs that only its statement has.
pub enum Shown {
    Track(u64),
    Score(Score, ScoreClaim),
    Address(Box<AddressInputs>),
}

impl Contents {
    /// Reads the files that the arguments name.
    pub fn read(args: &Args) -> Result<Self> {
        Ok(match (&args.score, &args.address) {
            (Some(file), _) => Self::Score(score_file::read(file)?),
            (None, Some(file)) => Self::Address(address_file::read(file)?),
            (None, None) => Self::Track,
        })
    }

    /// Returns the attributes of the leaf. `None` if they are those of a track.
    pub fn attributes(&self) -> Option<Attributes> {
        match self {
            Self::Track => None,
            Self::Score(score) => Some(score.attributes()),
            Self::Address(address) => Some(address.attributes()),
        }
    }

    const fn statement(&self) -> (&'static str, u16, &'static str) {
        match self {
            Self::Track => (
                Ownership::NAME,
                Ownership::VERSION,
                "--asset or --track, and neither --score nor --address",
            ),
            Self::Score(_) => (Reputation::NAME, Reputation::VERSION, "--score"),
            Self::Address(_) => (Address::NAME, Address::VERSION, "--address"),
        }
    }
}

/// Checks that the scope accepts verifications of proofs that this version can make.
pub fn check_usable(scope: &Scope, circuit: &Circuit, contents: &Contents, now: i64) -> Result<()> {
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
        (Ownership::NAME, Ownership::VERSION),
        (Reputation::NAME, Reputation::VERSION),
        (Address::NAME, Address::VERSION),
    ];
    if !known.contains(&(statement.as_str(), circuit.version)) {
        let known = known.map(|(name, version)| format!("{name} version {version}"));
        anyhow::bail!(
            "the circuit has the statement {statement} version {}: this command proves {}",
            circuit.version,
            known.join(", ")
        );
    }
    let (name, _, _) = contents.statement();
    if statement != name {
        let needed = [
            (Ownership::NAME, Contents::Track.statement().2),
            (Reputation::NAME, "--score"),
            (Address::NAME, "--address"),
        ];
        let needed = needed.iter().find(|(known, _)| statement == *known);
        anyhow::bail!(
            "the circuit has the statement {statement}, which needs {}",
            needed.map_or("other inputs", |(_, needed)| needed)
        );
    }
    let has_auxiliary = present(scope.auxiliary_registry).is_some();
    ensure!(
        has_auxiliary == matches!(contents, Contents::Address(_)),
        "the scope {} an auxiliary registry, which the statement {statement} {}",
        if has_auxiliary { "has" } else { "lacks" },
        if has_auxiliary { "does not use" } else { "needs" }
    );
    Ok(())
}

/// Decides what the proof shows. A claim that the contents do not fulfil is refused.
pub async fn shown(
    context: &Context,
    args: &Args,
    contents: Contents,
    track: Option<u64>,
    scope: &Scope,
    now: i64,
) -> Result<Shown> {
    let as_of = match args.as_of {
        Some(time) => time,
        None => u64::try_from(now).context("the time is before 1970")?,
    };
    match contents {
        Contents::Track => Ok(Shown::Track(track.context("the leaf has no track")?)),
        Contents::Score(score) => {
            let claim = score_claim(args, &score, as_of)?;
            Ok(Shown::Score(score, claim))
        }
        Contents::Address(address) => {
            let pattern = args.pattern.as_deref().unwrap_or("membership");
            let broken = |error: InvalidValue| anyhow!("{} {}", error.field, error.rule);
            let pattern = Pattern::parse(pattern).map_err(broken)?;
            let mut claim = AddressClaim::of(pattern, &address, as_of);
            claim.min_components = args.min_components.unwrap_or(claim.min_components);
            claim.check(&address).map_err(broken)?;
            let not_revoked = not_revoked(context, args, &address, scope).await?;
            Ok(Shown::Address(Box::new(AddressInputs {
                address,
                claim,
                not_revoked,
            })))
        }
    }
}

/// Returns what a proof shows of a score.
fn score_claim(args: &Args, score: &Score, as_of: u64) -> Result<ScoreClaim> {
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

/// Finds the element of the list of revocations that contains the handle. The whole list is read, so
/// nobody learns which element it is.
async fn not_revoked(
    context: &Context,
    args: &Args,
    address: &MemberAddress,
    scope: &Scope,
) -> Result<NotRevoked> {
    let list = scope.auxiliary_registry;
    let registry: Registry = context.read(&list, "registry").await?;
    let source = LeafSource {
        api: args.api.clone(),
    };
    let changes = Changes::at_current_root(context, &source, &list, &registry).await?;
    let root = Root::from_bytes(registry.root)?;
    let leaves = changes.all_leaves(root)?;
    let of_list = |error: RevocationListError| match error {
        RevocationListError::Revoked => Failure::new(Kind::Refused, "the address was revoked")
            .next("get a new address from the authority of the registry"),
        error => Failure::new(
            Kind::Other,
            format!("the auxiliary registry {list} is not a list of revocations: {error}"),
        ),
    };
    let revocations = RevocationList::from_leaves(&leaves).map_err(of_list)?;
    let (gap, path) = revocations.find(address.handle()).map_err(of_list)?;
    Ok(NotRevoked::new(gap, path, root)?)
}

impl Shown {
    /// Returns the claim of the instruction: with an auxiliary registry, without its root.
    pub fn claim(&self) -> Claim {
        match self {
            Self::Track(track) => Claim::of_track(*track),
            Self::Score(_, claim) => claim.claim(),
            Self::Address(inputs) => Claim::new(inputs.claim.value()),
        }
    }

    /// Returns the root of the auxiliary registry.
    pub fn auxiliary_root(&self) -> Option<Root> {
        match self {
            Self::Address(inputs) => Some(inputs.not_revoked.root()),
            Self::Track(_) | Self::Score(..) => None,
        }
    }

    /// Returns what the proof shows of a score.
    pub const fn score(&self) -> Option<ScoreClaim> {
        match self {
            Self::Score(_, claim) => Some(*claim),
            Self::Track(_) | Self::Address(_) => None,
        }
    }

    /// Returns what the proof shows of an address.
    pub fn address(&self) -> Option<AddressClaim> {
        match self {
            Self::Address(inputs) => Some(inputs.claim),
            Self::Track(_) | Self::Score(..) => None,
        }
    }

    /// Returns the track, if the proof shows one.
    pub const fn track(&self) -> Option<u64> {
        match self {
            Self::Track(track) => Some(*track),
            Self::Score(..) | Self::Address(_) => None,
        }
    }

    /// Adds the private inputs of the statement. The claim of the inputs is the one that the proof
    /// shows.
    pub fn complete(self, inputs: ProofInputs) -> AnyInputs {
        let claim = inputs.claim;
        match self {
            Self::Track(_) => inputs.into(),
            Self::Score(score, shown) => inputs
                .with(claim, ReputationInputs { score, claim: shown })
                .into(),
            Self::Address(own) => inputs.with(claim, *own).into(),
        }
    }
}

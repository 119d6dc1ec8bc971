//! `bauta identity rotate`: replaces the secret of a member, and registers the holdings again.
//!
//! ```text
//!   old identity ──> commitment of each asset on the chain? ──> new identity: register again
//!        └── stays, because scopes of mode snapshot accept only its leaves ──┘
//! ```

use std::path::PathBuf;

use anyhow::{Result, ensure};
use bauta::state::Holding;
use bauta_client::addresses;
use bauta_primitives::{Commitment, EntryId, FieldElement};
use clap::ArgGroup;
use solana_address::Address;

use super::{Opened, master, open};
use crate::{
    commands::holder,
    context::Context,
    failure::{self, Failure, Kind},
    passphrase::{self, PassphraseArgs},
    report::Report,
    sealed,
    transaction::Cost,
    tree::LeafSource,
    values::element,
};

#[derive(clap::Args)]
#[command(group(ArgGroup::new("about").required(true).multiple(true)))]
pub struct Args {
    /// File of the old identity. It is not changed
    file: PathBuf,
    /// File of the new identity. It is created if it does not exist. With the same file, an
    /// interrupted rotation continues
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Registry of the entries
    #[arg(long, value_name = "ADDRESS")]
    registry: Address,
    /// Asset that is registered again, in a registry of holders. Can be repeated. The signer is its
    /// owner
    #[arg(long = "asset", value_name = "ADDRESS", group = "about")]
    assets: Vec<Address>,
    /// Entry in a registry of kind managed or attested. Its authority replaces the leaf with the
    /// printed commitment. Can be repeated
    #[arg(long = "entry", value_name = "ENTRY", value_parser = element, group = "about")]
    entries: Vec<FieldElement>,
    /// Number of times that the old secret of the entries was replaced
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    counter: u32,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// File whose first line is the passphrase of the new identity [default: read from the terminal]
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    leaves: LeafSource,
}

/// Replaces the secret.
pub async fn run(context: &Context, args: &Args) -> Result<Report> {
    let old = Opened {
        master: master(&open(&args.file, &args.passphrase)?),
        counter: args.counter,
    };
    // All assets are checked before the first one is registered again.
    let mut holdings = Vec::new();
    for asset in &args.assets {
        holdings.push((*asset, holder::holding(context, &args.registry, asset).await?));
    }
    let is_new = !args.out.exists() && !context.options.dry_run;
    let new = Opened {
        master: master(&open_or_create(args, context.options.dry_run)?),
        counter: 0,
    };
    for (asset, holding) in &holdings {
        check(args, asset, holding, &old, &new)?;
    }
    let open = holdings
        .iter()
        .filter(|(asset, holding)| holding.commitment != commitment(&new, &args.registry, asset).to_bytes());
    let open = open.count();
    if open > 1 {
        let signers = context.signers()?;
        let cost = Cost {
            fee: context.fee_of_series(open, signers.count()),
            rent: 0,
        };
        let what = format!("register {open} assets again");
        context
            .approve_series(&signers.payer().pubkey(), &what, &cost)
            .await?;
    }
    let (mut items, mut rotated, mut failed) = (Vec::new(), 0_u64, None);
    for (asset, holding) in &holdings {
        let commitment = commitment(&new, &args.registry, asset);
        let item = Report::new().fact("asset", asset).fact("commitment", commitment);
        if holding.commitment == commitment.to_bytes() {
            rotated += 1;
            items.push(item.fact("result", "registered before"));
            continue;
        }
        match holder::register_with(context, &args.registry, asset, commitment, &args.leaves).await {
            Ok((outcome, _)) if outcome.is_sent() => {
                rotated += 1;
                items.push(item.fact("result", "registered again"));
            }
            Ok(_) => items.push(item.fact("result", "dry run")),
            // The others are still registered again.
            Err(error) => {
                items.push(item.fact("result", format!("{error:#}")));
                failed = failed.or(Some(failure::classify(&error).0));
            }
        }
    }
    for entry in &args.entries {
        let commitment = new.commitment(&args.registry, EntryId::new(*entry));
        items.push(
            Report::new()
                .fact("entry", entry)
                .fact("commitment", commitment)
                .fact("result", "for the authority"),
        );
    }
    let report = Report::new()
        .fact("registry", args.registry)
        .fact("old_identity", args.file.display())
        .fact("new_identity", args.out.display())
        .value("new_identity_created", is_new)
        .value("registered", rotated)
        .with_items(items)
        .warning("keep a copy of the new file and its passphrase. Without both, the memberships are lost.")
        .warning(
            "keep the old file until each scope of mode snapshot that you use has ended: there, only the \
             old secret proves. A scope of mode live gives the new secret another nullifier.",
        );
    let report = if args.entries.is_empty() {
        report
    } else {
        report
            .next("send the commitments to the authority: `bauta registry replace` or a new list of members")
    };
    Ok(match failed {
        None => report,
        Some(kind) => report
            .next("repeat the command: it registers what is missing. A holder can register once in 60 s")
            .failed(kind),
    })
}

/// Opens the file of the new identity, or creates it. A dry run creates no file, so its identity is
/// only an example.
fn open_or_create(args: &Args, is_dry_run: bool) -> Result<sealed::Secret> {
    if args.out.exists() {
        let passphrase = PassphraseArgs {
            passphrase_file: args.new_passphrase_file.clone(),
        };
        return open(&args.out, &passphrase);
    }
    if is_dry_run {
        return Ok(sealed::random());
    }
    let passphrase = passphrase::new_one(args.new_passphrase_file.as_deref())?;
    sealed::create(&args.out, &sealed::seal(&sealed::random(), &passphrase)?)?;
    open(
        &args.out,
        &PassphraseArgs {
            passphrase_file: args.new_passphrase_file.clone(),
        },
    )
}

/// Refuses an asset that is not registered with the old identity, and not with the new one either.
fn check(args: &Args, asset: &Address, holding: &Holding, old: &Opened, new: &Opened) -> Result<()> {
    ensure!(
        holding.live != 0,
        "the asset {asset} is not registered: it was evicted"
    );
    let is_of =
        |identity: &Opened| holding.commitment == commitment(identity, &args.registry, asset).to_bytes();
    if is_of(old) || is_of(new) {
        return Ok(());
    }
    let holding = addresses::holding(&args.registry, asset).address;
    let message = format!(
        "the asset {asset} (holding {holding}) is not registered with the identity {} and the counter {}",
        args.file.display(),
        args.counter
    );
    Err(Failure::new(Kind::Other, message)
        .next("give the right file, or the right --counter")
        .into())
}

fn commitment(identity: &Opened, registry: &Address, asset: &Address) -> Commitment {
    identity.commitment(registry, EntryId::of_mint(asset.as_array()))
}

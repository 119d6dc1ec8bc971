//! `bauta holder`: registers the owners of assets, and evicts them on evidence.
//!
//! ```text
//!   asset ──> token or Core asset ──> collection that accepts it ──> register
//!   holding ──> form ──> evidence: burnt, closed, or another owner ──> evict
//! ```

mod das;
mod evidence;
mod watch;
mod watch_ledger;

use anyhow::{Context as _, Result, ensure};
use bauta::core_asset::{CORE_PROGRAM, CoreAsset};
use bauta::state::{AssetForm, Collection, Holding, Registry, RegistryKind};
use bauta::token::{Mint, TokenAccount, is_token_program};
use bauta::token_metadata::Metadata;
use bauta_client::eligibility::{
    AccountView, CoreAccounts, TokenAccounts, why_core_asset_is_not_eligible, why_token_is_not_eligible,
};
use bauta_client::instructions::{
    EvictHolder, OnChainPath, RegisterCoreHolder, RegisterHolder, TokenMetadataAccounts,
};
use bauta_client::{ProgramError, addresses};
use bauta_primitives::{Commitment, EntryId, FieldElement, Root};
use clap::ArgGroup;
use serde_json::{Value, json};
use solana_address::Address;
use solana_instruction::Instruction;

use crate::{
    chain::LEVEL,
    commands::{collection, identity::IdentityArgs},
    context::Context,
    failure::{Failure, Kind},
    report::Report,
    transaction::{Action, Outcome},
    tree::{Changes, LeafSource},
    values::{element, hex32},
};

/// The part of a token account that is read: the plain account and its type in Token-2022.
const TOKEN_ACCOUNT_BYTES: usize = 166;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Register the owner of a token or of a Core asset. The signer is the owner
    Register(RegisterArgs),
    /// Empty the leaf of an asset that was burnt, moved or left its collection. Anyone can do this
    Evict(EvictArgs),
    /// Find holders who no longer have their assets and evict them, again and again. The signer pays
    Watch(watch::Args),
    /// Show the registration of an asset
    Status {
        /// Address of the registry
        registry: Address,
        /// Mint of the token, or address of the Core asset
        #[arg(long, value_name = "ADDRESS")]
        asset: Address,
    },
}

#[derive(clap::Args)]
#[command(group(ArgGroup::new("member").required(true)))]
pub struct RegisterArgs {
    /// Address of the registry
    registry: Address,
    /// Mint of the token, or address of the Core asset
    #[arg(long, value_name = "ADDRESS")]
    asset: Address,
    /// Commitment of the owner's secret, which `bauta identity show` prints
    #[arg(long, value_name = "COMMITMENT", value_parser = element, group = "member")]
    commitment: Option<FieldElement>,
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    leaves: LeafSource,
}

#[derive(clap::Args)]
pub struct EvictArgs {
    /// Address of the registry
    registry: Address,
    /// Mint of the token, or address of the Core asset
    #[arg(long, value_name = "ADDRESS")]
    asset: Address,
    /// Token account of the new owner [default: the node finds it]
    #[arg(long, value_name = "ADDRESS")]
    token_account: Option<Address>,
    /// Key of the collection that the asset left, if this is the evidence
    #[arg(long, value_name = "ADDRESS")]
    left_collection: Option<Address>,
    #[command(flatten)]
    leaves: LeafSource,
}

/// Runs the subcommand.
pub async fn run(context: &Context, command: &Command) -> Result<Report> {
    match command {
        Command::Register(args) => register(context, args).await,
        Command::Evict(args) => evict(context, args).await,
        Command::Watch(args) => watch::run(context, args).await,
        Command::Status { registry, asset } => status(context, registry, asset).await,
    }
}

/// An account, or an address without one.
struct Found {
    address: Address,
    owner: Address,
    data: Vec<u8>,
}

impl Found {
    fn view(&self) -> AccountView<'_> {
        AccountView {
            key: &self.address,
            owner: &self.owner,
            data: &self.data,
        }
    }
}

async fn found(context: &Context, addresses: &[Address]) -> Result<Vec<Found>> {
    let accounts = context.rpc.accounts(addresses, LEVEL).await?;
    Ok(addresses
        .iter()
        .zip(accounts)
        .map(|(address, (_, account))| {
            let (owner, data) = account
                .map(|account| (account.owner, account.data))
                .unwrap_or_default();
            Found {
                address: *address,
                owner,
                data,
            }
        })
        .collect())
}

/// What the registrations of all forms of assets have.
struct Common {
    payer: Address,
    owner: Address,
    registry: Address,
    tree: Address,
    commitment: Commitment,
    path: Option<OnChainPath>,
}

async fn register(context: &Context, args: &RegisterArgs) -> Result<Report> {
    let entry = EntryId::of_mint(args.asset.as_array());
    let commitment = match args.commitment {
        Some(commitment) => Commitment::new(commitment),
        None => args.identity.open()?.commitment(&args.registry, entry),
    };
    let (outcome, track) =
        register_with(context, &args.registry, &args.asset, commitment, &args.leaves).await?;
    Ok(Report::new()
        .fact("registry", args.registry)
        .fact("asset", args.asset)
        .fact("holding", addresses::holding(&args.registry, &args.asset).address)
        .fact("commitment", commitment)
        .value("track", track)
        .and(outcome.report())
        .next("make a proof with `bauta prove SCOPE`"))
}

/// Registers the signer as the holder of an asset. Returns the outcome and the track.
pub async fn register_with(
    context: &Context,
    address: &Address,
    asset: &Address,
    commitment: Commitment,
    leaves: &LeafSource,
) -> Result<(Outcome, u64)> {
    let registry: Registry = context.read(address, "registry").await?;
    registry
        .check_kind(RegistryKind::Holders)
        .ok()
        .with_context(|| format!("the registry {address} is not of kind holders"))?;
    let holding: Option<Holding> = context.find(&addresses::holding(address, asset).address).await?;
    if holding.is_some_and(|holding| holding.live != 0 && holding.commitment == commitment.to_bytes()) {
        return Err(
            Failure::new(Kind::Other, "the asset is registered with this commitment")
                .next("to replace the secret, repeat the command with the next --counter")
                .into(),
        );
    }
    let signers = context.signers()?;
    let common = Common {
        payer: signers.payer().pubkey(),
        owner: signers.signer.pubkey(),
        registry: *address,
        tree: registry.tree,
        commitment,
        path: match &holding {
            None => None,
            Some(holding) => Some(path(context, leaves, address, &registry, holding.index).await?),
        },
    };
    let collections = collection::of_registry(context, address).await?;
    let found = found(context, &[*asset]).await?.remove(0);
    let (instruction, track) = if found.owner == CORE_PROGRAM {
        core(context, &common, &found, &collections).await?
    } else if is_token_program(&found.owner) {
        token(context, &common, found, &collections).await?
    } else {
        return Err(Failure::new(
            Kind::Other,
            format!("there is no token and no Core asset at {asset}"),
        )
        .next(
            "for a compressed asset, use POST /v1/registries/{registry}/registrations of the API, \
             which builds the transaction",
        )
        .into());
    };
    let mut action = Action::of("register the holder of an asset", instruction);
    if holding.is_none() {
        action = action.creating::<Holding>();
    }
    Ok((context.run(&signers, action).await?, track))
}

/// Returns the path of a leaf in the current tree of a registry.
async fn path(
    context: &Context,
    leaves: &LeafSource,
    address: &Address,
    registry: &Registry,
    index: u64,
) -> Result<OnChainPath> {
    let changes = Changes::at_current_root(context, leaves, address, registry).await?;
    let tree = changes.tree(Root::from_bytes(registry.root)?)?;
    Ok(tree.on_chain_path(index)?)
}

/// Returns the first collection that accepts an asset.
fn choose(
    collections: &[(Address, Collection)],
    refusal: impl Fn(&Collection) -> Option<ProgramError>,
) -> Result<Collection> {
    let mut first = None;
    for (_, collection) in collections {
        match refusal(collection) {
            None => return Ok(*collection),
            // Most collections do not contain the asset.
            Some(error) if error.name == "NotInCollection" => {}
            Some(error) => first = first.or(Some(error)),
        }
    }
    let reason = first.map_or_else(
        || "it belongs to no collection of the registry".to_owned(),
        |error| error.to_string(),
    );
    Err(Failure::new(Kind::Refused, format!("the asset can't be registered: {reason}")).into())
}

async fn token(
    context: &Context,
    common: &Common,
    mint: Found,
    collections: &[(Address, Collection)],
) -> Result<(Instruction, u64)> {
    let accounts = context
        .rpc
        .token_accounts_of_mint(&common.owner, &mint.address, TOKEN_ACCOUNT_BYTES, LEVEL)
        .await?;
    let held = accounts.into_iter().find(|(_, account)| {
        TokenAccount::read(&account.owner, &account.data).is_ok_and(|token| token.amount == 1)
    });
    let (token_account, account) =
        held.with_context(|| format!("{} holds no token of the mint {}", common.owner, mint.address))?;
    let token_account = Found {
        address: token_account,
        owner: account.owner,
        data: account.data,
    };
    let derived = [
        addresses::metadata(&mint.address).address,
        addresses::edition(&mint.address).address,
        addresses::token_record(&mint.address, &token_account.address).address,
    ];
    let mut of_token_metadata = found(context, &derived).await?.into_iter();
    let mut next = || {
        of_token_metadata
            .next()
            .filter(|account| !account.data.is_empty())
    };
    let (metadata, edition, token_record) = (next(), next(), next());
    // The program refuses metadata that it can't read, and an asset or a group needs none.
    let read = |account: &Found| Metadata::read(&account.view(), &mint.address).ok();
    let metadata = metadata.filter(|account| read(account).is_some());
    let is_programmable = metadata
        .as_ref()
        .and_then(read)
        .is_some_and(|metadata| metadata.is_programmable());
    let token_record = token_record.filter(|_| is_programmable);
    let accounts = TokenAccounts {
        mint: mint.view(),
        token_account: token_account.view(),
        metadata: metadata.as_ref().map(Found::view),
        edition: edition.as_ref().map(Found::view),
        token_record: token_record.as_ref().map(Found::view),
    };
    let collection = choose(collections, |collection| {
        why_token_is_not_eligible(collection, &common.owner, &accounts)
    })?;
    let address = |account: &Option<Found>| account.as_ref().map(|account| account.address);
    let register = RegisterHolder {
        payer: common.payer,
        owner: common.owner,
        registry: common.registry,
        tree: common.tree,
        collection_key: collection.key,
        mint: mint.address,
        token_account: token_account.address,
        token_metadata: TokenMetadataAccounts {
            metadata: address(&metadata),
            edition: address(&edition),
            token_record: address(&token_record),
        },
        commitment: common.commitment,
        path: common.path,
    };
    Ok((register.instruction(), collection.track))
}

async fn core(
    context: &Context,
    common: &Common,
    asset: &Found,
    collections: &[(Address, Collection)],
) -> Result<(Instruction, u64)> {
    let read = CoreAsset::read(&asset.view()).ok();
    let read = read.with_context(|| format!("the Core asset {} can't be read", asset.address))?;
    let key: Vec<Address> = read.collection.into_iter().collect();
    let core_collection = found(context, &key).await?.pop();
    let accounts = CoreAccounts {
        asset: asset.view(),
        core_collection: core_collection.as_ref().map(Found::view),
    };
    let collection = choose(collections, |collection| {
        why_core_asset_is_not_eligible(collection, &common.owner, &accounts)
    })?;
    let register = RegisterCoreHolder {
        payer: common.payer,
        owner: common.owner,
        registry: common.registry,
        tree: common.tree,
        collection_key: collection.key,
        asset: asset.address,
        core_collection: read.collection,
        commitment: common.commitment,
        path: common.path,
    };
    Ok((register.instruction(), collection.track))
}

/// Reads the holding of an asset that was registered once.
pub async fn holding(context: &Context, registry: &Address, asset: &Address) -> Result<Holding> {
    let address = addresses::holding(registry, asset).address;
    let holding = context.find(&address).await?;
    holding.with_context(|| format!("the asset {asset} was never registered in the registry {registry}"))
}

async fn evict(context: &Context, args: &EvictArgs) -> Result<Report> {
    let registry: Registry = context.read(&args.registry, "registry").await?;
    let holding = holding(context, &args.registry, &args.asset).await?;
    ensure!(
        holding.live != 0,
        "the leaf of the asset {} is empty already",
        args.asset
    );
    let form = AssetForm::from_byte(holding.form);
    ensure!(
        form != Some(AssetForm::Compressed) && form.is_some(),
        "the asset {} is compressed: evict it with `bauta holder watch --once --assets-node URL`",
        args.asset
    );
    let is_token = form == Some(AssetForm::Token);
    let token_account = match args.token_account {
        None if is_token && args.left_collection.is_none() => {
            holder_of(context, &args.asset, &holding.owner).await?
        }
        given => given,
    };
    let evict = EvictHolder {
        registry: args.registry,
        tree: registry.tree,
        mint: args.asset,
        token_account,
        left_collection: args.left_collection,
        metadata: args
            .left_collection
            .filter(|_| is_token)
            .map(|_| addresses::metadata(&args.asset).address),
        path: path(context, &args.leaves, &args.registry, &registry, holding.index).await?,
    };
    let signers = context.signers()?;
    let action = Action::of("evict the holder of an asset", evict.instruction());
    let outcome = context.run(&signers, action).await?;
    outcome.report_after(status(context, &args.registry, &args.asset).await)
}

/// Returns the token account that holds a token, if its owner is not `holder`. `None` if the mint
/// is closed or has no supply, which is evidence by itself.
async fn holder_of(context: &Context, mint: &Address, holder: &Address) -> Result<Option<Address>> {
    let account = found(context, &[*mint]).await?.remove(0);
    let supply = Mint::read(&account.owner, &account.data).map(|mint| mint.supply());
    if supply.is_ok_and(|supply| supply == 0) || !is_token_program(&account.owner) {
        return Ok(None);
    }
    let params = json!([mint.to_string(), { "commitment": LEVEL }]);
    let largest: Value = context
        .rpc
        .call("getTokenLargestAccounts", &params)
        .await
        .with_context(|| {
            "the node can't find the new owner's token account: give it with --token-account".to_owned()
        })?;
    let addresses: Vec<Address> = largest["value"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|entry| entry["address"].as_str()?.parse().ok())
        .collect();
    let holding = found(context, &addresses).await?.into_iter().find(|account| {
        TokenAccount::read(&account.owner, &account.data).is_ok_and(|token| token.amount == 1)
    });
    let Some(holding) = holding else {
        return Ok(None);
    };
    let owner = TokenAccount::read(&holding.owner, &holding.data).map(|token| token.owner);
    if owner.is_ok_and(|owner| owner == *holder) {
        return Err(Failure::new(
            Kind::Refused,
            format!("the holder {holder} still has the token: there is no evidence for an eviction"),
        )
        .into());
    }
    Ok(Some(holding.address))
}

async fn status(context: &Context, registry: &Address, asset: &Address) -> Result<Report> {
    let holding = holding(context, registry, asset).await?;
    let form = match AssetForm::from_byte(holding.form) {
        Some(AssetForm::Token) => "token",
        Some(AssetForm::Core) => "core",
        Some(AssetForm::Compressed) => "compressed",
        None => "unknown",
    };
    Ok(Report::new()
        .fact("registry", registry)
        .fact("asset", asset)
        .value("registered", holding.live != 0)
        .fact("owner", holding.owner)
        .fact("form", form)
        .value("index", holding.index)
        .value("track", holding.track)
        .fact("commitment", hex32(&holding.commitment))
        .value("last_change", holding.last_change))
}

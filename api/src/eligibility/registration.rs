//! Unsigned transactions that register an asset, for clients without the SDK.
//!
//! ```text
//!   registry, asset, its holding --node--> a token, or an asset of Metaplex Core
//!     token:      the owner's token account, the accounts of Token Metadata   --node-->
//!     Core:       the asset's collection                                      --node-->
//!     compressed: the leaf and its proof                                      --client-->
//!                 the tree of Bubblegum, the leaf's Core collection           --node-->
//!   collection that accepts the asset, path of its present leaf  --database-->
//!   instruction --> transaction --> simulated
//! ```

use bauta::core_asset::{CORE_PROGRAM, CoreAsset};
use bauta::state::{self, Holding};
use bauta::token::is_token_program;
use bauta_client::{
    ProgramError, addresses, decode_account,
    eligibility::{CoreAccounts, why_core_asset_is_not_eligible, why_token_is_not_eligible},
    instructions::{OnChainPath, RegisterCoreHolder, RegisterHolder},
};
use bauta_primitives::Commitment;
use bauta_rpc::{Rpc, RpcError, serialize};
use bauta_store::{Collection, Registry, RegistryKind, Store};
use solana_address::Address;
use solana_instruction::Instruction;
use solana_transaction::versioned::VersionedTransaction;

use super::{
    Eligibility, EligibilityError, MAX_WAIT, collections,
    compressed::{self, CompressedRequest},
    error::RegistrationError,
    in_time,
    listed::Listed,
    on_chain,
    tokens::{self, Found},
    transactions::{Envelope, Transactions},
    turn,
};
use crate::time::unix_seconds;

/// The fee of a transaction with one signature, in lamports.
const SIGNATURE_FEE: u64 = 5_000;
/// Bytes of a holding account with its discriminator.
const HOLDING_BYTES: usize = 8 + size_of::<Holding>();

/// An asset to register.
pub struct RegistrationRequest {
    /// The wallet that holds the asset. It pays.
    pub owner: Address,
    /// The mint of the token, the asset of Metaplex Core, or the id of the compressed asset.
    pub asset: Address,
    /// The commitment of the owner's secret.
    pub commitment: Commitment,
    /// The leaf of a compressed asset.
    pub compressed: Option<CompressedRequest>,
    /// The address lookup table of the transactions.
    pub lookup_table: Option<Address>,
}

/// Unsigned transactions that register an asset, with empty signatures.
pub struct Registration {
    /// The transaction that stages the path before. `None` if the path fits or is staged.
    pub stage: Option<Vec<u8>>,
    /// The transaction that registers the asset.
    pub transaction: Vec<u8>,
    /// The transaction that closes the staged path afterwards. `None` if the path fits.
    pub unstage: Option<Vec<u8>>,
    /// The block height up to which the transactions can be executed.
    pub last_valid_block_height: u64,
    /// The collection that accepts the asset.
    pub collection: Collection,
    /// The fee of all transactions in lamports.
    pub fee: u64,
    /// The rent of the holding account in lamports. 0 if the asset has one.
    pub rent: u64,
    /// The rent of the staged path's account in lamports.
    pub staged_rent: u64,
}

/// What all kinds of registrations have.
pub struct Common<'a> {
    pub request: &'a RegistrationRequest,
    pub registry: &'a Registry,
    /// The registry's Tree account.
    pub tree: Address,
    /// The path of the asset's present leaf, if it has one.
    pub path: Option<OnChainPath>,
}

impl Eligibility {
    /// Builds the transaction that registers an asset.
    pub async fn registration(
        &self,
        store: &Store,
        client: &str,
        registry: &Registry,
        request: &RegistrationRequest,
    ) -> Result<Registration, RegistrationError> {
        let node = self.node.as_ref().ok_or(EligibilityError::NoNode)?;
        if registry.kind != RegistryKind::Holders {
            let kind = registry.kind.as_str();
            return Err(EligibilityError::WrongKind { kind }.into());
        }
        let _turn = turn(&self.registrations, client, MAX_WAIT).await?;
        in_time(build(node, store, registry, request)).await
    }
}

async fn build(
    node: &Rpc,
    store: &Store,
    registry: &Registry,
    request: &RegistrationRequest,
) -> Result<Registration, RegistrationError> {
    let holding = addresses::holding(&registry.address, &request.asset).address;
    let found = tokens::accounts(node, &[registry.address, request.asset, holding]).await?;
    let [on_chain_registry, asset, holding]: [Found; 3] =
        found.try_into().map_err(|_| RegistrationError::UnknownAsset)?;
    let decoded = decode_account::<state::Registry>(&on_chain_registry.owner, &on_chain_registry.data);
    let common = Common {
        request,
        registry,
        tree: decoded.map_err(|_| RegistrationError::Behind)?.tree,
        path: present_path(store, registry, &holding).await?,
    };
    let envelope = Envelope::read(node, request.owner, request.lookup_table).await?;
    let (built, collection) = if let Some(leaf) = &request.compressed {
        let (register, collection) = common.compressed(node, store, leaf).await?;
        let built = compressed::transactions(node, &envelope, register).await?;
        (built, collection)
    } else {
        let (instruction, collection) = common.uncompressed(node, store, &asset).await?;
        (Transactions::of(envelope.unsigned(instruction)?), collection)
    };
    let rent = if holding.data.is_empty() {
        node.rent_exempt_balance(HOLDING_BYTES).await?
    } else {
        0
    };
    built.simulate(node).await?;
    let bytes = |transaction: &Option<VersionedTransaction>| transaction.as_ref().map(serialize).transpose();
    Ok(Registration {
        stage: bytes(&built.stage)?,
        transaction: serialize(&built.transaction)?,
        unstage: bytes(&built.unstage)?,
        last_valid_block_height: envelope.last_valid_block_height,
        collection,
        fee: SIGNATURE_FEE * built.count(),
        rent,
        staged_rent: built.staged_rent,
    })
}

/// Returns the path of the asset's leaf at the current root. `None` if the asset was never
/// registered.
async fn present_path(
    store: &Store,
    registry: &Registry,
    holding: &Found,
) -> Result<Option<OnChainPath>, RegistrationError> {
    if holding.data.is_empty() {
        return Ok(None);
    }
    let holding = decode_account::<Holding>(&holding.owner, &holding.data);
    let holding = holding.map_err(|error| RpcError::InvalidResponse {
        method: "getMultipleAccounts",
        reason: error.to_string(),
    })?;
    let now = unix_seconds();
    let roots = store.valid_roots(registry, now).await?;
    let current = roots.iter().find(|root| root.replaced_at.is_none());
    let current = current.ok_or(RegistrationError::Behind)?.root;
    let path = store.path(registry, current, holding.index, now).await?;
    let is_current = holding.leaf().is_ok_and(|leaf| leaf == path.leaf.to_bytes());
    if !is_current {
        return Err(RegistrationError::Behind);
    }
    Ok(Some(path.path.lowest()))
}

/// Returns the first collection that accepts the asset. `refusal` returns the program's error of a
/// collection.
pub fn choose(
    candidates: &[Collection],
    refusal: impl Fn(&Collection) -> Option<ProgramError>,
) -> Result<Collection, RegistrationError> {
    let mut first = None;
    for collection in candidates {
        match refusal(collection) {
            None => return Ok(*collection),
            Some(error) => first = first.or(Some(error)),
        }
    }
    Err(first.map_or(RegistrationError::InNoCollection, RegistrationError::NotEligible))
}

impl Common<'_> {
    /// Returns the registration of a token or of a Core asset, and the collection that accepts it.
    async fn uncompressed(
        &self,
        node: &Rpc,
        store: &Store,
        asset: &Found,
    ) -> Result<(Instruction, Collection), RegistrationError> {
        if asset.owner == CORE_PROGRAM {
            self.core(node, store, asset).await
        } else if is_token_program(&asset.owner) {
            self.token(node, store).await
        } else {
            Err(RegistrationError::UnknownAsset)
        }
    }

    async fn token(&self, node: &Rpc, store: &Store) -> Result<(Instruction, Collection), RegistrationError> {
        let (owner, mint) = (self.request.owner, self.request.asset);
        let token = tokens::read_one(node, owner, mint).await?;
        let token = [token.ok_or(RegistrationError::NotHeld)?];
        let listed = Listed::new(collections(store, self.registry, &token).await?);
        let [token] = token;
        let candidates: Vec<Collection> = listed.of(&token).copied().collect();
        let collection = choose(&candidates, |collection| {
            let collection = on_chain(self.registry, collection);
            why_token_is_not_eligible(&collection, &owner, &token.accounts())
        })?;
        let register = RegisterHolder {
            payer: owner,
            owner,
            registry: self.registry.address,
            tree: self.tree,
            collection_key: collection.key,
            mint,
            token_account: token.token_account(),
            token_metadata: token.token_metadata(),
            commitment: self.request.commitment,
            path: self.path,
        };
        Ok((register.instruction(), collection))
    }

    async fn core(
        &self,
        node: &Rpc,
        store: &Store,
        asset: &Found,
    ) -> Result<(Instruction, Collection), RegistrationError> {
        let read = CoreAsset::read(&asset.view());
        let core_collection = read.map_err(|_| RegistrationError::UnknownAsset)?.collection;
        let of_asset: Vec<Address> = core_collection.into_iter().collect();
        let found = tokens::accounts(node, &of_asset).await?;
        let keys = [&[asset.address], of_asset.as_slice()].concat();
        let candidates = store.collections_with_keys(self.registry, &keys).await?;
        let accounts = CoreAccounts {
            asset: asset.view(),
            core_collection: found.first().map(Found::view),
        };
        let owner = self.request.owner;
        let collection = choose(&candidates, |collection| {
            let collection = on_chain(self.registry, collection);
            why_core_asset_is_not_eligible(&collection, &owner, &accounts)
        })?;
        let register = RegisterCoreHolder {
            payer: owner,
            owner,
            registry: self.registry.address,
            tree: self.tree,
            collection_key: collection.key,
            asset: asset.address,
            core_collection,
            commitment: self.request.commitment,
            path: self.path,
        };
        Ok((register.instruction(), collection))
    }
}

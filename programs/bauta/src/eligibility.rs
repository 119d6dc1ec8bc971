//! Decides which assets may be registered, and what is evidence for an eviction.
//!
//! The functions only read accounts. The program calls them with the accounts of an instruction,
//! and the client with accounts from a node, to name a refusal before it sends a transaction.

use crate::{
    core_asset::{self, CoreAsset, Ownership, Plugins},
    errors::{BautaError, refused, require},
    events::Evidence,
    state::{Collection, CollectionKind},
    token::{AllowedAuthorities, Mint, TokenAccount, is_token_program},
    token_metadata::{self, Edition, Metadata},
    view::AccountView,
};
use anchor_lang::prelude::*;

/// The accounts of a token.
#[derive(Clone, Copy, Debug)]
pub struct TokenAccounts<'a> {
    /// The mint.
    pub mint: AccountView<'a>,
    /// The token account that holds the token.
    pub token_account: AccountView<'a>,
    /// The mint's metadata account.
    pub metadata: Option<AccountView<'a>>,
    /// The mint's edition account.
    pub edition: Option<AccountView<'a>>,
    /// The token record of the token account.
    pub token_record: Option<AccountView<'a>>,
}

/// Checks that the token has exactly one holder for ever, who is visible, that it belongs to the
/// collection, that `owner` holds it, and that it is not locked.
pub fn check_token(collection: &Collection, owner: &Pubkey, accounts: &TokenAccounts<'_>) -> Result<()> {
    let key = accounts.mint.key;
    let mint = Mint::read(accounts.mint.owner, accounts.mint.data)?;
    let edition = accounts.edition.filter(|_| mint.has_authority());
    // The readers below check that these accounts are the mint's own.
    mint.check_unique_with(&AllowedAuthorities {
        mint: edition.map(|account| *account.key),
        close: accounts.metadata.map(|account| *account.key),
    })?;
    let edition = edition.map(|account| Edition::read(&account, key)).transpose()?;
    let metadata = accounts.metadata.map(|account| Metadata::read(&account, key));
    let metadata = metadata.transpose()?;
    check_membership(collection, key, &mint, edition, metadata)?;

    let token_account = &accounts.token_account;
    require!(
        token_account.owner == accounts.mint.owner,
        BautaError::InvalidTokenAccount
    );
    let account = TokenAccount::read(token_account.owner, token_account.data)?;
    require!(account.mint == *key, BautaError::TokenAccountOfAnotherMint);
    require!(account.owner == *owner, BautaError::NotTokenOwner);
    require!(account.amount == 1, BautaError::AmountNotOne);

    if collection.allows(Collection::LOCKED) {
        return Ok(());
    }
    if metadata.is_some_and(|metadata| metadata.is_programmable()) {
        let record = accounts
            .token_record
            .ok_or_else(|| refused(BautaError::WrongTokenRecord))?;
        let is_locked = token_metadata::is_locked(&record, key, token_account.key)?;
        require!(!is_locked, BautaError::AssetLocked);
    } else {
        require!(!account.frozen, BautaError::TokenFrozen);
    }
    Ok(())
}

fn check_membership(
    collection: &Collection,
    mint_key: &Pubkey,
    mint: &Mint<'_>,
    edition: Option<Edition>,
    metadata: Option<Metadata>,
) -> Result<()> {
    let is_member = match collection.kind()? {
        CollectionKind::Asset => collection.key == *mint_key,
        CollectionKind::Group => match mint.group_member()? {
            None => false,
            Some(member) => {
                require!(member.mint == *mint_key, BautaError::GroupMemberOfAnotherMint);
                member.group == collection.key
            }
        },
        CollectionKind::TokenMetadata => {
            require!(
                !matches!(edition, Some(Edition::Print { .. })) || collection.allows(Collection::PRINTS),
                BautaError::PrintRefused
            );
            let metadata = metadata.ok_or_else(|| refused(BautaError::WrongMetadata))?;
            match metadata.collection {
                Some((key, verified)) if key == collection.key => {
                    require!(verified, BautaError::CollectionNotVerified);
                    true
                }
                _ => false,
            }
        }
        CollectionKind::Core => false,
        CollectionKind::Prints => {
            let Some(Edition::Print { parent }) = edition else {
                return Err(refused(BautaError::NotAPrint));
            };
            require!(
                token_metadata::is_edition(&parent, &collection.key),
                BautaError::PrintOfAnotherMaster
            );
            true
        }
    };
    require!(is_member, BautaError::NotInCollection);
    Ok(())
}

/// The accounts of a Core asset.
#[derive(Clone, Copy, Debug)]
pub struct CoreAccounts<'a> {
    /// The asset.
    pub asset: AccountView<'a>,
    /// The asset's Core collection, if it has one.
    pub core_collection: Option<AccountView<'a>>,
}

/// Checks that the asset belongs to the collection, that `owner` owns it, that no one else can move
/// it, and that it is not locked.
pub fn check_core(collection: &Collection, owner: &Pubkey, accounts: &CoreAccounts<'_>) -> Result<()> {
    let asset = CoreAsset::read(&accounts.asset)?;
    let is_member = match collection.kind()? {
        CollectionKind::Asset => collection.key == *accounts.asset.key,
        CollectionKind::Core => asset.collection == Some(collection.key),
        CollectionKind::Group | CollectionKind::TokenMetadata | CollectionKind::Prints => false,
    };
    require!(is_member, BautaError::NotInCollection);
    let inherited = match (&asset.collection, &accounts.core_collection) {
        (Some(key), Some(account)) => core_asset::collection_plugins(account, key)?,
        (None, None) => Plugins::default(),
        _ => return Err(refused(BautaError::WrongCoreCollection)),
    };
    require!(asset.owner == *owner, BautaError::NotTokenOwner);
    check_plugins(collection, asset.plugins, inherited)
}

/// Checks that the plugins of an asset and of its Core collection let no one else move the asset,
/// and that it is not frozen.
pub(crate) fn check_plugins(collection: &Collection, own: Plugins, inherited: Plugins) -> Result<()> {
    require!(
        !own.has_unknown && !inherited.has_unknown,
        BautaError::UnknownPlugin
    );
    if !collection.allows(Collection::ISSUER_MOVES) {
        let delegates = own.delegates | inherited.delegates;
        require!(
            delegates & Plugins::PERMANENT_TRANSFER == 0,
            BautaError::HasPermanentTransferDelegate
        );
        // Who has the key of a burnt asset can create another asset at its address. In a Core
        // collection, this needs the authority that adds members anyway.
        let is_single = collection.kind()? == CollectionKind::Asset;
        let moves = if is_single {
            Plugins::TRANSFER | Plugins::BURN
        } else {
            Plugins::TRANSFER
        };
        require!(delegates & moves == 0, BautaError::HasIssuerDelegate);
    }
    // The asset's plugin overrides the collection's plugin of the same type.
    let frozen = own.frozen.or(inherited.frozen) == Some(true)
        || own.permanently_frozen.or(inherited.permanently_frozen) == Some(true);
    require!(
        collection.allows(Collection::LOCKED) || !frozen,
        BautaError::AssetLocked
    );
    Ok(())
}

/// Returns the evidence that `holder` no longer has a registered token, or `None` if there is none.
///
/// `token_account` is a token account of another owner. It is needed if the mint itself is not the
/// evidence. A frozen account is evidence like any other.
pub fn token_evidence(
    holder: &Pubkey,
    mint: &AccountView<'_>,
    token_account: Option<&AccountView<'_>>,
) -> Result<Option<Evidence>> {
    if !is_token_program(mint.owner) {
        return Ok(Some(Evidence::MintClosed));
    }
    if Mint::read(mint.owner, mint.data)?.supply() == 0 {
        return Ok(Some(Evidence::SupplyZero));
    }
    let Some(token_account) = token_account else {
        return Ok(None);
    };
    require!(token_account.owner == mint.owner, BautaError::InvalidTokenAccount);
    let account = TokenAccount::read(token_account.owner, token_account.data)?;
    require!(account.mint == *mint.key, BautaError::TokenAccountOfAnotherMint);
    let moved = account.amount == 1 && account.owner != *holder;
    Ok(moved.then_some(Evidence::OtherOwner))
}

/// Returns the evidence that `holder` no longer has a registered Core asset, or `None` if there is
/// none.
pub fn core_evidence(holder: &Pubkey, asset: &AccountView<'_>) -> Result<Option<Evidence>> {
    if core_asset::is_burnt(asset) {
        return Ok(Some(Evidence::AssetGone));
    }
    let moved = Ownership::read(asset)?.owner != *holder;
    Ok(moved.then_some(Evidence::OtherOwner))
}

/// Returns `true` if an asset is no longer a member of its collection and the collection's rules
/// make this evidence.
///
/// `asset` is the mint or the Core asset. `metadata` is the mint's metadata account, for a
/// collection of Token Metadata.
pub fn has_left(
    collection: &Collection,
    asset: &AccountView<'_>,
    metadata: Option<&AccountView<'_>>,
) -> Result<bool> {
    if !collection.allows(Collection::LEAVING) {
        return Ok(false);
    }
    match collection.kind()? {
        CollectionKind::TokenMetadata => {
            let account = metadata.ok_or_else(|| refused(BautaError::WrongMetadata))?;
            let metadata = Metadata::read_any_length(account, asset.key)?;
            Ok(metadata.collection != Some((collection.key, true)))
        }
        CollectionKind::Core => Ok(Ownership::read(asset)?.collection != Some(collection.key)),
        CollectionKind::Asset | CollectionKind::Group | CollectionKind::Prints => Ok(false),
    }
}

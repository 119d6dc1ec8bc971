use super::eviction::{check_live, evict};
use crate::{
    account,
    eligibility::{core_evidence, has_left, token_evidence},
    errors::{BautaError, refused, require},
    events::Evidence,
    state::{AssetForm, Collection, Holding, Path, Registry, Tree},
    view::{AccountView, Borrowed},
};
use anchor_lang::prelude::*;

/// Accounts of `evict_holder`.
#[event_cpi]
#[derive(Accounts)]
pub struct EvictHolder<'info> {
    /// The registry account.
    #[account(mut)]
    pub registry: AccountLoader<'info, Registry>,
    /// The registry's Tree account.
    #[account(mut, has_one = registry @ BautaError::TreeOfAnotherRegistry)]
    pub tree: AccountLoader<'info, Tree>,
    /// The holding of the asset in this registry.
    #[account(
        mut,
        has_one = registry @ BautaError::WrongHolding,
        has_one = mint @ BautaError::WrongHolding
    )]
    pub holding: AccountLoader<'info, Holding>,
    /// The token's mint, or the Core asset.
    /// CHECK: it is the holding's mint, and the readers of its form check it
    pub mint: UncheckedAccount<'info>,
    /// The token account of the new holder, if a token moved. Omitted for other evidence.
    /// CHECK: `token::TokenAccount` reads it, and the mint's token program owns it
    pub token_account: Option<UncheckedAccount<'info>>,
    /// The collection that the holder registered with, if the evidence is that the asset left it.
    #[account(has_one = registry @ BautaError::CollectionOfAnotherRegistry)]
    pub collection: Option<AccountLoader<'info, Collection>>,
    /// The mint's metadata account, if the evidence is that a token left a collection of Token
    /// Metadata.
    /// CHECK: `token_metadata::Metadata` reads it and checks its address, its owner and its data
    pub metadata: Option<UncheckedAccount<'info>>,
}

impl EvictHolder<'_> {
    pub(crate) fn run(&self, path: &Path) -> Result<()> {
        let holding = &mut *account::load_mut(&self.holding)?;
        check_live(holding)?;
        let evidence = self.evidence(holding)?;
        let (registry, tree) = (self.registry.as_ref(), self.tree.as_ref());
        evict(registry, tree, holding, evidence, path, &self.event_authority)
    }

    fn evidence(&self, holding: &Holding) -> Result<Evidence> {
        let asset = Borrowed::of(&self.mint)?;
        let asset = asset.view();
        let evidence = match AssetForm::from_byte(holding.form) {
            Some(AssetForm::Token) => {
                let token_account = Borrowed::of_optional(self.token_account.as_ref())?;
                let token_account = token_account.as_ref().map(Borrowed::view);
                token_evidence(&holding.owner, &asset, token_account.as_ref())?
            }
            Some(AssetForm::Core) => core_evidence(&holding.owner, &asset)?,
            // A compressed asset has other evidence.
            Some(AssetForm::Compressed) | None => None,
        };
        match evidence {
            Some(evidence) => Ok(evidence),
            None if self.has_left(holding, &asset)? => Ok(Evidence::LeftCollection),
            None => Err(refused(BautaError::NoEvidence)),
        }
    }

    fn has_left(&self, holding: &Holding, asset: &AccountView<'_>) -> Result<bool> {
        let Some(collection) = &self.collection else {
            return Ok(false);
        };
        let collection = account::load(collection)?;
        check_number(&collection, holding)?;
        let metadata = Borrowed::of_optional(self.metadata.as_ref())?;
        has_left(&collection, asset, metadata.as_ref().map(Borrowed::view).as_ref())
    }
}

/// Checks that the holder registered with the collection.
pub(super) fn check_number(collection: &Collection, holding: &Holding) -> Result<()> {
    // 0 stands for every collection that is older than the numbers.
    require!(
        holding.collection != 0 && collection.number == holding.collection,
        BautaError::WrongCollection
    );
    Ok(())
}

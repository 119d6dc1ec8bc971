use super::registration::{Registration, check_commitment};
use crate::{
    account,
    eligibility::{CoreAccounts, check_core},
    errors::BautaError,
    state::{AssetForm, Collection, Path, Registry, Tree},
    view::Borrowed,
};
use anchor_lang::prelude::*;

/// Accounts of `register_core_holder`.
#[event_cpi]
#[derive(Accounts)]
pub struct RegisterCoreHolder<'info> {
    /// The account that pays the rent of `holding`.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The asset's owner.
    pub owner: Signer<'info>,
    /// The registry, of kind `Holders`.
    #[account(mut)]
    pub registry: AccountLoader<'info, Registry>,
    /// The registry's Tree account.
    #[account(mut, has_one = registry @ BautaError::TreeOfAnotherRegistry)]
    pub tree: AccountLoader<'info, Tree>,
    /// The collection that the asset belongs to.
    #[account(has_one = registry @ BautaError::CollectionOfAnotherRegistry)]
    pub collection: AccountLoader<'info, Collection>,
    /// The Core asset.
    /// CHECK: `core_asset::CoreAsset` reads it and checks its owner and its data
    pub asset: UncheckedAccount<'info>,
    /// The asset's Core collection. Given if and only if the asset has one.
    /// CHECK: `core_asset::collection_plugins` reads it and checks its address, its owner and its
    /// data
    pub core_collection: Option<UncheckedAccount<'info>>,
    /// The asset's holding. The first registration creates it.
    /// CHECK: if it exists, it must be a Holding of this registry and asset; else its address is
    /// derived
    #[account(mut)]
    pub holding: UncheckedAccount<'info>,
    /// The system program, which creates `holding`.
    pub system_program: Program<'info, System>,
}

impl RegisterCoreHolder<'_> {
    pub(crate) fn run(&self, commitment: [u8; 32], path: Option<&Path>) -> Result<()> {
        check_commitment(&commitment)?;
        let collection = &*account::load(&self.collection)?;
        self.check(collection)?;
        let registration = Registration {
            payer: &self.payer,
            owner: self.owner.key,
            registry: &self.registry,
            tree: &self.tree,
            collection,
            asset: self.asset.key,
            form: AssetForm::Core,
            holding: &self.holding,
            event_authority: &self.event_authority,
        };
        registration.run(commitment, path)
    }

    fn check(&self, collection: &Collection) -> Result<()> {
        let asset = Borrowed::of(&self.asset)?;
        let core_collection = Borrowed::of_optional(self.core_collection.as_ref())?;
        let accounts = CoreAccounts {
            asset: asset.view(),
            core_collection: core_collection.as_ref().map(Borrowed::view),
        };
        check_core(collection, self.owner.key, &accounts)
    }
}

use super::registration::{Registration, check_commitment, open_collection};
use crate::{
    eligibility::{CoreAccounts, check_core},
    state::{AssetForm, Collection, Path},
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
    /// CHECK: `Registration` checks its owner and its type
    #[account(mut)]
    pub registry: UncheckedAccount<'info>,
    /// The registry's Tree account.
    /// CHECK: `Registration` checks its owner and its type, and it names the registry
    #[account(mut)]
    pub tree: UncheckedAccount<'info>,
    /// The collection that the asset belongs to.
    /// CHECK: `open_collection` checks its owner and its type, and it names the registry
    pub collection: UncheckedAccount<'info>,
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
        let collection = &*open_collection(&self.collection, self.registry.key)?;
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

use super::registration::{Registration, check_commitment, open_collection};
use crate::{
    eligibility::{TokenAccounts, check_token},
    state::{AssetForm, Collection, Path},
    view::Borrowed,
};
use anchor_lang::prelude::*;

/// Accounts of `register_holder`.
#[event_cpi]
#[derive(Accounts)]
pub struct RegisterHolder<'info> {
    /// The account that pays the rent of `holding`.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The token's owner.
    pub owner: Signer<'info>,
    /// The registry, of kind `Holders`.
    /// CHECK: `Registration` checks its owner and its type
    #[account(mut)]
    pub registry: UncheckedAccount<'info>,
    /// The registry's Tree account.
    /// CHECK: `Registration` checks its owner and its type, and it names the registry
    #[account(mut)]
    pub tree: UncheckedAccount<'info>,
    /// The collection that the token belongs to.
    /// CHECK: `open_collection` checks its owner and its type, and it names the registry
    pub collection: UncheckedAccount<'info>,
    /// The token's mint.
    /// CHECK: `token::Mint` reads it and checks its owner and its data
    pub mint: UncheckedAccount<'info>,
    /// The owner's token account that holds the token.
    /// CHECK: `token::TokenAccount` reads it, and the mint's token program owns it
    pub token_account: UncheckedAccount<'info>,
    /// The token's holding. The first registration creates it.
    /// CHECK: if it exists, it must be a Holding of this registry and mint; else its address is
    /// derived
    #[account(mut)]
    pub holding: UncheckedAccount<'info>,
    /// The mint's metadata account of Token Metadata. Needed for a collection of Token Metadata,
    /// and for a programmable token that is not locked. CHECK: `token_metadata::Metadata` reads it
    /// and checks its address, its owner and its data
    pub metadata: Option<UncheckedAccount<'info>>,
    /// The mint's edition account of Token Metadata. Needed if the mint has an authority.
    /// CHECK: `token_metadata::Edition` reads it and checks its address, its owner and its data
    pub edition: Option<UncheckedAccount<'info>>,
    /// The token record of `token_account`. Needed for a programmable token, unless the collection
    /// has the rule LOCKED.
    /// CHECK: `token_metadata::is_locked` reads it and checks its address, its owner and its data
    pub token_record: Option<UncheckedAccount<'info>>,
    /// The system program, which creates `holding`.
    pub system_program: Program<'info, System>,
}

impl RegisterHolder<'_> {
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
            asset: self.mint.key,
            form: AssetForm::Token,
            holding: &self.holding,
            event_authority: &self.event_authority,
        };
        registration.run(commitment, path)
    }

    fn check(&self, collection: &Collection) -> Result<()> {
        let mint = Borrowed::of(&self.mint)?;
        let token_account = Borrowed::of(&self.token_account)?;
        let metadata = Borrowed::of_optional(self.metadata.as_ref())?;
        let edition = Borrowed::of_optional(self.edition.as_ref())?;
        let token_record = Borrowed::of_optional(self.token_record.as_ref())?;
        let accounts = TokenAccounts {
            mint: mint.view(),
            token_account: token_account.view(),
            metadata: metadata.as_ref().map(Borrowed::view),
            edition: edition.as_ref().map(Borrowed::view),
            token_record: token_record.as_ref().map(Borrowed::view),
        };
        check_token(collection, self.owner.key, &accounts)
    }
}

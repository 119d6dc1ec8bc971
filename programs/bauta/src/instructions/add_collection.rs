use crate::{
    account,
    errors::{BautaError, refused, require},
    events::{CollectionAdded, emit},
    state::{Collection, CollectionKind, Registry, RegistryKind},
};
use anchor_lang::prelude::*;

/// Accounts of `add_collection`.
#[event_cpi]
#[derive(Accounts)]
#[instruction(key: Pubkey)]
pub struct AddCollection<'info> {
    /// The account that pays the rent of `collection`.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The registry's authority.
    pub authority: Signer<'info>,
    /// The registry, of kind `Holders` and not sealed.
    #[account(mut, has_one = authority @ BautaError::NotRegistryAuthority)]
    pub registry: AccountLoader<'info, Registry>,
    /// The account to create.
    /// CHECK: its address is derived, and it must not exist
    #[account(
        mut,
        seeds = [Collection::SEED, registry.key().as_ref(), key.as_ref()],
        bump
    )]
    pub collection: UncheckedAccount<'info>,
    /// The system program, which creates `collection`.
    pub system_program: Program<'info, System>,
}

impl AddCollection<'_> {
    pub(crate) fn run(
        &self,
        bump: u8,
        key: Pubkey,
        kind: CollectionKind,
        rules: u16,
        track: u64,
    ) -> Result<()> {
        require!(rules & !kind.possible_rules() == 0, BautaError::UnknownRule);
        let registry = &mut *account::load_mut(&self.registry)?;
        registry.check_kind(RegistryKind::Holders)?;
        require!(registry.sealed == 0, BautaError::RegistrySealed);
        let number = registry.collection_count.checked_add(1);
        registry.collection_count = number.ok_or_else(|| refused(BautaError::TooManyCollections))?;
        let registry_key = self.registry.key();
        let seeds: [&[u8]; 4] = [Collection::SEED, registry_key.as_ref(), key.as_ref(), &[bump]];
        let collection = &mut *account::create::<Collection>(&self.payer, &self.collection, &seeds)?;
        collection.registry = registry_key;
        collection.key = key;
        collection.kind = kind as u8;
        collection.bump = bump;
        collection.rules = rules;
        collection.number = registry.collection_count;
        collection.track = track;
        let event = CollectionAdded {
            registry: collection.registry,
            collection: self.collection.key(),
            key,
            kind,
            track,
            timestamp: account::now()?,
            rules,
            number: collection.number,
        };
        emit(&event, &self.event_authority)
    }
}

use crate::{
    account,
    errors::{BautaError, require},
    events::{RegistrySealed, emit},
    state::{Registry, RegistryKind},
};
use anchor_lang::prelude::*;

/// Accounts of `seal_registry`.
#[event_cpi]
#[derive(Accounts)]
pub struct SealRegistry<'info> {
    /// The registry's authority.
    pub authority: Signer<'info>,
    /// The registry to seal, of kind `Holders`.
    #[account(mut, has_one = authority @ BautaError::NotRegistryAuthority)]
    pub registry: AccountLoader<'info, Registry>,
}

impl SealRegistry<'_> {
    pub(crate) fn run(&self) -> Result<()> {
        let registry = &mut *account::load_mut(&self.registry)?;
        registry.check_kind(RegistryKind::Holders)?;
        require!(registry.sealed == 0, BautaError::RegistrySealed);
        registry.sealed = 1;
        let event = RegistrySealed {
            registry: self.registry.key(),
            timestamp: account::now()?,
        };
        emit(&event, &self.event_authority)
    }
}

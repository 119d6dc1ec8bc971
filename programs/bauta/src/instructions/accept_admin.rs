use crate::{
    account,
    errors::BautaError,
    events::{ConfigChanged, emit},
    state::Config,
};
use anchor_lang::prelude::*;

/// Accounts of `accept_admin`.
#[event_cpi]
#[derive(Accounts)]
pub struct AcceptAdmin<'info> {
    /// The pending admin in `Config`.
    pub new_admin: Signer<'info>,
    /// The account `Config`, the program's settings.
    #[account(
        mut,
        constraint = config.load()?.pending_admin == new_admin.key() @ BautaError::NotPendingAdmin
    )]
    pub config: AccountLoader<'info, Config>,
}

impl AcceptAdmin<'_> {
    pub(crate) fn run(&self) -> Result<()> {
        let config = &mut *account::load_mut(&self.config)?;
        config.admin = config.pending_admin;
        config.pending_admin = Pubkey::default();
        emit(&ConfigChanged::of(config, account::now()?), &self.event_authority)
    }
}

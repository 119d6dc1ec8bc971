use crate::{
    account,
    errors::BautaError,
    events::{ConfigChanged, emit},
    state::Config,
};
use anchor_lang::prelude::*;

/// Accounts of `set_admin`.
#[event_cpi]
#[derive(Accounts)]
pub struct SetAdmin<'info> {
    /// The admin in `Config`.
    pub admin: Signer<'info>,
    /// The account `Config`, the program's settings.
    #[account(mut, seeds = [Config::SEED], bump = config.load()?.bump, has_one = admin @ BautaError::NotAdmin)]
    pub config: AccountLoader<'info, Config>,
}

impl SetAdmin<'_> {
    pub(crate) fn run(&self, new_admin: Pubkey) -> Result<()> {
        let config = &mut *account::load_mut(&self.config)?;
        config.pending_admin = new_admin;
        emit(&ConfigChanged::of(config, account::now()?), &self.event_authority)
    }
}

use crate::{
    account,
    errors::BautaError,
    events::{ConfigChanged, emit},
    state::Config,
};
use anchor_lang::prelude::*;

/// Accounts of `set_admin` and `pause`. They share the type, because the code that Anchor generates
/// for it has about 5 kB.
#[event_cpi]
#[derive(Accounts)]
pub struct ChangeConfig<'info> {
    /// The admin in `Config`.
    pub admin: Signer<'info>,
    /// The account `Config`, the program's settings.
    #[account(mut, has_one = admin @ BautaError::NotAdmin)]
    pub config: AccountLoader<'info, Config>,
}

impl ChangeConfig<'_> {
    pub(crate) fn set_admin(&self, new_admin: Pubkey) -> Result<()> {
        let config = &mut *account::load_mut(&self.config)?;
        config.pending_admin = new_admin;
        emit(&ConfigChanged::of(config, account::now()?), &self.event_authority)
    }

    pub(crate) fn pause(&self, paused: bool) -> Result<()> {
        let config = &mut *account::load_mut(&self.config)?;
        config.paused = u8::from(paused);
        emit(&ConfigChanged::of(config, account::now()?), &self.event_authority)
    }
}

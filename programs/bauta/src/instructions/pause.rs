use crate::{
    account,
    errors::BautaError,
    events::{ConfigChanged, emit},
    state::Config,
};
use anchor_lang::prelude::*;

/// Accounts of `pause`.
#[event_cpi]
#[derive(Accounts)]
pub struct Pause<'info> {
    /// The admin in `Config`.
    pub admin: Signer<'info>,
    /// The account `Config`, the program's settings.
    #[account(mut, seeds = [Config::SEED], bump = config.load()?.bump, has_one = admin @ BautaError::NotAdmin)]
    pub config: AccountLoader<'info, Config>,
}

impl Pause<'_> {
    pub(crate) fn run(&self, paused: bool) -> Result<()> {
        let config = &mut *account::load_mut(&self.config)?;
        config.paused = u8::from(paused);
        emit(&ConfigChanged::of(config, account::now()?), &self.event_authority)
    }
}

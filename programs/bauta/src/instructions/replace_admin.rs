use crate::{
    account,
    errors::BautaError,
    events::{ConfigChanged, emit},
    state::Config,
};
use anchor_lang::{prelude::*, solana_program::bpf_loader_upgradeable};

/// Accounts of `replace_admin`.
#[event_cpi]
#[derive(Accounts)]
pub struct ReplaceAdmin<'info> {
    /// The program's upgrade authority.
    #[account(
        constraint = program_data.upgrade_authority_address == Some(upgrade_authority.key())
            @ BautaError::NotUpgradeAuthority
    )]
    pub upgrade_authority: Signer<'info>,
    /// The loader's `ProgramData` account of this program, which has the upgrade authority.
    #[account(
        seeds = [crate::ID.as_ref()],
        bump,
        seeds::program = bpf_loader_upgradeable::ID,
    )]
    pub program_data: Account<'info, ProgramData>,
    /// The account `Config`, the program's settings.
    #[account(mut, seeds = [Config::SEED], bump = config.load()?.bump)]
    pub config: AccountLoader<'info, Config>,
}

impl ReplaceAdmin<'_> {
    pub(crate) fn run(&self, new_admin: Pubkey) -> Result<()> {
        require!(new_admin != Pubkey::default(), BautaError::ZeroAdmin);
        let config = &mut *self.config.load_mut()?;
        config.admin = new_admin;
        // The replaced admin may have named a successor.
        config.pending_admin = Pubkey::default();
        emit(&ConfigChanged::of(config, account::now()?), &self.event_authority)
    }
}

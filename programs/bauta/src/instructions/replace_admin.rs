use crate::{
    account,
    errors::{BautaError, require},
    events::{ConfigChanged, emit},
    state::Config,
};
use anchor_lang::{prelude::*, solana_program::bpf_loader_upgradeable};

/// Accounts of `replace_admin`.
#[event_cpi]
#[derive(Accounts)]
pub struct ReplaceAdmin<'info> {
    /// The program's upgrade authority.
    pub upgrade_authority: Signer<'info>,
    /// The loader's `ProgramData` account of this program, which has the upgrade authority.
    /// CHECK: its address is derived, and `account::check_upgrade_authority` reads it
    #[account(
        seeds = [crate::ID.as_ref()],
        bump,
        seeds::program = bpf_loader_upgradeable::ID,
    )]
    pub program_data: UncheckedAccount<'info>,
    /// The account `Config`, the program's settings.
    #[account(mut)]
    pub config: AccountLoader<'info, Config>,
}

impl ReplaceAdmin<'_> {
    pub(crate) fn run(&self, new_admin: Pubkey) -> Result<()> {
        require!(new_admin != Pubkey::default(), BautaError::ZeroAdmin);
        account::check_upgrade_authority(&self.program_data, self.upgrade_authority.key)?;
        let config = &mut *account::load_mut(&self.config)?;
        config.admin = new_admin;
        // The replaced admin may have named a successor.
        config.pending_admin = Pubkey::default();
        emit(&ConfigChanged::of(config, account::now()?), &self.event_authority)
    }
}

use crate::{
    account,
    errors::{BautaError, require},
    events::{ConfigChanged, emit},
    state::Config,
};
use anchor_lang::{prelude::*, solana_program::bpf_loader_upgradeable};

/// Accounts of `initialize`.
#[event_cpi]
#[derive(Accounts)]
pub struct Initialize<'info> {
    /// The account that pays the rent of `config`.
    #[account(mut)]
    pub payer: Signer<'info>,
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
    /// The account to create.
    /// CHECK: its address is derived, and it must not exist
    #[account(mut, seeds = [Config::SEED], bump)]
    pub config: UncheckedAccount<'info>,
    /// The system program, which creates `config`.
    pub system_program: Program<'info, System>,
}

impl Initialize<'_> {
    pub(crate) fn run(
        &self,
        bump: u8,
        cluster_tag: [u8; 32],
        admin: Pubkey,
        development_keys_allowed: bool,
    ) -> Result<()> {
        require!(admin != Pubkey::default(), BautaError::ZeroAdmin);
        account::check_upgrade_authority(&self.program_data, self.upgrade_authority.key)?;
        let config = &mut *account::create::<Config>(&self.payer, &self.config, &[Config::SEED, &[bump]])?;
        config.admin = admin;
        config.cluster_tag = cluster_tag;
        config.development_keys_allowed = u8::from(development_keys_allowed);
        config.bump = bump;
        emit(&ConfigChanged::of(config, account::now()?), &self.event_authority)
    }
}

impl ConfigChanged {
    /// Creates the event from the current values of `config`.
    pub(crate) fn of(config: &Config, timestamp: i64) -> Self {
        Self {
            admin: config.admin,
            pending_admin: config.pending_admin,
            cluster_tag: config.cluster_tag,
            paused: config.paused != 0,
            development_keys_allowed: config.development_keys_allowed != 0,
            timestamp,
        }
    }
}

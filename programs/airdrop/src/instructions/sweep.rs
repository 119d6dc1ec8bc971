use crate::{
    errors::{AirdropError, require},
    state::{self, Campaign},
    token::{self, Payment},
};
use anchor_lang::prelude::*;

/// Accounts of `sweep`.
#[derive(Accounts)]
pub struct Sweep<'info> {
    /// The campaign's authority.
    pub authority: Signer<'info>,
    /// The campaign.
    pub campaign: AccountLoader<'info, Campaign>,
    /// The campaign's vault.
    /// CHECK: its address is the one in the campaign
    #[account(mut)]
    pub vault: UncheckedAccount<'info>,
    /// The token account that receives the rest of the vault.
    /// CHECK: the token program checks it
    #[account(mut)]
    pub destination: UncheckedAccount<'info>,
    /// The campaign's mint.
    /// CHECK: its address is the one in the campaign
    pub mint: UncheckedAccount<'info>,
    /// The campaign's token program.
    /// CHECK: its address is the one in the campaign
    pub token_program: UncheckedAccount<'info>,
}

impl Sweep<'_> {
    pub(crate) fn run(&self) -> Result<()> {
        let campaign = state::read(&self.campaign)?;
        require!(
            self.authority.key() == campaign.authority,
            AirdropError::NotTheAuthority
        );
        require!(
            Clock::get()?.unix_timestamp >= campaign.sweep_at,
            AirdropError::SweepTooEarly
        );
        require!(*self.vault.key == campaign.vault, AirdropError::WrongVault);
        require!(*self.mint.key == campaign.mint, AirdropError::WrongMint);
        require!(
            *self.token_program.key == campaign.token_program,
            AirdropError::WrongTokenProgram
        );
        // A transfer to the vault itself would succeed and move nothing.
        require!(self.destination.key != self.vault.key, AirdropError::WrongVault);
        let vault = token::read(&self.vault, &campaign.token_program, &campaign.mint);
        let amount = vault.map_or(0, |vault| vault.amount);
        require!(amount > 0, AirdropError::NothingToSweep);
        let payment = Payment {
            campaign: self.campaign.as_ref(),
            vault: &self.vault,
            mint: &self.mint,
            to: &self.destination,
            token_program: &self.token_program,
        };
        payment.send(&campaign, amount)
    }
}

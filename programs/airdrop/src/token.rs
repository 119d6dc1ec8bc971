//! Token accounts and transfers of SPL Token and Token-2022.

use crate::state::Campaign;
use anchor_lang::{
    prelude::*,
    pubkey,
    solana_program::{
        instruction::{AccountMeta, Instruction},
        program::invoke_signed,
    },
};
use bauta::token::TokenAccount;

/// The address of the Associated Token Account program.
pub const ASSOCIATED_TOKEN_PROGRAM: Pubkey = pubkey!("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");
/// The number of the instruction `TransferChecked` in both token programs.
const TRANSFER_CHECKED: u8 = 12;

/// Derives the associated token account of an owner.
#[must_use]
pub fn associated_address(owner: &Pubkey, token_program: &Pubkey, mint: &Pubkey) -> Pubkey {
    let seeds = [owner.as_ref(), token_program.as_ref(), mint.as_ref()];
    Pubkey::find_program_address(&seeds, &ASSOCIATED_TOKEN_PROGRAM).0
}

/// Reads a token account of this token program and mint. Returns `None` for every other account.
#[must_use]
pub(crate) fn read(account: &AccountInfo<'_>, token_program: &Pubkey, mint: &Pubkey) -> Option<TokenAccount> {
    if account.owner != token_program {
        return None;
    }
    let data = account.try_borrow_data().ok()?;
    let state = TokenAccount::read(account.owner, &data).ok()?;
    (state.mint == *mint).then_some(state)
}

/// The accounts of a transfer out of a campaign's vault.
pub(crate) struct Payment<'a, 'info> {
    pub campaign: &'a AccountInfo<'info>,
    pub vault: &'a AccountInfo<'info>,
    pub mint: &'a AccountInfo<'info>,
    pub to: &'a AccountInfo<'info>,
    pub token_program: &'a AccountInfo<'info>,
}

impl Payment<'_, '_> {
    /// Transfers `amount` to `to`, signed by the campaign. The token program checks the mint and its
    /// decimals.
    pub fn send(&self, campaign: &Campaign, amount: u64) -> Result<()> {
        let mut data = Vec::with_capacity(10);
        data.push(TRANSFER_CHECKED);
        data.extend_from_slice(&amount.to_le_bytes());
        data.push(campaign.decimals);
        let instruction = Instruction {
            program_id: campaign.token_program,
            accounts: vec![
                AccountMeta::new(*self.vault.key, false),
                AccountMeta::new_readonly(*self.mint.key, false),
                AccountMeta::new(*self.to.key, false),
                AccountMeta::new_readonly(*self.campaign.key, true),
            ],
            data,
        };
        let infos = [self.vault, self.mint, self.to, self.campaign, self.token_program].map(Clone::clone);
        let nonce = campaign.nonce.to_le_bytes();
        let bump = [campaign.bump];
        let seeds: [&[u8]; 4] = [Campaign::SEED, campaign.authority.as_ref(), &nonce, &bump];
        invoke_signed(&instruction, &infos, &[&seeds])?;
        Ok(())
    }
}

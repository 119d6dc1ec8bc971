use crate::{
    account,
    errors::BautaError,
    events::{NullifierReclaimed, emit},
    state::{Nullifier, Scope},
};
use anchor_lang::prelude::*;

/// Accounts of `reclaim_nullifier`.
#[event_cpi]
#[derive(Accounts)]
pub struct ReclaimNullifier<'info> {
    /// The scope. It must be closed, or `closes_at` must have passed.
    pub scope: AccountLoader<'info, Scope>,
    /// The nullifier account to close.
    #[account(
        mut,
        close = rent_payer,
        has_one = scope @ BautaError::NullifierOfAnotherScope,
        has_one = rent_payer @ BautaError::WrongRentPayer
    )]
    pub nullifier: AccountLoader<'info, Nullifier>,
    /// The account that paid the rent and receives it back.
    /// CHECK: `nullifier` names it
    #[account(mut)]
    pub rent_payer: UncheckedAccount<'info>,
}

impl ReclaimNullifier<'_> {
    pub(crate) fn run(&self) -> Result<()> {
        let now = account::now()?;
        require!(self.scope.load()?.is_over(now), BautaError::ScopeStillOpen);
        let nullifier = self.nullifier.load()?;
        let event = NullifierReclaimed {
            scope: nullifier.scope,
            nullifier: nullifier.nullifier,
            rent_payer: nullifier.rent_payer,
            lamports: self.nullifier.as_ref().lamports(),
            timestamp: now,
        };
        emit(&event, &self.event_authority)
    }
}

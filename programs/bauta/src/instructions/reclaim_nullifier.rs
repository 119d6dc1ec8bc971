use crate::{
    account,
    errors::{BautaError, require},
    events::{NullifierReclaimed, emit},
    state::{Node, Nullifier, Scope},
};
use anchor_lang::prelude::*;

/// Accounts of `reclaim_nullifier`.
#[event_cpi]
#[derive(Accounts)]
pub struct ReclaimNullifier<'info> {
    /// The scope. It must be closed, or `closes_at` must have passed.
    pub scope: AccountLoader<'info, Scope>,
    /// The nullifier account to close. Its address is derived from the scope account and the
    /// nullifier.
    #[account(mut, close = rent_payer, has_one = rent_payer @ BautaError::WrongRentPayer)]
    pub nullifier: AccountLoader<'info, Nullifier>,
    /// The account that paid the rent and receives it back.
    /// CHECK: `nullifier` names it
    #[account(mut)]
    pub rent_payer: UncheckedAccount<'info>,
}

impl ReclaimNullifier<'_> {
    pub(crate) fn run(&self, nullifier: Node) -> Result<()> {
        let now = account::now()?;
        require!(
            account::load(&self.scope)?.is_over(now),
            BautaError::ScopeStillOpen
        );
        let scope = self.scope.key();
        let (address, _) = account::find([Nullifier::SEED, scope.as_ref(), &nullifier])?;
        require!(self.nullifier.key() == address, BautaError::WrongNullifierAddress);
        let event = NullifierReclaimed {
            scope,
            nullifier,
            rent_payer: self.rent_payer.key(),
            lamports: self.nullifier.as_ref().lamports(),
            timestamp: now,
        };
        emit(&event, &self.event_authority)
    }
}

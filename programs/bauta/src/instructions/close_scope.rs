use crate::{
    account,
    errors::{BautaError, require},
    events::{ScopeClosed, emit},
    state::Scope,
};
use anchor_lang::prelude::*;

/// Accounts of `close_scope`.
#[event_cpi]
#[derive(Accounts)]
pub struct CloseScope<'info> {
    /// The creator of the scope.
    pub creator: Signer<'info>,
    /// The scope to close. Its account is never deleted.
    #[account(mut, has_one = creator @ BautaError::NotScopeCreator)]
    pub scope: AccountLoader<'info, Scope>,
}

impl CloseScope<'_> {
    pub(crate) fn run(&self) -> Result<()> {
        let scope = &mut *account::load_mut(&self.scope)?;
        require!(scope.status == Scope::OPEN, BautaError::ScopeClosed);
        scope.status = Scope::CLOSED;
        let event = ScopeClosed {
            scope: self.scope.key(),
            creator: scope.creator,
            timestamp: account::now()?,
        };
        emit(&event, &self.event_authority)
    }
}

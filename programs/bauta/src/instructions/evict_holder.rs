use crate::{
    account,
    errors::{BautaError, refused, require},
    events::{Evidence, HolderEvicted, emit, emit_root},
    state::{Holding, Path, Registry, Tree},
    token::{Mint, TokenAccount, is_token_program},
};
use anchor_lang::prelude::*;
use bauta_primitives::Leaf;

/// Accounts of `evict_holder`.
#[event_cpi]
#[derive(Accounts)]
pub struct EvictHolder<'info> {
    /// The registry account.
    #[account(mut)]
    pub registry: AccountLoader<'info, Registry>,
    /// The registry's Tree account.
    #[account(mut, has_one = registry @ BautaError::TreeOfAnotherRegistry)]
    pub tree: AccountLoader<'info, Tree>,
    /// The holding of the token in this registry.
    #[account(
        mut,
        has_one = registry @ BautaError::WrongHolding,
        has_one = mint @ BautaError::WrongHolding
    )]
    pub holding: AccountLoader<'info, Holding>,
    /// The token's mint.
    /// CHECK: it is the holding's mint, and `token::Mint` reads it
    pub mint: UncheckedAccount<'info>,
    /// The token account of the new holder, if the token moved. Omitted if the token was burnt or
    /// the mint closed.
    /// CHECK: `token::TokenAccount` reads it, and the mint's token program owns it
    pub token_account: Option<UncheckedAccount<'info>>,
}

impl EvictHolder<'_> {
    pub(crate) fn run(&self, path: &Path) -> Result<()> {
        let registry = &mut *account::load_mut(&self.registry)?;
        let holding = &mut *account::load_mut(&self.holding)?;
        require!(holding.live == 1, BautaError::AlreadyEvicted);
        let evidence = self.evidence(&holding.owner)?;

        let now = account::now()?;
        let old_leaf = holding.leaf()?;
        holding.live = 0;
        holding.last_change = now;
        let tree = &mut *account::load_mut(&self.tree)?;
        let empty = Leaf::EMPTY.to_bytes();
        let root = tree.replace(registry.next_index, holding.index, &old_leaf, &empty, path)?;
        let expires_at = registry.replace_root(root, now)?;
        let event = HolderEvicted {
            registry: holding.registry,
            sequence: registry.sequence,
            mint: holding.mint,
            owner: holding.owner,
            index: holding.index,
            evidence,
            timestamp: now,
        };
        emit(&event, &self.event_authority)?;
        emit_root(holding.registry, registry, expires_at, &self.event_authority)
    }

    fn evidence(&self, holder: &Pubkey) -> Result<Evidence> {
        let program = self.mint.owner;
        if !is_token_program(program) {
            return Ok(Evidence::MintClosed);
        }
        if Mint::read(program, &self.mint.try_borrow_data()?)?.supply() == 0 {
            return Ok(Evidence::SupplyZero);
        }
        let token_account = self
            .token_account
            .as_ref()
            .ok_or_else(|| refused(BautaError::NoEvidence))?;
        require!(token_account.owner == program, BautaError::InvalidTokenAccount);
        let account = TokenAccount::read(program, &token_account.try_borrow_data()?)?;
        require!(
            account.mint == self.mint.key(),
            BautaError::TokenAccountOfAnotherMint
        );
        require!(
            account.amount == 1 && account.owner != *holder,
            BautaError::NoEvidence
        );
        Ok(Evidence::OtherOwner)
    }
}

use crate::{
    account,
    errors::{BautaError, refused, require},
    events::{HolderRegistered, emit, emit_root},
    state::{Collection, Holding, Path, Registry, RegistryKind, Tree},
    token::{Mint, TokenAccount},
};
use anchor_lang::prelude::*;
use bauta_primitives::FieldElement;

/// Accounts of `register_holder`.
#[event_cpi]
#[derive(Accounts)]
pub struct RegisterHolder<'info> {
    /// The account that pays the rent of `holding`.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The token's owner.
    pub owner: Signer<'info>,
    /// The registry, of kind `Holders`.
    #[account(mut)]
    pub registry: AccountLoader<'info, Registry>,
    /// The registry's Tree account.
    #[account(mut, has_one = registry @ BautaError::TreeOfAnotherRegistry)]
    pub tree: AccountLoader<'info, Tree>,
    /// The collection that the token belongs to.
    #[account(has_one = registry @ BautaError::CollectionOfAnotherRegistry)]
    pub collection: AccountLoader<'info, Collection>,
    /// The token's mint.
    /// CHECK: `token::Mint` reads it and checks its owner and its data
    pub mint: UncheckedAccount<'info>,
    /// The owner's token account that holds the token.
    /// CHECK: `token::TokenAccount` reads it, and the mint's token program owns it
    pub token_account: UncheckedAccount<'info>,
    /// The token's holding. The first registration creates it.
    /// CHECK: if it exists, it must be a Holding of this registry and mint; else its address is
    /// derived
    #[account(mut)]
    pub holding: UncheckedAccount<'info>,
    /// The system program, which creates `holding`.
    pub system_program: Program<'info, System>,
}

impl RegisterHolder<'_> {
    pub(crate) fn run(&self, commitment: [u8; 32], path: Option<&Path>) -> Result<()> {
        require!(
            commitment < FieldElement::MODULUS,
            BautaError::CommitmentNotCanonical
        );
        require!(commitment != [0; 32], BautaError::ZeroCommitment);
        self.check_token()?;
        let next_index = {
            let registry = account::load(&self.registry)?;
            registry.check_kind(RegistryKind::Holders)?;
            registry.next_index
        };

        let now = account::now()?;
        let first = *self.holding.owner != crate::ID;
        if first {
            require!(path.is_none(), BautaError::UnexpectedPath);
            self.create_holding(next_index)?;
        }
        let holding = &mut *account::open_mut::<Holding>(&self.holding)?;
        require!(
            holding.registry == self.registry.key() && holding.mint == self.mint.key(),
            BautaError::WrongHolding
        );
        let old_leaf = if first { None } else { Some(holding.leaf()?) };
        let since_change = now.saturating_sub(holding.last_change);
        require!(
            first || since_change >= Holding::CHANGE_INTERVAL,
            BautaError::ChangedTooRecently
        );

        holding.owner = self.owner.key();
        holding.commitment = commitment;
        holding.track = account::load(&self.collection)?.track;
        holding.last_change = now;
        holding.live = 1;

        let leaf = holding.leaf()?;
        let registry = &mut *account::load_mut(&self.registry)?;
        let tree = &mut *account::load_mut(&self.tree)?;
        let root = match old_leaf {
            None => {
                registry.next_index += 1;
                tree.append(holding.index, &[leaf])?
            }
            Some(old_leaf) => {
                let path = path.ok_or_else(|| refused(BautaError::MissingPath))?;
                tree.replace(next_index, holding.index, &old_leaf, &leaf, path)?
            }
        };
        let expires_at = registry.replace_root(root, now)?;
        let event = HolderRegistered {
            registry: holding.registry,
            sequence: registry.sequence,
            mint: holding.mint,
            owner: holding.owner,
            commitment,
            track: holding.track,
            index: holding.index,
            replaced: !first,
            timestamp: now,
        };
        emit(&event, &self.event_authority)?;
        emit_root(holding.registry, registry, expires_at, &self.event_authority)
    }

    /// Checks that the token can't have a second holder, that it belongs to the collection, and
    /// that its owner signs.
    fn check_token(&self) -> Result<()> {
        let program = self.mint.owner;
        let data = self.mint.try_borrow_data()?;
        let mint = Mint::read(program, &data)?;
        mint.check_unique()?;

        let collection = account::load(&self.collection)?;
        if collection.is_group == 0 {
            require!(collection.key == self.mint.key(), BautaError::NotInCollection);
        } else {
            let member = mint
                .group_member()?
                .ok_or_else(|| refused(BautaError::NotInCollection))?;
            require!(
                member.mint == self.mint.key(),
                BautaError::GroupMemberOfAnotherMint
            );
            require!(member.group == collection.key, BautaError::NotInCollection);
        }

        require!(
            self.token_account.owner == program,
            BautaError::InvalidTokenAccount
        );
        let account = TokenAccount::read(program, &self.token_account.try_borrow_data()?)?;
        require!(
            account.mint == self.mint.key(),
            BautaError::TokenAccountOfAnotherMint
        );
        require!(account.owner == self.owner.key(), BautaError::NotTokenOwner);
        require!(account.amount == 1, BautaError::AmountNotOne);
        require!(!account.frozen, BautaError::TokenFrozen);
        Ok(())
    }

    fn create_holding(&self, index: u64) -> Result<()> {
        let (registry, mint) = (self.registry.key(), self.mint.key());
        let seeds: [&[u8]; 3] = [Holding::SEED, registry.as_ref(), mint.as_ref()];
        let (address, bump) = account::find(seeds)?;
        require!(self.holding.key() == address, BautaError::WrongHolding);
        let seeds = [seeds[0], seeds[1], seeds[2], &[bump]];
        let holding = &mut *account::create::<Holding>(&self.payer, &self.holding, &seeds)?;
        holding.registry = registry;
        holding.mint = mint;
        holding.index = index;
        holding.bump = bump;
        Ok(())
    }
}

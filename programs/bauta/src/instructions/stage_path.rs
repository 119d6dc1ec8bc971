use crate::{
    account,
    errors::{BautaError, require},
    state::{Path, Staged},
};
use anchor_lang::{prelude::*, solana_program::system_program};
use std::cell::RefMut;

/// Accounts of `stage_path` and `unstage`.
#[derive(Accounts)]
pub struct StagePath<'info> {
    /// The signer, who pays the rent of `staged`, and to whom it is returned.
    #[account(mut)]
    pub authority: Signer<'info>,
    /// The signer's staged path. The first call of `stage_path` with its number creates it.
    /// CHECK: if it exists, it must be a Staged account of the signer; else its address is derived
    #[account(mut)]
    pub staged: UncheckedAccount<'info>,
    /// The system program, which creates `staged`.
    pub system_program: Program<'info, System>,
}

impl StagePath<'_> {
    pub(crate) fn stage(&self, number: u8, path: &Path) -> Result<()> {
        let mut staged = if *self.staged.owner == crate::ID {
            self.open()?
        } else {
            let authority = self.authority.key;
            let seeds: [&[u8]; 3] = [Staged::SEED, authority.as_ref(), &[number]];
            let (address, bump) = account::find(seeds)?;
            require!(*self.staged.key == address, BautaError::WrongStaged);
            let seeds = [seeds[0], seeds[1], seeds[2], &[bump]];
            let mut staged = account::create::<Staged>(&self.authority, &self.staged, &seeds)?;
            staged.authority = *authority;
            staged
        };
        staged.path = *path;
        Ok(())
    }

    /// Closes the account. The runtime deletes it, because it has no lamports.
    pub(crate) fn unstage(&self) -> Result<()> {
        drop(self.open()?);
        let mut lamports = self.staged.try_borrow_mut_lamports()?;
        **self.authority.try_borrow_mut_lamports()? += **lamports;
        **lamports = 0;
        self.staged.assign(&system_program::ID);
        self.staged.resize(0)?;
        Ok(())
    }

    /// Opens the signer's staged path.
    fn open(&self) -> Result<RefMut<'_, Staged>> {
        let staged = account::open_mut::<Staged>(&self.staged)?;
        require!(staged.authority == *self.authority.key, BautaError::WrongStaged);
        Ok(staged)
    }
}

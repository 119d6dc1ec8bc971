//! Addresses derived from the program, accounts created at them, and the clock.

use anchor_lang::{
    Discriminator, ZeroCopy,
    prelude::*,
    solana_program::{
        instruction::{AccountMeta, Instruction},
        program::invoke_signed,
        system_program,
    },
};
use std::cell::RefMut;

/// The canonical address of `seeds` and its bump. Never take the bump from a caller where the address must be unique:
/// other bumps give other addresses.
#[must_use]
pub fn find(seeds: &[&[u8]]) -> (Pubkey, u8) {
    Pubkey::find_program_address(seeds, &crate::ID)
}

/// Creates a `T`, all zero but for its discriminator, at `account`, whose address `seeds` (bump included) derive. An
/// address to which somebody has sent lamports is taken over: only what is missing for rent exemption is paid.
pub fn create<'info, T: ZeroCopy + Discriminator>(
    payer: &AccountInfo<'info>,
    account: &AccountInfo<'info>,
    seeds: &[&[u8]],
) -> Result<()> {
    let space = 8 + size_of::<T>();
    let rent = Rent::get()?.minimum_balance(space);
    let present = account.lamports();
    let space = (space as u64).to_le_bytes();
    let infos = [payer.clone(), account.clone()];
    let payer = AccountMeta::new(*payer.key, true);
    let own = AccountMeta::new(*account.key, true);
    let system = |data: Vec<u8>, accounts: Vec<AccountMeta>| {
        let instruction = Instruction {
            program_id: system_program::ID,
            accounts,
            data,
        };
        invoke_signed(&instruction, &infos, &[seeds])
    };
    // system instructions by number: 0 CreateAccount, 1 Assign, 2 Transfer, 8 Allocate
    let id = crate::ID;
    if present == 0 {
        let data = [&0u32.to_le_bytes()[..], &rent.to_le_bytes(), &space, id.as_ref()].concat();
        system(data, vec![payer, own])?;
    } else {
        let missing = rent.saturating_sub(present);
        if missing > 0 {
            let data = [&2u32.to_le_bytes()[..], &missing.to_le_bytes()].concat();
            system(data, vec![payer, own.clone()])?;
        }
        system([&8u32.to_le_bytes()[..], &space].concat(), vec![own.clone()])?;
        system([&1u32.to_le_bytes()[..], id.as_ref()].concat(), vec![own])?;
    }
    account.try_borrow_mut_data()?[..8].copy_from_slice(T::DISCRIMINATOR);
    Ok(())
}

/// The `T` in an account of this program, to read and write.
pub fn load_mut<'a, T: ZeroCopy + Discriminator>(account: &'a AccountInfo<'_>) -> Result<RefMut<'a, T>> {
    require!(*account.owner == crate::ID, ErrorCode::AccountOwnedByWrongProgram);
    let data = account.try_borrow_mut_data()?;
    require!(
        data.len() == 8 + size_of::<T>() && data[..8] == *T::DISCRIMINATOR,
        ErrorCode::AccountDiscriminatorMismatch
    );
    Ok(RefMut::map(data, |data| bytemuck::from_bytes_mut(&mut data[8..])))
}

/// The instruction's time: Unix seconds.
pub fn now() -> Result<i64> {
    Ok(Clock::get()?.unix_timestamp)
}

//! Program-derived addresses, account creation, and the clock.

use crate::{
    errors::{BautaError, refused, require},
    system_data,
};
use anchor_lang::{
    Discriminator, Owner, ZeroCopy,
    prelude::*,
    solana_program::{
        bpf_loader_upgradeable,
        instruction::{AccountMeta, Instruction},
        program::invoke_signed,
        system_program,
    },
};
use bauta_primitives::sha256_of;
use std::cell::{Ref, RefMut};

/// Bytes that rent counts in addition to an account's data.
const ACCOUNT_STORAGE_OVERHEAD: u64 = 128;
/// Exemption thresholds in years, as the bits of an `f64`.
const ONE_YEAR: u64 = 1f64.to_bits();
const TWO_YEARS: u64 = 2f64.to_bits();

/// Finds the canonical address of three seeds and its bump: the first bump from 255 downwards whose
/// hash is not on the curve.
///
/// Where the address must be unique, never accept the bump from a caller: each bump gives another
/// address.
///
/// Hashing and the curve check cost about 370 CU for each bump. `sol_try_find_program_address`
/// charges 1,500 CU.
pub fn find(seeds: [&[u8]; 3]) -> Result<(Pubkey, u8)> {
    find_under(seeds, &crate::ID)
}

/// Finds an address like [`find`], of another program. An empty seed changes nothing.
#[inline(never)]
pub(crate) fn find_under(seeds: [&[u8]; 3], program: &Pubkey) -> Result<(Pubkey, u8)> {
    let [a, b, c] = seeds;
    for bump in (0..=u8::MAX).rev() {
        let hash = sha256_of(&[a, b, c, &[bump], program.as_ref(), b"ProgramDerivedAddress"]);
        if !solana_address::bytes_are_curve_point(hash) {
            return Ok((Pubkey::new_from_array(hash), bump));
        }
    }
    Err(refused(BautaError::OutOfRange))
}

/// Creates an account of type `T` and borrows it. Its data is the discriminator followed by zeros.
///
/// `seeds`, including the bump, must derive the address of `account`. The address may already hold
/// lamports that someone sent to it. The payer then pays only what is missing for rent exemption.
pub fn create<'a, 'info, T: ZeroCopy + Discriminator>(
    payer: &AccountInfo<'info>,
    account: &'a AccountInfo<'info>,
    seeds: &[&[u8]],
) -> Result<RefMut<'a, T>> {
    allocate(payer, account, seeds, 8 + size_of::<T>())?;
    let mut data = account.try_borrow_mut_data()?;
    data[..8].copy_from_slice(T::DISCRIMINATOR);
    Ok(RefMut::map(data, |data| bytemuck::from_bytes_mut(&mut data[8..])))
}

/// Makes an address an account of this program with `space` bytes of zeros. The code is not copied
/// for each type of account, which keeps the ELF small.
#[inline(never)]
fn allocate<'info>(
    payer: &AccountInfo<'info>,
    account: &AccountInfo<'info>,
    seeds: &[&[u8]],
    space: usize,
) -> Result<()> {
    let rent = minimum_balance(&Rent::get()?, space);
    let present = account.lamports();
    let space = space as u64;
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
    if present == 0 {
        let data = system_data::create_account(rent, space, &crate::ID);
        system(data, vec![payer, own])?;
    } else {
        let missing = rent.saturating_sub(present);
        if missing > 0 {
            system(system_data::transfer(missing), vec![payer, own.clone()])?;
        }
        system(system_data::allocate(space), vec![own.clone()])?;
        system(system_data::assign(&crate::ID), vec![own])?;
    }
    Ok(())
}

/// Computes `Rent::minimum_balance` without floating-point arithmetic, which the chain emulates.
///
/// The integer form covers the thresholds that clusters use: two years, and one year with a doubled
/// rate (SIMD-0194). Other thresholds use the SDK's function.
#[allow(deprecated)]
pub(crate) fn minimum_balance(rent: &Rent, space: usize) -> u64 {
    let bytes = ACCOUNT_STORAGE_OVERHEAD + space as u64;
    match rent.exemption_threshold.to_bits() {
        ONE_YEAR => bytes * rent.lamports_per_byte_year,
        TWO_YEARS => bytes * rent.lamports_per_byte_year * 2,
        _ => rent.minimum_balance(space),
    }
}

/// Borrows the `T` in a checked account for reading.
pub fn load<'a, T: ZeroCopy + Owner>(account: &'a AccountLoader<'_, T>) -> Result<Ref<'a, T>> {
    open(account.as_ref())
}

/// Borrows the `T` in an account of this program for reading.
pub fn open<'a, T: ZeroCopy + Discriminator>(account: &'a AccountInfo<'_>) -> Result<Ref<'a, T>> {
    let data = contents(account, T::DISCRIMINATOR, 8 + size_of::<T>())?;
    Ok(Ref::map(data, |data| bytemuck::from_bytes(&data[8..])))
}

/// Borrows the `T` in a checked account for reading and writing.
pub fn load_mut<'a, T: ZeroCopy + Owner>(account: &'a AccountLoader<'_, T>) -> Result<RefMut<'a, T>> {
    open_mut(account.as_ref())
}

/// Borrows the `T` in an account of this program for reading and writing.
pub fn open_mut<'a, T: ZeroCopy + Discriminator>(account: &'a AccountInfo<'_>) -> Result<RefMut<'a, T>> {
    let data = contents_mut(account, T::DISCRIMINATOR, 8 + size_of::<T>())?;
    Ok(RefMut::map(data, |data| bytemuck::from_bytes_mut(&mut data[8..])))
}

#[inline(never)]
fn contents<'a>(account: &'a AccountInfo<'_>, discriminator: &[u8], space: usize) -> Result<Ref<'a, [u8]>> {
    let data = account.try_borrow_data()?;
    check(account, &data, discriminator, space)?;
    Ok(Ref::map(data, |data| &**data))
}

#[inline(never)]
fn contents_mut<'a>(
    account: &'a AccountInfo<'_>,
    discriminator: &[u8],
    space: usize,
) -> Result<RefMut<'a, [u8]>> {
    require!(account.is_writable, ErrorCode::AccountNotMutable);
    let data = account.try_borrow_mut_data()?;
    check(account, &data, discriminator, space)?;
    Ok(RefMut::map(data, |data| &mut **data))
}

/// Checks the owner, the discriminator and the length of an account.
fn check(account: &AccountInfo<'_>, data: &[u8], discriminator: &[u8], space: usize) -> Result<()> {
    require!(*account.owner == crate::ID, ErrorCode::AccountOwnedByWrongProgram);
    require!(data.len() >= 8, ErrorCode::AccountDiscriminatorNotFound);
    require!(
        data.len() == space && data[..8] == *discriminator,
        ErrorCode::AccountDiscriminatorMismatch
    );
    Ok(())
}

/// Checks that `authority` is the program's upgrade authority in `program_data`, the loader's
/// account of this program, whose address the caller has checked.
///
/// The loader stores it as the number of the variant `ProgramData` (3, u32), the slot (u64), and
/// the authority with a byte that says whether there is one. Integers are little-endian.
pub fn check_upgrade_authority(program_data: &AccountInfo<'_>, authority: &Pubkey) -> Result<()> {
    require!(
        *program_data.owner == bpf_loader_upgradeable::ID,
        ErrorCode::AccountOwnedByWrongProgram
    );
    let data = program_data.try_borrow_data()?;
    require!(
        data.len() >= 45 && data[..4] == 3u32.to_le_bytes(),
        ErrorCode::AccountNotProgramData
    );
    require!(
        data[12] == 1 && data[13..45] == *authority.as_array(),
        BautaError::NotUpgradeAuthority
    );
    Ok(())
}

/// Returns the cluster's time in Unix seconds.
pub fn now() -> Result<i64> {
    Ok(Clock::get()?.unix_timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_address_is_the_one_that_the_sdk_finds(a: [u8; 9], b: [u8; 32], c: [u8; 32]) {
            let expected = Pubkey::find_program_address(&[&a, &b, &c], &crate::ID);
            prop_assert_eq!(find([&a, &b, &c]).unwrap(), expected);
        }

        #[test]
        #[allow(deprecated)]
        fn the_rent_is_the_one_that_the_sdk_computes(
            space in 0..10_000_000usize,
            rate in 1..100_000u64,
            threshold in prop_oneof![Just(1.0), Just(2.0), Just(3.5)],
        ) {
            let rent = Rent {
                lamports_per_byte_year: rate,
                exemption_threshold: threshold,
                ..Rent::default()
            };
            prop_assert_eq!(minimum_balance(&rent, space), rent.minimum_balance(space));
        }
    }
}

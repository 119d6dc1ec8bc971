//! Tests the reading of the loader's `ProgramData` account, which decides who may initialise.

use anchor_lang::{
    error::ErrorCode,
    prelude::{AccountInfo, Pubkey, Result},
    solana_program::bpf_loader_upgradeable,
};
use bauta::{account::check_upgrade_authority, errors::BautaError};

const AUTHORITY: Pubkey = Pubkey::new_from_array([7; 32]);
const LOADER: Pubkey = bpf_loader_upgradeable::ID;

/// Returns the account's data in bincode: the number of the variant, the slot, and the authority.
fn program_data(variant: u32, authority: Option<Pubkey>) -> Vec<u8> {
    let mut data = variant.to_le_bytes().to_vec();
    data.extend(9u64.to_le_bytes());
    data.push(u8::from(authority.is_some()));
    data.extend(authority.unwrap_or_default().to_bytes());
    data.extend(b"\x7fELF");
    data
}

fn check(owner: &Pubkey, mut data: Vec<u8>, signer: &Pubkey) -> Result<()> {
    let (key, mut lamports) = (Pubkey::default(), 1);
    let account = AccountInfo::new(&key, false, false, &mut lamports, &mut data, owner, false);
    check_upgrade_authority(&account, signer)
}

fn refused(result: Result<()>, expected: impl Into<anchor_lang::error::Error>) {
    let expected = expected.into();
    let error = result.expect_err("refused");
    assert_eq!(error, expected, "{error}");
}

#[test]
fn the_upgrade_authority_is_accepted() {
    check(&LOADER, program_data(3, Some(AUTHORITY)), &AUTHORITY).unwrap();
    // A program of no bytes.
    let mut data = program_data(3, Some(AUTHORITY));
    data.truncate(45);
    check(&LOADER, data, &AUTHORITY).unwrap();
}

#[test]
fn another_signer_and_a_program_without_an_authority_are_refused() {
    let other = Pubkey::new_from_array([8; 32]);
    let data = program_data(3, Some(AUTHORITY));
    refused(check(&LOADER, data, &other), BautaError::NotUpgradeAuthority);
    let data = program_data(3, None);
    refused(
        check(&LOADER, data.clone(), &AUTHORITY),
        BautaError::NotUpgradeAuthority,
    );
    refused(
        check(&LOADER, data, &Pubkey::default()),
        BautaError::NotUpgradeAuthority,
    );
    // The flag is neither 0 nor 1.
    let mut data = program_data(3, Some(AUTHORITY));
    data[12] = 2;
    refused(check(&LOADER, data, &AUTHORITY), BautaError::NotUpgradeAuthority);
}

#[test]
fn malformed_program_data_is_refused() {
    for length in 0..45 {
        let mut data = program_data(3, Some(AUTHORITY));
        data.truncate(length);
        refused(check(&LOADER, data, &AUTHORITY), ErrorCode::AccountNotProgramData);
    }
    // The loader's other variants: uninitialised, a buffer, a program.
    for variant in [0, 1, 2, 4, u32::MAX] {
        let data = program_data(variant, Some(AUTHORITY));
        refused(check(&LOADER, data, &AUTHORITY), ErrorCode::AccountNotProgramData);
    }
    let data = program_data(3, Some(AUTHORITY));
    refused(
        check(&Pubkey::new_unique(), data, &AUTHORITY),
        ErrorCode::AccountOwnedByWrongProgram,
    );
}

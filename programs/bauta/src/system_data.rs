//! Encodes the data of the system program's instructions.
//!
//! The SDK's encoder would bring bincode into the ELF. The data is the number of the instruction
//! (u32) and its arguments. Integers are little-endian.

use anchor_lang::prelude::*;

const CREATE_ACCOUNT: u32 = 0;
const ASSIGN: u32 = 1;
const TRANSFER: u32 = 2;
const ALLOCATE: u32 = 8;

/// Encodes `CreateAccount`.
pub(crate) fn create_account(lamports: u64, space: u64, owner: &Pubkey) -> Vec<u8> {
    [
        &CREATE_ACCOUNT.to_le_bytes()[..],
        &lamports.to_le_bytes(),
        &space.to_le_bytes(),
        owner.as_ref(),
    ]
    .concat()
}

/// Encodes `Assign`.
pub(crate) fn assign(owner: &Pubkey) -> Vec<u8> {
    [&ASSIGN.to_le_bytes()[..], owner.as_ref()].concat()
}

/// Encodes `Transfer`.
pub(crate) fn transfer(lamports: u64) -> Vec<u8> {
    [&TRANSFER.to_le_bytes()[..], &lamports.to_le_bytes()].concat()
}

/// Encodes `Allocate`.
pub(crate) fn allocate(space: u64) -> Vec<u8> {
    [&ALLOCATE.to_le_bytes()[..], &space.to_le_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use solana_system_interface::instruction as sdk;

    proptest! {
        #[test]
        fn the_data_is_that_of_the_sdks_instructions(lamports: u64, space: u64, owner: [u8; 32]) {
            let (from, to) = (Pubkey::new_from_array([1; 32]), Pubkey::new_from_array([2; 32]));
            let owner = Pubkey::new_from_array(owner);
            prop_assert_eq!(
                create_account(lamports, space, &owner),
                sdk::create_account(&from, &to, lamports, space, &owner).data
            );
            prop_assert_eq!(assign(&owner), sdk::assign(&to, &owner).data);
            prop_assert_eq!(transfer(lamports), sdk::transfer(&from, &to, lamports).data);
            prop_assert_eq!(allocate(space), sdk::allocate(&to, space).data);
        }
    }
}

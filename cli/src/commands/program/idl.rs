//! The IDL on the chain, in the account of the program `Program Metadata`, where Anchor 1 stores it.
//!
//! ```text
//!   anchor idl create-buffer ──> buffer of the upgrade authority ──> set_data ──> account of the IDL
//! ```
//!
//! The layouts are those of the published package `@solana-program/program-metadata` 0.7.0.

use bauta_client::addresses;
use bauta_primitives::sha256;
use solana_address::Address;
use solana_instruction::{AccountMeta, Instruction};

/// The program Program Metadata.
const PROGRAM_METADATA: Address = Address::from_str_const("ProgM6JCCvbYkfKqJYHePx4xxSUSqJp7rh8Lyv7nk7S");
/// The IDL of this version.
const IDL: &[u8] = include_bytes!("../../../../programs/bauta/artifacts/bauta.json");
/// The seed of the account, filled to its length.
const SEED: [u8; 16] = *b"idl\0\0\0\0\0\0\0\0\0\0\0\0\0";
/// The number of the instruction.
const SET_DATA: u8 = 3;
/// UTF-8, compressed with zlib, JSON, and stored in the account itself.
const UTF8_ZLIB_JSON_DIRECT: [u8; 4] = [1, 2, 1, 0];

/// Returns the SHA-256 of the IDL of this version.
pub fn hash() -> [u8; 32] {
    sha256(IDL)
}

/// Returns the account of the program's IDL.
pub fn account() -> Address {
    account_of(&bauta::ID)
}

fn account_of(program: &Address) -> Address {
    Address::find_program_address(&[program.as_ref(), &SEED], &PROGRAM_METADATA).0
}

/// Returns the instruction that replaces the IDL by the data of a buffer.
pub fn replace(authority: &Address, buffer: &Address) -> Instruction {
    set_data(
        &account(),
        authority,
        buffer,
        (&bauta::ID, &addresses::program_data().address),
    )
}

fn set_data(
    account: &Address,
    authority: &Address,
    buffer: &Address,
    (program, program_data): (&Address, &Address),
) -> Instruction {
    Instruction {
        program_id: PROGRAM_METADATA,
        accounts: vec![
            AccountMeta::new(*account, false),
            AccountMeta::new_readonly(*authority, true),
            AccountMeta::new(*buffer, false),
            AccountMeta::new_readonly(*program, false),
            AccountMeta::new_readonly(*program_data, false),
        ],
        data: [&[SET_DATA][..], &UTF8_ZLIB_JSON_DIRECT].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Address {
        Address::new_from_array([byte; 32])
    }

    #[test]
    fn the_account_and_the_instruction_are_those_of_the_published_package() {
        assert_eq!(
            account_of(&key(1)).to_string(),
            "2qh6fkc7VLohZ5hdfyckRyAgf3s8QoChwQqxsCWw5v7n"
        );
        let instruction = set_data(&key(2), &key(3), &key(4), (&key(1), &key(5)));
        assert_eq!(hex::encode(&instruction.data), "0301020100");
        let keys: Vec<Address> = instruction.accounts.iter().map(|meta| meta.pubkey).collect();
        assert_eq!(keys, [2, 3, 4, 1, 5].map(key));
        assert!(instruction.accounts[1].is_signer);
    }
}

//! The record for public verifiers of builds: from which commit of which repository the program's
//! bytes are built. The upgrade authority signs it.
//!
//! The layout is that of the program `otter_verify` and of the command `solana-verify` 0.5.2.

use solana_address::Address;
use solana_instruction::{AccountMeta, Instruction};

use super::squads::discriminator;

/// The program that stores the records.
const OTTER_VERIFY: Address = Address::from_str_const("verifycLy8mB96wd9wqq3WDXQwM4oU6r42Th37Db9fC");
const SYSTEM_PROGRAM: Address = Address::new_from_array([0; 32]);
/// The version of the layout, which verifiers read.
const VERSION: &str = "0.5.2";

/// What a verifier builds.
pub struct Build<'a> {
    /// The URL of the public repository.
    pub repository: &'a str,
    /// The commit, 40 hexadecimal digits.
    pub commit: &'a str,
    /// The arguments of the build.
    pub arguments: &'a [String],
    /// The slot of the deployment that the record is about.
    pub slot: u64,
}

/// Returns the account of the record that an authority signs.
pub fn record(authority: &Address) -> Address {
    let seeds: [&[u8]; 3] = [b"otter_verify", authority.as_ref(), bauta::ID.as_ref()];
    Address::find_program_address(&seeds, &OTTER_VERIFY).0
}

/// Returns the instruction that writes the record, or replaces it.
pub fn write(authority: &Address, exists: bool, build: &Build) -> Instruction {
    let name = if exists { "update" } else { "initialize" };
    let mut data = discriminator("global", name).to_vec();
    for text in [VERSION, build.repository, build.commit] {
        push_text(&mut data, text);
    }
    push_length(&mut data, build.arguments.len());
    for argument in build.arguments {
        push_text(&mut data, argument);
    }
    data.extend_from_slice(&build.slot.to_le_bytes());
    Instruction {
        program_id: OTTER_VERIFY,
        accounts: vec![
            AccountMeta::new(record(authority), false),
            AccountMeta::new(*authority, true),
            AccountMeta::new_readonly(bauta::ID, false),
            AccountMeta::new_readonly(SYSTEM_PROGRAM, false),
        ],
        data,
    }
}

fn push_text(data: &mut Vec<u8>, text: &str) {
    push_length(data, text.len());
    data.extend_from_slice(text.as_bytes());
}

fn push_length(data: &mut Vec<u8>, length: usize) {
    // Arguments of a command are shorter than 4 GiB.
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    data.extend_from_slice(&length.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_discriminators_are_those_of_the_published_command() {
        assert_eq!(
            discriminator("global", "initialize"),
            [175, 175, 109, 31, 13, 152, 155, 237]
        );
        assert_eq!(
            discriminator("global", "update"),
            [219, 200, 88, 176, 158, 63, 253, 127]
        );
    }

    #[test]
    fn texts_have_their_length_before_them() {
        let build = Build {
            repository: "https://a",
            commit: "0f",
            arguments: &["--x".to_owned(), "y".to_owned()],
            slot: 258,
        };
        let instruction = write(&Address::new_from_array([1; 32]), false, &build);
        let expected: [&[u8]; 8] = [
            b"\x05\0\0\x000.5.2",
            b"\x09\0\0\0https://a",
            b"\x02\0\0\x000f",
            b"\x02\0\0\0",
            b"\x03\0\0\0--x",
            b"\x01\0\0\0y",
            &[2, 1, 0, 0],
            &[0; 4],
        ];
        assert_eq!(instruction.data[8..], expected.concat());
    }
}

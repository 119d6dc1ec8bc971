//! The instructions and accounts of Solana's upgradeable loader, which stores programs.
//!
//! ```text
//!   create, write, write, ... ──> buffer ──deploy──> program ──> program data: header, ELF
//!                                 buffer ──upgrade──────────────────^
//! ```

use bauta_client::addresses::{self, UPGRADEABLE_LOADER};
use solana_address::Address;
use solana_instruction::{AccountMeta, Instruction};
use solana_system_interface::instruction::{allocate, assign, create_account, transfer};

/// The bytes of a buffer's account before the ELF: a tag, and the optional authority.
pub const BUFFER_HEADER: usize = 37;
/// The bytes of a `ProgramData` account before the ELF: a tag, the slot, and the optional upgrade
/// authority.
pub const PROGRAM_HEADER: usize = 45;
/// The bytes of the account at the program's address: a tag, and the address of its data.
pub const PROGRAM_BYTES: usize = 36;
/// The largest size of an account in bytes.
pub const MAX_ACCOUNT: usize = 10 * 1024 * 1024;
/// The smallest number of bytes by which the loader extends a program (SIMD-0431).
const MIN_EXTENSION: usize = 10_240;
/// The tag of a buffer.
const BUFFER_TAG: u32 = 1;
/// The tag of a `ProgramData` account.
const PROGRAM_DATA_TAG: u32 = 3;

const RENT: Address = Address::from_str_const("SysvarRent111111111111111111111111111111111");
const CLOCK: Address = Address::from_str_const("SysvarC1ock11111111111111111111111111111111");
const SYSTEM_PROGRAM: Address = Address::new_from_array([0; 32]);

/// The account of a buffer.
pub struct Buffer {
    /// The address that may write the buffer. `None` if nobody can.
    pub authority: Option<Address>,
    /// The ELF, or the part of it that is written.
    pub elf: Vec<u8>,
}

/// The account with the program's bytes.
pub struct ProgramData {
    /// The upgrade authority. `None` if nobody can upgrade the program.
    pub authority: Option<Address>,
    /// The slot of the last deployment, upgrade or extension.
    pub slot: u64,
    /// The ELF. The loader fills the account with zeros after it.
    pub elf: Vec<u8>,
}

impl Buffer {
    /// Reads the data of an account. `None` if it is not that of a buffer.
    pub fn parse(mut data: Vec<u8>) -> Option<Self> {
        let (header, _) = data.split_first_chunk::<BUFFER_HEADER>()?;
        if header[..4] != BUFFER_TAG.to_le_bytes() {
            return None;
        }
        let authority = optional_address(&header[4..]).ok()?;
        let elf = data.split_off(BUFFER_HEADER);
        Some(Self { authority, elf })
    }
}

impl ProgramData {
    /// Reads the data of an account. `None` if it is not that of a program.
    pub fn parse(mut data: Vec<u8>) -> Option<Self> {
        let (header, _) = data.split_first_chunk::<PROGRAM_HEADER>()?;
        if header[..4] != PROGRAM_DATA_TAG.to_le_bytes() {
            return None;
        }
        let slot = u64::from_le_bytes(header[4..12].try_into().ok()?);
        let authority = optional_address(&header[12..]).ok()?;
        let elf = data.split_off(PROGRAM_HEADER);
        Some(Self { authority, slot, elf })
    }
}

/// Reads a tag of one byte and an address.
fn optional_address(bytes: &[u8]) -> Result<Option<Address>, UnknownHeader> {
    let (tag, address) = bytes.split_first().ok_or(UnknownHeader)?;
    let address: [u8; 32] = address.try_into().map_err(|_| UnknownHeader)?;
    match tag {
        0 => Ok(None),
        1 => Ok(Some(Address::from(address))),
        _ => Err(UnknownHeader),
    }
}

/// The header of an account has no form of this loader.
struct UnknownHeader;

/// Returns the instructions that create a buffer for an ELF of `len` bytes.
pub fn create_buffer(
    payer: &Address,
    buffer: &Address,
    authority: &Address,
    lamports: u64,
    len: usize,
) -> Vec<Instruction> {
    let space = (BUFFER_HEADER + len) as u64;
    vec![
        create_account(payer, buffer, lamports, space, &UPGRADEABLE_LOADER),
        instruction(
            0,
            &[],
            vec![
                AccountMeta::new(*buffer, false),
                AccountMeta::new_readonly(*authority, false),
            ],
        ),
    ]
}

/// Returns the instruction that writes bytes of the ELF into a buffer.
pub fn write(buffer: &Address, authority: &Address, offset: usize, bytes: &[u8]) -> Instruction {
    let offset = u32::try_from(offset).expect("an account has at most 10 MiB");
    let fields = [
        &offset.to_le_bytes()[..],
        &(bytes.len() as u64).to_le_bytes(),
        bytes,
    ];
    instruction(
        1,
        &fields.concat(),
        vec![
            AccountMeta::new(*buffer, false),
            AccountMeta::new_readonly(*authority, true),
        ],
    )
}

/// Returns the instructions that create the program from a buffer with an ELF of `len` bytes. The
/// account of the program needs `rent` and has `funded` lamports already. Anyone can transfer
/// lamports to the address, and an address with lamports can't be created in one instruction.
pub fn deploy(
    payer: &Address,
    buffer: &Address,
    authority: &Address,
    (rent, funded): (u64, u64),
    len: usize,
) -> Vec<Instruction> {
    let program = bauta::ID;
    let space = PROGRAM_BYTES as u64;
    let mut instructions = if funded == 0 {
        vec![create_account(payer, &program, rent, space, &UPGRADEABLE_LOADER)]
    } else {
        vec![
            transfer(payer, &program, rent.saturating_sub(funded)),
            allocate(&program, space),
            assign(&program, &UPGRADEABLE_LOADER),
        ]
    };
    let deploy = instruction(
        2,
        &(len as u64).to_le_bytes(),
        vec![
            AccountMeta::new(*payer, true),
            AccountMeta::new(addresses::program_data().address, false),
            AccountMeta::new(program, false),
            AccountMeta::new(*buffer, false),
            AccountMeta::new_readonly(RENT, false),
            AccountMeta::new_readonly(CLOCK, false),
            AccountMeta::new_readonly(SYSTEM_PROGRAM, false),
            AccountMeta::new_readonly(*authority, true),
        ],
    );
    instructions.push(deploy);
    instructions
}

/// Returns the instruction that replaces the program's bytes with those of a buffer. The lamports
/// of the buffer go to `spill`.
pub fn upgrade(buffer: &Address, spill: &Address, authority: &Address) -> Instruction {
    instruction(
        3,
        &[],
        vec![
            AccountMeta::new(addresses::program_data().address, false),
            AccountMeta::new(bauta::ID, false),
            AccountMeta::new(*buffer, false),
            AccountMeta::new(*spill, false),
            AccountMeta::new_readonly(RENT, false),
            AccountMeta::new_readonly(CLOCK, false),
            AccountMeta::new_readonly(*authority, true),
        ],
    )
}

/// Returns the instruction that sets the authority of a buffer or of a program. Without a new one,
/// nobody has the authority after that. With `new_signs`, the new authority signs too.
pub fn set_authority(
    account: &Address,
    authority: &Address,
    new: Option<&Address>,
    new_signs: bool,
) -> Instruction {
    let mut accounts = vec![
        AccountMeta::new(*account, false),
        AccountMeta::new_readonly(*authority, true),
    ];
    accounts.extend(new.map(|new| AccountMeta::new_readonly(*new, new_signs)));
    instruction(if new_signs { 7 } else { 4 }, &[], accounts)
}

/// Returns the instruction that extends the account of the program's bytes. Anyone can pay for it.
pub fn extend(payer: &Address, additional: usize) -> Instruction {
    let additional = u32::try_from(additional).expect("an account has at most 10 MiB");
    instruction(
        6,
        &additional.to_le_bytes(),
        vec![
            AccountMeta::new(addresses::program_data().address, false),
            AccountMeta::new(bauta::ID, false),
            AccountMeta::new_readonly(SYSTEM_PROGRAM, false),
            AccountMeta::new(*payer, true),
        ],
    )
}

/// Returns by how many bytes an account of `has` bytes is extended, so that it has at least
/// `needs`. `None` if it has enough, or if no account can be so large.
pub fn extension(has: usize, needs: usize) -> Option<usize> {
    let missing = needs.checked_sub(has).filter(|missing| *missing > 0)?;
    let free = MAX_ACCOUNT.checked_sub(has)?;
    (missing <= free).then(|| missing.max(MIN_EXTENSION).min(free))
}

fn instruction(number: u32, fields: &[u8], accounts: Vec<AccountMeta>) -> Instruction {
    Instruction {
        program_id: UPGRADEABLE_LOADER,
        accounts,
        data: [&number.to_le_bytes()[..], fields].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_gives_the_authority_and_a_short_or_unknown_one_is_refused() {
        let mut data = vec![0; PROGRAM_HEADER];
        data[0] = 3;
        assert_eq!(ProgramData::parse(data.clone()).unwrap().authority, None);
        data[12] = 1;
        data[13..].fill(7);
        let authority = ProgramData::parse(data.clone()).unwrap().authority;
        assert_eq!(authority, Some(Address::from([7; 32])));
        data[12] = 2;
        assert!(ProgramData::parse(data.clone()).is_none());
        assert!(ProgramData::parse(data[..PROGRAM_HEADER - 1].to_vec()).is_none());

        let mut buffer = vec![0; BUFFER_HEADER + 1];
        buffer[0] = 1;
        assert_eq!(Buffer::parse(buffer.clone()).unwrap().elf, [0]);
        assert!(ProgramData::parse(buffer.clone()).is_none());
        buffer[0] = 3;
        assert!(Buffer::parse(buffer).is_none());
    }

    #[test]
    fn an_extension_has_at_least_the_size_that_the_loader_accepts() {
        assert_eq!(extension(100, 100), None);
        assert_eq!(extension(100, 101), Some(MIN_EXTENSION));
        assert_eq!(extension(100, 50_100), Some(50_000));
        assert_eq!(extension(MAX_ACCOUNT - 100, MAX_ACCOUNT - 1), Some(100));
        assert_eq!(extension(100, MAX_ACCOUNT + 1), None);
    }
}

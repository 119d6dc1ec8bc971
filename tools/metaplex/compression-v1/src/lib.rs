//! The ELF of Solana's account compression: the entrypoint of the published program.

#[cfg(all(target_os = "solana", target_arch = "bpf"))]
use solana_compiler_builtins as _;

use solana_program::{account_info::AccountInfo, entrypoint::ProgramResult, pubkey::Pubkey};

solana_program::entrypoint!(process_instruction);

fn process_instruction<'a>(
    program: &'a Pubkey,
    accounts: &'a [AccountInfo<'a>],
    data: &'a [u8],
) -> ProgramResult {
    spl_account_compression::entry(program, accounts, data)
}

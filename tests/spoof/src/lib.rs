//! A program that imitates Bauta's events, to show that an indexer ignores imitations.
//!
//! An attacker could deploy such a program. It is used in drills only, and it can do no harm on a
//! public cluster.
//!
//! ```text
//!   [0] bytes, accounts: target, authority ──CPI──> target, with these bytes. Its only account
//!                                                   is the authority, which signs if it is this
//!                                                   program's own event authority
//!   [1] bytes ────────────> log: `Program data: ...`
//!   anything else ────────> ignored, as a program ignores its own events
//! ```

#[cfg(all(target_os = "solana", target_arch = "bpf"))]
use solana_compiler_builtins as _;

use anchor_lang::solana_program::account_info::AccountInfo;
use anchor_lang::solana_program::entrypoint;
use anchor_lang::solana_program::entrypoint::ProgramResult;
use anchor_lang::solana_program::instruction::{AccountMeta, Instruction};
use anchor_lang::solana_program::log::sol_log_data;
use anchor_lang::solana_program::program::invoke_signed;
use anchor_lang::solana_program::program_error::ProgramError;
use anchor_lang::solana_program::pubkey::Pubkey;

/// The seed of the event authority of an Anchor program.
pub const AUTHORITY: &[u8] = b"__event_authority";
/// The first byte of an instruction that calls a program with the remaining bytes.
pub const CALL: u8 = 0;
/// The first byte of an instruction that logs the remaining bytes, in the form of Anchor's events
/// in logs.
pub const LOG: u8 = 1;

entrypoint!(process);

/// Processes an instruction, as the module's drawing shows.
pub fn process(program: &Pubkey, accounts: &[AccountInfo], data: &[u8]) -> ProgramResult {
    match data.split_first() {
        Some((&CALL, bytes)) => {
            let [target, authority, ..] = accounts else {
                return Err(ProgramError::NotEnoughAccountKeys);
            };
            let (own, bump) = Pubkey::find_program_address(&[AUTHORITY], program);
            let call = Instruction {
                program_id: *target.key,
                accounts: vec![AccountMeta::new_readonly(*authority.key, *authority.key == own)],
                data: bytes.to_vec(),
            };
            invoke_signed(
                &call,
                &[authority.clone(), target.clone()],
                &[&[AUTHORITY, &[bump]]],
            )
        }
        Some((&LOG, bytes)) => {
            sol_log_data(&[bytes]);
            Ok(())
        }
        _ => Ok(()),
    }
}

//! What an attacker deploys who wants an indexer to believe in events that never were. For drills; nobody should want it on a
//! real cluster, and it can do no harm there.
//!
//! ```text
//!   [0] bytes, accounts: target, authority ──CPI──> target with these bytes, the authority being the only account
//!                          └─ signed for, if it is this program's own event authority
//!   [1] bytes ────────────> log: `Program data: ...`
//!   anything else ────────> taken and ignored, as a program takes its own events
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

/// The seed of Anchor's event authorities.
pub const AUTHORITY: &[u8] = b"__event_authority";
/// Begins an instruction that calls another program, or this one, with the bytes after it.
pub const CALL: u8 = 0;
/// Begins an instruction that logs the bytes after it as Anchor's older events are logged.
pub const LOG: u8 = 1;

entrypoint!(process);

/// The only instruction.
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

//! The mints that a campaign accepts.
//!
//! ```text
//!   mint, 82 bytes   44 decimals, 45 initialised
//!   Token-2022       165 account type, then the extensions: type u16 (LE), length u16 (LE), value
//! ```

use crate::errors::{AirdropError, require};
use anchor_lang::prelude::*;
use bauta::{
    errors::refused,
    token::{Mint, is_token_program},
};

/// The position of the first extension.
const EXTENSIONS: usize = 166;

/// Checks the data of a mint that `program` owns. Returns its decimals.
///
/// Only extensions that describe the token or the display of its amounts are accepted. They can't
/// be added to a mint that exists, so one check suffices for the life of a campaign. The others
/// could call a program at each transfer (hook), withhold a part of an amount (fee), take tokens
/// from the vault (permanent delegate), replace the mint (close authority), hide amounts
/// (confidential), or stop transfers for ever (pausable, non-transferable, accounts that are frozen
/// by default). A later version of Token-2022 may add more, so unknown ones are refused.
///
/// # Errors
/// `WrongTokenProgram`, `InvalidMint` or `MintExtensionRefused`.
pub fn check(program: &Pubkey, data: &[u8]) -> Result<u8> {
    require!(is_token_program(program), AirdropError::WrongTokenProgram);
    if Mint::read(program, data).is_err() {
        return Err(refused(AirdropError::InvalidMint));
    }
    let mut rest = data.get(EXTENSIONS..).unwrap_or(&[]);
    while let Some((head, after)) = rest.split_first_chunk::<4>() {
        let kind = u16::from_le_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
        if kind == extension::UNINITIALIZED {
            break;
        }
        require!(
            extension::ALLOWED.contains(&kind),
            AirdropError::MintExtensionRefused
        );
        require!(length <= after.len(), AirdropError::InvalidMint);
        rest = &after[length..];
    }
    // Token-2022 ends the list at the type 0, or where a type does not fit.
    require!(
        rest.len() < 2 || rest[..2] == extension::UNINITIALIZED.to_le_bytes(),
        AirdropError::InvalidMint
    );
    Ok(data[44])
}

/// Extension types of mints in Token-2022.
mod extension {
    pub const UNINITIALIZED: u16 = 0;
    const INTEREST_BEARING_CONFIG: u16 = 10;
    const METADATA_POINTER: u16 = 18;
    const TOKEN_METADATA: u16 = 19;
    const GROUP_POINTER: u16 = 20;
    const TOKEN_GROUP: u16 = 21;
    const GROUP_MEMBER_POINTER: u16 = 22;
    const TOKEN_GROUP_MEMBER: u16 = 23;
    const SCALED_UI_AMOUNT: u16 = 25;

    pub const ALLOWED: [u16; 8] = [
        INTEREST_BEARING_CONFIG,
        METADATA_POINTER,
        TOKEN_METADATA,
        GROUP_POINTER,
        TOKEN_GROUP,
        GROUP_MEMBER_POINTER,
        TOKEN_GROUP_MEMBER,
        SCALED_UI_AMOUNT,
    ];
}

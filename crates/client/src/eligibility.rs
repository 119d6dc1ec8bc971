//! Names the error with which the program would refuse a registration, before it is sent.
//!
//! The functions call the program's own readers, on accounts that the caller read from a node.

pub use bauta::bubblegum::{CompressedLeaf, LeafData};
pub use bauta::compressed::CompressedAsset;
pub use bauta::eligibility::{CoreAccounts, TokenAccounts};
pub use bauta::view::AccountView;

use anchor_lang::error::Error;
use anchor_lang::prelude::ProgramError as RuntimeError;
use bauta::state::Collection;
use bauta::{compressed, eligibility};
use solana_address::Address;

use crate::ProgramError;

/// Returns the error with which `register_holder` would refuse a token, or `None` if the token is
/// eligible.
///
/// The check covers the token, its collection and its owner. It does not cover the path, the
/// signature, and the 60 seconds between two registrations.
#[must_use]
pub fn why_token_is_not_eligible(
    collection: &Collection,
    owner: &Address,
    accounts: &TokenAccounts<'_>,
) -> Option<ProgramError> {
    refusal(eligibility::check_token(collection, owner, accounts))
}

/// Returns the error with which `register_core_holder` would refuse a Core asset, or `None` if the
/// asset is eligible.
#[must_use]
pub fn why_core_asset_is_not_eligible(
    collection: &Collection,
    owner: &Address,
    accounts: &CoreAccounts<'_>,
) -> Option<ProgramError> {
    refusal(eligibility::check_core(collection, owner, accounts))
}

/// Returns the error with which `register_compressed_holder` would refuse a compressed asset, or
/// `None` if the asset is eligible.
#[must_use]
pub fn why_compressed_asset_is_not_eligible(
    collection: &Collection,
    owner: &Address,
    asset: &CompressedAsset<'_>,
    leaf: &CompressedLeaf,
) -> Option<ProgramError> {
    refusal(compressed::check_compressed(collection, owner, asset, leaf).map(|_| ()))
}

fn refusal(result: anchor_lang::Result<()>) -> Option<ProgramError> {
    let code = match result.err()? {
        Error::AnchorError(error) => error.error_code_number,
        Error::ProgramError(error) => match error.program_error {
            RuntimeError::Custom(code) => code,
            // The readers return only errors of the program.
            _ => u32::MAX,
        },
    };
    Some(ProgramError::from_code(code))
}

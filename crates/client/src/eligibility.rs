//! Names the error with which the program would refuse a registration, before it is sent.
//!
//! The functions call the program's own readers, on accounts that the caller read from a node.

pub use bauta::bubblegum::{CompressedLeaf, LeafData};
pub use bauta::compressed::CompressedAsset;
pub use bauta::eligibility::{CoreAccounts, TokenAccounts};
pub use bauta::events::Evidence;
pub use bauta::view::AccountView;

use anchor_lang::error::Error;
use anchor_lang::prelude::ProgramError as RuntimeError;
use bauta::bubblegum::MerkleTree;
use bauta::errors::BautaError;
use bauta::state::Collection;
use bauta::{compressed, eligibility};
use solana_address::Address;

use crate::{ProgramError, addresses};

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

/// Returns the part of a proof that the program takes: the nodes below the canopy of the tree.
/// Nodes that index assets return whole proofs.
///
/// Returns the proof as it is if the tree can't be read, or needs a longer one.
#[must_use]
pub fn below_canopy<'a>(asset: &CompressedAsset<'a>) -> &'a [[u8; 32]] {
    let tree = MerkleTree::read(&asset.merkle_tree, &asset.tree_config);
    let length = tree.ok().flatten().map(|tree| tree.proof_length());
    let needed = length.and_then(|length| asset.proof.get(..length));
    needed.unwrap_or(asset.proof)
}

/// Returns the evidence with which `evict_compressed_holder` would evict the holder of a compressed
/// asset. `leaf` is the leaf now, or `None` if it is empty. `collection` is the collection that the
/// holder registered with, if the evidence is that the asset left it.
///
/// # Errors
/// The error with which the program would refuse the eviction. `NoEvidence` if the holder still has
/// the asset. The check covers neither the path nor the holding.
pub fn compressed_evidence(
    holder: &Address,
    asset: &CompressedAsset<'_>,
    leaf: Option<&CompressedLeaf>,
    collection: Option<&Collection>,
) -> Result<Evidence, ProgramError> {
    let id = addresses::compressed_asset(asset.merkle_tree.key, asset.index).address;
    let found = compressed::compressed_evidence(holder, &id, asset, leaf, collection);
    let no_evidence = || ProgramError::from_code(BautaError::NoEvidence.into());
    found.map_err(named)?.ok_or_else(no_evidence)
}

fn refusal(result: anchor_lang::Result<()>) -> Option<ProgramError> {
    result.err().map(named)
}

fn named(error: Error) -> ProgramError {
    let code = match error {
        Error::AnchorError(error) => error.error_code_number,
        Error::ProgramError(error) => match error.program_error {
            RuntimeError::Custom(code) => code,
            // The readers return only errors of the program.
            _ => u32::MAX,
        },
    };
    ProgramError::from_code(code)
}

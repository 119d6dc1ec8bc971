//! The errors of registrations.

use bauta_client::ProgramError;
use bauta_rpc::RpcError;
use bauta_store::StoreError;

use super::EligibilityError;

/// Why a registration can't be built.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// The lookup of the asset failed.
    #[error(transparent)]
    Lookup(#[from] EligibilityError),
    /// The address has no account of a known token program.
    #[error(
        "there is no token and no asset of Metaplex Core at this address; for a compressed asset, send `compressed`"
    )]
    UnknownAsset,
    /// The wallet doesn't hold the token.
    #[error("the wallet has no token account with the amount 1 of this mint")]
    NotHeld,
    /// The asset belongs to no collection of the registry.
    #[error("the asset belongs to no collection of the registry")]
    InNoCollection,
    /// The program would refuse the asset.
    #[error("the program would refuse the asset: {}", .0.message)]
    NotEligible(ProgramError),
    /// The asset is registered, and the database doesn't have its leaf yet.
    #[error("the database has not followed the chain up to the asset's registration; retry later")]
    Behind,
    /// The address of the lookup table has no such table.
    #[error("`lookup_table` is not the address of an active address lookup table")]
    NoLookupTable,
    /// The transaction does not fit.
    #[error(
        "the transaction has {bytes} bytes, but a cluster accepts at most {limit}: name a lookup table that has the addresses of the registry, its collection and the asset's tree"
    )]
    TooLong {
        /// The length of the transaction.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The program would refuse the transaction.
    #[error("the transaction would fail: {message}")]
    Simulation {
        /// The error of the program, if it is one.
        program: Option<ProgramError>,
        /// The description.
        message: String,
    },
}

impl From<StoreError> for RegistrationError {
    fn from(error: StoreError) -> Self {
        Self::Lookup(error.into())
    }
}

impl From<RpcError> for RegistrationError {
    fn from(error: RpcError) -> Self {
        match error {
            RpcError::TransactionTooLong { bytes, limit } => Self::TooLong { bytes, limit },
            error => Self::Lookup(EligibilityError::Node(error)),
        }
    }
}

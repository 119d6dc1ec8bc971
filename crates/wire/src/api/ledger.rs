//! The ledger of the wallets of the relay.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The wallets of the ledger.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LedgerDocument {
    /// The wallets, ordered by their bytes.
    pub wallets: Vec<LedgerWalletDocument>,
}

/// A wallet of the ledger.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LedgerWalletDocument {
    /// The address.
    pub wallet: String,
    /// Lamports after the last entry.
    pub balance: String,
    /// Lamports that relays which are not settled can still cost.
    pub reserved: String,
    /// Number of entries.
    pub entries: String,
    /// Seconds since the ledger last had every finalized transaction of the wallet.
    pub incomplete_seconds: u64,
}

/// A transaction of a wallet.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LedgerEntryDocument {
    /// The number, from 1 without gaps.
    pub number: String,
    /// The transaction.
    pub signature: String,
    /// The slot of the transaction.
    pub slot: String,
    /// `relay`, `reclaim` (rent was returned), `other`, or `unread` (no node returns the
    /// transaction, and the balances are those of its neighbours).
    pub kind: Cow<'static, str>,
    /// Lamports before the transaction: those after the previous entry.
    pub before: String,
    /// Lamports after the transaction.
    pub after: String,
    /// The fee that the wallet paid, in lamports.
    pub fee: String,
}

/// A page of a wallet's ledger.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LedgerPage {
    /// The elements of this page.
    pub data: Vec<LedgerEntryDocument>,
    /// The cursor of the next page. Null on the last page.
    pub next: Option<String>,
}

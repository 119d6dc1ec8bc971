//! Keys in key stores, which sign for a wallet. A key never leaves its store.
//!
//! ```text
//!   vault:KEY:ADDRESS      StoredSigner --HTTP--> Vault, transit engine
//!   aws-kms:KEY:ADDRESS    StoredSigner --HTTP--> AWS KMS
//!   gcp-kms:KEY:ADDRESS    StoredSigner --HTTP--> Google Cloud KMS
//! ```
//!
//! Each store is behind a feature, because its client has many dependencies. Texts with the form of
//! a [`StoredKey`] and the settings of Vault are checked in every build.

mod key;
mod signer;
mod vault;

pub use key::{InvalidKey, KeyStore, StoredKey};
pub use signer::{KeyStoreError, StoredSigner};
pub use vault::{VaultAccess, is_local};

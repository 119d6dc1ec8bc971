//! The wallets that pay. The key of a wallet is in a file, or in a key store that signs for it:
//!
//! ```text
//!   RELAY_PAYERS: /run/secrets/wallet.json        file
//!                 vault:KEY:ADDRESS               store --HTTP--> Vault, transit engine
//!                 aws-kms:KEY:ADDRESS             store --HTTP--> AWS KMS
//!                 gcp-kms:KEY:ADDRESS             store --HTTP--> Google Cloud KMS
//! ```
//!
//! Each store is behind a feature of `crates/key-store`, because its client has many dependencies.

mod file;
pub mod payer;
mod store;
mod vault;

use std::{pin::Pin, sync::Arc};

use bauta_key_store::KeyStore;
use solana_address::Address;
use solana_signature::Signature;

use self::{file::FileWallet, payer::Payer};
use super::error::RelaySetupError;
use crate::settings::RelaySettings;

/// A signature that is made later, perhaps by another machine.
pub type Signing<'a> = Pin<Box<dyn Future<Output = Result<Signature, SigningError>> + Send + 'a>>;

/// The key store refused to sign, or is unavailable.
#[derive(Debug, thiserror::Error)]
#[error("a wallet can't sign: {0}")]
pub struct SigningError(String);

/// A wallet. Its key may be in a file or in a key store.
pub trait Wallet: Send + Sync {
    fn address(&self) -> Address;

    /// Signs the message of a transaction.
    fn sign<'a>(&'a self, message: &'a [u8]) -> Signing<'a>;
}

/// The wallets of this service, in the order of the settings.
pub struct Wallets(Vec<Arc<dyn Wallet>>);

impl Wallets {
    /// Reads the keys of files, and creates the clients of key stores.
    pub async fn open(settings: &RelaySettings) -> Result<Self, RelaySetupError> {
        let mut wallets: Vec<Arc<dyn Wallet>> = Vec::new();
        for payer in &settings.payers {
            let wallet: Arc<dyn Wallet> = match payer {
                Payer::File(file) => Arc::new(FileWallet::read(file)?),
                Payer::Stored(key) => {
                    let vault_access = match key.store {
                        KeyStore::Vault => Some(vault::access(settings)?),
                        KeyStore::AwsKms | KeyStore::GcpKms => None,
                    };
                    store::open(key, vault_access).await?
                }
            };
            wallets.push(wallet);
        }
        Self::of(wallets)
    }

    fn of(wallets: Vec<Arc<dyn Wallet>>) -> Result<Self, RelaySetupError> {
        let mut addresses: Vec<Address> = wallets.iter().map(|wallet| wallet.address()).collect();
        addresses.sort_unstable();
        match addresses.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(RelaySetupError::SameWallet(pair[0])),
            None => Ok(Self(wallets)),
        }
    }

    /// Returns the wallet with this address.
    pub fn get(&self, address: &Address) -> Option<&Arc<dyn Wallet>> {
        self.0.iter().find(|wallet| wallet.address() == *address)
    }

    pub fn addresses(&self) -> impl Iterator<Item = Address> {
        self.0.iter().map(|wallet| wallet.address())
    }
}

#[cfg(test)]
impl Wallets {
    /// Returns wallets with these addresses that can't sign.
    pub fn of_addresses(addresses: &[Address]) -> Self {
        struct Unsigning(Address);

        impl Wallet for Unsigning {
            fn address(&self) -> Address {
                self.0
            }

            fn sign<'a>(&'a self, _: &'a [u8]) -> Signing<'a> {
                Box::pin(async { Err(SigningError("it has no key".to_owned())) })
            }
        }

        let wallet = |address: &Address| Arc::new(Unsigning(*address)) as Arc<dyn Wallet>;
        Self(addresses.iter().map(wallet).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wallet_that_is_listed_twice_is_refused() {
        let address = |number: u8| Address::new_from_array([number; 32]);
        assert!(Wallets::of(Wallets::of_addresses(&[address(1), address(2)]).0).is_ok());
        let twice = Wallets::of(Wallets::of_addresses(&[address(2), address(1), address(2)]).0);
        let error = twice.err().unwrap();
        assert!(
            matches!(error, RelaySetupError::SameWallet(twice) if twice == address(2)),
            "{error}"
        );
    }
}

use solana_address::Address;
use solana_signature::Signature;

use crate::{StoredKey, VaultAccess};

/// A key store can't be used, or did not sign.
#[derive(Debug, thiserror::Error)]
pub enum KeyStoreError {
    /// The program was built without the key store.
    #[error("this program was built without the feature {0}")]
    NotBuilt(&'static str),
    /// The client of the store can't be created, or the store refused to sign. The text has nothing
    /// that the store has written.
    #[error("the key store {store}: {reason}")]
    Refused {
        /// The name of the store.
        store: &'static str,
        /// The error of the store's client.
        reason: String,
    },
}

#[cfg(any(feature = "vault", feature = "aws-kms", feature = "gcp-kms"))]
pub use built::StoredSigner;
#[cfg(not(any(feature = "vault", feature = "aws-kms", feature = "gcp-kms")))]
pub use unbuilt::StoredSigner;

#[cfg(any(feature = "vault", feature = "aws-kms", feature = "gcp-kms"))]
mod built {
    use std::time::Duration;

    use solana_keychain::{SignerError, SolanaSigner};
    use tokio::time::timeout;

    use super::{Address, KeyStoreError, Signature, StoredKey, VaultAccess};
    use crate::KeyStore;

    /// The longest time in which a store answers.
    const SIGN_TIMEOUT: Duration = Duration::from_secs(5);

    /// Signs with a key in a key store.
    pub struct StoredSigner {
        key: StoredKey,
        signer: Box<dyn SolanaSigner>,
    }

    impl StoredSigner {
        /// Creates the client of the key's store. A key of Vault needs `vault`.
        pub async fn open(key: &StoredKey, vault: Option<VaultAccess<'_>>) -> Result<Self, KeyStoreError> {
            let signer = match (key.store, vault) {
                #[cfg(feature = "vault")]
                (KeyStore::Vault, Some(access)) => open_vault(key, access),
                #[cfg(feature = "aws-kms")]
                (KeyStore::AwsKms, _) => aws_kms(key).await,
                #[cfg(feature = "gcp-kms")]
                (KeyStore::GcpKms, _) => gcp_kms(key).await,
                (store, _) => Err(KeyStoreError::NotBuilt(store.name())),
            }?;
            Ok(Self {
                key: key.clone(),
                signer,
            })
        }

        /// Returns the address of the wallet.
        #[must_use]
        pub fn address(&self) -> Address {
            self.key.address
        }

        /// Returns whether the store can sign with the key now.
        pub async fn is_available(&self) -> bool {
            timeout(SIGN_TIMEOUT, self.signer.is_available()).await == Ok(true)
        }

        /// Signs a message. The client of the store verifies the signature.
        pub async fn sign(&self, message: &[u8]) -> Result<Signature, KeyStoreError> {
            match timeout(SIGN_TIMEOUT, self.signer.sign_message(message)).await {
                Ok(Ok(signature)) => Ok(signature),
                Ok(Err(error)) => Err(refused(&self.key, &error)),
                Err(_) => Err(KeyStoreError::Refused {
                    store: self.key.store.name(),
                    reason: format!("it did not answer within {} s", SIGN_TIMEOUT.as_secs()),
                }),
            }
        }
    }

    #[cfg(feature = "vault")]
    fn open_vault(
        key: &StoredKey,
        (url, token, is_local): VaultAccess<'_>,
    ) -> Result<Box<dyn SolanaSigner>, KeyStoreError> {
        use solana_keychain::{VaultSigner, vault::reqwest::Client};

        // The signer adds that no redirect is followed: the token must not reach another server.
        let builder = Client::builder().timeout(SIGN_TIMEOUT).https_only(!is_local);
        let builder = if is_local { builder.no_proxy() } else { builder };
        let signer = VaultSigner::with_client_builder(
            builder,
            url.to_owned(),
            token.to_owned(),
            key.name.clone(),
            key.address.to_string(),
        );
        Ok(Box::new(signer.map_err(|error| refused(key, &error))?))
    }

    #[cfg(feature = "aws-kms")]
    async fn aws_kms(key: &StoredKey) -> Result<Box<dyn SolanaSigner>, KeyStoreError> {
        let signer = solana_keychain::AwsKmsSigner::new(key.name.clone(), key.address.to_string(), None);
        Ok(Box::new(signer.await.map_err(|error| refused(key, &error))?))
    }

    #[cfg(feature = "gcp-kms")]
    async fn gcp_kms(key: &StoredKey) -> Result<Box<dyn SolanaSigner>, KeyStoreError> {
        let signer = solana_keychain::GcpKmsSigner::new(key.name.clone(), key.address.to_string());
        Ok(Box::new(signer.await.map_err(|error| refused(key, &error))?))
    }

    fn refused(key: &StoredKey, error: &SignerError) -> KeyStoreError {
        KeyStoreError::Refused {
            store: key.store.name(),
            reason: error.to_string(),
        }
    }
}

#[cfg(not(any(feature = "vault", feature = "aws-kms", feature = "gcp-kms")))]
mod unbuilt {
    use std::future::{Ready, ready};

    use super::{Address, KeyStoreError, Signature, StoredKey, VaultAccess};

    /// Signs with a key in a key store. This build has no store, so there is no value of this type.
    pub enum StoredSigner {}

    impl StoredSigner {
        /// Refuses every key.
        pub fn open(key: &StoredKey, _: Option<VaultAccess<'_>>) -> Ready<Result<Self, KeyStoreError>> {
            ready(Err(KeyStoreError::NotBuilt(key.store.name())))
        }

        /// Returns the address of the wallet.
        #[must_use]
        pub fn address(&self) -> Address {
            match *self {}
        }

        /// Returns whether the store can sign with the key now.
        pub fn is_available(&self) -> Ready<bool> {
            match *self {}
        }

        /// Signs a message.
        pub fn sign(&self, _: &[u8]) -> Ready<Result<Signature, KeyStoreError>> {
            match *self {}
        }
    }
}

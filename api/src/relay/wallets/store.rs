//! Wallets whose keys are in a key store. The store signs, and the key never leaves it.

use std::{sync::Arc, time::Duration};

use solana_address::Address;
use solana_keychain::{SignerError, SolanaSigner};

use super::{
    Signing, SigningError, Wallet,
    payer::{KeyStore, StoredKey},
    vault::VaultAccess,
};
use crate::relay::error::RelaySetupError;

/// The longest time in which a store signs. A relay is leased for longer.
const SIGN_TIMEOUT: Duration = Duration::from_secs(5);

/// A wallet whose key is in a key store.
struct StoreWallet {
    address: Address,
    signer: Box<dyn SolanaSigner>,
}

impl Wallet for StoreWallet {
    fn address(&self) -> Address {
        self.address
    }

    // The signer verifies the signature.
    fn sign<'a>(&'a self, message: &'a [u8]) -> Signing<'a> {
        Box::pin(async move {
            let signed = tokio::time::timeout(SIGN_TIMEOUT, self.signer.sign_message(message)).await;
            match signed {
                Ok(Ok(signature)) => Ok(signature),
                // Its text has nothing that the store has written.
                Ok(Err(error)) => Err(SigningError(error.to_string())),
                Err(_) => Err(SigningError(format!(
                    "the key store did not answer within {} s",
                    SIGN_TIMEOUT.as_secs()
                ))),
            }
        })
    }
}

/// Creates the client of a key store. If the store can't sign with the key now, only logs it: other
/// wallets can pay, and the store can become available.
pub async fn open(
    key: &StoredKey,
    vault_access: Option<VaultAccess<'_>>,
) -> Result<Arc<dyn Wallet>, RelaySetupError> {
    let signer = match (key.store, vault_access) {
        #[cfg(feature = "vault")]
        (KeyStore::Vault, Some(access)) => vault(key, access),
        #[cfg(feature = "aws-kms")]
        (KeyStore::AwsKms, _) => aws_kms(key).await,
        #[cfg(feature = "gcp-kms")]
        (KeyStore::GcpKms, _) => gcp_kms(key).await,
        (store, _) => Err(RelaySetupError::StoreNotBuilt(store.name())),
    }?;
    let is_available = tokio::time::timeout(SIGN_TIMEOUT, signer.is_available()).await;
    if is_available != Ok(true) {
        tracing::warn!(event = "key_store_unavailable", store = key.store.name(), wallet = %key.address);
    }
    Ok(Arc::new(StoreWallet {
        address: key.address,
        signer,
    }))
}

#[cfg(feature = "vault")]
fn vault(
    key: &StoredKey,
    (url, token, is_local): VaultAccess<'_>,
) -> Result<Box<dyn SolanaSigner>, RelaySetupError> {
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
async fn aws_kms(key: &StoredKey) -> Result<Box<dyn SolanaSigner>, RelaySetupError> {
    let signer = solana_keychain::AwsKmsSigner::new(key.name.clone(), key.address.to_string(), None);
    Ok(Box::new(signer.await.map_err(|error| refused(key, &error))?))
}

#[cfg(feature = "gcp-kms")]
async fn gcp_kms(key: &StoredKey) -> Result<Box<dyn SolanaSigner>, RelaySetupError> {
    let signer = solana_keychain::GcpKmsSigner::new(key.name.clone(), key.address.to_string());
    Ok(Box::new(signer.await.map_err(|error| refused(key, &error))?))
}

fn refused(key: &StoredKey, error: &SignerError) -> RelaySetupError {
    RelaySetupError::KeyStore {
        store: key.store.name(),
        reason: error.to_string(),
    }
}

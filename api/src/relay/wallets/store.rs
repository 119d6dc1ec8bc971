//! Wallets whose keys are in a key store. The store signs, and the key never leaves it.

use std::sync::Arc;

use bauta_key_store::{KeyStoreError, StoredKey, StoredSigner, VaultAccess};
use solana_address::Address;

use super::{Signing, SigningError, Wallet};
use crate::relay::error::RelaySetupError;

/// A wallet whose key is in a key store.
struct StoreWallet(StoredSigner);

impl Wallet for StoreWallet {
    fn address(&self) -> Address {
        self.0.address()
    }

    fn sign<'a>(&'a self, message: &'a [u8]) -> Signing<'a> {
        Box::pin(async move {
            let signed = self.0.sign(message).await;
            signed.map_err(|error| SigningError(error.to_string()))
        })
    }
}

/// Creates the client of a key store. If the store can't sign with the key now, only logs it: other
/// wallets can pay, and the store can become available.
pub async fn open(
    key: &StoredKey,
    vault_access: Option<VaultAccess<'_>>,
) -> Result<Arc<dyn Wallet>, RelaySetupError> {
    let signer = StoredSigner::open(key, vault_access)
        .await
        .map_err(|error| match error {
            KeyStoreError::NotBuilt(store) => RelaySetupError::StoreNotBuilt(store),
            KeyStoreError::Refused { store, reason } => RelaySetupError::KeyStore { store, reason },
        })?;
    if !signer.is_available().await {
        tracing::warn!(event = "key_store_unavailable", store = key.store.name(), wallet = %key.address);
    }
    Ok(Arc::new(StoreWallet(signer)))
}

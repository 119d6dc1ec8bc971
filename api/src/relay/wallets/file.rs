//! Wallets whose keys are in files, and in the memory of this process.

use std::{fs, path::Path};

use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;
use zeroize::Zeroizing;

use super::{Signing, SigningError, Wallet};
use crate::relay::error::RelaySetupError;

/// A key in memory. It is wiped when it is dropped, has no `Debug`, and can't be serialised.
struct SecretKey(Zeroizing<[u8; 64]>);

/// A wallet whose key is in a file.
pub struct FileWallet {
    address: Address,
    key: SecretKey,
}

impl FileWallet {
    /// Reads the key of a file.
    pub fn read(file: &Path) -> Result<Self, RelaySetupError> {
        let invalid = || RelaySetupError::InvalidKeyFile {
            file: file.to_owned(),
        };
        let text = fs::read_to_string(file).map_err(|error| RelaySetupError::Unreadable {
            file: file.to_owned(),
            error,
        })?;
        let text = Zeroizing::new(text);
        let bytes: Zeroizing<Vec<u8>> = Zeroizing::new(serde_json::from_str(&text).map_err(|_| invalid())?);
        let mut key = SecretKey(Zeroizing::new([0; 64]));
        if bytes.len() != key.0.len() {
            return Err(invalid());
        }
        key.0.copy_from_slice(&bytes);
        // The second half must be the public key of the first.
        let address = key.keypair().ok_or_else(invalid)?.pubkey();
        Ok(Self { address, key })
    }
}

impl SecretKey {
    /// Returns the keypair, which wipes its own copy of the key.
    fn keypair(&self) -> Option<Keypair> {
        Keypair::try_from(self.0.as_slice()).ok()
    }
}

impl Wallet for FileWallet {
    fn address(&self) -> Address {
        self.address
    }

    fn sign<'a>(&'a self, message: &'a [u8]) -> Signing<'a> {
        Box::pin(async move {
            let keypair = self.key.keypair();
            let keypair = keypair.ok_or_else(|| SigningError("its key is damaged".to_owned()))?;
            keypair
                .try_sign_message(message)
                .map_err(|error| SigningError(error.to_string()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wallet_of_a_file_signs_with_the_key_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let (file, keypair) = (folder.path().join("key.json"), Keypair::new());
        fs::write(&file, format!("{:?}", keypair.to_bytes())).unwrap();
        let wallet = FileWallet::read(&file).unwrap();
        let signature = wallet.sign(b"message").await.unwrap();
        assert!(signature.verify(keypair.pubkey().as_ref(), b"message"));
        assert_eq!(wallet.address(), keypair.pubkey());
    }

    #[test]
    fn an_invalid_key_file_is_refused_and_its_content_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key.json");
        let mut other = Keypair::new().to_bytes();
        // The public key of another key.
        other[32..].copy_from_slice(Keypair::new().pubkey().as_ref());
        for text in ["", "[1, 2, 3]", "secret", &format!("{other:?}")] {
            fs::write(&file, text).unwrap();
            let error = FileWallet::read(&file).err().unwrap();
            assert!(matches!(error, RelaySetupError::InvalidKeyFile { .. }), "{error}");
            assert!(text.is_empty() || !error.to_string().contains(text), "{error}");
        }
        let missing = FileWallet::read(&folder.path().join("missing")).err().unwrap();
        assert!(matches!(missing, RelaySetupError::Unreadable { .. }), "{missing}");
    }
}

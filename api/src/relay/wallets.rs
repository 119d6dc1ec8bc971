//! The wallets that pay. Their keys are in files.

use std::{
    fs,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
};

use solana_address::Address;
use solana_keypair::Keypair;
use solana_signature::Signature;
use solana_signer::Signer;
use zeroize::Zeroizing;

use super::error::RelaySetupError;

/// A signature that is made later, perhaps by another machine.
pub type Signing<'a> = Pin<Box<dyn Future<Output = Result<Signature, SigningError>> + Send + 'a>>;

/// The key store refused to sign, or is unavailable.
#[derive(Debug, thiserror::Error)]
#[error("a wallet can't sign: {0}")]
pub struct SigningError(String);

/// A wallet. Its key may be in a file or in a key store.
pub trait Wallet: Send + Sync {
    /// Returns the address.
    fn address(&self) -> Address;

    /// Signs the message of a transaction.
    fn sign<'a>(&'a self, message: &'a [u8]) -> Signing<'a>;
}

/// A key in memory. It is wiped when it is dropped, has no `Debug`, and can't be serialised.
struct SecretKey(Zeroizing<[u8; 64]>);

/// A wallet whose key is in a file.
struct FileWallet {
    address: Address,
    key: SecretKey,
}

impl FileWallet {
    fn read(file: &Path) -> Result<Self, RelaySetupError> {
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

/// The wallets of this service, in the order of the settings.
pub struct Wallets(Vec<Arc<dyn Wallet>>);

impl Wallets {
    /// Reads the keys from files.
    pub fn from_files(files: &[PathBuf]) -> Result<Self, RelaySetupError> {
        let mut wallets: Vec<Arc<dyn Wallet>> = Vec::new();
        for file in files {
            let wallet = FileWallet::read(file)?;
            if wallets.iter().any(|known| known.address() == wallet.address) {
                return Err(RelaySetupError::SameWallet(wallet.address));
            }
            wallets.push(Arc::new(wallet));
        }
        Ok(Self(wallets))
    }

    /// Returns the wallet with this address.
    pub fn get(&self, address: &Address) -> Option<&Arc<dyn Wallet>> {
        self.0.iter().find(|wallet| wallet.address() == *address)
    }

    /// Returns the addresses.
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

    #[tokio::test]
    async fn a_wallet_of_a_file_signs_with_the_key_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let (file, keypair) = (folder.path().join("key.json"), Keypair::new());
        fs::write(&file, format!("{:?}", keypair.to_bytes())).unwrap();
        let wallets = Wallets::from_files(std::slice::from_ref(&file)).unwrap();
        let wallet = wallets.get(&keypair.pubkey()).unwrap();
        let signature = wallet.sign(b"message").await.unwrap();
        assert!(signature.verify(keypair.pubkey().as_ref(), b"message"));
        let twice = Wallets::from_files(&[file.clone(), file]);
        assert!(matches!(twice.err().unwrap(), RelaySetupError::SameWallet(_)));
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
            let error = Wallets::from_files(std::slice::from_ref(&file)).err().unwrap();
            assert!(matches!(error, RelaySetupError::InvalidKeyFile { .. }), "{error}");
            assert!(text.is_empty() || !error.to_string().contains(text), "{error}");
        }
        let missing = Wallets::from_files(&[folder.path().join("missing")])
            .err()
            .unwrap();
        assert!(matches!(missing, RelaySetupError::Unreadable { .. }), "{missing}");
    }
}

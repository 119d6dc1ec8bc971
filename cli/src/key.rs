//! Keys that sign transactions: in a file, or in a key store that signs.

use std::{env, path::Path};

use anyhow::{Context as _, Result, ensure};
use bauta_key_store::{KeyStore, StoredKey, StoredSigner, is_local};
use bauta_rpc::unsigned;
use solana_address::Address;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use crate::{
    commands::keypair,
    failure::{Failure, Kind},
};

/// A key that signs transactions.
pub enum Key {
    /// In a file, as Solana's tools write it.
    File(Keypair),
    /// In a key store. Its client is created for the first signature.
    Stored(StoredKey, OnceCell<StoredSigner>),
}

impl Key {
    /// Reads a keypair file, or the name of a key in a key store: `STORE:KEY:ADDRESS`.
    pub fn read(path: &Path) -> Result<Self> {
        match stored(path)? {
            Some(key) => Ok(Self::Stored(key, OnceCell::new())),
            None => keypair::read(path).map(Self::File),
        }
    }

    /// Returns the address of the key.
    pub fn pubkey(&self) -> Address {
        match self {
            Self::File(keypair) => keypair.pubkey(),
            Self::Stored(key, _) => key.address,
        }
    }

    async fn sign(&self, message: &[u8]) -> Result<Signature> {
        match self {
            Self::File(keypair) => Ok(keypair.sign_message(message)),
            Self::Stored(key, signer) => {
                // The clients of key stores have large futures.
                let signer = signer.get_or_try_init(|| Box::pin(open(key))).await?;
                Ok(signer.sign(message).await?)
            }
        }
    }
}

/// Returns the key of a key store that the text names. `None` if it is the path of a file.
pub fn stored(path: &Path) -> Result<Option<StoredKey>> {
    let key = path.to_str().and_then(StoredKey::parse).transpose();
    key.with_context(|| format!("the key {}", path.display()))
}

async fn open(key: &StoredKey) -> Result<StoredSigner> {
    if key.store != KeyStore::Vault {
        return Ok(StoredSigner::open(key, None).await?);
    }
    let variable = |name: &str| {
        env::var(name).map(Zeroizing::new).map_err(|_| {
            Failure::new(Kind::Other, format!("the key is in Vault, but {name} is not set"))
                .next("set VAULT_ADDR to the URL of Vault, and VAULT_TOKEN to a token that can sign")
        })
    };
    let (url, token) = (variable("VAULT_ADDR")?, variable("VAULT_TOKEN")?);
    let local = is_local(url.trim())
        .context("VAULT_ADDR must begin with https:// (http:// only for this machine), without a query")?;
    let access = (url.trim(), token.trim(), local);
    Ok(StoredSigner::open(key, Some(access)).await?)
}

/// A signer of a transaction.
#[derive(Clone, Copy)]
pub enum SignerOf<'a> {
    /// A key that the user named.
    Key(&'a Key),
    /// A keypair of the command, for example of a new account.
    Keypair(&'a Keypair),
}

impl SignerOf<'_> {
    /// Returns the address of the signer.
    pub fn pubkey(&self) -> Address {
        match self {
            Self::Key(key) => key.pubkey(),
            Self::Keypair(keypair) => keypair.pubkey(),
        }
    }

    async fn sign(&self, message: &[u8]) -> Result<Signature> {
        match self {
            Self::Key(key) => key.sign(message).await,
            Self::Keypair(keypair) => Ok(keypair.sign_message(message)),
        }
    }
}

/// Creates a transaction without a version from instructions and signs it. The first signer pays
/// the fee.
pub async fn sign(
    instructions: &[Instruction],
    signers: &[SignerOf<'_>],
    blockhash: Hash,
) -> Result<VersionedTransaction> {
    let payer = signers.first().context("there is no signer")?.pubkey();
    let mut transaction = unsigned(instructions, &payer, blockhash)?;
    let message = transaction.message.serialize();
    let addresses = transaction.message.static_account_keys().to_vec();
    for (signature, address) in transaction.signatures.iter_mut().zip(&addresses) {
        let signer = signers.iter().find(|signer| signer.pubkey() == *address);
        let signer = signer.with_context(|| format!("the key of {address} does not sign"))?;
        *signature = signer.sign(&message).await?;
    }
    ensure!(
        transaction.signatures.len() == signers.len(),
        "a key signs that the transaction does not need"
    );
    Ok(transaction)
}

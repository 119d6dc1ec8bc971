//! Verifying keys, read from the circuit accounts of a node. A key is named by its SHA-256, so the
//! node need not be trusted.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bauta::state::Circuit;
use bauta_client::decode_account;
use bauta_rpc::{CommitmentLevel, Options, Rpc, RpcError};
use sha2::{Digest, Sha256};
use solana_address::Address;

/// Limits of a request to the node. A circuit account has less than 1 KiB.
const OPTIONS: Options = Options {
    timeout: Duration::from_secs(5),
    max_response_bytes: 64 << 10,
};

/// The bytes of a verifying key (docs/protocol.md, section 5).
pub type VerifyingKey = [u8; 576];

/// Why a verifying key can't be given.
#[derive(Debug, thiserror::Error)]
pub enum VerifyingKeyError {
    /// The service has no node.
    #[error("this service has no node (SOLANA_RPC_URL), so it can't read verifying keys")]
    NoNode,
    /// The node failed.
    #[error(transparent)]
    Node(#[from] RpcError),
    /// The node has no such account, or one with another key.
    #[error("the node at {host} has no circuit account with the requested verifying key")]
    Missing {
        /// Scheme, host and port of the node.
        host: String,
    },
}

/// Reads verifying keys and keeps them. The caller asks only for keys of registered circuits, so
/// their number is small.
pub struct VerifyingKeys {
    node: Option<Rpc>,
    known: Mutex<HashMap<[u8; 32], VerifyingKey>>,
}

impl VerifyingKeys {
    /// Uses the node at this URL, if there is one. Doesn't connect.
    pub fn new(node: Option<&str>) -> Result<Self, VerifyingKeyError> {
        Ok(Self {
            node: node.map(|url| Rpc::with_options(url, OPTIONS)).transpose()?,
            known: Mutex::default(),
        })
    }

    /// Returns the key with this SHA-256 of the circuit account at `address`.
    pub async fn get(&self, address: &Address, hash: [u8; 32]) -> Result<VerifyingKey, VerifyingKeyError> {
        if let Some(key) = self.known().get(&hash) {
            return Ok(*key);
        }
        let node = self.node.as_ref().ok_or(VerifyingKeyError::NoNode)?;
        let (_, account) = node.account(address, CommitmentLevel::Confirmed).await?;
        let circuit =
            account.and_then(|account| decode_account::<Circuit>(&account.owner, &account.data).ok());
        let key = circuit
            .map(|circuit| circuit.verifying_key)
            .filter(|key| <[u8; 32]>::from(Sha256::digest(key)) == hash)
            .ok_or_else(|| VerifyingKeyError::Missing {
                host: node.host().to_owned(),
            })?;
        self.known().insert(hash, key);
        Ok(key)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], VerifyingKey>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

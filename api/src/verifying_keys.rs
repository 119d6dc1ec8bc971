//! Verifying keys, read from the circuit accounts of a node. A key is named by its SHA-256, so the
//! node need not be trusted.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
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

/// The time for which a failure is remembered.
const FAILURE_AGE: Duration = Duration::from_secs(1);

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
    /// The node failed a moment ago.
    #[error("the node did not give the verifying key a moment ago")]
    FailedBefore,
    /// The node has no such account, or one with another key.
    #[error("the node at {host} has no circuit account with the requested verifying key")]
    Missing {
        /// Scheme, host and port of the node.
        host: String,
    },
}

/// Reads verifying keys and keeps them. The caller requests only keys of registered circuits, so
/// their number is small.
pub struct VerifyingKeys {
    node: Option<Rpc>,
    known: Mutex<HashMap<[u8; 32], VerifyingKey>>,
    /// The hashes of the keys that could not be read, with the times. One request reads at a time,
    /// and holds this lock.
    failures: tokio::sync::Mutex<HashMap<[u8; 32], Instant>>,
}

impl VerifyingKeys {
    /// Uses the node at this URL, if there is one. Doesn't connect.
    pub fn new(node: Option<&str>) -> Result<Self, VerifyingKeyError> {
        Ok(Self {
            node: node.map(|url| Rpc::with_options(url, OPTIONS)).transpose()?,
            known: Mutex::default(),
            failures: tokio::sync::Mutex::default(),
        })
    }

    /// Returns the key with this SHA-256 of the circuit account at `address`.
    pub async fn get(&self, address: &Address, hash: [u8; 32]) -> Result<VerifyingKey, VerifyingKeyError> {
        if let Some(key) = self.known().get(&hash) {
            return Ok(*key);
        }
        let node = self.node.as_ref().ok_or(VerifyingKeyError::NoNode)?;
        let mut failures = self.failures.lock().await;
        // Another request may have read it meanwhile, or failed.
        if let Some(key) = self.known().get(&hash) {
            return Ok(*key);
        }
        if failures.get(&hash).is_some_and(|at| at.elapsed() < FAILURE_AGE) {
            return Err(VerifyingKeyError::FailedBefore);
        }
        let read = read(node, address, hash).await;
        match &read {
            Ok(key) => {
                failures.remove(&hash);
                self.known().insert(hash, *key);
            }
            Err(_) => {
                failures.insert(hash, Instant::now());
            }
        }
        read
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], VerifyingKey>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read(node: &Rpc, address: &Address, hash: [u8; 32]) -> Result<VerifyingKey, VerifyingKeyError> {
    let (_, account) = node.account(address, CommitmentLevel::Confirmed).await?;
    let circuit = account.and_then(|account| decode_account::<Circuit>(&account.owner, &account.data).ok());
    circuit
        .map(|circuit| circuit.verifying_key)
        .filter(|key| <[u8; 32]>::from(Sha256::digest(key)) == hash)
        .ok_or_else(|| VerifyingKeyError::Missing {
            host: node.host().to_owned(),
        })
}

//! Circuits and their keys.

use bauta_wire::api::CircuitList;
use sha2::{Digest as _, Sha256};

use super::Api;
use crate::{
    HttpError,
    transport::{Request, prefixed},
};

/// The longest proving key that the service serves, in bytes.
const MAX_PROVING_KEY_BYTES: usize = 16 << 20;

impl Api {
    /// Returns the registered circuits.
    pub async fn circuits(&self) -> Result<CircuitList, HttpError> {
        self.0.document(&Request::get("v1/circuits")).await
    }

    /// Returns a verifying key by its SHA-256, which is computed again.
    pub async fn verifying_key(&self, sha256: &[u8; 32]) -> Result<Vec<u8>, HttpError> {
        let path = format!("v1/verifying-keys/{}", prefixed(sha256));
        self.by_hash(sha256, &Request::get(path)).await
    }

    /// Returns a proving key by its SHA-256, which is computed again.
    pub async fn proving_key(&self, sha256: &[u8; 32]) -> Result<Vec<u8>, HttpError> {
        // This route has digits without 0x, as the names of the files.
        let hash = prefixed(sha256);
        let path = format!("v1/proving-keys/{}", hash.trim_start_matches("0x"));
        let request = Request::get(path).limit(MAX_PROVING_KEY_BYTES);
        self.by_hash(sha256, &request).await
    }

    async fn by_hash(&self, sha256: &[u8; 32], request: &Request<'_>) -> Result<Vec<u8>, HttpError> {
        let bytes = self.0.send(request).await?.body;
        if Sha256::digest(&bytes).as_slice() != sha256 {
            return Err(self.0.malformed("the bytes do not have the requested hash"));
        }
        Ok(bytes)
    }
}

//! Circuits and their keys.

use bauta_wire::api::CircuitList;
use sha2::{Digest as _, Sha256};

use super::{Api, check_id};
use crate::{HttpError, transport::Request};

/// The longest proving key that the service serves, in bytes.
const MAX_PROVING_KEY_BYTES: usize = 16 << 20;

impl Api {
    /// Returns the registered circuits.
    pub async fn circuits(&self) -> Result<CircuitList, HttpError> {
        self.0.document(&Request::get("v1/circuits")).await
    }

    /// Returns a verifying key by the 64 hexadecimal digits of its SHA-256, which is computed again.
    pub async fn verifying_key(&self, sha256: &str) -> Result<Vec<u8>, HttpError> {
        self.by_hash(sha256, &Request::get(format!("v1/verifying-keys/{sha256}")))
            .await
    }

    /// Returns a proving key by the 64 hexadecimal digits of its SHA-256, which is computed again.
    pub async fn proving_key(&self, sha256: &str) -> Result<Vec<u8>, HttpError> {
        let request = Request::get(format!("v1/proving-keys/{sha256}")).limit(MAX_PROVING_KEY_BYTES);
        self.by_hash(sha256, &request).await
    }

    async fn by_hash(&self, sha256: &str, request: &Request<'_>) -> Result<Vec<u8>, HttpError> {
        check_id("sha256", sha256)?;
        let bytes = self.0.send(request).await?.body;
        if !sha256.eq_ignore_ascii_case(&format!("{:x}", Sha256::digest(&bytes))) {
            return Err(self.0.malformed("the bytes do not have the requested hash"));
        }
        Ok(bytes)
    }
}

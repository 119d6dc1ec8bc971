//! Decodes the return data of `verify`.

use bauta_primitives::{Claim, Nullifier};
use solana_address::Address;

use crate::ClientError;

/// The return data of `verify`: seven values of 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verification {
    /// The scope account.
    pub scope: Address,
    /// The scope's registry.
    pub registry: Address,
    /// The scope's circuit account.
    pub circuit: Address,
    /// The claim. With an auxiliary registry, the claim without its root.
    pub claim: Claim,
    /// The nullifier that the proof shows.
    pub nullifier: Nullifier,
    /// The address that benefits from the verification.
    pub recipient: Address,
    /// The SHA-256 hash of the payload.
    pub payload_hash: [u8; 32],
}

impl Verification {
    /// The length of the return data in bytes.
    pub const BYTES: usize = 7 * 32;

    /// Decodes return data. `program` is the program that set it.
    ///
    /// RPC nodes cut trailing zero bytes of return data. This function adds them again. The last
    /// value is a hash, which is never zero, so data of at most 192 bytes is not that of a
    /// verification.
    ///
    /// # Errors
    /// If another program set the data, the data is not longer than 192 bytes or is longer than 224
    /// bytes, or a value is not canonical.
    pub fn decode(program: &Address, data: &[u8]) -> Result<Self, ClientError> {
        if *program != bauta::ID {
            return Err(ClientError::ReturnData {
                reason: "another program set the data",
            });
        }
        if data.len() <= Self::BYTES - 32 {
            return Err(ClientError::ReturnData {
                reason: "the data has at most 192 bytes, so it has no hash of the payload",
            });
        }
        let mut bytes = [0; Self::BYTES];
        bytes
            .get_mut(..data.len())
            .ok_or(ClientError::ReturnData {
                reason: "the data has more than 224 bytes",
            })?
            .copy_from_slice(data);
        let mut parts = bytes.chunks_exact(32).map(|part| {
            let mut copy = [0; 32];
            copy.copy_from_slice(part);
            copy
        });
        let mut next = || {
            parts.next().ok_or(ClientError::ReturnData {
                reason: "the data has fewer than 224 bytes",
            })
        };
        Ok(Self {
            scope: next()?.into(),
            registry: next()?.into(),
            circuit: next()?.into(),
            claim: Claim::from_bytes(next()?)?,
            nullifier: Nullifier::from_bytes(next()?)?,
            recipient: next()?.into(),
            payload_hash: next()?,
        })
    }
}

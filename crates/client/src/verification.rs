//! What `verify` leaves for its caller.

use bauta_primitives::{Claim, Nullifier};
use solana_address::Address;

use crate::ClientError;

/// The return data of a verification: seven values of 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verification {
    /// The scope account.
    pub scope: Address,
    /// Its registry.
    pub registry: Address,
    /// Its circuit.
    pub circuit: Address,
    /// What was shown.
    pub claim: Claim,
    /// The use's nullifier.
    pub nullifier: Nullifier,
    /// Whom the use benefits.
    pub recipient: Address,
    /// SHA-256 of the payload.
    pub payload_hash: [u8; 32],
}

impl Verification {
    /// Bytes of return data.
    pub const BYTES: usize = 7 * 32;

    /// Reads return data, which must have been set by this program: `program` is who set it.
    ///
    /// RPC nodes cut trailing zero bytes of return data; they are put back.
    pub fn decode(program: &Address, data: &[u8]) -> Result<Self, ClientError> {
        if *program != bauta::ID {
            return Err(ClientError::ReturnData {
                reason: "another program set it",
            });
        }
        let mut bytes = [0; Self::BYTES];
        bytes
            .get_mut(..data.len())
            .ok_or(ClientError::ReturnData {
                reason: "it has more than 224 bytes",
            })?
            .copy_from_slice(data);
        let mut parts = bytes.chunks_exact(32).map(|part| {
            let mut copy = [0; 32];
            copy.copy_from_slice(part);
            copy
        });
        let mut next = || {
            parts.next().ok_or(ClientError::ReturnData {
                reason: "it has less than 224 bytes",
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

//! A request to relay a verification, and the form in which it waits in the database.

use anchor_lang::{AnchorDeserialize, AnchorSerialize};
use bauta::instructions::Presentation;
use bauta_client::instructions::Verify;
use bauta_primitives::{Claim, Nullifier, Root};
use solana_address::Address;

use super::transaction::LARGEST_VERIFICATION;

/// Largest payload in bytes. The transaction has at most 1,232.
pub const MAX_PAYLOAD_BYTES: usize = 240;
/// Seconds for which a proof must be valid when it is sent first.
pub const MIN_VALIDITY_SECONDS: i64 = 120;
/// Largest delay in seconds.
pub const MAX_DELAY_SECONDS: u32 = 3_600;

/// A request to relay a verification. All values are those that the proof is bound to.
#[derive(Clone, Debug)]
pub struct RelayRequest {
    /// The scope account.
    pub scope: Address,
    /// The proof: −A, B, C.
    pub proof: [u8; 256],
    /// The root that the proof was made at.
    pub root: Root,
    /// The nullifier.
    pub nullifier: Nullifier,
    /// The claim.
    pub claim: Claim,
    /// The root of the auxiliary registry, if the scope has one.
    pub auxiliary_root: Option<Root>,
    /// The address that benefits.
    pub recipient: Address,
    /// The wallet of this service that the proof names.
    pub relayer: Address,
    /// The time after which the program refuses the proof, in Unix seconds.
    pub expiry: i64,
    /// The consumer's data.
    pub payload: Vec<u8>,
    /// The transaction is sent at a random moment within these seconds.
    pub max_delay_seconds: u32,
}

impl RelayRequest {
    /// Returns bytes that differ for two requests that differ, except in their delay: a client that
    /// repeats a request gets the relay that it has.
    pub fn bytes(&self) -> Vec<u8> {
        let auxiliary = self.auxiliary_root.map(Root::to_bytes);
        let mut bytes = Vec::with_capacity(1_024);
        for part in [
            self.scope.as_ref(),
            &self.proof,
            &self.root.to_bytes(),
            &self.nullifier.to_bytes(),
            &self.claim.to_bytes(),
            auxiliary.as_ref().map_or(&[][..], |root| root),
            self.recipient.as_ref(),
            self.relayer.as_ref(),
            &self.expiry.to_be_bytes(),
            &self.payload,
        ] {
            bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

/// A request that passed all checks, with what its transaction needs.
pub struct CheckedRequest {
    /// The instruction.
    pub verify: Verify,
    /// The limit of its transaction's compute units. The largest one stands for a request that was
    /// not simulated yet.
    pub compute_units: u32,
}

/// The form of a [`CheckedRequest`] before it is encrypted.
#[derive(AnchorSerialize, AnchorDeserialize)]
struct Stored {
    compute_units: u32,
    scope: [u8; 32],
    circuit: [u8; 32],
    registry: Option<[u8; 32]>,
    auxiliary_registry: Option<[u8; 32]>,
    recipient: [u8; 32],
    relayer: [u8; 32],
    presentation: Presentation,
}

impl CheckedRequest {
    /// Returns whether the verification was simulated when the request arrived. A delayed one is
    /// simulated when it is sent, so that no node learns it earlier.
    pub const fn is_simulated(&self) -> bool {
        self.compute_units < LARGEST_VERIFICATION
    }

    /// Returns the bytes to store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let verify = &self.verify;
        let stored = Stored {
            compute_units: self.compute_units,
            scope: verify.scope.to_bytes(),
            circuit: verify.circuit.to_bytes(),
            registry: verify.registry.map(|address| address.to_bytes()),
            auxiliary_registry: verify.auxiliary_registry.map(|address| address.to_bytes()),
            recipient: verify.recipient.to_bytes(),
            relayer: verify.payer.to_bytes(),
            presentation: Presentation {
                proof: verify.proof,
                root: verify.root.to_bytes(),
                nullifier: verify.nullifier.to_bytes(),
                claim: verify.claim.to_bytes(),
                auxiliary_root: verify.auxiliary_root.map(Root::to_bytes),
                expiry: verify.expiry,
                payload: verify.payload.clone(),
            },
        };
        let mut bytes = Vec::with_capacity(1_024);
        // Writing to a vector doesn't fail.
        let _ = stored.serialize(&mut bytes);
        bytes
    }

    /// Reads stored bytes. `None` if they are not those of a request.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let stored = Stored::try_from_slice(bytes).ok()?;
        let presentation = stored.presentation;
        let relayer = Address::from(stored.relayer);
        let root = |bytes: [u8; 32]| Root::from_bytes(bytes).ok();
        Some(Self {
            compute_units: stored.compute_units,
            verify: Verify {
                payer: relayer,
                scope: stored.scope.into(),
                circuit: stored.circuit.into(),
                registry: stored.registry.map(Address::from),
                auxiliary_registry: stored.auxiliary_registry.map(Address::from),
                gate: None,
                recipient: stored.recipient.into(),
                relayer: Some(relayer),
                proof: presentation.proof,
                root: root(presentation.root)?,
                nullifier: Nullifier::from_bytes(presentation.nullifier).ok()?,
                claim: Claim::from_bytes(presentation.claim).ok()?,
                auxiliary_root: match presentation.auxiliary_root {
                    Some(bytes) => Some(root(bytes)?),
                    None => None,
                },
                expiry: presentation.expiry,
                payload: presentation.payload,
            },
        })
    }
}

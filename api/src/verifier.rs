//! Verifies proofs for clients that don't verify them by themselves.
//!
//! ```text
//!   circuit id --database--> circuit --node--> its verifying key, checked by its hash
//!   proof, digest --verdict of the last 300 s, or else a turn for a pairing--> valid or not
//! ```
//!
//! A pairing takes milliseconds of processor time. So there are as many at a time as processors,
//! and clients take turns.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bauta_circuits::{CircuitsError, PreparedVerifyingKey, Proof, VerifyingKey};
use bauta_primitives::Digest;
use bauta_service_common::{PairingError, Pairings};
use bauta_store::{Circuit, Store, StoreError};
use sha2::{Digest as _, Sha256};

use crate::{
    cache::Cache,
    metrics,
    verifying_keys::{VerifyingKeyError, VerifyingKeys},
};

/// The time for which a verdict is kept.
const MAX_AGE: Duration = Duration::from_mins(5);
/// Bytes of all verdicts.
const MAX_BYTES: usize = 4 << 20;
/// Ids of the earlier systems for the statement that includes a wallet's address.
const ADDRESS_IDS: [&str; 2] = ["membership-v1", "structure-v1"];

/// Why a proof can't be verified. An invalid proof is not an error.
#[derive(Debug, thiserror::Error)]
pub enum VerificationError {
    /// The statement belongs to the protocol, but no circuit for it exists.
    #[error("the statement {statement} isn't built yet: /v1/circuits lists the circuits")]
    NotBuilt {
        /// The name of the statement.
        statement: &'static str,
    },
    /// No registered circuit has this id.
    #[error(
        "no registered circuit has this id: use STATEMENT-vVERSION, STATEMENT-vVERSION-depthDEPTH or a vk_hash of \
         /v1/circuits"
    )]
    UnknownCircuit,
    /// The verifying key can't be read.
    #[error(transparent)]
    Key(#[from] VerifyingKeyError),
    /// The registered verifying key is not a key.
    #[error("the verifying key of the circuit: {0}")]
    Damaged(CircuitsError),
    /// The pairing was not computed.
    #[error(transparent)]
    Pairing(#[from] PairingError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether a proof is valid, or why not.
pub type Verdict = Result<(), String>;

/// Verifies proofs, and keeps the verdicts for a while.
pub struct Verifier {
    pairings: Pairings,
    prepared: Mutex<HashMap<[u8; 32], Arc<PreparedVerifyingKey>>>,
    /// By the hash of verifying key, digest and proof.
    verdicts: Cache<[u8; 32], (Instant, Verdict)>,
}

impl Default for Verifier {
    fn default() -> Self {
        Self {
            pairings: Pairings::default(),
            prepared: Mutex::default(),
            verdicts: Cache::new(MAX_BYTES),
        }
    }
}

impl Verifier {
    /// Verifies a proof for a client, with the key of the circuit that has this id.
    pub async fn verify(
        &self,
        store: &Store,
        keys: &VerifyingKeys,
        client: &str,
        circuit_id: &str,
        (digest, proof): (Digest, [u8; Proof::LENGTH]),
    ) -> Result<Verdict, VerificationError> {
        let circuit = find(store.circuits().await?, circuit_id)?;
        let name = name(&circuit.vk_hash, digest, &proof);
        let known = self.verdicts.get(&name);
        if let Some((_, verdict)) = known.filter(|(at, _)| at.elapsed() < MAX_AGE) {
            metrics::record_verified(&verdict, true);
            return Ok(verdict);
        }
        let key = self.prepared_key(keys, &circuit).await?;
        let verdict = self.pairings.run(client, move || {
            let proof = Proof::from_bytes(&proof).map_err(|error| error.to_string())?;
            key.verify(digest, &proof).map_err(|error| error.to_string())
        });
        let verdict = verdict.await?;
        metrics::record_verified(&verdict, false);
        let bytes = verdict.as_ref().err().map_or(0, String::len);
        self.verdicts
            .insert(name, (Instant::now(), verdict.clone()), 128 + bytes);
        Ok(verdict)
    }

    /// Returns the prepared key of a registered circuit. Their number is small.
    async fn prepared_key(
        &self,
        keys: &VerifyingKeys,
        circuit: &Circuit,
    ) -> Result<Arc<PreparedVerifyingKey>, VerificationError> {
        let known = |hash| {
            let kept = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
            kept.get(hash).cloned()
        };
        if let Some(key) = known(&circuit.vk_hash) {
            return Ok(key);
        }
        let bytes = keys.get(&circuit.address, circuit.vk_hash).await?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(VerificationError::Damaged)?;
        let key = Arc::new(key.prepare());
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        prepared.insert(circuit.vk_hash, key.clone());
        Ok(key)
    }
}

/// Returns the name of a verdict. Another proof of the same digest has its own verdict.
fn name(vk_hash: &[u8; 32], digest: Digest, proof: &[u8]) -> [u8; 32] {
    let mut name = Sha256::new();
    name.update(vk_hash);
    name.update(digest.to_bytes());
    name.update(proof);
    name.finalize().into()
}

/// Returns the circuit with an id. Without a depth, it is the one with the smallest depth. If
/// several have the id, it is the one that was registered last.
fn find(circuits: Vec<Circuit>, id: &str) -> Result<Circuit, VerificationError> {
    if ADDRESS_IDS.contains(&id) {
        return Err(VerificationError::NotBuilt { statement: "address" });
    }
    let has_id = |circuit: &Circuit| {
        let short = format!("{}-v{}", circuit.statement, circuit.version);
        let rest = id.strip_prefix(&short);
        let depth = format!("-depth{}", circuit.depth as u8);
        rest.is_some_and(|rest| rest.is_empty() || rest == depth)
            || id.strip_prefix("0x") == Some(&hex::encode(circuit.vk_hash))
    };
    let found = circuits.into_iter().rev().filter(has_id);
    found
        .min_by_key(|circuit| circuit.depth as u8)
        .ok_or(VerificationError::UnknownCircuit)
}

#[cfg(test)]
mod tests {
    use bauta_primitives::tree::Depth;
    use bauta_store::{CircuitStatus, Provenance};

    use super::*;

    fn circuit(number: u8, depth: Depth) -> Circuit {
        Circuit {
            address: [number; 32].into(),
            statement: "ownership".to_owned(),
            version: 1,
            depth,
            leaf_format: 1,
            auxiliary_format: 0,
            provenance: Provenance::Development,
            status: CircuitStatus::Active,
            retires_at: None,
            vk_hash: [number; 32],
            constraint_system_hash: [0; 32],
            transcript_hash: [0; 32],
        }
    }

    #[test]
    fn an_id_without_a_depth_is_the_last_circuit_with_the_smallest_depth() {
        let circuits = [
            circuit(1, Depth::Sixteen),
            circuit(2, Depth::Ten),
            circuit(3, Depth::Ten),
            circuit(4, Depth::Sixteen),
        ];
        let by_hash = format!("0x{}", "01".repeat(32));
        for (id, number) in [
            ("ownership-v1", 3),
            ("ownership-v1-depth10", 3),
            ("ownership-v1-depth16", 4),
            (by_hash.as_str(), 1),
        ] {
            assert_eq!(find(circuits.to_vec(), id).unwrap().vk_hash, [number; 32], "{id}");
        }
        for id in [
            "",
            "ownership",
            "ownership-v2",
            "ownership-v1-",
            "0x",
            "ownership-v1-depth1",
        ] {
            let found = find(circuits.to_vec(), id);
            assert!(matches!(found, Err(VerificationError::UnknownCircuit)), "{id}");
        }
        let not_built = find(circuits.to_vec(), "membership-v1");
        assert!(matches!(not_built, Err(VerificationError::NotBuilt { .. })));
    }
}

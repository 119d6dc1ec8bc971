//! Verifies proofs for clients that don't verify them by themselves, and before they are relayed.
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
use bauta_store::{Circuit, CircuitStatus, Provenance, Store, StoreError};
use sha2::{Digest as _, Sha256};

use crate::{
    cache::Cache,
    metrics,
    time::unix_seconds,
    verifying_keys::{VerifyingKeyError, VerifyingKeys},
};

/// The time for which a verdict is used.
pub const MAX_AGE: Duration = Duration::from_mins(5);
/// Bytes of all verdicts.
const MAX_BYTES: usize = 4 << 20;
/// Ids of the earlier systems for the statement `address`.
const ADDRESS_IDS: [&str; 2] = ["membership-v1", "structure-v1"];
/// The id of the statement `address` without a depth.
const ADDRESS: &str = "address-v1";

/// Why a proof can't be verified. An invalid proof is not an error.
#[derive(Debug, thiserror::Error)]
pub enum VerificationError {
    /// No registered circuit has this id.
    #[error(
        "no registered circuit has this id: use STATEMENT-vVERSION, STATEMENT-vVERSION-depthDEPTH or a vk_hash of \
         /v1/circuits"
    )]
    UnknownCircuit,
    /// No circuit with this id is active. The program refuses the proof, and someone may be able to
    /// forge it.
    #[error("every circuit with this id is suspended or retired: /v1/circuits lists the circuits")]
    CircuitInactive,
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

/// A verdict, and the circuit whose key it is about.
pub struct Verified {
    /// Whether the proof is valid.
    pub verdict: Verdict,
    pub circuit: Circuit,
}

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
    /// Drops the verdicts that were not used since the last call. Call it once in [`MAX_AGE`].
    pub fn age(&self) {
        self.verdicts.age();
    }

    /// Verifies a proof for a client, with the key of the active circuit that has this id.
    pub async fn verify(
        &self,
        store: &Store,
        keys: &VerifyingKeys,
        client: &str,
        circuit_id: &str,
        (digest, proof): (Digest, [u8; Proof::LENGTH]),
    ) -> Result<Verified, VerificationError> {
        // This also applies to a known verdict, because a circuit can be suspended.
        let circuit = find(store.circuits().await?, circuit_id, unix_seconds())?;
        let verdict = self.verdict(keys, client, &circuit, digest, proof).await?;
        Ok(Verified { verdict, circuit })
    }

    /// Verifies a proof for a client, with the key of a circuit.
    pub async fn verdict(
        &self,
        keys: &VerifyingKeys,
        client: &str,
        circuit: &Circuit,
        digest: Digest,
        proof: [u8; Proof::LENGTH],
    ) -> Result<Verdict, VerificationError> {
        let name = name(&circuit.vk_hash, digest, &proof);
        let known = self.verdicts.get(&name);
        if let Some((_, verdict)) = known.filter(|(at, _)| at.elapsed() < MAX_AGE) {
            metrics::record_verified(&verdict, true);
            return Ok(verdict);
        }
        let key = self.prepared_key(keys, circuit).await?;
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

/// Returns the circuit with an id that is active at `now` (Unix seconds). Without a depth, it is
/// the one with the smallest depth. If several have the id, it is one from a ceremony, and of those
/// the one that was registered first: a later registration does not change what an id means.
fn find(circuits: Vec<Circuit>, id: &str, now: i64) -> Result<Circuit, VerificationError> {
    let id = if ADDRESS_IDS.contains(&id) { ADDRESS } else { id };
    let has_id = |circuit: &Circuit| {
        let short = format!("{}-v{}", circuit.statement, circuit.version);
        let rest = id.strip_prefix(&short);
        let depth = format!("-depth{}", circuit.depth as u8);
        rest.is_some_and(|rest| rest.is_empty() || rest == depth)
            || id.strip_prefix("0x") == Some(&hex::encode(circuit.vk_hash))
    };
    let mut found: Vec<Circuit> = circuits.into_iter().filter(has_id).collect();
    if found.is_empty() {
        return Err(VerificationError::UnknownCircuit);
    }
    found.retain(|circuit| {
        circuit.status == CircuitStatus::Active && circuit.retires_at.is_none_or(|at| now < at)
    });
    let rank = |circuit: &Circuit| (circuit.depth as u8, circuit.provenance == Provenance::Development);
    // Of circuits with the same rank, the first is chosen.
    found
        .into_iter()
        .min_by_key(rank)
        .ok_or(VerificationError::CircuitInactive)
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

    const NOW: i64 = 1_000;

    #[test]
    fn an_id_without_a_depth_is_the_first_circuit_with_the_smallest_depth() {
        let circuits = [
            circuit(1, Depth::Sixteen),
            circuit(2, Depth::Ten),
            circuit(3, Depth::Ten),
            circuit(4, Depth::Sixteen),
        ];
        let by_hash = format!("0x{}", "03".repeat(32));
        for (id, number) in [
            ("ownership-v1", 2),
            ("ownership-v1-depth10", 2),
            ("ownership-v1-depth16", 1),
            (by_hash.as_str(), 3),
        ] {
            let found = find(circuits.to_vec(), id, NOW).unwrap();
            assert_eq!(found.vk_hash, [number; 32], "{id}");
        }
        for id in [
            "",
            "ownership",
            "ownership-v2",
            "ownership-v1-",
            "0x",
            "ownership-v1-depth1",
        ] {
            let found = find(circuits.to_vec(), id, NOW);
            assert!(matches!(found, Err(VerificationError::UnknownCircuit)), "{id}");
        }
    }

    #[test]
    fn the_ids_of_the_earlier_system_are_those_of_address_and_of_no_other_statement() {
        let mut address = circuit(9, Depth::Ten);
        "address".clone_into(&mut address.statement);
        for id in ["membership-v1", "structure-v1"] {
            let found = find(vec![circuit(1, Depth::Ten), address.clone()], id, NOW).unwrap();
            assert_eq!(found.vk_hash, [9; 32], "{id}");
            let found = find(vec![circuit(1, Depth::Ten)], id, NOW);
            assert!(matches!(found, Err(VerificationError::UnknownCircuit)), "{id}");
        }
    }

    #[test]
    fn a_circuit_that_is_suspended_or_retired_has_no_id_and_one_from_a_ceremony_comes_first() {
        let (mut suspended, mut retired) = (circuit(1, Depth::Ten), circuit(2, Depth::Ten));
        suspended.status = CircuitStatus::Suspended;
        retired.retires_at = Some(NOW);
        let (development, mut ceremony) = (circuit(3, Depth::Ten), circuit(4, Depth::Ten));
        ceremony.provenance = Provenance::Ceremony;
        let all = [suspended, retired, development, ceremony];
        let by_number = |number: u8| find(all.to_vec(), &format!("0x{}", hex::encode([number; 32])), NOW);
        for number in [1, 2] {
            let found = by_number(number);
            assert!(
                matches!(found, Err(VerificationError::CircuitInactive)),
                "{number}"
            );
        }
        assert!(by_number(3).is_ok());
        assert_eq!(find(all.to_vec(), "ownership-v1", NOW).unwrap().vk_hash, [4; 32]);
        let earlier = find(all.to_vec(), &format!("0x{}", "02".repeat(32)), NOW - 1);
        assert_eq!(earlier.unwrap().vk_hash, [2; 32]);
    }
}

//! Jobs of the prover service, and their ids.
//!
//! This service has one API key at the prover service, so all jobs belong to it there. The id that
//! a client gets also has a keyed hash of the client's API key and of the prover service's id. Only
//! that client can use it, and this service stores nothing.

use std::fmt;

use bauta_service_common::Secret;
use serde::Deserialize;

use super::{GeneratedProof, ProverError, error::JobFailure};

/// Context for the key of the hashes. It must not change: instances of several versions read each
/// other's ids.
const KEY_CONTEXT: &str = "bauta api 2026-11-22 ids of proof jobs";
/// What a hash is for.
const OF_ID: &[u8] = b"id";
const OF_IDEMPOTENCY_KEY: &[u8] = b"idempotency key";
/// Bytes of the prover service's id of a job.
const INNER_BYTES: usize = 16;

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It waits for a worker.
    Queued,
    /// The prover service makes the proof.
    Running,
    /// It has a proof.
    Succeeded,
    /// It has an error.
    Failed,
    /// The operator has cancelled it.
    Cancelled,
}

impl JobState {
    /// Returns the name of the state.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns whether no other state follows.
    pub const fn is_last(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

pub struct Job {
    pub state: JobState,
    /// Time of the request in Unix seconds.
    pub created_at: i64,
    /// Time of the end in Unix seconds.
    pub ended_at: Option<i64>,
    /// The proof of a job that succeeded.
    pub proof: Option<GeneratedProof>,
    /// The error of a job that failed.
    pub failure: Option<JobFailure>,
}

/// A job in a response of the prover service. Times are Unix milliseconds.
#[derive(Deserialize)]
pub struct JobDocument {
    state: JobState,
    created_at: i64,
    ended_at: Option<i64>,
    answer: Option<GeneratedProof>,
    error: Option<JobFailure>,
}

impl TryFrom<JobDocument> for Job {
    type Error = ProverError;

    fn try_from(document: JobDocument) -> Result<Self, ProverError> {
        let seconds = |milliseconds: i64| milliseconds.div_euclid(1_000);
        let proof = document.answer.filter(GeneratedProof::is_proof);
        if (document.state == JobState::Succeeded) != proof.is_some() {
            let reason = "a job that succeeded must have a proof, and no other one";
            return Err(ProverError::Unavailable(reason.to_owned()));
        }
        Ok(Self {
            state: document.state,
            created_at: seconds(document.created_at),
            ended_at: document.ended_at.map(seconds),
            proof,
            failure: document.error.map(JobFailure::for_client),
        })
    }
}

/// The id of a job, as clients have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobId([u8; Self::BYTES]);

impl JobId {
    /// Bytes of an id.
    pub const BYTES: usize = 2 * INNER_BYTES;

    /// Creates an id from the bytes that a client sent.
    pub const fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }
}

/// 64 hexadecimal digits.
impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// Creates and checks the ids of jobs.
pub struct JobIds([u8; blake3::KEY_LEN]);

impl JobIds {
    /// Uses this service's API key at the prover service, which all instances know. Without one,
    /// the prover service shows every job to every client that knows the id.
    pub fn new(api_key: Option<&Secret>) -> Self {
        let key = api_key.map_or("", |key| key.expose().trim());
        Self(blake3::derive_key(KEY_CONTEXT, key.as_bytes()))
    }

    /// Returns the id for the owner of an API key. `id` is that of the prover service.
    pub fn issue(&self, id: &str, owner: &str) -> Option<JobId> {
        let mut inner = [0; INNER_BYTES];
        hex::decode_to_slice(id.replace('-', ""), &mut inner).ok()?;
        let mut bytes = [0; JobId::BYTES];
        bytes[..INNER_BYTES].copy_from_slice(&inner);
        bytes[INNER_BYTES..].copy_from_slice(&self.hash(OF_ID, owner, &inner)[..INNER_BYTES]);
        Some(JobId(bytes))
    }

    /// Returns the prover service's id if the job belongs to the owner.
    pub fn open(&self, id: JobId, owner: &str) -> Option<String> {
        let inner = hex::encode(&id.0[..INNER_BYTES]);
        let expected = self.issue(&inner, owner)?;
        // The comparison takes the same time for all ids.
        let hash = |id: JobId| blake3::Hash::from_bytes(id.0);
        (hash(expected) == hash(id)).then_some(inner)
    }

    /// Returns the idempotency key for the prover service, where the keys of all clients are those
    /// of this service.
    pub fn idempotency_key(&self, owner: &str, key: &str) -> String {
        hex::encode(self.hash(OF_IDEMPOTENCY_KEY, owner, key.as_bytes()))
    }

    fn hash(&self, of: &[u8], owner: &str, bytes: &[u8]) -> [u8; blake3::OUT_LEN] {
        // Neither of the first two parts has a zero byte.
        let message = [of, b"\0", owner.as_bytes(), b"\0", bytes].concat();
        *blake3::keyed_hash(&self.0, &message).as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ID: &str = "0198a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";

    fn ids(key: &str) -> JobIds {
        JobIds::new(Some(&Secret::new(key.to_owned())))
    }

    #[test]
    fn an_id_works_for_its_owner_on_every_instance_and_for_no_other_one() {
        let id = ids("key").issue(ID, "ann").unwrap();
        assert_eq!(id.to_string().len(), 64);
        let opened = ids(" key\n").open(id, "ann").unwrap();
        assert_eq!(opened, ID.replace('-', ""));
        assert_eq!(ids("key").open(id, "ben"), None);
        assert_eq!(ids("other key").open(id, "ann"), None);
        for position in 0..JobId::BYTES {
            let mut changed = id;
            changed.0[position] ^= 1;
            assert_eq!(ids("key").open(changed, "ann"), None, "{position}");
        }
        assert_eq!(ids("key").issue("not an id", "ann"), None);
    }

    #[test]
    fn the_idempotency_keys_of_clients_do_not_collide() {
        let ids = ids("key");
        let keys = [("ann", "1"), ("ann", "2"), ("ben", "1"), ("an", "n1")];
        let keys = keys.map(|(owner, key)| ids.idempotency_key(owner, key));
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
        // The prover service accepts 1 to 128 visible characters.
        assert!(keys.iter().all(|key| key.len() == 64));
    }

    #[test]
    fn a_job_that_succeeded_has_a_proof_and_no_other_one_has() {
        let job = |state: &str, proof: Option<&str>| {
            let answer = proof.map(|proof| {
                let zero = format!("0x{}", "00".repeat(32));
                json!({
                    "proof": {"proof": proof, "metadata": {"circuit_id": "c", "model_hash": "h"}},
                    "public": {"root": zero, "nullifier": zero, "scope": zero, "claim": zero, "context": zero},
                })
            });
            let document: Value =
                json!({"state": state, "created_at": 1_999, "ended_at": 2_000, "answer": answer});
            let document: JobDocument = serde_json::from_value(document).unwrap();
            Job::try_from(document)
        };
        let proof = format!("0x{}", "0a".repeat(256));
        let succeeded = job("succeeded", Some(&proof)).unwrap();
        assert_eq!((succeeded.created_at, succeeded.ended_at), (1, Some(2)));
        assert!(succeeded.state.is_last() && succeeded.proof.is_some());
        let queued = job("queued", None).unwrap();
        assert!(!queued.state.is_last());
        for (state, proof) in [
            ("succeeded", None),
            ("succeeded", Some("0x0a")),
            ("queued", Some(proof.as_str())),
        ] {
            assert!(job(state, proof).is_err(), "{state}");
        }
    }
}

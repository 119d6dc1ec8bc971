//! Proofs in responses, with their public inputs.

use std::time::{Duration, Instant};

use bauta_circuits::Evaluation;
use bauta_primitives::{Claim, Context, Nullifier, PublicInputs, Root, Scope, sha256};
use bauta_service_common::Admission;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    VERSION,
    circuits::Circuit,
    prover::{ProveError, Prover, Requester, TimedProof},
    request::Task,
    time,
};

/// The five values that a proof shows. This type only describes the JSON form of [`PublicInputs`].
#[derive(Serialize, ToSchema)]
#[schema(as = PublicInputs)]
pub struct PublicInputsDocument {
    /// The registry's root.
    #[schema(value_type = String)]
    root: Root,
    /// The same for every proof of this secret and entry in this scope.
    #[schema(value_type = String)]
    nullifier: Nullifier,
    /// The domain of the nullifier.
    #[schema(value_type = String)]
    scope: Scope,
    /// The public value that the proof shows.
    #[schema(value_type = String)]
    claim: Claim,
    /// The hash of recipient, relayer, expiry and payload.
    #[schema(value_type = String)]
    context: Context,
}

/// The response of `/prove`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ProveAnswer {
    /// Always true. An error has another form.
    pub success: bool,
    /// The proof.
    pub proof: ProofDocument,
    /// The public inputs of the proof.
    #[schema(value_type = PublicInputsDocument)]
    pub public: PublicInputs,
    /// Milliseconds from the request to the proof, including the time in the queue.
    pub generation_time_ms: f64,
}

/// The response of `/prove` to a request in the contract form.
#[derive(Serialize, ToSchema)]
pub struct ContractAnswer {
    /// Always true. An error has another form.
    success: bool,
    /// `0x` and the bytes of the proof in hexadecimal.
    proof: String,
    /// The proof with its metadata, as in the response to other requests.
    document: ProofDocument,
    /// The public inputs of the proof.
    #[schema(value_type = PublicInputsDocument)]
    public: PublicInputs,
    /// Milliseconds from the request to the proof, including the time in the queue.
    generation_time_ms: f64,
}

impl From<ProveAnswer> for ContractAnswer {
    fn from(answer: ProveAnswer) -> Self {
        Self {
            success: answer.success,
            proof: answer.proof.proof.clone(),
            document: answer.proof,
            public: answer.public,
            generation_time_ms: answer.generation_time_ms,
        }
    }
}

/// A proof with its metadata.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ProofDocument {
    /// `0x` and the encoding that the program accepts: -A (64 bytes), B (128), C (64).
    pub proof: String,
    /// SHA-256 of these bytes. It doesn't identify the statement: anyone can convert a proof into
    /// another valid proof of the same digest.
    pub proof_hash: String,
    /// Metadata of the proof.
    pub metadata: Metadata,
    /// The request's tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Time of the proof in Unix milliseconds.
    pub timestamp: u64,
}

/// Metadata of a proof.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Metadata {
    /// The circuit's id in `/circuits`.
    pub circuit_id: String,
    /// SHA-256 of the circuit's verifying key.
    pub model_hash: String,
    /// The digest: the Poseidon hash of root, nullifier, scope, claim and context. It is the only
    /// public input of the circuit.
    pub input_hash: String,
    /// SHA-256 of `output`.
    pub output_hash: String,
    /// Root, nullifier, scope, claim and context, 160 bytes. Send it to `/verify` as
    /// `expected_output`.
    pub output: String,
    /// Size of the proof in bytes.
    pub proof_size: usize,
    /// Milliseconds of proving, without the time in the queue.
    pub generation_time: f64,
    /// Version of this service.
    pub prover_version: String,
}

impl ProveAnswer {
    /// Proves a task and creates the response. Calls `on_start` when the proof starts.
    pub async fn prove(
        prover: &Prover,
        requester: Requester<'_>,
        admission: Admission,
        task: Task,
        on_start: impl FnOnce(),
    ) -> Result<Self, ProveError> {
        let started = Instant::now();
        let (circuit, evaluation, tag) = (task.circuit.clone(), task.evaluation, task.tag.clone());
        let proof = prover.prove(requester, admission, task, on_start).await?;
        Ok(Self::new(&circuit, &evaluation, &proof, tag, started.elapsed()))
    }

    fn new(
        circuit: &Circuit,
        evaluation: &Evaluation,
        TimedProof { proof, duration, .. }: &TimedProof,
        tag: Option<String>,
        elapsed: Duration,
    ) -> Self {
        let public = evaluation.public;
        let (bytes, output) = (proof.to_bytes(), public.to_bytes());
        Self {
            success: true,
            proof: ProofDocument {
                proof: prefixed(&bytes),
                proof_hash: prefixed(&sha256(&bytes)),
                metadata: Metadata {
                    circuit_id: circuit.description.id.clone(),
                    model_hash: circuit.description.verifying_key_hash.clone(),
                    input_hash: evaluation.digest.to_string(),
                    output_hash: prefixed(&sha256(&output)),
                    output: prefixed(&output),
                    proof_size: bytes.len(),
                    generation_time: time::fraction_of_milliseconds(*duration),
                    prover_version: VERSION.to_owned(),
                },
                tag,
                timestamp: time::milliseconds(time::now()),
            },
            public,
            generation_time_ms: time::fraction_of_milliseconds(elapsed),
        }
    }
}

/// Returns `0x` and the bytes in hexadecimal.
pub fn prefixed(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

//! A proof as clients get it, and what it shows.

use std::time::{Duration, Instant};

use bauta_circuits::Evaluation;
use bauta_primitives::{Claim, Context, Digest, Nullifier, PublicInputs, Root, Scope, sha256};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    VERSION,
    circuits::Circuit,
    line::Admission,
    prover::{Made, ProveError, Prover},
    request::Task,
    time,
};

/// What a proof shows: the five parts of its one public input, the digest.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// The registry's root.
    #[schema(value_type = String)]
    pub root: Root,
    /// The same for every proof of this secret and entry in this scope.
    #[schema(value_type = String)]
    pub nullifier: Nullifier,
    /// The nullifier's domain.
    #[schema(value_type = String)]
    pub scope: Scope,
    /// What the proof claims.
    #[schema(value_type = String)]
    pub claim: Claim,
    /// Recipient, relayer, expiry and payload.
    #[schema(value_type = String)]
    pub context: Context,
}

impl Shown {
    /// Of an evaluation.
    pub fn of(evaluation: &Evaluation) -> Self {
        let PublicInputs {
            root,
            nullifier,
            scope,
            claim,
            context,
        } = evaluation.public;
        Self {
            root,
            nullifier,
            scope,
            claim,
            context,
        }
    }

    /// The public input.
    pub fn digest(&self) -> Digest {
        let Self {
            root,
            nullifier,
            scope,
            claim,
            context,
        } = *self;
        PublicInputs {
            root,
            nullifier,
            scope,
            claim,
            context,
        }
        .digest()
    }

    /// The five parts one after the other, 160 bytes.
    pub fn to_bytes(self) -> Vec<u8> {
        [
            self.root.to_bytes(),
            self.nullifier.to_bytes(),
            self.scope.to_bytes(),
            self.claim.to_bytes(),
            self.context.to_bytes(),
        ]
        .concat()
    }

    /// Reads [`to_bytes`](Self::to_bytes).
    pub fn from_bytes(bytes: &[u8; 160]) -> Result<Self, bauta_primitives::PrimitivesError> {
        let part = |index: usize| -> [u8; 32] {
            bytes[32 * index..32 * (index + 1)]
                .try_into()
                .expect("32 of 160 bytes")
        };
        Ok(Self {
            root: Root::from_bytes(part(0))?,
            nullifier: Nullifier::from_bytes(part(1))?,
            scope: Scope::from_bytes(part(2))?,
            claim: Claim::from_bytes(part(3))?,
            context: Context::from_bytes(part(4))?,
        })
    }
}

/// The answer of `/prove`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ProveAnswer {
    /// True: an error has another form.
    pub success: bool,
    /// The proof.
    pub proof: ProofDocument,
    /// What it shows.
    pub public: Shown,
    /// Milliseconds from the request to the proof.
    pub generation_time_ms: f64,
}

/// The answer of `/prove` to a request of the contract's form.
#[derive(Serialize, ToSchema)]
pub struct ContractAnswer {
    /// True: an error has another form.
    success: bool,
    /// `0x` and the proof's bytes in hexadecimal.
    proof: String,
    /// The proof as others get it.
    document: ProofDocument,
    /// What it shows.
    public: Shown,
    /// Milliseconds from the request to the proof.
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

/// A proof.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ProofDocument {
    /// `0x` and the program's form: -A (64 bytes), B (128), C (64).
    pub proof: String,
    /// SHA-256 of these bytes. Anybody can change a proof into another one of the same digest: it identifies nothing.
    pub proof_hash: String,
    /// About the proof.
    pub metadata: Metadata,
    /// The request's tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// When it was made, Unix milliseconds.
    pub timestamp: u64,
}

/// About a proof.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Metadata {
    /// The circuit's id in `/circuits`.
    pub circuit_id: String,
    /// SHA-256 of the circuit's verifying key.
    pub model_hash: String,
    /// The digest: Poseidon of the five parts, the proof's one public input.
    pub input_hash: String,
    /// SHA-256 of `output`.
    pub output_hash: String,
    /// Root, nullifier, scope, claim and context, 160 bytes: `expected_output` of `/verify`.
    pub output: String,
    /// Bytes of the proof.
    pub proof_size: usize,
    /// Milliseconds that proving took, without waiting.
    pub generation_time: f64,
    /// Version of this service.
    pub prover_version: String,
}

impl ProveAnswer {
    /// Proves a task when its turn comes, which `begun` is told.
    pub async fn make(
        prover: &Prover,
        owner: &str,
        admission: Admission,
        task: Task,
        begun: impl FnOnce(),
    ) -> Result<Self, ProveError> {
        let started = Instant::now();
        let (circuit, evaluation, tag) = (task.circuit.clone(), task.evaluation, task.tag.clone());
        let made = prover.prove(owner, admission, task, begun).await?;
        Ok(Self::new(&circuit, &evaluation, &made, tag, started.elapsed()))
    }

    fn new(
        circuit: &Circuit,
        evaluation: &Evaluation,
        made: &Made,
        tag: Option<String>,
        elapsed: Duration,
    ) -> Self {
        let public = Shown::of(evaluation);
        let (bytes, output) = (made.proof.to_bytes(), public.to_bytes());
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
                    generation_time: time::fraction_of_milliseconds(made.proving),
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

/// `0x` and hexadecimal digits.
pub fn prefixed(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

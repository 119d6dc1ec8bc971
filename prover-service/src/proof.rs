//! Proofs in responses, with their public inputs.

use std::time::{Duration, Instant};

use bauta_circuits::Evaluation;
use bauta_primitives::sha256;
use bauta_service_common::Admission;
use bauta_wire::prover::{ContractAnswer, Metadata, ProofDocument, ProveAnswer};

use crate::{
    VERSION,
    circuits::Circuit,
    prover::{ProveError, Prover, Requester, TimedProof},
    request::Task,
    time,
};

/// Returns the answer to a request in the contract form.
pub fn contract_answer(answer: ProveAnswer) -> ContractAnswer {
    ContractAnswer {
        success: answer.success,
        proof: answer.proof.proof.clone(),
        document: answer.proof,
        public: answer.public,
        generation_time_ms: answer.generation_time_ms,
    }
}

/// Proves a task and creates the response. Calls `on_start` when the proof starts.
pub async fn prove(
    prover: &Prover,
    requester: Requester<'_>,
    admission: Admission,
    task: Task,
    on_start: impl FnOnce(),
) -> Result<ProveAnswer, ProveError> {
    let started = Instant::now();
    let (circuit, evaluation, tag) = (task.circuit.clone(), task.evaluation, task.tag.clone());
    let proof = prover.prove(requester, admission, task, on_start).await?;
    Ok(document(&circuit, &evaluation, &proof, tag, started.elapsed()))
}

fn document(
    circuit: &Circuit,
    evaluation: &Evaluation,
    TimedProof { proof, duration, .. }: &TimedProof,
    tag: Option<String>,
    elapsed: Duration,
) -> ProveAnswer {
    let public = evaluation.public;
    let (bytes, output) = (proof.to_bytes(), public.to_bytes());
    ProveAnswer {
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

/// Returns `0x` and the bytes in hexadecimal.
pub fn prefixed(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

//! Proofs, and what clients need for them.

use bauta_wire::prover::{
    Accepted, CircuitList, Health, ProveBody, ProveResponse, SealingKeyAnswer, VerifyAnswer, VerifyRequest,
};
use reqwest::StatusCode;

use super::ProverService;
use crate::{HttpError, transport::Request};

/// The response to a request for a proof.
#[derive(Clone, Debug)]
pub enum Proved {
    /// The proof.
    Proof(Box<ProveResponse>),
    /// The request became a job.
    Job(Accepted),
}

impl ProverService {
    /// Returns the state of the process.
    pub async fn health(&self) -> Result<Health, HttpError> {
        self.0.document(&Request::get("health")).await
    }

    /// Returns the circuits that the service has keys for.
    pub async fn circuits(&self) -> Result<CircuitList, HttpError> {
        self.0.document(&Request::get("circuits")).await
    }

    /// Returns the key that private inputs are sealed to.
    pub async fn sealing_key(&self) -> Result<SealingKeyAnswer, HttpError> {
        self.0.document(&Request::get("sealing-key")).await
    }

    /// Verifies a proof. An invalid proof is not an error.
    pub async fn verify(&self, body: &VerifyRequest) -> Result<VerifyAnswer, HttpError> {
        self.0.document(&Request::post("verify", body)?).await
    }

    /// Makes a proof. Without an idempotency key, the request is not repeated after a broken
    /// connection.
    pub async fn prove(&self, body: &ProveBody, idempotency_key: Option<&str>) -> Result<Proved, HttpError> {
        let request = Request::post("prove", body)?.keyed().idempotent(idempotency_key);
        let response = self.0.send(&request).await?;
        Ok(match response.status {
            StatusCode::ACCEPTED => Proved::Job(response.document()?),
            _ => Proved::Proof(response.document()?),
        })
    }
}

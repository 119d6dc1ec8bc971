//! Verified and delegated proofs.

use bauta_wire::api::{
    AcceptedJobDocument, GenerateBody, GeneratedDocument, ProofJobDocument, SealingKeyDocument,
    VerdictDocument, VerifyBody,
};
use reqwest::StatusCode;

use super::{Api, check_id};
use crate::{HttpError, transport::Request};

/// The response to a request for a proof.
#[derive(Clone, Debug)]
pub enum Generated {
    /// The proof.
    Proof(Box<GeneratedDocument>),
    /// The request became a job.
    Job(AcceptedJobDocument),
}

impl Api {
    /// Verifies a proof. An invalid proof is not an error.
    pub async fn verify(&self, body: &VerifyBody) -> Result<VerdictDocument, HttpError> {
        let request = Request::post("v1/zkp/verify", body)?.switched();
        self.0.document(&request).await
    }

    /// Returns the key that private inputs are sealed to. A client that does not trust the API
    /// reads it from the prover service.
    pub async fn sealing_key(&self) -> Result<SealingKeyDocument, HttpError> {
        self.0.document(&Request::get("v1/zkp/sealing-key")).await
    }

    /// Lets the prover service make a proof. Needs a key with the permission `prove`. Without an
    /// idempotency key, the request is not repeated after a broken connection.
    pub async fn generate(
        &self,
        body: &GenerateBody,
        idempotency_key: Option<&str>,
    ) -> Result<Generated, HttpError> {
        let request = Request::post("v1/zkp/generate", body)?
            .switched()
            .keyed()
            .idempotent(idempotency_key);
        let response = self.0.send(&request).await?;
        Ok(match response.status {
            StatusCode::ACCEPTED => Generated::Job(response.document()?),
            _ => Generated::Proof(response.document()?),
        })
    }

    /// Returns a job. Needs the key of the request, or one that replaced it.
    pub async fn proof_job(&self, job: &str) -> Result<ProofJobDocument, HttpError> {
        check_id("job", job)?;
        let request = Request::get(format!("v1/zkp/jobs/{job}")).keyed();
        self.0.document(&request).await
    }
}

//! The client of the prover service, which makes proofs for members who delegate proving.
//!
//! The private inputs are sealed to the prover service, so this service passes on what it can't
//! read.
//!
//! ```text
//!   request --> proof, if it is ready within PROOF_WAIT_MS
//!           \-> otherwise, or if the client requests it: a job of the prover service --> its id
//! ```

mod error;
mod error_response;
mod http;
mod jobs;
mod profile;

use std::time::{Duration, Instant};

use bauta_primitives::{Claim, Context, PublicInputs, Scope};
use bauta_service_common::Streams;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use solana_address::Address;
use tokio::sync::{Mutex, Semaphore};

pub use self::{
    error::{JobFailure, ProverError, RefusalKind},
    jobs::{Job, JobId, JobState},
    profile::{Case as ProfileCase, Measurement, Profile},
};
use self::{
    http::{Call, Http},
    jobs::{JobDocument, JobIds},
};
use crate::{metrics, settings::ProverSettings};

/// Longest time of a request that needs no proof.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest time of a request for the sealing key.
const SEALING_KEY_TIMEOUT: Duration = Duration::from_secs(5);
/// The time for which the sealing key, or the failure to read it, is kept. The prover service
/// accepts a key for longer after it was replaced.
const SEALING_KEY_AGE: Duration = Duration::from_secs(1);
/// Largest number of proofs in progress, and of other requests.
const MAX_REQUESTS: usize = 256;
/// Largest number of proofs in progress of one API key.
const MAX_PROOFS_OF_KEY: usize = 64;

/// The setting of the prover service can't be used.
#[derive(Debug, thiserror::Error)]
#[error("the prover service (PROVER_URL): {0}")]
pub struct InvalidProverUrl(String);

/// What a proof is made for. The private inputs are bound to scope, claim and context.
pub struct ProofRequest {
    pub registry: Address,
    /// The index of the member's leaf.
    pub index: u64,
    /// The domain of the nullifier.
    pub scope: Scope,
    pub claim: Claim,
    /// The hash of recipient, relayer, expiry and payload.
    pub context: Context,
    /// The sealed private inputs, as the client sent them.
    pub sealed: Value,
}

impl ProofRequest {
    fn body(&self) -> Value {
        json!({
            "statement": "ownership",
            "public": {"scope": self.scope, "claim": self.claim, "context": self.context},
            "registry": {"address": self.registry.to_string(), "index": self.index},
            "sealed": self.sealed,
        })
    }
}

/// When a request for a proof becomes a job.
#[derive(Clone, Copy)]
pub enum Wait {
    /// At once.
    None,
    /// If the proof takes long.
    Short,
    /// Never.
    Full,
}

/// The outcome of a request for a proof.
pub enum Outcome {
    Proof(Box<GeneratedProof>),
    /// The job that makes the proof.
    Job(JobId),
}

/// A proof.
#[derive(Deserialize)]
pub struct GeneratedProof {
    proof: ProofDocument,
    /// The public inputs.
    pub public: PublicInputs,
}

#[derive(Deserialize)]
struct ProofDocument {
    proof: String,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    circuit_id: String,
    model_hash: String,
}

impl GeneratedProof {
    /// Returns `0x` and the 256 bytes of the proof in hexadecimal.
    pub fn proof(&self) -> &str {
        &self.proof.proof
    }

    /// Returns the id of the circuit.
    pub fn circuit_id(&self) -> &str {
        &self.proof.metadata.circuit_id
    }

    /// Returns the SHA-256 of the verifying key.
    pub fn vk_hash(&self) -> &str {
        &self.proof.metadata.model_hash
    }

    /// Returns whether the proof has the form of one.
    fn is_proof(&self) -> bool {
        self.proof().strip_prefix("0x").is_some_and(|digits| {
            digits.len() == 2 * 256 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        })
    }

    fn has_values_of(&self, request: &ProofRequest) -> bool {
        let public = &self.public;
        (public.scope, public.claim, public.context) == (request.scope, request.claim, request.context)
    }
}

/// The key that clients seal private inputs to.
#[derive(Clone, Deserialize)]
pub struct SealingKey {
    /// The id of the key.
    pub key_id: String,
    pub public_key: String,
    /// The key encapsulation mechanism.
    pub kem: String,
    /// The key derivation function.
    pub kdf: String,
    /// The encryption.
    pub aead: String,
    /// The parameter `info` of HPKE.
    pub info: String,
    /// The time in Unix seconds until which the prover service accepts the key at least.
    pub valid_until: Option<i64>,
}

/// A job that the prover service has accepted.
#[derive(Deserialize)]
struct AcceptedJob {
    job_id: String,
}

/// A client of the prover service.
pub struct ProverService {
    http: Option<Http>,
    job_ids: JobIds,
    /// A proof that takes longer becomes a job.
    max_wait: Duration,
    /// The longest time of a request for a proof.
    proof_timeout: Duration,
    proofs: Streams,
    /// Requests without a proof have their own limit, so that slow proofs leave room for them.
    calls: Semaphore,
    /// The sealing key, and when it was read. `None` if that failed. One request reads at a time
    /// and holds this lock, because clients without an API key can request the key.
    sealing_key: Mutex<Option<(Instant, Option<SealingKey>)>>,
}

impl ProverService {
    /// Uses the prover service of the settings, if there is one. Doesn't connect. A request of a
    /// client takes at most `request_timeout`.
    pub fn new(settings: &ProverSettings, request_timeout: Duration) -> Result<Self, InvalidProverUrl> {
        let http = settings.url.as_ref();
        let http = http.map(|url| Http::new(url, settings.api_key.clone()));
        Ok(Self {
            http: http.transpose()?,
            job_ids: JobIds::new(settings.api_key.as_ref()),
            // The other half is for the request that makes the job.
            max_wait: Duration::from_millis(settings.proof_wait_ms).min(request_timeout / 2),
            proof_timeout: Duration::from_millis(settings.timeout_ms),
            proofs: Streams::new(MAX_PROOFS_OF_KEY, MAX_REQUESTS),
            calls: Semaphore::new(MAX_REQUESTS),
            sealing_key: Mutex::default(),
        })
    }

    /// Requests a proof of ownership for the owner of an API key. A repeated request of the owner
    /// with the same idempotency key gets the same job.
    pub async fn generate(
        &self,
        request: &ProofRequest,
        wait: Wait,
        owner: &str,
        idempotency_key: Option<&str>,
    ) -> Result<Outcome, ProverError> {
        let outcome = self.proof_or_job(request, wait, owner, idempotency_key).await;
        metrics::record_proof(match &outcome {
            Ok(Outcome::Proof(_)) => "proof",
            Ok(Outcome::Job(_)) => "job",
            Err(_) => "error",
        });
        outcome
    }

    async fn proof_or_job(
        &self,
        request: &ProofRequest,
        wait: Wait,
        owner: &str,
        idempotency_key: Option<&str>,
    ) -> Result<Outcome, ProverError> {
        let proof = match wait {
            Wait::None => None,
            Wait::Full => Some(self.prove(request, owner).await?),
            Wait::Short => match tokio::time::timeout(self.max_wait, self.prove(request, owner)).await {
                Ok(Err(error)) if error.is_no_room() => None,
                Ok(proof) => Some(proof?),
                // The prover service takes the request out of its queue.
                Err(_) => None,
            },
        };
        match proof {
            Some(proof) => Ok(Outcome::Proof(Box::new(proof))),
            None => Ok(Outcome::Job(self.enqueue(request, owner, idempotency_key).await?)),
        }
    }

    async fn prove(&self, request: &ProofRequest, owner: &str) -> Result<GeneratedProof, ProverError> {
        let _guard = self.proofs.open(owner).map_err(|_| ProverError::Busy)?;
        let body = request.body();
        let call = Call {
            path: "v1/prove",
            body: Some(&body),
            idempotency_key: None,
            timeout: self.proof_timeout,
        };
        let made: GeneratedProof = self.http()?.send(&call).await?;
        if made.is_proof() && made.has_values_of(request) {
            Ok(made)
        } else {
            let reason = "the response does not have the values of the request";
            Err(ProverError::Unavailable(reason.to_owned()))
        }
    }

    async fn enqueue(
        &self,
        request: &ProofRequest,
        owner: &str,
        idempotency_key: Option<&str>,
    ) -> Result<JobId, ProverError> {
        let mut body = request.body();
        body["wait"] = false.into();
        let key = idempotency_key.map(|key| self.job_ids.idempotency_key(owner, key));
        let call = Call {
            path: "v1/prove",
            body: Some(&body),
            idempotency_key: key.as_deref(),
            timeout: CALL_TIMEOUT,
        };
        let accepted: AcceptedJob = self.call(&call).await?;
        let id = self.job_ids.issue(&accepted.job_id, owner);
        id.ok_or_else(|| ProverError::Unavailable("the id of a job is not a UUID".to_owned()))
    }

    /// Reads a job of the owner of an API key.
    pub async fn job(&self, id: JobId, owner: &str) -> Result<Job, ProverError> {
        self.http()?;
        let id = self.job_ids.open(id, owner).ok_or(ProverError::UnknownJob)?;
        let call = Call {
            path: &format!("v1/jobs/{id}"),
            body: None,
            idempotency_key: None,
            timeout: CALL_TIMEOUT,
        };
        self.call::<JobDocument>(&call).await?.try_into()
    }

    /// Returns the key that clients seal private inputs to. It is at most a second old.
    pub async fn sealing_key(&self) -> Result<SealingKey, ProverError> {
        let http = self.http()?;
        let mut kept = self.sealing_key.lock().await;
        if let Some((at, key)) = &*kept
            && at.elapsed() < SEALING_KEY_AGE
        {
            let failed = || ProverError::Unavailable("the sealing key could not be read before".to_owned());
            return key.clone().ok_or_else(failed);
        }
        let call = Call {
            path: "v1/sealing-key",
            body: None,
            idempotency_key: None,
            timeout: SEALING_KEY_TIMEOUT,
        };
        let read: Result<SealingKey, ProverError> = http.send(&call).await;
        *kept = Some((Instant::now(), read.as_ref().ok().cloned()));
        read
    }

    /// Sends a request that needs no proof.
    async fn call<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, ProverError> {
        let http = self.http()?;
        let _permit = self.calls.try_acquire().map_err(|_| ProverError::Busy)?;
        http.send(call).await
    }

    fn http(&self) -> Result<&Http, ProverError> {
        self.http.as_ref().ok_or(ProverError::NoProver)
    }
}

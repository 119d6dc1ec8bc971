//! The client of the prover service, which makes proofs for members who delegate proving.
//!
//! The private inputs are sealed to the prover service, so this service passes on what it can't
//! read.

use std::time::Duration;

use bauta_primitives::{Claim, Context, PublicInputs, Scope};
use bauta_service_common::{InvalidField, InvalidFields, Secret};
use reqwest::{Client, Response, StatusCode, Url, header, redirect::Policy};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use solana_address::Address;
use tokio::sync::Semaphore;

use crate::settings::ProverSettings;

/// Longer than the prover service takes for a proof, with its time in the queue
/// (`PROOF_TIMEOUT_MS`).
const TIMEOUT: Duration = Duration::from_secs(45);
/// Largest response in bytes. A proof with its metadata takes about 3 KiB.
const MAX_RESPONSE_BYTES: usize = 64 << 10;
/// Largest number of requests at a time, so that slow proofs leave room for other requests.
const MAX_REQUESTS: usize = 256;
/// The codes of errors that the client's request causes, or that end by themselves. Every other
/// error is one of this service or its operator.
const PASSED_ON: [&str; 10] = [
    "database_away",
    "out_of_memory",
    "overloaded",
    "proof_timeout",
    "queue_full",
    "rate_limited",
    "statement_not_built",
    "timeout",
    "unknown_circuit",
    "unknown_sealing_key",
];

/// Why the prover service gave no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProverError {
    /// The service is configured without a prover service.
    #[error("this service has no prover service (PROVER_URL)")]
    NoProver,
    /// Too many requests are in progress.
    #[error("{MAX_REQUESTS} proofs are in progress; retry later")]
    Busy,
    /// The prover service can't be reached, or its response can't be used.
    #[error("the prover service: {0}")]
    Unavailable(String),
    /// Fields of the client's request break their rules.
    #[error(transparent)]
    Invalid(InvalidFields),
    /// The prover service refused the request.
    #[error("{}", .0.detail)]
    Refused(Refusal),
}

/// An error response of the prover service.
#[derive(Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The stable error code.
    pub code: &'static str,
    /// The description.
    pub detail: String,
    /// The time after which a repeated request may succeed.
    pub retry_after: Option<Duration>,
}

/// An error response, as far as it is read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorDocument {
    code: String,
    detail: String,
    errors: Vec<ErrorField>,
}

#[derive(Deserialize)]
struct ErrorField {
    field: String,
    rule: String,
}

/// The setting of the prover service can't be used.
#[derive(Debug, thiserror::Error)]
#[error("the prover service (PROVER_URL): {0}")]
pub struct InvalidProverUrl(String);

/// What a proof is made for. The private inputs are bound to scope, claim and context.
pub struct ProofRequest {
    /// The registry.
    pub registry: Address,
    /// The index of the member's leaf.
    pub index: u64,
    /// The domain of the nullifier.
    pub scope: Scope,
    /// The claim.
    pub claim: Claim,
    /// The hash of recipient, relayer, expiry and payload.
    pub context: Context,
    /// The sealed private inputs, as the client sent them.
    pub sealed: Value,
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
}

/// The key that clients seal private inputs to.
#[derive(Deserialize)]
pub struct SealingKey {
    /// The id of the key.
    pub key_id: String,
    /// The public key.
    pub public_key: String,
    /// The key encapsulation mechanism.
    pub kem: String,
    /// The key derivation function.
    pub kdf: String,
    /// The encryption.
    pub aead: String,
    /// The parameter `info` of HPKE.
    pub info: String,
}

/// A client of the prover service.
pub struct ProverService {
    http: Option<Http>,
    requests: Semaphore,
}

struct Http {
    client: Client,
    url: Url,
    key: Option<Secret>,
}

impl ProverService {
    /// Uses the prover service of the settings, if there is one. Doesn't connect.
    pub fn new(settings: &ProverSettings) -> Result<Self, InvalidProverUrl> {
        let http = settings.url.as_ref().map(|url| {
            let mut url: Url = url
                .expose()
                .trim()
                .parse()
                .map_err(|_| InvalidProverUrl("must be a URL such as http://prover:3001".to_owned()))?;
            if !["http", "https"].contains(&url.scheme()) {
                return Err(InvalidProverUrl("must begin with http:// or https://".to_owned()));
            }
            // Paths are joined below the last `/`.
            if !url.path().ends_with('/') {
                url.set_path(&format!("{}/", url.path()));
            }
            // The API key must not reach another server.
            let client = Client::builder()
                .timeout(TIMEOUT)
                .redirect(Policy::none())
                .no_proxy()
                .build()
                .map_err(|error| InvalidProverUrl(error.without_url().to_string()))?;
            let key = settings.api_key.clone();
            Ok(Http { client, url, key })
        });
        Ok(Self {
            http: http.transpose()?,
            requests: Semaphore::new(MAX_REQUESTS),
        })
    }

    /// Requests a proof of ownership.
    pub async fn prove(&self, request: &ProofRequest) -> Result<GeneratedProof, ProverError> {
        let body = json!({
            "statement": "ownership",
            "public": {"scope": request.scope, "claim": request.claim, "context": request.context},
            "registry": {"address": request.registry.to_string(), "index": request.index},
            "sealed": request.sealed,
        });
        let made: GeneratedProof = self.send("v1/prove", Some(&body)).await?;
        let public = &made.public;
        let is_requested =
            (public.scope, public.claim, public.context) == (request.scope, request.claim, request.context);
        let is_proof = made.proof().strip_prefix("0x").is_some_and(|digits| {
            digits.len() == 2 * 256 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        });
        if is_requested && is_proof {
            Ok(made)
        } else {
            let reason = "the response has other values than the request";
            Err(ProverError::Unavailable(reason.to_owned()))
        }
    }

    /// Reads the key that clients seal private inputs to.
    pub async fn sealing_key(&self) -> Result<SealingKey, ProverError> {
        self.send("v1/sealing-key", None).await
    }

    async fn send<T: DeserializeOwned>(&self, path: &str, body: Option<&Value>) -> Result<T, ProverError> {
        let Http { client, url, key } = self.http.as_ref().ok_or(ProverError::NoProver)?;
        let _permit = self.requests.try_acquire().map_err(|_| ProverError::Busy)?;
        let unavailable = |error: reqwest::Error| ProverError::Unavailable(error.without_url().to_string());
        let url = url
            .join(path)
            .map_err(|error| ProverError::Unavailable(error.to_string()))?;
        let mut request = match body {
            None => client.get(url),
            Some(body) => client
                .post(url)
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.to_string()),
        };
        if let Some(key) = key {
            request = request.bearer_auth(key.expose().trim());
        }
        let response = request.send().await.map_err(unavailable)?;
        let (status, retry_after) = (response.status(), retry_after(&response));
        let body = read(response).await?;
        if status == StatusCode::OK {
            let unreadable = |error: serde_json::Error| ProverError::Unavailable(error.to_string());
            return serde_json::from_slice(&body).map_err(unreadable);
        }
        Err(refusal(status, retry_after, &body))
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?;
    value.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

async fn read(mut response: Response) -> Result<Vec<u8>, ProverError> {
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await;
        let chunk = chunk.map_err(|error| ProverError::Unavailable(error.without_url().to_string()))?;
        let Some(chunk) = chunk else { return Ok(body) };
        if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
            let reason = format!("the response is larger than {MAX_RESPONSE_BYTES} bytes");
            return Err(ProverError::Unavailable(reason));
        }
        body.extend_from_slice(&chunk);
    }
}

/// Returns the error of a response that isn't a success.
fn refusal(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> ProverError {
    let document: ErrorDocument = serde_json::from_slice(body).unwrap_or_default();
    let ErrorDocument { code, detail, errors } = document;
    if code == InvalidField::CODE
        && let Some(fields) = InvalidFields::of(errors.into_iter().map(field_of_client))
    {
        return ProverError::Invalid(fields);
    }
    match PASSED_ON.into_iter().find(|known| *known == code) {
        Some(code) => ProverError::Refused(Refusal {
            status: status.as_u16(),
            code,
            detail,
            retry_after,
        }),
        None => ProverError::Unavailable(format!("status {status}, code {code:?}")),
    }
}

/// Returns the error of a field with the name that the field has in the client's request.
fn field_of_client(ErrorField { field, rule }: ErrorField) -> InvalidField {
    const NAMES: [(&str, &str); 4] = [
        ("registry.address", "registry"),
        ("registry.index", "pid"),
        ("public.", ""),
        ("sealed", "private"),
    ];
    let field = InvalidField::new(field, rule);
    NAMES
        .iter()
        .fold(field, |field, (from, to)| field.renamed(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_the_client_causes_is_passed_on_and_every_other_one_is_not() {
        let body = json!({
            "status": 400, "code": "invalid_input", "detail": "x: y", "request_id": "of the prover service",
            "errors": [
                {"field": "sealed.ciphertext", "rule": "a"},
                {"field": "registry.index", "rule": "b"},
                {"field": "public.scope", "rule": "c"},
            ],
        });
        let invalid = refusal(StatusCode::BAD_REQUEST, None, body.to_string().as_bytes());
        assert_eq!(invalid.to_string(), "private.ciphertext: a; pid: b; scope: c");
        let body = json!({"code": "queue_full", "detail": "the queue is full"}).to_string();
        let full = refusal(
            StatusCode::TOO_MANY_REQUESTS,
            Some(Duration::from_secs(5)),
            body.as_bytes(),
        );
        let ProverError::Refused(full) = full else {
            panic!("{full}");
        };
        assert_eq!(
            (full.status, full.code, full.retry_after),
            (429, "queue_full", Some(Duration::from_secs(5)))
        );
        for (status, body) in [
            (
                401,
                r#"{"code": "unknown_api_key", "detail": "this service doesn't know the API key"}"#,
            ),
            (403, r#"{"code": "missing_permission"}"#),
            (500, r#"{"code": "internal"}"#),
            (400, r#"{"code": "invalid_input", "errors": []}"#),
            (502, "<html>"),
            (302, ""),
            (400, r#"["code"]"#),
        ] {
            let refused = refusal(StatusCode::from_u16(status).unwrap(), None, body.as_bytes());
            assert!(matches!(refused, ProverError::Unavailable(_)), "{status} {body}");
        }
    }
}

use std::{sync::Arc, time::Instant};

use axum::extract::State as Extract;
use bauta_circuits::{PreparedVerifyingKey, Proof};
use bauta_primitives::Digest;
use bauta_service_common::{Json, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{State, openapi::ProblemDocument};
use crate::{cache::Verdict, metrics, proof::Shown, time};

/// A proof to verify. The circuit is named by `circuitId` or `model_hash`; what the proof is to show by one or more of `public`,
/// `expected_output` and `input_hash`, which must agree.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyRequest {
    /// `0x` and 256 bytes, in the program's form.
    proof: String,
    /// An id of `/circuits`, or `membership-v1`.
    #[serde(rename = "circuitId")]
    circuit_id: Option<String>,
    /// The verifying key's hash.
    model_hash: Option<String>,
    /// The digest.
    #[schema(value_type = Option<String>)]
    input_hash: Option<Digest>,
    /// The five parts, 160 bytes: `output` of `/prove`.
    expected_output: Option<String>,
    /// The five parts.
    public: Option<Shown>,
}

/// Whether a proof holds.
#[derive(Serialize, ToSchema)]
pub struct VerifyAnswer {
    /// Whether it does.
    valid: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Milliseconds that verifying took.
    verification_time_ms: f64,
}

/// `POST /verify`
#[utoipa::path(
    post,
    path = "/verify",
    tag = "proofs",
    request_body = VerifyRequest,
    responses(
        (status = 200, body = VerifyAnswer),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn verify(
    Extract(state): Extract<State>,
    Json(request): Json<VerifyRequest>,
) -> Result<Json<VerifyAnswer>, Problem> {
    let started = Instant::now();
    let key = find_key(&state, &request).await?;
    let bytes = bytes::<{ Proof::LENGTH }>("proof", &request.proof)?;
    let expected = match &request.expected_output {
        None => None,
        Some(text) => {
            let shown = Shown::from_bytes(&self::bytes::<160>("expected_output", text)?);
            Some(shown.map_err(|error| Problem::invalid("expected_output", error.to_string()))?)
        }
    };
    let shown = [request.public, expected]
        .into_iter()
        .flatten()
        .map(|shown| shown.digest());
    let mut digests = shown.chain(request.input_hash);
    let digest = digests.next().ok_or_else(|| {
        Problem::invalid(
            "public",
            "must be given, or expected_output, or input_hash: a proof holds for what it shows",
        )
    })?;
    let agree = digests.all(|other| other == digest);

    let outcome = if agree {
        verdict(&state, &key, bytes, digest).await?
    } else {
        Err("public, expected_output and input_hash are of different digests".to_owned())
    };
    let elapsed = started.elapsed();
    metrics::verification(&key.circuit_id, elapsed, outcome.is_ok());
    Ok(Json(VerifyAnswer {
        valid: outcome.is_ok(),
        reason: outcome.err(),
        verification_time_ms: time::fraction_of_milliseconds(elapsed),
    }))
}

/// A key to verify with.
struct Named {
    /// The circuit's id, for metrics; keys of other instances have none.
    circuit_id: String,
    hash: [u8; 32],
    key: Arc<PreparedVerifyingKey>,
}

/// The key that a request names: one of this instance, or one that another instance has published.
async fn find_key(state: &State, request: &VerifyRequest) -> Result<Named, Problem> {
    let circuits = &state.0.circuits;
    let hash = request.model_hash.as_deref();
    let hash = hash.map(|hash| bytes("model_hash", hash)).transpose()?;
    let circuit = match (&request.circuit_id, hash) {
        (Some(id), None) => circuits.by_id(id)?,
        (None, Some(hash)) => match circuits.by_key_hash(&hash) {
            Ok(circuit) => circuit,
            Err(unknown) => return foreign_key(state, hash).await.ok_or(unknown),
        },
        (Some(id), Some(hash)) => {
            let circuit = circuits.by_id(id)?;
            if circuit.key.header().verifying_key_hash != hash {
                return Err(Problem::invalid(
                    "model_hash",
                    "must be the one of circuitId's key",
                ));
            }
            circuit
        }
        (None, None) => return Err(Problem::invalid("circuitId", "or model_hash must be given")),
    };
    Ok(Named {
        circuit_id: circuit.description.id.clone(),
        hash: circuit.key.verifying_key().hash(),
        key: circuit.prepared.clone(),
    })
}

async fn foreign_key(state: &State, hash: [u8; 32]) -> Option<Named> {
    let key = state.0.prover.caches().verifying_key(&hash).await?;
    Some(Named {
        circuit_id: "other".to_owned(),
        hash,
        key: Arc::new(key.prepare()),
    })
}

/// Whether a proof shows a digest, as it was found of late or as it is found now.
async fn verdict(
    state: &State,
    named: &Named,
    bytes: [u8; Proof::LENGTH],
    digest: Digest,
) -> Result<Verdict, Problem> {
    let caches = state.0.prover.caches();
    if let Some(verdict) = caches.verdict(&named.hash, &bytes, digest).await {
        return Ok(verdict);
    }
    let key = named.key.clone();
    let verdict = tokio::task::spawn_blocking(move || {
        let proof = Proof::from_bytes(&bytes).map_err(|error| error.to_string())?;
        key.verify(digest, &proof).map_err(|error| error.to_string())
    });
    let verdict = verdict.await.map_err(|error| Problem::internal(&error))?;
    caches.keep_verdict(&named.hash, &bytes, digest, &verdict).await;
    Ok(verdict)
}

fn bytes<const N: usize>(field: &'static str, text: &str) -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    let digits = text.strip_prefix("0x").unwrap_or(text);
    match hex::decode_to_slice(digits, &mut bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => Err(Problem::invalid(
            field,
            format!("must be 0x and exactly {} hexadecimal digits", 2 * N),
        )),
    }
}

use std::time::Instant;

use axum::extract::State as Extract;
use bauta_circuits::Proof;
use bauta_primitives::Digest;
use bauta_service::{Json, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{State, openapi::ProblemDocument};
use crate::{metrics, proof::Shown, time};

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
    let circuits = &state.0.circuits;
    let circuit = match (&request.circuit_id, &request.model_hash) {
        (Some(id), None) => circuits.by_id(id)?,
        (None, Some(hash)) => circuits.by_key_hash(hash)?,
        (Some(id), Some(hash)) => {
            let circuit = circuits.by_id(id)?;
            if circuit.description.verifying_key_hash != *hash {
                return Err(Problem::invalid(
                    "model_hash",
                    "must be the one of circuitId's key",
                ));
            }
            circuit
        }
        (None, None) => return Err(Problem::invalid("circuitId", "or model_hash must be given")),
    };
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

    let (circuit, circuit_id) = (circuit.clone(), circuit.description.id.clone());
    let outcome = tokio::task::spawn_blocking(move || {
        let proof = Proof::from_bytes(&bytes).map_err(|error| error.to_string())?;
        if !agree {
            return Err("public, expected_output and input_hash are of different digests".to_owned());
        }
        let verified = circuit.key.verifying_key().verify(digest, &proof);
        verified.map_err(|error| error.to_string())?;
        Ok(())
    });
    let outcome = outcome.await.map_err(|error| Problem::internal(&error))?;
    let elapsed = started.elapsed();
    metrics::verification(&circuit_id, elapsed, outcome.is_ok());
    Ok(Json(VerifyAnswer {
        valid: outcome.is_ok(),
        reason: outcome.err(),
        verification_time_ms: time::fraction_of_milliseconds(elapsed),
    }))
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

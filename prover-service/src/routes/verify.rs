use std::{sync::Arc, time::Instant};

use axum::{Extension, extract::State};
use bauta_circuits::{PreparedVerifyingKey, Proof};
use bauta_primitives::{Digest, PublicInputs};
use bauta_service_common::{InvalidField, InvalidFields, Json, PairingError, Problem, UnreadBody};
use bauta_wire::prover::{ExpectedOutput, GivenProof, VerifyAnswer, VerifyRequest};

use super::{limits::RateLimitKey, problems::ProblemDocument, state::AppState};
use crate::{
    cache::Verdict,
    circuits::CircuitError,
    metrics::{self, VerificationFailure},
    time,
};

/// The field with the hash of the verifying key in a proof's document.
const DOCUMENT_HASH: &str = "proof.metadata.model_hash";
/// The circuit label in metrics for a key of another instance.
const OTHER_CIRCUIT: &str = "other";

/// Largest body in bytes. A complete request takes less than 2 KiB.
const MAX_VERIFY_BYTES: usize = 8 << 10;

fn proof_bytes(proof: &GivenProof) -> Result<[u8; Proof::LENGTH], InvalidField> {
    match proof {
        GivenProof::Bytes(text) => parse_bytes("proof", text),
        GivenProof::Document(document) => parse_bytes("proof.proof", &document.proof),
    }
}

/// Returns the hash of the verifying key.
fn model_hash(proof: &GivenProof) -> Option<&str> {
    match proof {
        GivenProof::Bytes(_) => None,
        GivenProof::Document(document) => Some(&document.metadata.model_hash),
    }
}

fn public_inputs_of_proof(proof: &GivenProof) -> Result<Option<PublicInputs>, InvalidField> {
    match proof {
        GivenProof::Bytes(_) => Ok(None),
        GivenProof::Document(document) => {
            parse_public_inputs("proof.metadata.output", &document.metadata.output).map(Some)
        }
    }
}

fn public_inputs_of_output(output: &ExpectedOutput) -> Result<PublicInputs, InvalidField> {
    let field = "expected_output";
    match output {
        ExpectedOutput::Bytes(text) => parse_public_inputs(field, text),
        ExpectedOutput::Elements(elements) => {
            let elements = elements
                .iter()
                .map(|element| parse_bytes::<32>(field, element))
                .collect::<Result<Vec<_>, _>>()?;
            public_inputs_of(field, &elements.concat())
        }
    }
}

fn parse_public_inputs(field: &'static str, text: &str) -> Result<PublicInputs, InvalidField> {
    public_inputs_of(field, &parse_bytes::<{ PublicInputs::LENGTH }>(field, text)?)
}

fn public_inputs_of(field: &'static str, bytes: &[u8]) -> Result<PublicInputs, InvalidField> {
    let bytes: &[u8; PublicInputs::LENGTH] = bytes
        .try_into()
        .map_err(|_| InvalidField::new(field, "must have five elements"))?;
    PublicInputs::from_bytes(bytes).map_err(|error| InvalidField::new(field, error.to_string()))
}

/// Verifies a proof.
///
/// An invalid proof is not an error: the response has status 200 and `"valid": false`.
#[utoipa::path(
    post,
    path = "/verify",
    tag = "proofs",
    request_body = VerifyRequest,
    responses(
        (status = 200, body = VerifyAnswer),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn verify(
    State(state): State<Arc<AppState>>,
    Extension(client): Extension<RateLimitKey>,
    body: UnreadBody,
) -> Result<Json<VerifyAnswer>, Problem> {
    let request: VerifyRequest = body.json(MAX_VERIFY_BYTES).await?;
    let started = Instant::now();
    let CheckedRequest {
        proof,
        model_hash,
        document_hash,
        digest,
        digests_agree,
    } = check(&request)?;
    let circuit_id = request.circuit_id.as_deref();
    let key = find_key(&state, client.client(), circuit_id, model_hash, document_hash).await?;
    let outcome = if digests_agree {
        verdict(&state, client.client(), &key, proof, digest).await
    } else {
        Ok(Err(
            "public, expected_output, input_hash and the proof's document have different digests".to_owned(),
        ))
    };
    let elapsed = started.elapsed();
    let record = |result| metrics::record_verification(&key.circuit_id, elapsed, result);
    match &outcome {
        Ok(Ok(())) => record(Ok(())),
        Ok(Err(_)) => record(Err(VerificationFailure::Invalid)),
        Err(PairingError::Thread) => record(Err(VerificationFailure::Internal)),
        // Nothing was verified.
        Err(PairingError::QueueFull { .. }) => {}
    }
    let outcome = outcome?;
    Ok(Json(VerifyAnswer {
        valid: outcome.is_ok(),
        reason: outcome.err(),
        verification_time_ms: time::fraction_of_milliseconds(elapsed),
    }))
}

/// A verifying key with the label of its circuit.
struct LabelledKey {
    /// The circuit's id for metrics. A key of another instance has the label `other`.
    circuit_id: String,
    hash: [u8; 32],
    key: Arc<PreparedVerifyingKey>,
}

/// A request whose fields follow their rules.
struct CheckedRequest {
    proof: [u8; Proof::LENGTH],
    /// The hash of the verifying key, if the request has it.
    model_hash: Option<[u8; 32]>,
    /// The hash of the verifying key in the proof's document, if the request has one.
    document_hash: Option<[u8; 32]>,
    digest: Digest,
    /// Whether all public inputs that the request has are the same.
    digests_agree: bool,
}

/// Checks the fields. The error has all invalid ones.
fn check(request: &VerifyRequest) -> Result<CheckedRequest, InvalidFields> {
    let given_hash = request.model_hash.as_deref();
    let document_hash = model_hash(&request.proof);
    let no_circuit = (request.circuit_id.is_none() && given_hash.is_none() && document_hash.is_none())
        .then(|| InvalidField::new("circuitId", "or model_hash must be given"));
    let model_hash = given_hash.map(|hash| parse_bytes("model_hash", hash)).transpose();
    let document_hash = document_hash
        .map(|hash| parse_bytes(DOCUMENT_HASH, hash))
        .transpose();
    let proof = proof_bytes(&request.proof);
    let document = public_inputs_of_proof(&request.proof);
    let expected = request.expected_output.as_ref();
    let expected = expected.map(public_inputs_of_output).transpose();
    let given = [request.public, ok(&expected), ok(&document)];
    let given = given.into_iter().flatten().map(|public| public.digest());
    let mut digests = given.chain(request.input_hash);
    let digest = digests.next();
    let no_public = (digest.is_none() && expected.is_ok() && document.is_ok()).then(|| {
        let rule =
            "must be given, or expected_output, input_hash or the proof's document: a proof is valid only for \
             its public inputs";
        InvalidField::new("public", rule)
    });
    let invalid = [
        proof.as_ref().err().cloned(),
        no_circuit,
        model_hash.as_ref().err().cloned(),
        document_hash.as_ref().err().cloned(),
        no_public,
        expected.err(),
        document.err(),
    ];
    match (
        InvalidFields::of(invalid.into_iter().flatten()),
        proof,
        model_hash,
        document_hash,
        digest,
    ) {
        (None, Ok(proof), Ok(model_hash), Ok(document_hash), Some(digest)) => Ok(CheckedRequest {
            proof,
            model_hash,
            document_hash,
            digest,
            digests_agree: digests.all(|other| other == digest),
        }),
        (invalid, ..) => Err(invalid.expect("a field is invalid")),
    }
}

/// Returns the optional value of a field, or `None` if the field is invalid.
fn ok<T: Clone>(field: &Result<Option<T>, InvalidField>) -> Option<T> {
    field.as_ref().ok().cloned().flatten()
}

/// Returns the key that a request names: a key of this instance, or one that another instance has
/// published.
async fn find_key(
    state: &AppState,
    client: &str,
    circuit_id: Option<&str>,
    hash: Option<[u8; 32]>,
    document_hash: Option<[u8; 32]>,
) -> Result<LabelledKey, Problem> {
    let circuits = &state.circuits;
    let named = circuit_id.map(|id| (id, circuits.by_id(id)));
    let circuit = match (named, hash.or(document_hash)) {
        (Some((_, circuit)), None) => circuit?,
        (None, Some(hash)) => match circuits.by_key_hash(&hash) {
            Ok(circuit) => circuit,
            Err(error) => {
                let published = find_published_key(state, client, hash).await?;
                return published.ok_or_else(|| error.into());
            }
        },
        (Some((id, circuit)), Some(key_hash)) => {
            // An unknown id is an error whatever the hash is.
            circuit?;
            let field = if hash.is_some() {
                "model_hash"
            } else {
                DOCUMENT_HASH
            };
            circuits.by_id_and_key_hash(id, &key_hash).ok_or_else(|| {
                Problem::invalid(field, "must be the hash of the verifying key of circuitId")
            })?
        }
        (None, None) => return Err(CircuitError::UnknownId.into()),
    };
    Ok(LabelledKey {
        circuit_id: circuit.description.id.clone(),
        hash: circuit.key.verifying_key().hash(),
        key: circuit.prepared.clone(),
    })
}

async fn find_published_key(
    state: &AppState,
    client: &str,
    hash: [u8; 32],
) -> Result<Option<LabelledKey>, PairingError> {
    let pairings = state.prover.pairings().of(client);
    let key = state.prover.caches().verifying_key(&hash, pairings).await?;
    Ok(key.map(|key| LabelledKey {
        circuit_id: OTHER_CIRCUIT.to_owned(),
        hash,
        key: Arc::new(key),
    }))
}

/// Verifies a proof, or returns the cached result of an earlier verification.
async fn verdict(
    state: &AppState,
    client: &str,
    key: &LabelledKey,
    proof: [u8; Proof::LENGTH],
    digest: Digest,
) -> Result<Verdict, PairingError> {
    let caches = state.prover.caches();
    if let Some(verdict) = caches.verdict(&key.hash, &proof, digest).await {
        return Ok(verdict);
    }
    let prepared = key.key.clone();
    let verdict = state.prover.pairings().run(client, move || {
        let proof = Proof::from_bytes(&proof).map_err(|error| error.to_string())?;
        prepared.verify(digest, &proof).map_err(|error| error.to_string())
    });
    let verdict = verdict.await?;
    caches.put_verdict(&key.hash, &proof, digest, &verdict).await;
    Ok(verdict)
}

fn parse_bytes<const N: usize>(field: &'static str, text: &str) -> Result<[u8; N], InvalidField> {
    let mut bytes = [0; N];
    let digits = text.strip_prefix("0x").unwrap_or(text);
    match hex::decode_to_slice(digits, &mut bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => Err(InvalidField::new(
            field,
            format!("must be 0x and exactly {} hexadecimal digits", 2 * N),
        )),
    }
}

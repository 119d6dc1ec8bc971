use std::{fmt, sync::Arc, time::Instant};

use axum::{Extension, extract::State};
use bauta_circuits::{PreparedVerifyingKey, Proof};
use bauta_primitives::{Digest, PublicInputs};
use bauta_service_common::{InvalidField, InvalidFields, Json, PairingError, Problem, UnreadBody, at_most};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{
        MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use utoipa::ToSchema;

use super::{limits::RateLimitKey, problems::ProblemDocument, state::AppState};
use crate::{
    cache::Verdict,
    circuits::CircuitError,
    metrics::{self, VerificationFailure},
    proof::{ProofDocument, PublicInputsDocument},
    time,
};

/// The field with the hash of the verifying key in a proof's document.
const DOCUMENT_HASH: &str = "proof.metadata.model_hash";
/// The circuit label in metrics for a key of another instance.
const OTHER_CIRCUIT: &str = "other";

/// Largest body in bytes. A complete request takes less than 2 KiB.
const MAX_VERIFY_BYTES: usize = 8 << 10;

/// Number of elements of `expected_output`: root, nullifier, scope, claim and context.
pub const OUTPUT_ELEMENTS: usize = 5;

/// A proof to verify. `circuitId` or `model_hash` names the circuit. One or more of `public`,
/// `expected_output`, `input_hash` and the document of the proof give the public inputs. If several
/// are given, they must agree.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyRequest {
    /// The proof.
    proof: GivenProof,
    /// An id that `/circuits` lists, or `ownership-v1`.
    #[serde(rename = "circuitId")]
    circuit_id: Option<String>,
    /// The hash of the verifying key.
    model_hash: Option<String>,
    /// The digest.
    #[schema(value_type = Option<String>)]
    input_hash: Option<Digest>,
    /// Root, nullifier, scope, claim and context.
    expected_output: Option<ExpectedOutput>,
    /// The public inputs.
    #[schema(value_type = Option<PublicInputsDocument>)]
    public: Option<PublicInputs>,
}

/// A proof, with or without its public inputs.
#[derive(ToSchema)]
#[serde(untagged)]
enum GivenProof {
    /// `0x` and 256 bytes in the encoding that the program accepts.
    Bytes(String),
    /// `proof` in the response of `/prove`. It has the public inputs and the hash of the verifying
    /// key.
    Document(Box<ProofDocument>),
}

/// The public inputs in the form of earlier systems.
#[derive(ToSchema)]
#[serde(untagged)]
enum ExpectedOutput {
    /// `0x` and 160 bytes: `output` in the response of `/prove`.
    Bytes(String),
    /// Five strings of `0x` and 32 bytes.
    Elements(Vec<String>),
}

/// Decides by the kind of the JSON value, so that an error names the field of the document. Serde's
/// own implementation for such a type would only say that no variant matches.
impl<'de> Deserialize<'de> for GivenProof {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;

        impl<'de> Visitor<'de> for Visit {
            type Value = GivenProof;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a string (0x and hexadecimal digits) or the object `proof` of a response of /prove",
                )
            }

            fn visit_str<E>(self, text: &str) -> Result<GivenProof, E> {
                Ok(GivenProof::Bytes(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<GivenProof, A::Error> {
                let document = ProofDocument::deserialize(MapAccessDeserializer::new(fields))?;
                Ok(GivenProof::Document(Box::new(document)))
            }
        }

        deserializer.deserialize_any(Visit)
    }
}

/// Decides by the kind of the JSON value, as for [`GivenProof`].
impl<'de> Deserialize<'de> for ExpectedOutput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;

        impl<'de> Visitor<'de> for Visit {
            type Value = ExpectedOutput;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string (0x and hexadecimal digits) or a list of five such strings")
            }

            fn visit_str<E>(self, text: &str) -> Result<ExpectedOutput, E> {
                Ok(ExpectedOutput::Bytes(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<ExpectedOutput, A::Error> {
                let elements = at_most::<_, _, OUTPUT_ELEMENTS>(SeqAccessDeserializer::new(elements))?;
                Ok(ExpectedOutput::Elements(elements))
            }
        }

        deserializer.deserialize_any(Visit)
    }
}

impl GivenProof {
    fn bytes(&self) -> Result<[u8; Proof::LENGTH], InvalidField> {
        match self {
            Self::Bytes(text) => parse_bytes("proof", text),
            Self::Document(document) => parse_bytes("proof.proof", &document.proof),
        }
    }

    /// Returns the hash of the verifying key.
    fn model_hash(&self) -> Option<&str> {
        match self {
            Self::Bytes(_) => None,
            Self::Document(document) => Some(&document.metadata.model_hash),
        }
    }

    fn public_inputs(&self) -> Result<Option<PublicInputs>, InvalidField> {
        match self {
            Self::Bytes(_) => Ok(None),
            Self::Document(document) => {
                parse_public_inputs("proof.metadata.output", &document.metadata.output).map(Some)
            }
        }
    }
}

impl ExpectedOutput {
    fn public_inputs(&self) -> Result<PublicInputs, InvalidField> {
        let field = "expected_output";
        match self {
            Self::Bytes(text) => parse_public_inputs(field, text),
            Self::Elements(elements) => {
                let elements = elements
                    .iter()
                    .map(|element| parse_bytes::<32>(field, element))
                    .collect::<Result<Vec<_>, _>>()?;
                public_inputs_of(field, &elements.concat())
            }
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

/// The result of a verification.
#[derive(Serialize, ToSchema)]
pub struct VerifyAnswer {
    /// Whether the proof is valid.
    valid: bool,
    /// Why the proof is invalid.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Duration of the verification in milliseconds.
    verification_time_ms: f64,
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
    } = request.check()?;
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

impl VerifyRequest {
    /// Checks the fields. The error has all invalid ones.
    fn check(&self) -> Result<CheckedRequest, InvalidFields> {
        let model_hash = self.model_hash.as_deref();
        let document_hash = self.proof.model_hash();
        let no_circuit = (self.circuit_id.is_none() && model_hash.is_none() && document_hash.is_none())
            .then(|| InvalidField::new("circuitId", "or model_hash must be given"));
        let model_hash = model_hash.map(|hash| parse_bytes("model_hash", hash)).transpose();
        let document_hash = document_hash
            .map(|hash| parse_bytes(DOCUMENT_HASH, hash))
            .transpose();
        let proof = self.proof.bytes();
        let document = self.proof.public_inputs();
        let expected = self.expected_output.as_ref();
        let expected = expected.map(ExpectedOutput::public_inputs).transpose();
        let given = [self.public, ok(&expected), ok(&document)];
        let given = given.into_iter().flatten().map(|public| public.digest());
        let mut digests = given.chain(self.input_hash);
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

//! Proofs: verified here, and made by the prover service for members who delegate proving.

use std::time::Instant;

use axum::{
    Extension,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use bauta_primitives::{Claim, Context, Nullifier, PublicInputs, Root, Scope};
use bauta_service_common::{InvalidField, InvalidFields, Json, UnreadBody};
use serde::{Deserialize, Serialize};
use serde_json::json;
use solana_address::Address;
use utoipa::ToSchema;

use super::{
    layers::Client,
    parameters::{self, kept},
    problems::{self, Failure, ProblemDocument},
    respond,
    state::{PROVE, Reads},
};
use crate::prover::ProofRequest;

/// Largest body of a verification in bytes.
const MAX_VERIFY_BYTES: usize = 4 << 10;
/// Largest body of a request for a proof in bytes.
const MAX_GENERATE_BYTES: usize = 16 << 10;
/// The only pattern.
const MEMBERSHIP: &str = "membership";
/// Largest length of a text that names a statement or a circuit.
const MAX_NAME_LENGTH: usize = 128;

/// The five values that a proof shows.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProofInputs {
    /// The registry's root.
    root: String,
    /// The nullifier.
    nullifier: String,
    /// The domain of the nullifier: `scope` of the scope, and not its address.
    scope: String,
    /// The public value that the proof shows.
    claim: String,
    /// The hash of recipient, relayer, expiry and payload.
    context: String,
}

/// A proof to verify.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyBody {
    /// The proof: −A, B, C. `0x` and 512 hexadecimal digits.
    proof: String,
    /// `ownership-v1`, `ownership-v1-depth16`, or a `vk_hash` of `/v1/circuits`.
    #[serde(rename = "circuitId")]
    #[schema(min_length = 1, max_length = 128)]
    circuit_id: String,
    /// The public inputs.
    public: ProofInputs,
}

/// The result of a verification.
#[derive(Serialize, ToSchema)]
pub struct VerdictDocument {
    /// Whether the proof is valid.
    valid: bool,
    /// Why the proof is invalid. Absent if it is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Duration of the verification in milliseconds. A verdict of the last 300 seconds is not
    /// computed again.
    verification_time_ms: f64,
}

/// Private inputs that only the prover service can read.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SealedPrivate {
    /// `key_id` of `/v1/zkp/sealing-key`.
    #[schema(min_length = 1, max_length = 32, pattern = "^[A-Za-z0-9_-]+$")]
    key_id: String,
    /// The encapsulated key: `0x` and 64 hexadecimal digits.
    encapsulated_key: String,
    /// `0x` and the ciphertext with its tag.
    ciphertext: String,
}

/// A request for a proof.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerateBody {
    /// What the proof is about: the address of an asset, for its ownership.
    #[schema(min_length = 1, max_length = 128)]
    pid: String,
    /// `membership`.
    #[schema(min_length = 1, max_length = 128)]
    pattern: String,
    /// The registry account.
    registry: String,
    /// The domain of the nullifier: `scope` of the scope, and not its address.
    scope: String,
    /// The hash of recipient, relayer, expiry and payload.
    context: String,
    /// The private inputs (secret, entry id and attributes), sealed to the prover service.
    private: SealedPrivate,
}

/// A proof.
#[derive(Serialize, ToSchema)]
pub struct GeneratedDocument {
    /// Always true. An error has another form.
    success: bool,
    /// The proof: −A, B, C. `0x` and 512 hexadecimal digits.
    proof: String,
    /// The public inputs.
    public: ProofInputs,
    /// The id of the circuit.
    #[serde(rename = "circuitId")]
    circuit_id: String,
    /// The SHA-256 of the verifying key.
    vk_hash: String,
}

/// The key that clients seal private inputs to.
#[derive(Serialize, ToSchema)]
pub struct SealingKeyDocument {
    /// The id of the key.
    key_id: String,
    /// `0x` and the 32 bytes of the public key.
    public_key: String,
    /// The key encapsulation mechanism.
    kem: String,
    /// The key derivation function.
    kdf: String,
    /// The encryption.
    aead: String,
    /// The parameter `info` of HPKE.
    info: String,
}

/// Verifies a proof.
///
/// An invalid proof is not an error: the response has status 200 and `"valid": false`. The
/// verifying key is that of the circuit account. A valid proof can still be refused by the program,
/// for example because its root has expired.
#[utoipa::path(
    post,
    path = "/v1/zkp/verify",
    tag = "proofs",
    request_body(
        content = VerifyBody,
        example = json!({
            "proof": format!("0x{}", "00".repeat(256)),
            "circuitId": "ownership-v1",
            "public": {
                "root": format!("0x{}", "00".repeat(32)),
                "nullifier": format!("0x{}", "00".repeat(32)),
                "scope": format!("0x{}", "00".repeat(32)),
                "claim": format!("0x{}", "00".repeat(32)),
                "context": format!("0x{}", "00".repeat(32))
            }
        })
    ),
    responses(
        (status = 200, body = VerdictDocument),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; **which proof**, before it is on chain", "keeps": "nothing"})))
)]
pub async fn verify(
    state: Reads,
    Extension(Client(client)): Extension<Client>,
    body: UnreadBody,
) -> Result<Json<VerdictDocument>, Failure> {
    let body: VerifyBody = body.json(MAX_VERIFY_BYTES).await?;
    let started = Instant::now();
    let mut errors = Vec::new();
    let mut proof = [0; 256];
    kept(parameters::bytes("proof", &body.proof, &mut proof), &mut errors);
    kept(name("circuitId", &body.circuit_id), &mut errors);
    let public = body.public.parse(&mut errors);
    if let Some(errors) = InvalidFields::of(errors) {
        return Err(errors.into());
    }
    // It is present, because there is no error.
    let public = public.ok_or_else(|| InvalidField::missing("public"))?;
    let verdict = state.verifier.verify(
        &state.store,
        &state.verifying_keys,
        &client,
        &body.circuit_id,
        (public.digest(), proof),
    );
    let verdict = verdict.await?;
    Ok(Json(VerdictDocument {
        valid: verdict.is_ok(),
        reason: verdict.err(),
        verification_time_ms: started.elapsed().as_secs_f64() * 1_000.0,
    }))
}

/// Makes a proof.
///
/// The prover service makes it. The private inputs are sealed to that service (HPKE, RFC 9180), and
/// bound to scope, claim and context, so this service can neither read nor reuse them. The claim is
/// the track of the asset. The errors are those of the prover service.
#[utoipa::path(
    post,
    path = "/v1/zkp/generate",
    tag = "proofs",
    security(("api_key" = ["prove"])),
    request_body(
        content = GenerateBody,
        example = json!({
            "pid": "11111111111111111111111111111111",
            "pattern": "membership",
            "registry": "11111111111111111111111111111111",
            "scope": format!("0x{}", "00".repeat(32)),
            "context": format!("0x{}", "00".repeat(32)),
            "private": {
                "key_id": "0123456789abcdef",
                "encapsulated_key": format!("0x{}", "00".repeat(32)),
                "ciphertext": format!("0x{}", "00".repeat(64))
            }
        })
    ),
    responses(
        (status = 200, body = GeneratedDocument),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; API key; **which token**, scope and context; not the secret, which only the prover service can read",
        "keeps": "nothing"
    })))
)]
pub async fn generate(
    state: Reads,
    headers: HeaderMap,
    body: UnreadBody,
) -> Result<Json<GeneratedDocument>, Failure> {
    let caller = state.authorise(&headers, PROVE).await?;
    let body: GenerateBody = body.json(MAX_GENERATE_BYTES).await?;
    let mut errors = Vec::new();
    kept(name("pid", &body.pid), &mut errors);
    kept(name("pattern", &body.pattern), &mut errors);
    let registry = kept(parameters::address("registry", &body.registry), &mut errors);
    let scope = kept(parameters::element("scope", &body.scope), &mut errors);
    let context = kept(parameters::element("context", &body.context), &mut errors);
    if let Some(errors) = InvalidFields::of(errors) {
        return Err(errors.into());
    }
    // Each value is present, because there is no error.
    let missing = || InvalidField::missing("registry");
    let registry = registry.ok_or_else(missing)?;
    let (scope, context) = (scope.ok_or_else(missing)?, context.ok_or_else(missing)?);
    let asset = match body.pid.parse::<Address>() {
        Ok(asset) if body.pattern == MEMBERSHIP => asset,
        _ => return Err(problems::statement_not_built()),
    };
    state.limits.take_proof(&caller).await?;
    let registry = state.store.registry(registry).await?;
    let holding = state.store.holding(&registry, asset).await?;
    let holding = holding
        .filter(|holding| holding.live)
        .ok_or_else(problems::unknown_asset)?;
    let request = ProofRequest {
        registry: registry.address,
        index: holding.index.get(),
        scope: Scope::new(scope),
        claim: Claim::of_track(holding.track),
        context: Context::new(context),
        sealed: json!(body.private),
    };
    let made = state.prover.prove(&request).await?;
    Ok(Json(GeneratedDocument {
        success: true,
        proof: made.proof().to_owned(),
        public: ProofInputs::of(&made.public),
        circuit_id: made.circuit_id().to_owned(),
        vk_hash: made.vk_hash().to_owned(),
    }))
}

/// Returns the key that private inputs are sealed to.
///
/// It is that of the prover service, which replaces it from time to time. This service could return
/// another one: a client that does not trust it reads the key from the prover service.
#[utoipa::path(
    get,
    path = "/v1/zkp/sealing-key",
    tag = "proofs",
    responses((status = 200, body = SealingKeyDocument)),
    extensions(("x-discloses" = json!({"sees": "network address", "keeps": "nothing"})))
)]
pub async fn sealing_key(state: Reads) -> Result<Response, Failure> {
    let key = state.prover.sealing_key().await?;
    let document = SealingKeyDocument {
        key_id: key.key_id,
        public_key: key.public_key,
        kem: key.kem,
        kdf: key.kdf,
        aead: key.aead,
        info: key.info,
    };
    Ok(respond::uncached(Json(document)).into_response())
}

fn name(field: &'static str, text: &str) -> Result<(), InvalidField> {
    if (1..=MAX_NAME_LENGTH).contains(&text.chars().count()) {
        return Ok(());
    }
    let rule = format!("must have 1 to {MAX_NAME_LENGTH} characters");
    Err(InvalidField::new(field, rule))
}

impl ProofInputs {
    fn of(public: &PublicInputs) -> Self {
        Self {
            root: public.root.to_string(),
            nullifier: public.nullifier.to_string(),
            scope: public.scope.to_string(),
            claim: public.claim.to_string(),
            context: public.context.to_string(),
        }
    }

    /// Converts the fields. Adds an error for each that breaks its rule.
    fn parse(&self, errors: &mut Vec<InvalidField>) -> Option<PublicInputs> {
        let mut element = |field, text: &str| {
            let element = parameters::element(field, text).map_err(|error| error.within("public"));
            kept(element, errors)
        };
        let root = element("root", &self.root);
        let nullifier = element("nullifier", &self.nullifier);
        let scope = element("scope", &self.scope);
        let claim = element("claim", &self.claim);
        let context = element("context", &self.context);
        Some(PublicInputs {
            root: Root::new(root?),
            nullifier: Nullifier::new(nullifier?),
            scope: Scope::new(scope?),
            claim: Claim::new(claim?),
            context: Context::new(context?),
        })
    }
}

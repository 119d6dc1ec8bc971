//! Verifies proofs that clients have, and serves the key for requests for proofs (`generate`).

use std::time::Instant;

use axum::{
    Extension,
    response::{IntoResponse, Response},
};
use bauta_primitives::{Claim, Context, Nullifier, PublicInputs, Root, Scope};
use bauta_service_common::{InvalidField, InvalidFields, Json, UnreadBody};
use bauta_wire::api::{ProofInputs, SealingKeyDocument, VerdictDocument, VerifyBody};

use super::{
    parameters::{self, kept},
    problems::{Failure, ProblemDocument},
    respond,
    state::Reads,
};
use crate::{limits::Client, verifier::Verified};

/// Largest body of a verification in bytes.
const MAX_VERIFY_BYTES: usize = 4 << 10;

/// Verifies a proof.
///
/// An invalid proof is not an error: the response has status 200 and `"valid": false`. The
/// verifying key is that of the circuit account. Proofs of a circuit that is suspended or retired
/// are not verified. If several circuits have the id, it is one from a ceremony, and of those the
/// first; `vk_hash` says which. A valid proof can still be refused by the program, for example
/// because its root has expired.
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
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; percentile while a rollout runs; **which proof**, before it is on chain",
        "keeps": "a hash of the proof with the verdict, in memory, for ten minutes at most"
    })))
)]
pub async fn verify(
    state: Reads,
    Extension(client): Extension<Client>,
    body: UnreadBody,
) -> Result<Json<VerdictDocument>, Failure> {
    let body: VerifyBody = body.json(MAX_VERIFY_BYTES).await?;
    let started = Instant::now();
    let mut errors = Vec::new();
    let mut proof = [0; 256];
    kept(parameters::bytes("proof", &body.proof, &mut proof), &mut errors);
    kept(parameters::name("circuitId", &body.circuit_id), &mut errors);
    let public = parse(&body.public, &mut errors);
    if let Some(errors) = InvalidFields::of(errors) {
        return Err(errors.into());
    }
    // It is present, because there is no error.
    let public = public.ok_or_else(|| InvalidField::missing("public"))?;
    let verdict = state.verifier.verify(
        &state.store,
        &state.verifying_keys,
        &client.name,
        &body.circuit_id,
        (public.digest(), proof),
    );
    let Verified { verdict, circuit } = verdict.await?;
    Ok(Json(VerdictDocument {
        valid: verdict.is_ok(),
        reason: verdict.err(),
        vk_hash: format!("0x{}", hex::encode(circuit.vk_hash)),
        provenance: circuit.provenance.as_str().into(),
        verification_time_ms: started.elapsed().as_secs_f64() * 1_000.0,
    }))
}

/// Returns the key that private inputs are sealed to.
///
/// It is that of the prover service, which replaces it from time to time, and accepts it until
/// `valid_until` at least. This service could return
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
        valid_until: key.valid_until,
    };
    Ok(respond::uncached(Json(document)).into_response())
}

/// Returns the document of the public inputs.
pub fn proof_inputs(public: &PublicInputs) -> ProofInputs {
    ProofInputs {
        root: public.root.to_string(),
        nullifier: public.nullifier.to_string(),
        scope: public.scope.to_string(),
        claim: public.claim.to_string(),
        context: public.context.to_string(),
    }
}

/// Converts the fields. Adds an error for each that breaks its rule.
fn parse(inputs: &ProofInputs, errors: &mut Vec<InvalidField>) -> Option<PublicInputs> {
    let mut element = |field, text: &str| {
        let element = parameters::element(field, text).map_err(|error| error.within("public"));
        kept(element, errors)
    };
    let root = element("root", &inputs.root);
    let nullifier = element("nullifier", &inputs.nullifier);
    let scope = element("scope", &inputs.scope);
    let claim = element("claim", &inputs.claim);
    let context = element("context", &inputs.context);
    Some(PublicInputs {
        root: Root::new(root?),
        nullifier: Nullifier::new(nullifier?),
        scope: Scope::new(scope?),
        claim: Claim::new(claim?),
        context: Context::new(context?),
    })
}

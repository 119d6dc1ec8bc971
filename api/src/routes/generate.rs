//! Proofs that the prover service makes for members who delegate proving, at once or as jobs.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bauta_primitives::{Claim, Context, Scope};
use bauta_service_common::{InvalidField, InvalidFields, Json, Path, UnreadBody};
use bauta_wire::api::{
    AcceptedJobDocument, GenerateBody, GeneratedDocument, JobErrorDocument, ProofJobDocument, SealedPrivate,
};
use serde_json::json;
use solana_address::Address;

use super::{
    parameters::{self, kept},
    problems::{self, Failure, ProblemDocument},
    relay::idempotency_key,
    respond,
    state::{PROVE, Reads},
    zkp::proof_inputs,
};
use crate::prover::{GeneratedProof, Job, JobFailure, JobId, JobState, Outcome, ProofRequest, Wait};

/// Largest body of a request in bytes.
const MAX_GENERATE_BYTES: usize = 16 << 10;
/// The only pattern.
const MEMBERSHIP: &str = "membership";
/// Seconds after which a client should read its job again.
const RETRY_SECONDS: &str = "1";

/// Checks the form. Adds an error for each field that breaks its rule.
fn check(private: &SealedPrivate, errors: &mut Vec<InvalidField>) {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !(1..=32).contains(&private.key_id.len()) || !private.key_id.bytes().all(is_name) {
        errors.push(InvalidField::new(
            "private.key_id",
            "must have 1 to 32 letters, digits, - or _",
        ));
    }
    let key = parameters::bytes("encapsulated_key", &private.encapsulated_key, &mut [0; 32]);
    kept(key.map_err(|error| error.within("private")), errors);
    let digits = private.ciphertext.strip_prefix("0x").unwrap_or_default();
    if digits.is_empty() || hex::decode(digits).is_err() {
        let rule = "must be 0x and an even number of hexadecimal digits";
        errors.push(InvalidField::new("private.ciphertext", rule));
    }
}

impl From<&GeneratedProof> for GeneratedDocument {
    fn from(made: &GeneratedProof) -> Self {
        Self {
            success: true,
            proof: made.proof().to_owned(),
            public: proof_inputs(&made.public),
            circuit_id: made.circuit_id().to_owned(),
            vk_hash: made.vk_hash().to_owned(),
        }
    }
}

impl From<JobFailure> for JobErrorDocument {
    fn from(JobFailure { code, detail }: JobFailure) -> Self {
        Self { code, detail }
    }
}

fn document(id: JobId, job: Job) -> ProofJobDocument {
    ProofJobDocument {
        id: id.to_string(),
        state: job.state.as_str().into(),
        created_at: job.created_at,
        ended_at: job.ended_at,
        result: job.proof.as_ref().map(GeneratedDocument::from),
        error: job.failure.map(JobErrorDocument::from),
    }
}

/// Makes a proof.
///
/// The prover service makes it. The private inputs are sealed to that service (HPKE, RFC 9180), and
/// bound to scope, claim and context, so this service can neither read nor reuse them. The claim is
/// the track of the asset. The errors are those of the prover service. With `"wait": false`, or if
/// the proof takes long, the response has the id of a job: read `/v1/zkp/jobs/{job}`.
#[utoipa::path(
    post,
    path = "/v1/zkp/generate",
    tag = "proofs",
    security(("api_key" = ["prove"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repeated request that becomes a job return the job of the first one. 1 to 128 visible ASCII characters", min_length = 1, max_length = 128, pattern = "^[!-~]+$")),
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
        (status = 202, body = AcceptedJobDocument, headers(("Location" = String, description = "The URL of the job"))),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; API key; percentile while a rollout runs; **which token, and its nullifier and proof: it can join the member and the verification**; not the secret, which only the prover service can read",
        "keeps": "nothing; of a job, the prover service keeps the request, encrypted, until the job ends, and the proof for JOB_RETENTION_SECONDS"
    })))
)]
pub async fn generate(state: Reads, headers: HeaderMap, body: UnreadBody) -> Result<Response, Failure> {
    let caller = state.authorise(&headers, PROVE).await?;
    let body: GenerateBody = body.json(MAX_GENERATE_BYTES).await?;
    let mut errors = Vec::new();
    let key = kept(idempotency_key(&headers), &mut errors);
    kept(parameters::name("pid", &body.pid), &mut errors);
    kept(parameters::name("pattern", &body.pattern), &mut errors);
    let registry = kept(parameters::address("registry", &body.registry), &mut errors);
    let scope = kept(parameters::element("scope", &body.scope), &mut errors);
    let context = kept(parameters::element("context", &body.context), &mut errors);
    check(&body.private, &mut errors);
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
    let registry = state.store.registry(registry).await?;
    let holding = state.store.holding(&registry, asset).await?;
    let holding = holding
        .filter(|holding| holding.live)
        .ok_or_else(problems::unknown_asset)?;
    state.limits.take_proof(&caller).await?;
    let request = ProofRequest {
        registry: registry.address,
        index: holding.index.get(),
        scope: Scope::new(scope),
        claim: Claim::of_track(holding.track),
        context: Context::new(context),
        sealed: json!(body.private),
    };
    let wait = match body.wait {
        Some(false) => Wait::None,
        None => Wait::Short,
        Some(true) => Wait::Full,
    };
    let outcome = state
        .prover
        .generate(&request, wait, &caller.owner, key.flatten());
    Ok(match outcome.await? {
        Outcome::Proof(made) => Json(GeneratedDocument::from(&*made)).into_response(),
        Outcome::Job(id) => accepted(id),
    })
}

/// Returns the response to a request that became a job.
fn accepted(id: JobId) -> Response {
    let headers = [
        (header::LOCATION, format!("/v1/zkp/jobs/{id}")),
        (header::RETRY_AFTER, RETRY_SECONDS.to_owned()),
    ];
    let document = AcceptedJobDocument {
        id: id.to_string(),
        state: JobState::Queued.as_str().into(),
    };
    (StatusCode::ACCEPTED, headers, Json(document)).into_response()
}

/// Returns a job.
///
/// A client reads its own jobs: those of its API key, and of the keys that it replaced. `result` is
/// the response that `/v1/zkp/generate` would have had. Read a job that has not ended again after
/// `Retry-After`. The prover service deletes it `JOB_RETENTION_SECONDS` after its end.
#[utoipa::path(
    get,
    path = "/v1/zkp/jobs/{job}",
    tag = "proofs",
    security(("api_key" = ["prove"])),
    params(("job" = String, Path, description = "The job's id")),
    responses(
        (status = 200, body = ProofJobDocument),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; API key; **which job, and its nullifier and proof**", "keeps": "nothing"})))
)]
pub async fn proof_job(
    state: Reads,
    headers: HeaderMap,
    Path(text): Path<String>,
) -> Result<Response, Failure> {
    let caller = state.authorise(&headers, PROVE).await?;
    let id = job_id(&text)?;
    let job = state.prover.job(id, &caller.owner).await?;
    let is_last = job.state.is_last();
    let mut response = respond::uncached(Json(document(id, job)));
    if !is_last {
        let seconds = HeaderValue::from_static(RETRY_SECONDS);
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    Ok(response)
}

fn job_id(text: &str) -> Result<JobId, InvalidField> {
    let mut bytes = [0; JobId::BYTES];
    let read = hex::decode_to_slice(text, &mut bytes);
    let rule = || format!("must be {} hexadecimal digits", 2 * JobId::BYTES);
    read.map(|()| JobId::new(bytes))
        .map_err(|_| InvalidField::new("job", rule()))
}

use axum::{Extension, body::Bytes, response::Response};
use bauta_service_common::{InvalidField, Path};

use super::{
    problems::{self, Failure, ProblemDocument},
    respond,
    state::Reads,
};
use crate::{
    limits::{Client, Kind},
    proving_keys::parse_digest,
};

/// A key has about a megabyte, and a client needs it once, so it counts as this many requests.
const COST: usize = 10;

/// Returns a proving key for browsers.
///
/// It is a web-key file, and the name is its SHA-256, so the client compares the two. It never
/// changes. docs/web-prover.md describes the format. The request counts as 10 in the rate limit.
#[utoipa::path(
    get,
    path = "/v1/proving-keys/{sha256}",
    tag = "proofs",
    params(("sha256" = String, Path, description = "The SHA-256 of the file: 64 lower-case hexadecimal digits")),
    responses(
        (status = 200, description = "The key. It never changes", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; which circuit", "keeps": "nothing"})))
)]
pub async fn proving_key(
    state: Reads,
    Extension(client): Extension<Client>,
    Path(text): Path<String>,
) -> Result<Response, Failure> {
    let digest = parse_digest(&text)
        .ok_or_else(|| InvalidField::new("sha256", "must be 64 lower-case hexadecimal digits"))?;
    if state.proving_keys.is_empty() {
        return Err(problems::no_proving_keys());
    }
    let key = state
        .proving_keys
        .get(&digest)
        .ok_or_else(problems::unknown_proving_key)?;
    state.limits.take_further(&client, Kind::Other, COST - 1).await?;
    Ok(respond::immutable(Bytes::from_owner(key), &text))
}

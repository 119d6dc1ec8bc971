use axum::response::Response;
use bauta_service_common::Path;

use super::{
    parameters,
    problems::{self, Failure, ProblemDocument},
    respond,
    state::Reads,
};

/// Returns the bytes of a verifying key.
///
/// The 576 bytes have the form of docs/protocol.md, section 5. Their SHA-256 is the hash in the
/// path. Needs a node (`SOLANA_RPC_URL`).
#[utoipa::path(
    get,
    path = "/v1/verifying-keys/{vk_hash}",
    tag = "program",
    params(("vk_hash" = String, Path, description = "The SHA-256 of the key")),
    responses(
        (status = 200, description = "The key. It never changes", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; which circuit", "keeps": "nothing"})))
)]
pub async fn verifying_key(state: Reads, Path(text): Path<String>) -> Result<Response, Failure> {
    let hash = parameters::hash("vk_hash", &text)?;
    // Only registered keys are requested from the node.
    let circuits = state.store.circuits().await?;
    let circuit = circuits.iter().find(|circuit| circuit.vk_hash == hash);
    let circuit = circuit.ok_or_else(problems::unknown_verifying_key)?;
    let key = state.verifying_keys.get(&circuit.address, hash).await?;
    Ok(respond::immutable(
        key.to_vec(),
        &format!("0x{}", hex::encode(hash)),
    ))
}

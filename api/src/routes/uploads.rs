use axum::{
    body::{Body, HttpBody as _},
    http::{HeaderMap, StatusCode, header},
};
use bauta_primitives::Root;
use bauta_service_common::{AUDIT, Json, Path, Problem};
use bauta_store::Registry;
use bauta_wire::api::StoredTreeDocument;

use super::{
    parameters,
    problems::{self, Failure, ProblemDocument},
    registries,
    state::{Reads, TREES, has_access_token},
};

/// The type of the body.
const OCTETS: &str = "application/octet-stream";

/// Stores the tree of an attested registry.
///
/// The body has 32 bytes for each leaf from index 0; an empty leaf is zero. The root in the path
/// must be the current root of the registry, and the leaves must give it. So the authority
/// publishes the root first. A tree has at most 1,048,576 leaves, unless the operator allows more.
/// An API key, or a wallet, uploads one tree at a time, and ten in a minute. The leaves become
/// public. A wallet that has logged in needs no API key for the registries whose authority it is.
#[utoipa::path(
    put,
    path = "/v1/registries/{registry}/roots/{root}/leaves",
    tag = "trees",
    security(("api_key" = ["trees"]), ("wallet" = ["authority"])),
    params(
        ("registry" = String, Path, description = "The registry account"),
        ("root" = String, Path, description = "The current root of the registry"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 200, body = StoredTreeDocument),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; API key or account; **all leaves**",
        "keeps": "the leaves, which it then serves to everyone"
    })))
)]
pub async fn upload(
    state: Reads,
    headers: HeaderMap,
    Path((address, root)): Path<(String, String)>,
    body: Body,
) -> Result<Json<StoredTreeDocument>, Failure> {
    let (caller, registry) = if has_access_token(&headers) {
        let (name, registry) = authorise_authority(&state, &headers, &address).await?;
        (name, Some(registry))
    } else {
        (state.authorise(&headers, TREES).await?.owner, None)
    };
    state.limits.take_upload(&caller).await?;
    let is_octets = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == OCTETS);
    if !is_octets {
        let detail = "the body must have the header Content-Type: application/octet-stream";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Problem::new(status, "unsupported_media_type", detail).into());
    }
    let root = Root::new(parameters::element("root", &root)?);
    let registry = match registry {
        Some(registry) => registry,
        None => registries::read(&state, &address).await?,
    };
    let announced = body.size_hint().exact();
    let chunks = body.into_data_stream();
    let uploads = &state.uploads;
    let stored = uploads.store(&caller, &registry, root, announced, chunks).await?;
    let leaves = stored.leaves;
    tracing::info!(target: AUDIT, event = "tree_stored", caller, leaves);
    Ok(Json(StoredTreeDocument {
        root: stored.root.to_string(),
        leaves: leaves.to_string(),
    }))
}

/// Returns the name that the uploads of a wallet count for, and the registry, if the wallet is its
/// authority and may upload.
async fn authorise_authority(
    state: &Reads,
    headers: &HeaderMap,
    registry: &str,
) -> Result<(String, Registry), Failure> {
    let account = state.wallet(headers)?;
    let registry = registries::read(state, registry).await?;
    let name = format!("account {account}");
    let is_authority = state.accounts()?.id_of(&registry.authority) == account;
    if is_authority && state.uploads.accepts_wallet(&registry.authority) {
        return Ok((name, registry));
    }
    let (code, failure) = if is_authority {
        ("authority_not_listed", problems::authority_not_listed())
    } else {
        ("not_the_authority", problems::not_the_authority())
    };
    tracing::info!(target: AUDIT, event = "token_refused", code, caller = name);
    state.refused("token_refused", code, Some(&account.to_string()));
    Err(failure)
}

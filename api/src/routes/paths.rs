use axum::response::Response;
use bauta_primitives::Root;
use bauta_service_common::{InvalidField, Json, Path, Query};
use bauta_wire::api::PathDocument;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    parameters,
    problems::{Failure, ProblemDocument},
    registries,
    respond::uncached,
    state::Reads,
};
use crate::time::unix_seconds;

/// The parameters of a path.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PathParameters {
    /// A valid root of the registry. The default is the root to prove against.
    root: Option<String>,
}

/// Returns the path of a leaf.
///
/// The request shows which leaf the client is interested in, which is usually its own. Prefer
/// tiles.
#[utoipa::path(
    get,
    path = "/v1/registries/{registry}/paths/{index}",
    tag = "trees",
    params(
        ("registry" = String, Path, description = "The registry account"),
        ("index" = u64, Path, description = "The index of the leaf"),
        PathParameters,
    ),
    responses(
        (status = 200, body = PathDocument),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; **which leaf**", "keeps": "nothing"})))
)]
pub async fn path(
    state: Reads,
    Path((address, index)): Path<(String, u64)>,
    Query(parameters): Query<PathParameters>,
) -> Result<Response, Failure> {
    let root = parameters.root.as_deref();
    let root = root.map(|text| parameters::element("root", text)).transpose()?;
    let registry = registries::read(&state, &address).await?;
    let checked = registry.depth.check_index(index);
    checked.map_err(|error| InvalidField::new("index", error.to_string()))?;
    let now = unix_seconds();
    let root = match root {
        Some(root) => Root::new(root),
        None => state.store.root_to_prove(&registry, Some(index), now).await?.root,
    };
    let path = state.store.path(&registry, root, index, now).await?;
    let siblings = path.path.siblings().iter();
    Ok(uncached(Json(PathDocument {
        root: root.to_string(),
        leaf: path.leaf.to_string(),
        siblings: siblings
            .map(|level| level.map(|sibling| sibling.to_string()))
            .collect(),
    })))
}

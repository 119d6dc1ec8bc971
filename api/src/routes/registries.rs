use bauta_service_common::{Path, Query};
use bauta_store::Registry;
use bauta_wire::api::{RegistryDocument, RegistryPage};
use solana_address::Address;

use super::{
    pages::{MAX_PAGE, PageParameters, Request},
    parameters,
    problems::{Failure, ProblemDocument},
    respond::Document,
    state::Reads,
};
use crate::prefix;

/// Lists the registries.
///
/// They are ordered by address.
#[utoipa::path(
    get,
    path = "/v1/registries",
    tag = "registries",
    params(PageParameters),
    responses(
        (status = 200, body = RegistryPage),
    ),
    extensions(("x-discloses" = json!({"sees": "network address", "keeps": "nothing"})))
)]
pub async fn registries(
    state: Reads,
    Query(parameters): Query<PageParameters>,
) -> Result<Document<RegistryPage>, Failure> {
    let cursor = parameters.cursor.as_deref();
    let page = Request::new(&["registries"], parameters.limit, MAX_PAGE, cursor)?;
    let after = page.after.map(Address::from);
    let mut found = state.store.registries_after(after, page.wanted()).await?;
    let next = page.cut(&mut found, |registry| registry.address.to_bytes());
    let data = found.iter().map(document).collect();
    Ok(Document(RegistryPage { data, next }))
}

/// Returns a registry.
///
/// The values are those of the program's events up to `Bauta-Slot`.
#[utoipa::path(
    get,
    path = "/v1/registries/{registry}",
    tag = "registries",
    params(("registry" = String, Path, description = "The registry account")),
    responses(
        (status = 200, body = RegistryDocument),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; which registry", "keeps": "nothing"})))
)]
pub async fn registry(
    state: Reads,
    Path(address): Path<String>,
) -> Result<Document<RegistryDocument>, Failure> {
    Ok(Document(document(&read(&state, &address).await?)))
}

/// Reads the registry of a path.
pub async fn read(state: &Reads, address: &str) -> Result<Registry, Failure> {
    let address = parameters::address("registry", address)?;
    Ok(state.store.registry(address).await?)
}

fn document(registry: &Registry) -> RegistryDocument {
    RegistryDocument {
        address: registry.address.to_string(),
        authority: registry.authority.to_string(),
        kind: registry.kind.as_str().into(),
        depth: registry.depth as u8,
        leaf_format: registry.leaf_format,
        sealed: registry.sealed,
        root_ttl_seconds: registry.root_ttl_seconds,
        leaves: registry.next_index.to_string(),
        sequence: registry.sequence.to_string(),
        prefix_bits: prefix::largest(registry.next_index),
    }
}

use bauta_service_common::{Path, Query};
use bauta_store::Registry;
use serde::Serialize;
use solana_address::Address;
use utoipa::ToSchema;

use super::{
    pages::{MAX_PAGE, PageParameters, Request, page},
    parameters,
    problems::{Failure, ProblemDocument},
    respond::Document,
    state::Reads,
};
use crate::prefix;

/// A registry according to the program's events.
#[derive(Serialize, ToSchema)]
pub struct RegistryDocument {
    /// The registry account.
    address: String,
    /// The authority of the registry.
    authority: String,
    /// `holders`, `managed` or `attested`.
    kind: &'static str,
    /// The depth of the tree: 10 or 16.
    depth: u8,
    /// The leaf format.
    leaf_format: u8,
    /// Whether the registry is closed for new collections.
    sealed: bool,
    /// The time for which the registry accepts a kept root after its replacement, in seconds.
    root_ttl_seconds: i64,
    /// The number of leaves ever appended. 0 in an attested registry.
    leaves: String,
    /// The number of tree changes.
    sequence: String,
    /// Largest number of bits of a prefix of holdings.
    prefix_bits: u8,
}

page! {
    /// A page of registries.
    RegistryPage of RegistryDocument
}

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
        kind: registry.kind.as_str(),
        depth: registry.depth as u8,
        leaf_format: registry.leaf_format,
        sealed: registry.sealed,
        root_ttl_seconds: registry.root_ttl_seconds,
        leaves: registry.next_index.to_string(),
        sequence: registry.sequence.to_string(),
        prefix_bits: prefix::largest(registry.next_index),
    }
}

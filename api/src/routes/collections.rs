use bauta_service_common::{Path, Query};
use serde::Serialize;
use solana_address::Address;
use utoipa::ToSchema;

use super::{
    pages::{MAX_PAGE, PageParameters, Request, page},
    problems::{Failure, ProblemDocument},
    registries,
    respond::Document,
    state::Reads,
};

/// A collection whose tokens can register.
#[derive(Serialize, ToSchema)]
pub struct CollectionDocument {
    /// The mint or the group.
    key: String,
    /// `mint` or `group`.
    kind: &'static str,
    /// The track of the collection's tokens.
    track: String,
}

page! {
    /// A page of collections.
    CollectionPage of CollectionDocument
}

/// Lists the collections of a registry.
///
/// They are ordered by key.
#[utoipa::path(
    get,
    path = "/v1/registries/{registry}/collections",
    tag = "registries",
    params(("registry" = String, Path, description = "The registry account"), PageParameters),
    responses(
        (status = 200, body = CollectionPage),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; which registry", "keeps": "nothing"})))
)]
pub async fn collections(
    state: Reads,
    Path(address): Path<String>,
    Query(parameters): Query<PageParameters>,
) -> Result<Document<CollectionPage>, Failure> {
    let filters = ["collections", address.as_str()];
    let cursor = parameters.cursor.as_deref();
    let page = Request::new(&filters, parameters.limit, MAX_PAGE, cursor)?;
    let registry = registries::read(&state, &address).await?;
    let after = page.after.map(Address::from);
    let found = state.store.collections_after(&registry, after, page.wanted());
    let mut found = found.await?;
    let next = page.cut(&mut found, |collection| collection.key.to_bytes());
    let document = |collection: bauta_store::Collection| CollectionDocument {
        key: collection.key.to_string(),
        kind: if collection.is_group { "group" } else { "mint" },
        track: collection.track.to_string(),
    };
    let data = found.into_iter().map(document).collect();
    Ok(Document(CollectionPage { data, next }))
}

use bauta::state::{Collection as Rules, CollectionKind};
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

/// A collection whose assets can register.
#[derive(Serialize, ToSchema)]
pub struct CollectionDocument {
    /// The address that identifies the collection. The kind says what it is the address of.
    key: String,
    /// `mint`: one asset. `group`: a Token-2022 group. `token_metadata`: the mint of a
    /// collection of Token Metadata. `core`: a Metaplex Core collection. `prints`: the mint of a
    /// Token Metadata master. `unknown`: a kind that is newer than this service.
    kind: &'static str,
    /// What the rules of the collection allow: `locked`, `prints`, `compressed`, `issuer_moves`,
    /// `leaving`.
    rules: Vec<&'static str>,
    /// The track of the collection's tokens.
    track: String,
}

/// The names of the kinds, in the order of their numbers.
const KINDS: [&str; CollectionKind::ALL.len()] = ["mint", "group", "token_metadata", "core", "prints"];
/// The names of the rules.
const RULES: [(u16, &str); 5] = [
    (Rules::LOCKED, "locked"),
    (Rules::PRINTS, "prints"),
    (Rules::COMPRESSED, "compressed"),
    (Rules::ISSUER_MOVES, "issuer_moves"),
    (Rules::LEAVING, "leaving"),
];

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
    let data = found.iter().map(document).collect();
    Ok(Document(CollectionPage { data, next }))
}

fn document(collection: &bauta_store::Collection) -> CollectionDocument {
    let allowed = RULES.iter().filter(|(rule, _)| collection.rules & rule != 0);
    CollectionDocument {
        key: collection.key.to_string(),
        kind: KINDS.get(usize::from(collection.kind)).unwrap_or(&"unknown"),
        rules: allowed.map(|(_, name)| *name).collect(),
        track: collection.track.to_string(),
    }
}

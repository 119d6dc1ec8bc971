use bauta::state::{Collection as Rules, CollectionKind};
use bauta_service_common::{Path, Query};
use bauta_wire::api::{CollectionDocument, CollectionPage};
use solana_address::Address;

use super::{
    pages::{MAX_PAGE, PageParameters, Request},
    problems::{Failure, ProblemDocument},
    registries,
    respond::Document,
    state::Reads,
};

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
        kind: (*KINDS.get(usize::from(collection.kind)).unwrap_or(&"unknown")).into(),
        rules: allowed.map(|(_, name)| (*name).into()).collect(),
        track: collection.track.to_string(),
    }
}

use bauta_service_common::{Path, Query};
use bauta_store::{RootRecord, Sequence};
use bauta_wire::api::{RootDocument, RootPage};

use super::{
    pages::{MAX_PAGE, PageParameters, Request},
    problems::{Failure, ProblemDocument},
    registries,
    respond::Document,
    state::Reads,
};
use crate::time::unix_seconds;

/// Lists the valid roots of a registry.
///
/// The newest is first. A proof at one of these roots can be verified; a client compares the root
/// with the registry's account.
#[utoipa::path(
    get,
    path = "/v1/registries/{registry}/roots",
    tag = "trees",
    params(("registry" = String, Path, description = "The registry account"), PageParameters),
    responses(
        (status = 200, body = RootPage),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; which registry", "keeps": "nothing"})))
)]
pub async fn roots(
    state: Reads,
    Path(address): Path<String>,
    Query(parameters): Query<PageParameters>,
) -> Result<Document<RootPage>, Failure> {
    let filters = ["roots", address.as_str()];
    let cursor = parameters.cursor.as_deref();
    let page = Request::new(&filters, parameters.limit, MAX_PAGE, cursor)?;
    let registry = registries::read(&state, &address).await?;
    let now = unix_seconds();
    let to_prove = state.store.root_to_prove(&registry, None, now).await?.root;
    let before = page.after.map(u64::from_be_bytes).map(Sequence::new);
    let found = state
        .store
        .valid_roots_before(&registry, now, before, page.wanted());
    let mut found = found.await?;
    let next = page.cut(&mut found, |root| root.sequence.get().to_be_bytes());
    let data = found.iter().map(|root| document(root, now)).collect();
    Ok(Document(RootPage {
        to_prove: to_prove.to_string(),
        data,
        next,
    }))
}

fn document(root: &RootRecord, now: i64) -> RootDocument {
    let valid_until = root.valid_until.filter(|end| *end > now);
    let state = match (root.replaced_at, valid_until) {
        (None, _) => "current",
        (Some(_), Some(_)) => "kept",
        (Some(_), None) => "snapshot",
    };
    RootDocument {
        root: root.root.to_string(),
        state: state.into(),
        valid_until,
        sequence: root.sequence.to_string(),
        leaves: root.leaf_count.to_string(),
    }
}

use bauta_service_common::{Path, Query};
use bauta_store::Verification;
use bauta_wire::api::{VerificationDocument, VerificationPage};

use super::{
    pages::{MAX_PAGE, PageParameters, Request},
    problems::{Failure, ProblemDocument},
    respond::Document,
    scopes,
    state::Reads,
};

/// Lists the verifications of a scope.
///
/// The newest is first.
#[utoipa::path(
    get,
    path = "/v1/scopes/{scope}/verifications",
    tag = "scopes",
    params(("scope" = String, Path, description = "The scope account"), PageParameters),
    responses(
        (status = 200, body = VerificationPage),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; which scope", "keeps": "nothing"})))
)]
pub async fn verifications(
    state: Reads,
    Path(address): Path<String>,
    Query(parameters): Query<PageParameters>,
) -> Result<Document<VerificationPage>, Failure> {
    let filters = ["verifications", address.as_str()];
    let cursor = parameters.cursor.as_deref();
    let page = Request::new(&filters, parameters.limit, MAX_PAGE, cursor)?;
    let scope = scopes::read(&state, &address).await?;
    let before = page.after.map(u64::from_be_bytes);
    let mut found = state.store.verifications(&scope, before, page.wanted()).await?;
    let next = page.cut(&mut found, |verification| verification.id.to_be_bytes());
    let document = |verification: Verification| VerificationDocument {
        id: verification.id.to_string(),
        track: verification.track.map(|track| track.to_string()),
        timestamp: verification.timestamp,
        anonymity_set: verification.anonymity_set,
    };
    let data = found.into_iter().map(document).collect();
    Ok(Document(VerificationPage { data, next }))
}

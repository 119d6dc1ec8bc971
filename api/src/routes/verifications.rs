use bauta_service_common::{Path, Query};
use bauta_store::Verification;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    pages::{MAX_PAGE, PageParameters, Request, page},
    problems::{Failure, ProblemDocument},
    respond::Document,
    scopes,
    state::Reads,
};

/// A verification. It says neither who proved nor who paid.
#[derive(Serialize, ToSchema)]
pub struct VerificationDocument {
    /// The number of the verification, from 1 in the order of the chain.
    id: String,
    /// The claim as a track. Null if the claim is no track.
    track: Option<String>,
    /// The time of the verification in Unix seconds.
    timestamp: i64,
    /// The number of distinct owners with a live token in the track at the root of the proof. Null
    /// if it is unknown or small.
    anonymity_set: Option<u64>,
}

page! {
    /// A page of verifications.
    VerificationPage of VerificationDocument
}

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

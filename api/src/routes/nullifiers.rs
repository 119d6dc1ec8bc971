use axum::response::Response;
use bauta_primitives::{FieldElement, Nullifier};
use bauta_service_common::{InvalidField, Json, Path, Query};
use bauta_wire::api::{NullifierDocument, NullifierPage};

use super::{
    holdings::PrefixParameters,
    pages::{MAX_PREFIX_PAGE, Request},
    parameters,
    problems::{Failure, ProblemDocument},
    respond::{Document, uncached},
    scopes,
    state::Reads,
};
use crate::prefix::{self, Prefix};

/// Lists the used nullifiers of a scope that begin with the same bits.
///
/// A client finds out whether its own nullifier was used, among at least about 256. They are
/// ordered.
#[utoipa::path(
    get,
    path = "/v1/scopes/{scope}/nullifiers",
    tag = "scopes",
    params(("scope" = String, Path, description = "The scope account"), PrefixParameters),
    responses(
        (status = 200, body = NullifierPage),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; that the client needs one of about 256 nullifiers", "keeps": "nothing"})))
)]
pub async fn nullifiers(
    state: Reads,
    Path(address): Path<String>,
    Query(parameters): Query<PrefixParameters>,
) -> Result<Document<NullifierPage>, Failure> {
    let scope = scopes::read(&state, &address).await?;
    let prefix_bits = prefix::largest(state.store.nullifier_count(&scope).await?);
    let prefix = Prefix::parse(parameters.prefix.as_deref(), prefix_bits)?;
    let (filter, cursor) = (prefix.to_string(), parameters.cursor.as_deref());
    let filters = ["nullifiers", address.as_str(), filter.as_str()];
    let page = Request::new(&filters, parameters.limit, MAX_PREFIX_PAGE, cursor)?;
    let after = page.after.map(nullifier_of_cursor).transpose()?;
    let range = prefix.range();
    let found = state
        .store
        .nullifiers_within(&scope, &range, after, page.wanted());
    let mut found = found.await?;
    let next = page.cut(&mut found, |nullifier| nullifier.to_bytes());
    Ok(Document(NullifierPage {
        prefix_bits,
        data: found.iter().map(ToString::to_string).collect(),
        next,
    }))
}

fn nullifier_of_cursor(bytes: [u8; 32]) -> Result<Nullifier, InvalidField> {
    let element = FieldElement::from_bytes("cursor", bytes);
    element
        .map(Nullifier::new)
        .map_err(|error| InvalidField::new("cursor", error.to_string()))
}

/// Returns whether a nullifier was used.
///
/// The request joins the client's address and the use of the nullifier. Prefer the list by prefix.
#[utoipa::path(
    get,
    path = "/v1/scopes/{scope}/nullifiers/{nullifier}",
    tag = "scopes",
    params(
        ("scope" = String, Path, description = "The scope account"),
        ("nullifier" = String, Path, description = "The nullifier"),
    ),
    responses(
        (status = 200, body = NullifierDocument),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; **which nullifier**", "keeps": "nothing"})))
)]
pub async fn nullifier(
    state: Reads,
    Path((address, text)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let nullifier = Nullifier::new(parameters::element("nullifier", &text)?);
    let scope = scopes::read(&state, &address).await?;
    let used = state.store.nullifier(&scope, nullifier).await?;
    Ok(uncached(Json(NullifierDocument {
        used: used.is_some(),
        used_at: used.map(|used| used.used_at),
        signature: used.map(|used| used.signature.to_string()),
    })))
}

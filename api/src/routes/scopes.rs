use bauta_service_common::{Path, Query};
use bauta_store::{Scope, ScopeStatus};
use bauta_wire::api::{ScopeDocument, ScopePage};
use serde::Deserialize;
use solana_address::Address;
use utoipa::IntoParams;

use super::{
    pages::{MAX_PAGE, Request},
    parameters,
    problems::{Failure, ProblemDocument},
    respond::Document,
    state::Reads,
};
use crate::time::unix_seconds;

/// The parameters of a list of scopes.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ScopeParameters {
    /// Only the scopes over this registry.
    registry: Option<String>,
    /// Largest number of elements. The default is 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// The `next` of the previous page, with the same filters.
    cursor: Option<String>,
}

/// Lists the scopes.
///
/// They are ordered by address.
#[utoipa::path(
    get,
    path = "/v1/scopes",
    tag = "scopes",
    params(ScopeParameters),
    responses(
        (status = 200, body = ScopePage),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; which registry", "keeps": "nothing"})))
)]
pub async fn scopes(
    state: Reads,
    Query(parameters): Query<ScopeParameters>,
) -> Result<Document<ScopePage>, Failure> {
    let filters = ["scopes", parameters.registry.as_deref().unwrap_or_default()];
    let cursor = parameters.cursor.as_deref();
    let page = Request::new(&filters, parameters.limit, MAX_PAGE, cursor)?;
    let registry = match &parameters.registry {
        None => None,
        Some(text) => {
            let address = parameters::address("registry", text)?;
            Some(state.store.registry(address).await?)
        }
    };
    let after = page.after.map(Address::from);
    let found = state.store.scopes_after(registry.as_ref(), after, page.wanted());
    let mut found = found.await?;
    let next = page.cut(&mut found, |scope| scope.address.to_bytes());
    let now = unix_seconds();
    let data = found.iter().map(|scope| document(&state, scope, now)).collect();
    Ok(Document(ScopePage { data, next }))
}

/// Returns a scope.
///
/// The values are those of the program's events up to `Bauta-Slot`.
#[utoipa::path(
    get,
    path = "/v1/scopes/{scope}",
    tag = "scopes",
    params(("scope" = String, Path, description = "The scope account")),
    responses(
        (status = 200, body = ScopeDocument),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; which scope", "keeps": "nothing"})))
)]
pub async fn scope(state: Reads, Path(address): Path<String>) -> Result<Document<ScopeDocument>, Failure> {
    let scope = read(&state, &address).await?;
    Ok(Document(document(&state, &scope, unix_seconds())))
}

/// Reads the scope of a path.
pub async fn read(state: &Reads, address: &str) -> Result<Scope, Failure> {
    let address = parameters::address("scope", address)?;
    Ok(state.store.scope(address).await?)
}

fn document(state: &Reads, scope: &Scope, now: i64) -> ScopeDocument {
    let fees = state.relay.as_ref().map(|relay| relay.fees(scope, now));
    let status = if scope.status == ScopeStatus::Closed || now >= scope.closes_at {
        "closed"
    } else if now < scope.opens_at {
        "scheduled"
    } else {
        "open"
    };
    ScopeDocument {
        address: scope.address.to_string(),
        scope: scope.scope.to_string(),
        creator: scope.creator.to_string(),
        registry: scope.registry.to_string(),
        circuit: scope.circuit.to_string(),
        auxiliary_registry: scope.auxiliary_registry.map(|address| address.to_string()),
        gate: scope.gate.map(|address| address.to_string()),
        mode: scope.mode.as_str().into(),
        root: scope.root.map(|root| root.to_string()),
        required_claim: scope.required_claim.map(|claim| claim.to_string()),
        status: status.into(),
        opens_at: scope.opens_at,
        closes_at: scope.closes_at,
        relay: fees
            .unwrap_or_default()
            .into_iter()
            .map(|fee| fee.as_str().into())
            .collect(),
    }
}

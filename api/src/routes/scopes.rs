use bauta_service_common::{Path, Query};
use bauta_store::{Scope, ScopeStatus};
use serde::{Deserialize, Serialize};
use solana_address::Address;
use utoipa::{IntoParams, ToSchema};

use super::{
    pages::{MAX_PAGE, Request, page},
    parameters,
    problems::{Failure, ProblemDocument},
    respond::Document,
    state::Reads,
};
use crate::{relay::Fee, time::unix_seconds};

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

/// A scope according to the program's events.
#[derive(Serialize, ToSchema)]
pub struct ScopeDocument {
    /// The scope account.
    address: String,
    /// The field element that nullifiers are derived from. A client derives it from the tag of its
    /// cluster and compares.
    scope: String,
    /// The creator of the scope.
    creator: String,
    /// The registry account.
    registry: String,
    /// The circuit account.
    circuit: String,
    /// The auxiliary registry, if the scope has one.
    auxiliary_registry: Option<String>,
    /// The address that must sign verifications, if the scope names one.
    gate: Option<String>,
    /// `snapshot` or `live`.
    mode: &'static str,
    /// The root of a snapshot.
    root: Option<String>,
    /// The only claim that the scope accepts. Null: any claim.
    required_claim: Option<String>,
    /// `scheduled` before `opens_at`, then `open`, and `closed` from `closes_at` on or after the
    /// creator closed the scope.
    status: &'static str,
    /// The time at which the scope opens, in Unix seconds.
    opens_at: i64,
    /// The time from which the scope refuses verifications, in Unix seconds.
    closes_at: i64,
    /// How relays of verifications in the scope can be paid for: `sponsored`, `key` and
    /// `in_transaction`, or none of them.
    relay: Vec<&'static str>,
}

page! {
    /// A page of scopes.
    ScopePage of ScopeDocument
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
        mode: scope.mode.as_str(),
        root: scope.root.map(|root| root.to_string()),
        required_claim: scope.required_claim.map(|claim| claim.to_string()),
        status,
        opens_at: scope.opens_at,
        closes_at: scope.closes_at,
        relay: fees.unwrap_or_default().into_iter().map(Fee::as_str).collect(),
    }
}

//! Whether the operator pays for relays.

use axum::{http::HeaderMap, response::Response};
use bauta_service_common::{AUDIT, Json, UnreadBody};
use bauta_store::{AuditRecord, FeatureFlags, FlagChange, Role};
use bauta_wire::api::{SponsorshipBody, SponsorshipDocument};

use super::{
    operator_queue::ROLES,
    problems::{Failure, ProblemDocument},
    respond::uncached,
    state::Reads,
};

/// Largest body in bytes.
const MAX_BODY_BYTES: usize = 1 << 10;

/// Returns whether the operator pays for relays.
///
/// The scopes and budgets are settings of the service.
#[utoipa::path(
    get,
    path = "/v1/operator/sponsorship",
    tag = "operations",
    security(("wallet" = ["operator"]), ("wallet" = ["auditor"])),
    responses((status = 200, body = SponsorshipDocument)),
    extensions(("x-discloses" = json!({"sees": "network address; account", "keeps": "nothing"})))
)]
pub async fn sponsorship(state: Reads, headers: HeaderMap) -> Result<Response, Failure> {
    state.with_role(&headers, &ROLES).await?;
    let flags = state.databases.primary().feature_flags().await?;
    Ok(uncached(Json(sponsorship_document(flags))))
}

/// Pauses or resumes the sponsorship of relays.
///
/// It counts for all instances within a second. While it is paused, new relays with the fee
/// `sponsored` get 503 `sponsorship_paused`. Relays that were accepted before continue, and their
/// requests can be repeated. Other kinds of fees are not affected.
#[utoipa::path(
    put,
    path = "/v1/operator/sponsorship",
    tag = "operations",
    security(("wallet" = ["operator"])),
    request_body(content = SponsorshipBody, example = json!({"paused": false})),
    responses(
        (status = 200, body = SponsorshipDocument),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; account",
        "keeps": "the state; account, state and time in the audit log for ever"
    })))
)]
pub async fn set_sponsorship(
    state: Reads,
    headers: HeaderMap,
    body: UnreadBody,
) -> Result<Response, Failure> {
    let by = state.with_role(&headers, &[Role::Operator]).await?.id.to_string();
    let SponsorshipBody { paused, version } = body.json(MAX_BODY_BYTES).await?;
    let record = AuditRecord::of("sponsorship_set", &by, &format!("paused={paused}"));
    let change = FlagChange::SponsorshipPaused(paused);
    let set = state.flags.set(change, version, &record).await?;
    tracing::info!(target: AUDIT, event = "sponsorship_set", account = by, paused);
    Ok(uncached(Json(sponsorship_document(set))))
}

fn sponsorship_document(flags: FeatureFlags) -> SponsorshipDocument {
    SponsorshipDocument {
        paused: flags.sponsorship_paused,
        version: flags.version,
    }
}

//! The flags that operators set for all instances.

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, Method},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bauta_service_common::{AUDIT, InvalidField, Json, UnreadBody};
use bauta_store::{AuditRecord, FeatureFlags, FlagChange, Role};
use bauta_wire::api::{FlagsBody, FlagsDocument};
use std::sync::Arc;

use super::{
    problems::{Failure, ProblemDocument},
    respond::uncached,
    state::{AppState, Reads},
};
use crate::feature_flags::check;

/// The header with the percentile of a client.
pub const ROLLOUT: HeaderName = HeaderName::from_static("bauta-rollout");
/// The routes that the flags switch off, all with the method POST. What has begun can be read.
pub const SWITCHED: [&str; 3] = ["/v1/relay", "/v1/zkp/generate", "/v1/zkp/verify"];
/// Largest body in bytes.
const MAX_BODY_BYTES: usize = 1 << 10;

/// Returns the flags.
///
/// A front end keeps a random number that it never sends. Its percentile is the first 8 bytes of
/// SHA-256 of the salt and the number, big-endian, modulo 100. If the percentile is below
/// `rollout_percentage`, it shows the feature, and sends the percentile as `Bauta-Rollout`. At 100
/// no client needs to send it.
#[utoipa::path(
    get,
    path = "/feature-flags",
    tag = "operations",
    responses((status = 200, body = FlagsDocument)),
    extensions(("x-discloses" = json!({"sees": "network address", "keeps": "nothing"})))
)]
pub async fn feature_flags(state: Reads) -> Result<Response, Failure> {
    let flags = state.flags.current().await;
    Ok(uncached(Json(flags_document(flags))))
}

/// Sets the flags.
///
/// They count for all instances within a second. Requests that have begun are completed. Relays and
/// jobs that were accepted before continue. With `version`, the change gets 409 `flags_changed` if
/// another one came first.
#[utoipa::path(
    post,
    path = "/feature-flags",
    tag = "operations",
    security(("wallet" = ["operator"])),
    request_body(content = FlagsBody, example = json!({"zkp_enabled": true, "rollout_percentage": 100})),
    responses(
        (status = 200, body = FlagsDocument),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; account",
        "keeps": "the flags; account, flags and time in the audit log for ever"
    })))
)]
pub async fn set_feature_flags(
    state: Reads,
    headers: HeaderMap,
    body: UnreadBody,
) -> Result<Response, Failure> {
    let by = state.with_role(&headers, &[Role::Operator]).await?.id.to_string();
    let FlagsBody {
        zkp_enabled,
        rollout_percentage,
        version,
    } = body.json(MAX_BODY_BYTES).await?;
    let percentage = u8::try_from(rollout_percentage)
        .ok()
        .filter(|percentage| *percentage <= 100);
    let percentage = percentage
        .ok_or_else(|| InvalidField::new("rollout_percentage", "must be a number from 0 to 100"))?;
    let subject = format!("zkp_enabled={zkp_enabled} rollout_percentage={percentage}");
    let record = AuditRecord::of("flags_set", &by, &subject);
    let change = FlagChange::Zkp {
        enabled: zkp_enabled,
        rollout_percentage: percentage,
    };
    let set = state.flags.set(change, version, &record).await?;
    tracing::info!(target: AUDIT, event = "flags_set", account = by, zkp_enabled, rollout_percentage);
    Ok(uncached(Json(flags_document(set))))
}

/// Refuses requests that the flags have switched off for their clients.
pub async fn enforce(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let is_switched =
        request.method() == Method::POST && route.is_some_and(|route| SWITCHED.contains(&route));
    if is_switched && let Err(failure) = accept(&state, request.headers()).await {
        return failure.into_response();
    }
    next.run(request).await
}

async fn accept(state: &AppState, headers: &HeaderMap) -> Result<(), Failure> {
    let percentile = percentile(headers)?;
    let flags = state.flags.current().await;
    Ok(check(&flags, percentile)?)
}

fn percentile(headers: &HeaderMap) -> Result<Option<u8>, InvalidField> {
    let Some(value) = headers.get(ROLLOUT) else {
        return Ok(None);
    };
    let percentile = value.to_str().ok().and_then(|text| text.parse().ok());
    let percentile = percentile.filter(|percentile| *percentile < 100);
    let rule = || InvalidField::new("Bauta-Rollout", "must be a number from 0 to 99");
    percentile.map(Some).ok_or_else(rule)
}

fn flags_document(flags: FeatureFlags) -> FlagsDocument {
    FlagsDocument {
        zkp_enabled: flags.zkp_enabled,
        rollout_percentage: flags.rollout_percentage,
        salt: hex::encode(flags.salt),
        version: flags.version,
    }
}

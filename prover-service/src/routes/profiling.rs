use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use bauta_service_common::{Json, Problem, Query, UnreadBody};
use bauta_wire::prover::{ProfileRequest, Report};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    problems::{self, ProblemDocument},
    state::{ADMIN, AppState, MAX_OPERATION_BYTES},
};
use crate::profile;

/// The content security policy of the page: only inline styles are allowed.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// Query parameters of the measurement.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// Format of the report. By default the format that the Accept header prefers.
    format: Option<Format>,
}

/// Format of a report.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Json,
    Html,
}

impl Format {
    /// Returns the format that the Accept header lists first, or JSON if it lists none.
    fn preferred(headers: &HeaderMap) -> Self {
        let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let position = |kind: &str| accepted.and_then(|accepted| accepted.find(kind));
        match (position("text/html"), position("application/json")) {
            (Some(html), Some(json)) if html < json => Self::Html,
            (Some(_), None) => Self::Html,
            _ => Self::Json,
        }
    }
}

/// Measures the proving time of this instance.
///
/// Makes proofs with generated members and returns the times as JSON or as a web page. Only one
/// measurement runs at a time.
#[utoipa::path(
    post,
    path = "/api/profiling/comprehensive",
    tag = "operations",
    security(("api_key" = ["admin"])),
    params(Parameters),
    request_body = ProfileRequest,
    responses(
        (status = 200, content((Report = "application/json"), (String = "text/html"))),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn profile(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    parameters: Result<Query<Parameters>, Problem>,
    body: UnreadBody,
) -> Result<Response, Problem> {
    state.authorise(&headers, ADMIN).await?;
    let Query(parameters) = parameters?;
    let request: ProfileRequest = body.json(MAX_OPERATION_BYTES).await?;
    profile::check(&request)?;
    let Ok(_guard) = state.profiling.try_lock() else {
        return Err(problems::profiling_busy());
    };
    let report = profile::run(&request, &state.circuits, &state.prover).await?;
    Ok(
        match parameters.format.unwrap_or_else(|| Format::preferred(&headers)) {
            Format::Json => Json(report).into_response(),
            Format::Html => (
                [
                    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
                    (header::CONTENT_SECURITY_POLICY, POLICY),
                ],
                profile::html(&report),
            )
                .into_response(),
        },
    )
}

use axum::{
    extract::State as Extract,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bauta_service_common::{Json, Problem, Query};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{ADMIN, State, openapi::ProblemDocument};
use crate::profile::{self, ProfileRequest, Report};

/// What a browser may do with the page: show it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// How the report is wanted.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// `json` or `html`; without it, what the Accept header prefers.
    format: Option<Format>,
}

/// How a report is written.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Json,
    Html,
}

impl Format {
    /// The one that the header names first; JSON if it names none.
    fn preferred(headers: &HeaderMap) -> Self {
        let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let place = |kind: &str| accepted.and_then(|accepted| accepted.find(kind));
        match (place("text/html"), place("application/json")) {
            (Some(html), Some(json)) if html < json => Self::Html,
            (Some(_), None) => Self::Html,
            _ => Self::Json,
        }
    }
}

/// `POST /api/profiling/comprehensive`: how fast this instance proves, as JSON or as a page. One run at a time.
#[utoipa::path(
    post,
    path = "/api/profiling/comprehensive",
    tag = "operations",
    security((), ("api_key" = ["admin"])),
    params(Wanted),
    request_body = ProfileRequest,
    responses(
        (status = 200, content((Report = "application/json"), (String = "text/html"))),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn profile(
    Extract(state): Extract<State>,
    headers: HeaderMap,
    wanted: Result<Query<Wanted>, Problem>,
    request: Result<Json<ProfileRequest>, Problem>,
) -> Result<Response, Problem> {
    state.authorise(&headers, ADMIN)?;
    let (Query(wanted), Json(request)) = (wanted?, request?);
    request.check()?;
    let Ok(_alone) = state.0.profiling.try_lock() else {
        let detail = "another run is being measured; come again when it has ended";
        return Err(
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "profiling_busy", detail)
                .retry_after(std::time::Duration::from_secs(10)),
        );
    };
    let report = request.run(&state.0.circuits, &state.0.prover).await?;
    Ok(
        match wanted.format.unwrap_or_else(|| Format::preferred(&headers)) {
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

use std::convert::Infallible;

use axum::extract::State as Extract;
use axum::http::HeaderMap;
use bauta_service_common::Problem;

use super::{PROVE, State, openapi::ProblemDocument};
use crate::{audit::Entry, circuits::not_built};

/// `POST /api/proof/generate`: attestations belong to the statement `reputation`, which this version can't prove.
#[utoipa::path(
    post,
    path = "/api/proof/generate",
    tag = "proofs",
    security((), ("api_key" = ["prove"])),
    responses(
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn generate(Extract(state): Extract<State>, headers: HeaderMap) -> Problem {
    let mut entry = Entry::of("/api/proof/generate");
    let problem = match state.authorise(&headers, PROVE) {
        Ok(caller) => {
            entry.owner(&caller.prefix);
            not_built("reputation")
        }
        Err(problem) => problem,
    };
    match entry.end::<Infallible>(Err(problem)) {
        Err(problem) => problem,
    }
}

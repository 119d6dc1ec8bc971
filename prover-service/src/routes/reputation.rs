use std::{convert::Infallible, sync::Arc};

use axum::{extract::State, http::HeaderMap};
use bauta_service_common::Problem;

use super::{
    problems::{ProblemDocument, audited},
    state::{AppState, PROVE},
};
use crate::{audit::AuditRecord, circuits::CircuitError};

/// Creates a proof of reputation.
///
/// The statement `reputation` isn't built yet, so the response is always an error.
#[utoipa::path(
    post,
    path = "/api/proof/generate",
    tag = "proofs",
    security((), ("api_key" = ["prove"])),
    responses(
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn generate(State(state): State<Arc<AppState>>, headers: HeaderMap) -> Problem {
    let mut record = AuditRecord::start("/api/proof/generate");
    let problem = match state.authorise(&headers, PROVE).await {
        Ok(caller) => {
            record.set_owner(&caller.owner);
            CircuitError::not_built("reputation").into()
        }
        Err(problem) => problem,
    };
    match audited::<Infallible>(record, Err(problem)) {
        Err(problem) => problem,
    }
}

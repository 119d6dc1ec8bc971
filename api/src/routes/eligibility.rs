use axum::Extension;
use bauta_service_common::{Json, Path, UnreadBody};
use bauta_wire::api::{EligibilityDocument, EligibilityRequest, EligibleAsset};

use super::{
    parameters,
    problems::{Failure, ProblemDocument, snake_case},
    registries,
    state::Reads,
};
use crate::{
    eligibility::Token,
    limits::{Client, Kind},
};

/// Largest body of a request in bytes.
const MAX_BODY_BYTES: usize = 1 << 10;
/// A lookup makes several requests to the node, so it counts as this many requests.
const COST: usize = 10;

/// Returns which tokens of a wallet can register.
///
/// The tokens come from a node (`SOLANA_RPC_URL`) at the commitment `confirmed`, and are checked as
/// the program checks them. Assets of Metaplex Core are left out, because a node has no index of
/// their owners. Whether a token is registered is in the list of holdings. A wallet with more than
/// 1,000 tokens is refused. The request counts as 10 in the rate limit.
#[utoipa::path(
    post,
    path = "/v1/registries/{registry}/eligibility",
    tag = "registries",
    params(("registry" = String, Path, description = "The registry account")),
    request_body(
        content = EligibilityRequest,
        example = json!({"owner": "11111111111111111111111111111111"})
    ),
    responses(
        (status = 200, body = EligibilityDocument),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; **which wallet**, also to the node", "keeps": "nothing"})))
)]
pub async fn eligibility(
    state: Reads,
    Extension(client): Extension<Client>,
    Path(address): Path<String>,
    body: UnreadBody,
) -> Result<Json<EligibilityDocument>, Failure> {
    let request: EligibilityRequest = body.json(MAX_BODY_BYTES).await?;
    let owner = parameters::address("owner", &request.owner)?;
    let registry = registries::read(&state, &address).await?;
    state.limits.take_further(&client, Kind::Other, COST - 1).await?;
    let tokens = state
        .eligibility
        .tokens(&state.store, &client.name, &registry, owner);
    let tokens = tokens.await?;
    let assets = tokens.into_iter().map(document).collect();
    Ok(Json(EligibilityDocument { assets }))
}

fn document(token: Token) -> EligibleAsset {
    EligibleAsset {
        asset: token.mint.to_string(),
        track: token.track.to_string(),
        eligible: token.refused.is_none(),
        reason: token.refused.as_ref().map(|error| snake_case(&error.name)),
        message: token.refused.map(|error| error.message),
    }
}

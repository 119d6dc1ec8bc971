use axum::{Extension, response::Response};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bauta_primitives::Commitment;
use bauta_service_common::{InvalidField, InvalidFields, Json, Path, UnreadBody};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    parameters::{self, kept},
    problems::{Failure, ProblemDocument},
    registries,
    respond::uncached,
    state::Reads,
};
use crate::{
    eligibility::RegistrationRequest,
    limits::{Client, Kind},
};

/// Largest body of a request in bytes.
const MAX_BODY_BYTES: usize = 1 << 10;
/// A registration makes several requests to the node, so it counts as this many requests.
const COST: usize = 10;

/// An asset to register.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistrationBody {
    /// The address of the wallet that holds the asset. It signs and pays.
    owner: String,
    /// The mint of the token, or the asset of Metaplex Core.
    asset: String,
    /// The commitment: `Poseidon1` of the owner's secret for this asset and registry.
    commitment: String,
}

/// A transaction to sign.
#[derive(Serialize, ToSchema)]
pub struct RegistrationDocument {
    /// The transaction in base64, with an empty signature. The owner signs it.
    transaction: String,
    /// The block height up to which the transaction can be executed.
    last_valid_block_height: String,
    /// The key of the collection that accepts the asset.
    collection: String,
    /// The track that the asset registers in.
    track: String,
    /// What the owner pays.
    lamports: LamportsDocument,
}

/// What a transaction costs, in lamports.
#[derive(Serialize, ToSchema)]
pub struct LamportsDocument {
    /// The fee.
    fee: u64,
    /// The rent of the holding account. 0 if the asset was registered before.
    rent: u64,
}

/// Builds the transaction that registers an asset.
///
/// For clients without the SDK. The transaction has one instruction, `register_holder` or
/// `register_core_holder`, with the path of the present leaf if the asset was registered before. A
/// simulation with it has succeeded. **Check that the transaction has your own commitment before
/// you sign it:** with another one, another party is registered. The request counts as 10 in the
/// rate limit.
#[utoipa::path(
    post,
    path = "/v1/registries/{registry}/registrations",
    tag = "registries",
    params(("registry" = String, Path, description = "The registry account")),
    request_body(
        content = RegistrationBody,
        example = json!({
            "owner": "11111111111111111111111111111111",
            "asset": "11111111111111111111111111111111",
            "commitment": format!("0x{}01", "00".repeat(31))
        })
    ),
    responses(
        (status = 200, body = RegistrationDocument),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; **wallet, token and commitment**, also to the node; they are on chain after the registration",
        "keeps": "nothing"
    })))
)]
pub async fn registrations(
    state: Reads,
    Extension(client): Extension<Client>,
    Path(address): Path<String>,
    body: UnreadBody,
) -> Result<Response, Failure> {
    let request = body.json::<RegistrationBody>(MAX_BODY_BYTES).await?.parse()?;
    let registry = registries::read(&state, &address).await?;
    state.limits.take_further(&client, Kind::Other, COST - 1).await?;
    let built = state
        .eligibility
        .registration(&state.store, &client.name, &registry, &request);
    let built = built.await?;
    Ok(uncached(Json(RegistrationDocument {
        transaction: BASE64.encode(built.transaction),
        last_valid_block_height: built.last_valid_block_height.to_string(),
        collection: built.collection.key.to_string(),
        track: built.collection.track.to_string(),
        lamports: LamportsDocument {
            fee: built.fee,
            rent: built.rent,
        },
    })))
}

impl RegistrationBody {
    /// Converts the fields. The error has every field that breaks its rule.
    fn parse(&self) -> Result<RegistrationRequest, InvalidFields> {
        let mut errors = Vec::new();
        let owner = kept(parameters::address("owner", &self.owner), &mut errors);
        let asset = kept(parameters::address("asset", &self.asset), &mut errors);
        let commitment = kept(parameters::element("commitment", &self.commitment), &mut errors);
        if let Some(errors) = InvalidFields::of(errors) {
            return Err(errors);
        }
        // Each value is present, because there is no error.
        let missing = || InvalidField::missing("owner");
        Ok(RegistrationRequest {
            owner: owner.ok_or_else(missing)?,
            asset: asset.ok_or_else(missing)?,
            commitment: Commitment::new(commitment.ok_or_else(missing)?),
        })
    }
}

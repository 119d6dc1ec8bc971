use axum::{Extension, body::Bytes, response::Response};
use bauta_service_common::{InvalidField, Path, UnreadBody};
use bauta_store::StoreError;
use bauta_wire::api::TileRequest;

use super::{
    parameters,
    problems::{Failure, ProblemDocument},
    respond,
    state::Reads,
};
use crate::{
    limits::{Client, Kind},
    tile::encode_list,
};

/// Largest body of a request for tiles in bytes.
const MAX_BODY_BYTES: usize = 8 << 10;

/// Returns a tile by its hash.
///
/// The first byte is the level of the tile's root above the leaves: 4, 8, 10, 12 or 16. Then come
/// the entries, 32 bytes each, without the empty ones at the end. The root of a tree is the hash of
/// its top tile. The entries of a tile are hashes of tiles, or leaves in the lowest tiles. A client
/// computes the hash again. docs/api-service.md explains how.
#[utoipa::path(
    get,
    path = "/v1/tiles/{hash}",
    tag = "trees",
    params(("hash" = String, Path, description = "The hash of the tile, or the root of a tree")),
    responses(
        (status = 200, description = "The tile. It never changes", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; that the client needs one of 256 leaves", "keeps": "nothing"})))
)]
pub async fn tile(state: Reads, Path(text): Path<String>) -> Result<Response, Failure> {
    let hash = parameters::element("hash", &text)?;
    let found = state.tiles.get(&state.store, &[hash]).await?.into_iter().next();
    let tile = found.flatten().ok_or(StoreError::UnknownTile { hash })?;
    Ok(respond::immutable(Bytes::from_owner(tile), &hash.to_string()))
}

/// Returns several tiles.
///
/// Before each tile are two bytes with its length, big-endian, in the order of the hashes. A tile
/// that is not stored has the length 0.
#[utoipa::path(
    post,
    path = "/v1/tiles",
    tag = "trees",
    request_body(
        content = TileRequest,
        example = json!({"hashes": ["0x0000000000000000000000000000000000000000000000000000000000000007"]})
    ),
    responses(
        (status = 200, description = "The tiles", body = Vec<u8>, content_type = "application/octet-stream"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; for each tile, that the client needs one of 256 leaves", "keeps": "nothing"})))
)]
pub async fn tiles(
    state: Reads,
    Extension(client): Extension<Client>,
    body: UnreadBody,
) -> Result<Response, Failure> {
    let request: TileRequest = body.json(MAX_BODY_BYTES).await?;
    let hash = |(index, text): (usize, &String)| {
        parameters::element("hash", text)
            .map_err(|error| InvalidField::new(format!("hashes[{index}]"), error.rule))
    };
    let hashes: Vec<_> = request
        .hashes
        .iter()
        .enumerate()
        .map(hash)
        .collect::<Result<_, _>>()?;
    let Some(further) = hashes.len().checked_sub(1) else {
        return Err(InvalidField::new("hashes", "must have at least one element").into());
    };
    state.limits.take_further(&client, Kind::Tile, further).await?;
    let tiles = state.tiles.get(&state.store, &hashes).await?;
    Ok(respond::octets(encode_list(&tiles)))
}

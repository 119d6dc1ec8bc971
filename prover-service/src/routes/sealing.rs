use std::sync::Arc;

use axum::extract::State;
use bauta_service_common::{Json, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::state::AppState;
use crate::{
    proof::prefixed,
    sealed_inputs::{ALGORITHMS, INFO},
};

/// The key that clients seal private inputs to.
#[derive(Serialize, ToSchema)]
pub struct SealingKeyAnswer {
    /// The id of the key, for `sealed.key_id`.
    key_id: String,
    /// `0x` and the 32 bytes of the public key.
    public_key: String,
    /// The key encapsulation mechanism.
    kem: &'static str,
    /// The key derivation function.
    kdf: &'static str,
    /// The encryption.
    aead: &'static str,
    /// The parameter `info` of HPKE.
    info: &'static str,
}

/// Returns the key that private inputs are sealed to.
///
/// A client that sends its request through another service seals `private` with HPKE (RFC 9180,
/// mode base), so that only this service can read it. Read the key for each proof, because it is
/// replaced.
#[utoipa::path(
    get,
    path = "/sealing-key",
    tag = "proofs",
    responses((status = 200, body = SealingKeyAnswer))
)]
pub async fn sealing_key(State(state): State<Arc<AppState>>) -> Result<Json<SealingKeyAnswer>, Problem> {
    let newest = state.sealing.newest();
    let (key_id, public_key) = newest.map_err(|error| Problem::internal(&error))?;
    let [kem, kdf, aead] = ALGORITHMS;
    Ok(Json(SealingKeyAnswer {
        key_id,
        public_key: prefixed(&public_key),
        kem,
        kdf,
        aead,
        info: INFO,
    }))
}

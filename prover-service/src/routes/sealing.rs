use std::{sync::Arc, time::Duration};

use axum::extract::State;
use bauta_service_common::{Json, Problem};
use bauta_wire::prover::SealingKeyAnswer;

use super::state::AppState;
use crate::{
    proof::prefixed,
    sealed_inputs::{ALGORITHMS, INFO, NewestKey},
    time::unix_seconds,
};

/// Returns the key that private inputs are sealed to.
///
/// A client that sends its request through another service seals `private` with HPKE (RFC 9180,
/// mode base), so that only this service can read it. Read the key for each proof, because it is
/// replaced. A replaced key is accepted for `SEALING_KEY_GRACE_SECONDS`.
#[utoipa::path(
    get,
    path = "/sealing-key",
    tag = "proofs",
    responses((status = 200, body = SealingKeyAnswer))
)]
pub async fn sealing_key(State(state): State<Arc<AppState>>) -> Result<Json<SealingKeyAnswer>, Problem> {
    let newest = state.sealing.newest();
    let NewestKey {
        key_id,
        public_key,
        valid_for,
    } = newest.map_err(|error| Problem::internal(&error))?;
    let end = |valid_for: Duration| unix_seconds().saturating_add_unsigned(valid_for.as_secs());
    let [kem, kdf, aead] = ALGORITHMS;
    Ok(Json(SealingKeyAnswer {
        key_id,
        public_key: prefixed(&public_key),
        kem: kem.into(),
        kdf: kdf.into(),
        aead: aead.into(),
        info: INFO.into(),
        valid_until: valid_for.map(end),
    }))
}

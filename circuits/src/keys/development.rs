//! Development keys. They are made from published secrets, for tests and local chains.

use bauta_iden3::{R1cs, ZKey};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sha2::{Digest, Sha256};

use super::{Key, Provenance};
use crate::{
    CircuitsError,
    statement::{Statement, r1cs},
};

/// The seed of all development keys. It is published here, so anyone can forge proofs for them. A
/// change would change all development keys.
const SEED: &[u8] = b"bauta/development-setup/1: these secrets are public, anybody can forge";

impl<S: Statement> Key<S> {
    /// Makes the development key of a statement. Every call gives the same key: SHA-256 of the
    /// published seed and the constraint system's hash is the seed of `ChaCha20`, from which every
    /// secret of the setup is drawn. This takes seconds. See
    /// [`load_or_setup_development`](super::load_or_setup_development).
    pub fn development(statement: S) -> Result<Self, CircuitsError> {
        let r1cs = r1cs(&statement);
        let zkey = setup(&r1cs)?;
        Self::assemble(statement, &r1cs, Provenance::Development, zkey)
    }
}

fn setup(r1cs: &R1cs) -> Result<ZKey, CircuitsError> {
    Ok(ZKey::development(r1cs, &mut generator(r1cs))?)
}

/// Returns `true` if the key was made from the published seed. The names of its contributions do
/// not matter, because nothing proves them.
pub(super) fn is_from_published_seed(zkey: &ZKey, r1cs: &R1cs) -> bool {
    zkey.has_development_secrets(&mut generator(r1cs))
}

/// Returns the generator of the secrets of a constraint system's development key.
fn generator(r1cs: &R1cs) -> ChaCha20Rng {
    let seed = Sha256::new()
        .chain_update(SEED)
        .chain_update(r1cs.hash())
        .finalize();
    ChaCha20Rng::from_seed(seed.into())
}

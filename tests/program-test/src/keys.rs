//! Deterministic keys.

use solana_keypair::Keypair;
use solana_sha256_hasher::hashv;

/// Derives a keypair from a name, so that figures and failures repeat exactly.
///
/// Use it in tests only: anyone can compute the secret key.
#[must_use]
pub fn keypair(name: &str) -> Keypair {
    Keypair::new_from_array(seed(name))
}

/// Derives 32 bytes from a name. [`keypair`] uses them as the seed.
#[must_use]
pub fn seed(name: &str) -> [u8; 32] {
    hashv(&[b"bauta/svm/1", name.as_bytes()]).to_bytes()
}

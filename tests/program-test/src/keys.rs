//! Keys that are the same in every run.

use solana_keypair::Keypair;
use solana_sha256_hasher::hashv;

/// The keypair of a name: the SHA-256 of the name is its seed, so figures and failures repeat exactly.
/// Worthless outside tests, since anybody can compute it.
#[must_use]
pub fn keypair(name: &str) -> Keypair {
    Keypair::new_from_array(seed(name))
}

/// 32 bytes of a name, as [`keypair`] takes them.
#[must_use]
pub fn seed(name: &str) -> [u8; 32] {
    hashv(&[b"bauta/svm/1", name.as_bytes()]).to_bytes()
}

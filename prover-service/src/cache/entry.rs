//! What an entry is called and how it is kept: neither tells anything to whoever reads the disk or Redis without the key.

use bauta_circuits::{Evaluation, Proof};
use bauta_primitives::{Digest, ProofInputs};
use bauta_service_common::Secret;
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use rand::{RngCore, rngs::OsRng};
use zeroize::Zeroizing;

const NONCE: usize = 24;
/// Two keys from the one of the configuration, so that none is used for two things.
const NAMES: &str = "bauta prover-service 2026-11-20 names of cache entries";
const VALUES: &str = "bauta prover-service 2026-11-20 values of cache entries";

/// `CACHE_KEY` isn't a key.
#[derive(Debug, thiserror::Error)]
#[error("CACHE_KEY must be 64 hexadecimal digits, as of `openssl rand -hex 32`")]
pub struct CacheKeyError;

/// An entry's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Name([u8; 32]);

impl Name {
    /// As files and Redis have it.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }
}

/// Names entries and seals them.
pub struct Sealer {
    names: Zeroizing<[u8; 32]>,
    cipher: XChaCha20Poly1305,
}

impl Sealer {
    /// With the configuration's key.
    pub fn new(setting: &Secret) -> Result<Self, CacheKeyError> {
        let mut key = Zeroizing::new([0; 32]);
        hex::decode_to_slice(setting.expose().trim(), key.as_mut_slice()).map_err(|_| CacheKeyError)?;
        let values = Zeroizing::new(blake3::derive_key(VALUES, key.as_slice()));
        Ok(Self {
            names: Zeroizing::new(blake3::derive_key(NAMES, key.as_slice())),
            cipher: XChaCha20Poly1305::new((&*values).into()),
        })
    }

    /// The name of a proof: keyed BLAKE3 of the verifying key's hash and all inputs, public and private. Every part has a fixed length but the
    /// path, which the circuit fixes. The secret is in it as its commitment, which no other secret has.
    pub fn proof(&self, key_hash: &[u8; 32], inputs: &ProofInputs, evaluation: &Evaluation) -> Name {
        let mut hasher = blake3::Hasher::new_keyed(&self.names);
        hasher.update(b"proof").update(key_hash);
        hasher.update(&inputs.secret.commitment().to_bytes());
        hasher.update(&inputs.entry_id.to_bytes());
        hasher.update(&inputs.attributes.to_bytes());
        hasher.update(&inputs.path.index().get().to_be_bytes());
        for sibling in inputs.path.siblings().iter().flatten() {
            hasher.update(&sibling.to_bytes());
        }
        // Of root, nullifier, scope, claim and context.
        hasher.update(&evaluation.digest.to_bytes());
        Name(hasher.finalize().into())
    }

    /// The name of a verification's result.
    pub fn verification(&self, key_hash: &[u8; 32], proof: &[u8; Proof::LENGTH], digest: Digest) -> Name {
        let mut hasher = blake3::Hasher::new_keyed(&self.names);
        hasher.update(b"verification").update(key_hash);
        hasher.update(proof).update(&digest.to_bytes());
        Name(hasher.finalize().into())
    }

    /// Encrypts a value for a name: nonce, ciphertext, tag.
    pub fn seal(&self, name: Name, value: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE];
        OsRng.fill_bytes(&mut nonce);
        let payload = Payload {
            msg: value,
            aad: &name.0,
        };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .expect("a value is far shorter than the cipher's limit");
        [&nonce, sealed.as_slice()].concat()
    }

    /// Decrypts what was sealed for this name. None if it is anything else: damaged, planted, another's, or of another key.
    pub fn open(&self, name: Name, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE>()?;
        let payload = Payload {
            msg: ciphertext,
            aad: &name.0,
        };
        self.cipher.decrypt(&XNonce::from(*nonce), payload).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(digit: &str) -> Sealer {
        Sealer::new(&Secret::new(digit.repeat(64))).ok().unwrap()
    }

    fn name(sealer: &Sealer) -> Name {
        let digest = Digest::from_bytes([1; 32]).unwrap();
        sealer.verification(&[2; 32], &[3; 256], digest)
    }

    #[test]
    fn without_the_key_nobody_can_tell_what_an_entry_is_called() {
        assert_ne!(name(&sealer("1")), name(&sealer("2")));
        assert_eq!(name(&sealer("1")), name(&sealer("1")));
    }

    #[test]
    fn only_what_was_sealed_for_a_name_opens_under_it() {
        let one = sealer("1");
        let sealed = one.seal(name(&one), b"value");
        assert_eq!(one.open(name(&one), &sealed).unwrap(), b"value");
        let other = one.verification(&[9; 32], &[3; 256], Digest::from_bytes([1; 32]).unwrap());
        assert_eq!(one.open(other, &sealed), None);
        assert_eq!(sealer("2").open(name(&one), &sealed), None);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(one.open(name(&one), &changed), None, "byte {at}");
            assert_eq!(one.open(name(&one), &sealed[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn a_key_that_is_none_is_refused_without_repeating_it() {
        for text in ["", "0101", &"0".repeat(63), &"g".repeat(64)] {
            let error = Sealer::new(&Secret::new(text.to_owned())).err().unwrap();
            assert!(!error.to_string().contains("0101"), "{error}");
        }
    }
}

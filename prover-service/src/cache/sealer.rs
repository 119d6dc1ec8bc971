//! Names and encryption of cache entries. Without the key, neither the name nor the content of an
//! entry reveals anything to a reader of the disk or of Redis.

use bauta_circuits::{AnyInputs, Evaluation, Proof};
use bauta_primitives::Digest;
use bauta_service_common::Secret;
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use rand::{RngCore, rngs::OsRng};
use zeroize::Zeroizing;

/// Bytes of a nonce.
const NONCE_LENGTH: usize = 24;
/// Context for the key that names entries. The names and the values have separate keys, both
/// derived from `CACHE_KEY`.
const NAME_KEY_CONTEXT: &str = "bauta prover-service 2026-11-20 names of cache entries";
/// Context for the key that encrypts values.
const VALUE_KEY_CONTEXT: &str = "bauta prover-service 2026-11-20 values of cache entries";

/// `CACHE_KEY` isn't a key.
#[derive(Debug, thiserror::Error)]
#[error("CACHE_KEY must be 64 hexadecimal digits: generate it with `openssl rand -hex 32`")]
pub struct InvalidCacheKey;

/// The name of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EntryName([u8; 32]);

impl EntryName {
    /// Returns the form that file names and Redis keys use.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }
}

/// Computes the names of entries, and encrypts and decrypts their values.
pub struct Sealer {
    name_key: Zeroizing<[u8; 32]>,
    cipher: XChaCha20Poly1305,
}

impl Sealer {
    /// Derives both keys from `CACHE_KEY`.
    pub fn new(setting: &Secret) -> Result<Self, InvalidCacheKey> {
        let mut key = Zeroizing::new([0; 32]);
        hex::decode_to_slice(setting.expose().trim(), key.as_mut_slice()).map_err(|_| InvalidCacheKey)?;
        let value_key = Zeroizing::new(blake3::derive_key(VALUE_KEY_CONTEXT, key.as_slice()));
        Ok(Self {
            name_key: Zeroizing::new(blake3::derive_key(NAME_KEY_CONTEXT, key.as_slice())),
            cipher: XChaCha20Poly1305::new((&*value_key).into()),
        })
    }

    /// Returns the name of a proof: keyed BLAKE3 of the verifying key's hash and of all inputs,
    /// public and private. Every part has a fixed length, except for the path, whose length the
    /// circuit determines. The commitment stands for the secret, because it is unique to it. The
    /// attributes and the claim stand for a statement's own inputs, because they are their hashes.
    pub fn proof_name(&self, key_hash: &[u8; 32], inputs: &AnyInputs, evaluation: &Evaluation) -> EntryName {
        let mut hasher = blake3::Hasher::new_keyed(&self.name_key);
        hasher.update(b"proof").update(key_hash);
        hasher.update(&inputs.secret().commitment().to_bytes());
        hasher.update(&inputs.entry_id().to_bytes());
        hasher.update(&inputs.attributes().to_bytes());
        hasher.update(&inputs.path().index().get().to_be_bytes());
        for sibling in inputs.path().siblings().iter().flatten() {
            hasher.update(&sibling.to_bytes());
        }
        // The digest covers root, nullifier, scope, claim and context.
        hasher.update(&evaluation.digest.to_bytes());
        EntryName(hasher.finalize().into())
    }

    /// Returns the name of the result of a verification.
    pub fn verification_name(
        &self,
        key_hash: &[u8; 32],
        proof: &[u8; Proof::LENGTH],
        digest: Digest,
    ) -> EntryName {
        let mut hasher = blake3::Hasher::new_keyed(&self.name_key);
        hasher.update(b"verification").update(key_hash);
        hasher.update(proof).update(&digest.to_bytes());
        EntryName(hasher.finalize().into())
    }

    /// Encrypts a value and authenticates its name. Returns nonce, ciphertext and tag.
    pub fn seal(&self, name: EntryName, value: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LENGTH];
        OsRng.fill_bytes(&mut nonce);
        let payload = Payload {
            msg: value,
            aad: &name.0,
        };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .expect("a value is shorter than the cipher's limit of 256 GiB");
        [&nonce, sealed.as_slice()].concat()
    }

    /// Decrypts a value that was sealed with this name. `None` if the bytes are damaged, forged,
    /// belong to another name, or were sealed with another key.
    pub fn open(&self, name: EntryName, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_LENGTH>()?;
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

    fn name(sealer: &Sealer) -> EntryName {
        let digest = Digest::from_bytes([1; 32]).unwrap();
        sealer.verification_name(&[2; 32], &[3; 256], digest)
    }

    #[test]
    fn the_name_of_an_entry_depends_on_the_key() {
        assert_ne!(name(&sealer("1")), name(&sealer("2")));
        assert_eq!(name(&sealer("1")), name(&sealer("1")));
    }

    #[test]
    fn a_value_opens_only_with_its_name_and_key_and_only_unchanged() {
        let one = sealer("1");
        let sealed = one.seal(name(&one), b"value");
        assert_eq!(one.open(name(&one), &sealed).unwrap(), b"value");
        let other = one.verification_name(&[9; 32], &[3; 256], Digest::from_bytes([1; 32]).unwrap());
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
    fn an_invalid_key_is_refused_and_the_error_does_not_contain_it() {
        for text in ["", "0101", &"0".repeat(63), &"g".repeat(64)] {
            let error = Sealer::new(&Secret::new(text.to_owned())).err().unwrap();
            assert!(!error.to_string().contains("0101"), "{error}");
        }
    }
}

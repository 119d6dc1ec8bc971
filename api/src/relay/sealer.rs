//! Encrypts requests and transactions while they wait in the database. A reader of the database,
//! its log or its backups learns no recipient and no payload.

use bauta_service_common::Secret;
use bauta_store::RandomId;
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use rand::{RngCore, rngs::OsRng};
use zeroize::Zeroizing;

use super::{error::RelaySetupError, request::RelayRequest};

/// The version of the format: the first byte.
const VERSION: u8 = 1;
/// Bytes of a nonce.
const NONCE_LENGTH: usize = 24;
/// Contexts of the keys that are derived from `RELAY_KEY`. They must not change: the database has
/// values of earlier versions.
const HASH_KEY_CONTEXT: &str = "bauta api 2026-11-22 hashes of relay requests";
const VALUE_KEY_CONTEXT: &str = "bauta api 2026-11-22 values of relays";

/// Encrypts, decrypts and hashes.
pub struct Sealer {
    hash_key: Zeroizing<[u8; 32]>,
    cipher: XChaCha20Poly1305,
}

impl Sealer {
    /// Derives both keys from `RELAY_KEY`.
    pub fn new(setting: &Secret) -> Result<Self, RelaySetupError> {
        let mut key = Zeroizing::new([0; 32]);
        hex::decode_to_slice(setting.expose().trim(), key.as_mut_slice())
            .map_err(|_| RelaySetupError::InvalidKey)?;
        let value_key = Zeroizing::new(blake3::derive_key(VALUE_KEY_CONTEXT, key.as_slice()));
        Ok(Self {
            hash_key: Zeroizing::new(blake3::derive_key(HASH_KEY_CONTEXT, key.as_slice())),
            cipher: XChaCha20Poly1305::new((&*value_key).into()),
        })
    }

    /// Returns the keyed hash of a request.
    pub fn hash(&self, request: &RelayRequest) -> [u8; 32] {
        blake3::keyed_hash(&self.hash_key, &request.bytes()).into()
    }

    /// Returns the keyed hash of a client's idempotency key. Anonymous clients can't be
    /// distinguished, so one could use the key of another. The hash therefore includes the request.
    pub fn idempotency_hash(&self, key: &str, request_hash: &[u8; 32]) -> [u8; 32] {
        let bytes = [b"idempotency key", request_hash.as_slice(), key.as_bytes()].concat();
        blake3::keyed_hash(&self.hash_key, &bytes).into()
    }

    /// Encrypts a value of a relay, and authenticates the relay's id.
    pub fn seal(&self, relay: &RandomId, value: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LENGTH];
        OsRng.fill_bytes(&mut nonce);
        let payload = Payload {
            msg: value,
            aad: relay,
        };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .expect("a value is shorter than the cipher's limit of 256 GiB");
        [&[VERSION], &nonce[..], sealed.as_slice()].concat()
    }

    /// Decrypts a value of a relay. `None` if the bytes are damaged, belong to another relay, or
    /// were encrypted with another key.
    pub fn open(&self, relay: &RandomId, sealed: &[u8]) -> Option<Vec<u8>> {
        let (version, rest) = sealed.split_first()?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LENGTH>()?;
        let payload = Payload {
            msg: ciphertext,
            aad: relay,
        };
        (*version == VERSION)
            .then(|| self.cipher.decrypt(&XNonce::from(*nonce), payload).ok())
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(digit: &str) -> Sealer {
        Sealer::new(&Secret::new(digit.repeat(64))).unwrap()
    }

    #[test]
    fn a_value_opens_only_with_its_key_for_its_relay_and_unchanged() {
        let (sealer, other) = (sealer("a"), sealer("b"));
        let sealed = sealer.seal(&[1; 16], b"value");
        assert_eq!(sealer.open(&[1; 16], &sealed).unwrap(), b"value");
        assert_ne!(sealed, sealer.seal(&[1; 16], b"value"), "the nonce is random");
        assert!(sealer.open(&[2; 16], &sealed).is_none());
        assert!(other.open(&[1; 16], &sealed).is_none());
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(sealer.open(&[1; 16], &changed).is_none(), "byte {index}");
        }
        for length in 0..sealed.len() {
            assert!(sealer.open(&[1; 16], &sealed[..length]).is_none());
        }
    }

    #[test]
    fn an_idempotency_key_belongs_to_one_request() {
        let sealer = sealer("a");
        let hash = sealer.idempotency_hash("key", &[1; 32]);
        assert_eq!(hash, sealer.idempotency_hash("key", &[1; 32]));
        assert_ne!(hash, sealer.idempotency_hash("key", &[2; 32]));
        assert_ne!(hash, sealer.idempotency_hash("other", &[1; 32]));
    }

    #[test]
    fn a_key_that_is_not_64_digits_is_refused() {
        for text in ["", "a", &"a".repeat(63), &"g".repeat(64)] {
            assert!(Sealer::new(&Secret::new((*text).to_owned())).is_err(), "{text}");
        }
    }
}

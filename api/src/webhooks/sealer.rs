//! Encrypts the secrets of webhooks in the database.

use bauta_service_common::Secret;
use bauta_store::RandomId;
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use rand::{RngCore, rngs::OsRng};
use zeroize::Zeroizing;

use super::{WebhookSetupError, signature::WebhookSecret};

/// The version of the format: the first byte.
const VERSION: u8 = 1;
/// Bytes of a nonce.
const NONCE_LENGTH: usize = 24;
/// Context of the key that is derived from `WEBHOOK_KEY`. It must not change: the database has
/// secrets of earlier versions.
const CONTEXT: &str = "bauta api 2026-11-23 secrets of webhooks";

/// Encrypts and decrypts.
pub struct Sealer(XChaCha20Poly1305);

impl Sealer {
    /// Derives the key from `WEBHOOK_KEY`.
    pub fn new(setting: &Secret) -> Result<Self, WebhookSetupError> {
        let mut key = Zeroizing::new([0; 32]);
        hex::decode_to_slice(setting.expose().trim(), key.as_mut_slice())
            .map_err(|_| WebhookSetupError::InvalidKey)?;
        let derived = Zeroizing::new(blake3::derive_key(CONTEXT, key.as_slice()));
        Ok(Self(XChaCha20Poly1305::new((&*derived).into())))
    }

    /// Encrypts a secret, and authenticates the id of its webhook.
    pub fn seal(&self, webhook: &RandomId, secret: &WebhookSecret) -> Vec<u8> {
        let mut nonce = [0; NONCE_LENGTH];
        OsRng.fill_bytes(&mut nonce);
        let payload = Payload {
            msg: secret.bytes(),
            aad: webhook,
        };
        let sealed = self
            .0
            .encrypt(&XNonce::from(nonce), payload)
            .expect("a secret is shorter than the cipher's limit of 256 GiB");
        [&[VERSION], &nonce[..], sealed.as_slice()].concat()
    }

    /// Decrypts a secret. `None` if the bytes are damaged, belong to another webhook, or were
    /// encrypted with another key.
    pub fn open(&self, webhook: &RandomId, sealed: &[u8]) -> Option<WebhookSecret> {
        let (version, rest) = sealed.split_first()?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LENGTH>()?;
        let payload = Payload {
            msg: ciphertext,
            aad: webhook,
        };
        (*version == VERSION)
            .then(|| self.0.decrypt(&XNonce::from(*nonce), payload).ok())
            .flatten()
            .map(|secret| WebhookSecret::new(Zeroizing::new(secret)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_only_for_its_webhook_and_with_its_key() {
        let sealer = |digit: &str| Sealer::new(&Secret::new(digit.repeat(64))).unwrap();
        let secret = WebhookSecret::random();
        let sealed = sealer("0").seal(&[1; 16], &secret);
        let open = |key, id: u8| sealer(key).open(&[id; 16], &sealed);
        assert_eq!(open("0", 1).unwrap().bytes(), secret.bytes());
        assert!(open("0", 2).is_none() && open("1", 1).is_none());
        assert!(sealer("0").open(&[1; 16], &sealed[..20]).is_none());
        assert!(Sealer::new(&Secret::new("0".repeat(63))).is_err());
    }
}

//! A client of Oblivious HTTP (RFC 9458), from the same HPKE as the gateway.

use std::convert::Infallible;

use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce, aead::Aead};
use hmac::{Hmac, Mac};
use hpke::{
    Deserializable as _, Kem, OpModeS, Serializable as _, aead,
    kdf::HkdfSha256,
    kem::X25519HkdfSha256,
    rand_core::{TryCryptoRng, TryRng},
    setup_sender_with_rng,
};
use rand::{RngCore, rngs::OsRng};
use sha2::Sha256;

/// The random numbers of the operating system, for the traits of HPKE.
struct SystemRandom;

impl TryRng for SystemRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(OsRng.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(OsRng.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        OsRng.fill_bytes(bytes);
        Ok(())
    }
}

impl TryCryptoRng for SystemRandom {}

/// What is needed to read the response to a request.
pub struct Client {
    secret: [u8; 32],
    encapsulated: Vec<u8>,
}

impl Client {
    /// Encapsulates a request to the first key of a list.
    pub fn encapsulate(keys: &[u8], request: &[u8]) -> (Vec<u8>, Self) {
        let [_, _, id, kem_high, kem_low, rest @ ..] = keys else {
            panic!("the list has no key");
        };
        let (key, rest) = rest.split_at(32);
        // The lengths of the list of algorithms, and the first pair of it.
        let algorithms = &rest[2..6];
        let header = [&[*id, *kem_high, *kem_low], algorithms].concat();
        let key = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(key).unwrap();
        let info = [b"message/bhttp request\0", header.as_slice()].concat();
        let (encapsulated, mut context) = setup_sender_with_rng::<
            aead::ChaCha20Poly1305,
            HkdfSha256,
            X25519HkdfSha256,
        >(&OpModeS::Base, &key, &info, &mut SystemRandom)
        .unwrap();
        let encapsulated = encapsulated.to_bytes().to_vec();
        let sealed = context.seal(request, &[]).unwrap();
        let mut secret = [0; 32];
        context.export(b"message/bhttp response", &mut secret).unwrap();
        let message = [header, encapsulated.clone(), sealed].concat();
        (message, Self { secret, encapsulated })
    }

    /// Reads the response.
    pub fn decapsulate(self, response: &[u8]) -> Vec<u8> {
        let (nonce, sealed) = response.split_at(32);
        let hmac = |key: &[u8], message: &[u8]| {
            let mut hmac = <Hmac<Sha256> as Mac>::new_from_slice(key).unwrap();
            hmac.update(message);
            <[u8; 32]>::from(hmac.finalize().into_bytes())
        };
        let extracted = hmac(&[self.encapsulated.as_slice(), nonce].concat(), &self.secret);
        let key = hmac(&extracted, b"key\x01");
        let nonce = hmac(&extracted, b"nonce\x01");
        let nonce: [u8; 12] = nonce[..12].try_into().unwrap();
        let cipher = ChaCha20Poly1305::new((&key).into());
        cipher.decrypt(&Nonce::from(nonce), sealed).unwrap()
    }
}

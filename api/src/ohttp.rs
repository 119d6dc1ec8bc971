//! The keys of the gateway for Oblivious HTTP (RFC 9458), and the requests that were used.
//!
//! ```text
//!   OHTTP_KEY, day --> key pair of the day; those of the day before and after are accepted as well
//!   client --encrypted to it--> relay, which knows the address --> gateway, which knows the request
//! ```
//!
//! All instances have the same keys, because they derive them from the same setting. A key is
//! offered for a day, and accepted for a day more, for clients that have it in memory.
//!
//! The algorithms are those of the private inputs that clients seal to the prover service:
//! DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305. The crate `ohttp` has more
//! algorithms, whose crates change the features of those that the local node and the database
//! driver use.

use std::{
    collections::HashSet,
    fmt, mem,
    sync::{Mutex, PoisonError},
};

use bauta_service_common::Secret;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce, aead::AeadInOut};
use hmac::{Hmac, Mac};
use hpke::{
    Deserializable as _, Kem as _, OpModeR, Serializable as _, aead, kdf::HkdfSha256, kem::X25519HkdfSha256,
    setup_receiver,
};
use rand::{RngCore, rngs::OsRng};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Context for the keys. It must not change: instances of several versions have the same keys.
const KEY_CONTEXT: &str = "bauta api 2026-11-23 keys of the ohttp gateway";
/// Bytes of `OHTTP_KEY`.
const KEY_BYTES: usize = 32;
/// Seconds for which a key is offered.
const PERIOD: i64 = 86_400;
/// The numbers of KEM, KDF and AEAD (RFC 9180, section 7).
const ALGORITHMS: [u16; 3] = [0x0020, 0x0001, 0x0003];
/// The header of a request: the number of the key and the algorithms.
const HEADER_BYTES: usize = 7;
/// Bytes of an ephemeral public key.
const ENCAPSULATED_BYTES: usize = 32;
/// What the encryption of requests and responses is bound to (RFC 9458, section 4).
const REQUEST_LABEL: &[u8] = b"message/bhttp request\0";
const RESPONSE_LABEL: &[u8] = b"message/bhttp response";
/// The larger of the lengths of key and nonce. Exported secrets and nonces of responses have it.
const SECRET_BYTES: usize = 32;
/// Bytes of a tag of the encryption.
const TAG_BYTES: usize = 16;
/// Bytes of a nonce of the encryption.
const NONCE_BYTES: usize = 12;
/// An instance remembers from this number of used requests on, up to twice as many.
const MAX_USED: usize = 50_000;

type Kem = X25519HkdfSha256;
type PrivateKey = <Kem as hpke::Kem>::PrivateKey;
type PublicKey = <Kem as hpke::Kem>::PublicKey;

/// The setting `OHTTP_KEY` can't be used.
#[derive(Debug, thiserror::Error)]
#[error("the key of the OHTTP gateway (OHTTP_KEY) must be 64 hexadecimal digits")]
pub struct InvalidOhttpKey;

/// Why an encapsulated request is not answered.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OhttpError {
    /// The client has another key, or other algorithms.
    #[error("the gateway does not have this key; read the keys again")]
    UnknownKey,
    /// It can't be decrypted.
    #[error("the request is not encapsulated for the key that it names")]
    Unreadable,
    /// It was sent before.
    #[error("the request was used before; encapsulate it again")]
    Used,
    /// The gateway failed.
    #[error("the gateway for Oblivious HTTP failed")]
    Internal,
}

/// Decrypts requests.
pub struct Gateway {
    secret: Zeroizing<[u8; KEY_BYTES]>,
    used: Mutex<Used>,
}

/// The ephemeral public keys of used requests: the newest, and those before them.
#[derive(Default)]
struct Used {
    newest: HashSet<[u8; ENCAPSULATED_BYTES]>,
    before: HashSet<[u8; ENCAPSULATED_BYTES]>,
}

/// Encrypts the response to one request.
pub struct Reply {
    secret: Zeroizing<[u8; SECRET_BYTES]>,
    encapsulated: [u8; ENCAPSULATED_BYTES],
}

impl Gateway {
    /// Uses the key of the setting.
    pub fn new(secret: &Secret) -> Result<Self, InvalidOhttpKey> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        hex::decode_to_slice(secret.expose().trim(), bytes.as_mut_slice()).map_err(|_| InvalidOhttpKey)?;
        Ok(Self {
            secret: bytes,
            used: Mutex::default(),
        })
    }

    /// Returns the key of a time, as clients read it (`application/ohttp-keys`), and the seconds for
    /// which it is offered.
    pub fn keys(&self, now: i64) -> (Vec<u8>, i64) {
        let day = now.div_euclid(PERIOD);
        let (_, public) = self.key_pair(day);
        let [kem, kdf, aead] = ALGORITHMS.map(u16::to_be_bytes);
        // One pair of KDF and AEAD, which takes 4 bytes.
        let config = [&[key_id(day)][..], &kem, &public.to_bytes(), &[0, 4], &kdf, &aead].concat();
        let length = u16::try_from(config.len()).unwrap_or(u16::MAX);
        let list = [&length.to_be_bytes()[..], &config].concat();
        (list, PERIOD - now.rem_euclid(PERIOD))
    }

    /// Decrypts a request. Each can be used once, as far as this instance remembers.
    pub fn open(&self, request: &[u8], now: i64) -> Result<(Vec<u8>, Reply), OhttpError> {
        let header = request.first_chunk::<HEADER_BYTES>();
        let header = header.ok_or(OhttpError::Unreadable)?;
        let encapsulated = request[HEADER_BYTES..].first_chunk::<ENCAPSULATED_BYTES>();
        let encapsulated = *encapsulated.ok_or(OhttpError::Unreadable)?;
        let algorithms = ALGORITHMS.map(u16::to_be_bytes).concat();
        let today = now.div_euclid(PERIOD);
        let mut days = [today, today - 1, today + 1].into_iter();
        let day = days.find(|day| key_id(*day) == header[0] && header[1..] == algorithms);
        let (private, _) = self.key_pair(day.ok_or(OhttpError::UnknownKey)?);
        let key = <Kem as hpke::Kem>::EncappedKey::from_bytes(&encapsulated);
        let info = [REQUEST_LABEL, header].concat();
        let context = setup_receiver::<aead::ChaCha20Poly1305, HkdfSha256, Kem>(
            &OpModeR::Base,
            &private,
            &key.map_err(|_| OhttpError::Unreadable)?,
            &info,
        );
        let mut context = context.map_err(|_| OhttpError::Unreadable)?;
        let inner = context.open(&request[HEADER_BYTES + ENCAPSULATED_BYTES..], &[]);
        let inner = inner.map_err(|_| OhttpError::Unreadable)?;
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        let exported = context.export(RESPONSE_LABEL, secret.as_mut_slice());
        exported.map_err(|_| OhttpError::Internal)?;
        // Only requests that can be decrypted are remembered, so that no other ones displace them.
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if !used.add(encapsulated) {
            return Err(OhttpError::Used);
        }
        Ok((inner, Reply { secret, encapsulated }))
    }

    fn key_pair(&self, day: i64) -> (PrivateKey, PublicKey) {
        let material = Zeroizing::new([self.secret.as_slice(), &day.to_be_bytes()].concat());
        let seed = Zeroizing::new(blake3::derive_key(KEY_CONTEXT, &material));
        Kem::derive_keypair(seed.as_slice())
    }
}

impl Used {
    /// Adds a request. Returns whether it is new.
    fn add(&mut self, key: [u8; ENCAPSULATED_BYTES]) -> bool {
        if self.newest.contains(&key) || self.before.contains(&key) {
            return false;
        }
        if self.newest.len() >= MAX_USED {
            self.before = mem::take(&mut self.newest);
        }
        self.newest.insert(key)
    }
}

impl Reply {
    /// Encrypts the response.
    pub fn seal(&self, response: &[u8]) -> Result<Vec<u8>, OhttpError> {
        let mut nonce = [0; SECRET_BYTES];
        OsRng.fill_bytes(&mut nonce);
        self.seal_with(&nonce, response)
    }

    fn seal_with(&self, nonce: &[u8; SECRET_BYTES], response: &[u8]) -> Result<Vec<u8>, OhttpError> {
        let (key, aead_nonce) = response_key(self.secret.as_slice(), &self.encapsulated, nonce)?;
        let cipher = ChaCha20Poly1305::new((&*key).into());
        let aead_nonce = Nonce::from(aead_nonce);
        // One buffer of the final length, in which the response is encrypted.
        let mut sealed = Vec::with_capacity(SECRET_BYTES + response.len() + TAG_BYTES);
        sealed.extend_from_slice(nonce);
        sealed.extend_from_slice(response);
        let plain = &mut sealed[SECRET_BYTES..];
        let tag = cipher.encrypt_inout_detached(&aead_nonce, &[], plain.into());
        sealed.extend_from_slice(&tag.map_err(|_| OhttpError::Internal)?);
        Ok(sealed)
    }
}

/// Derives the key and the nonce of a response (RFC 9458, section 4.4).
fn response_key(
    secret: &[u8],
    encapsulated: &[u8],
    nonce: &[u8],
) -> Result<(Zeroizing<[u8; 32]>, [u8; NONCE_BYTES]), OhttpError> {
    let salt = [encapsulated, nonce].concat();
    let extracted = hmac(&salt, secret)?;
    // One block is enough for each (RFC 5869, section 2.3).
    let key = hmac(extracted.as_slice(), b"key\x01")?;
    let nonce = hmac(extracted.as_slice(), b"nonce\x01")?;
    let nonce = nonce.first_chunk().copied().unwrap_or_default();
    Ok((key, nonce))
}

fn hmac(key: &[u8], message: &[u8]) -> Result<Zeroizing<[u8; 32]>, OhttpError> {
    let mut hmac = <Hmac<Sha256> as Mac>::new_from_slice(key).map_err(|_| OhttpError::Internal)?;
    hmac.update(message);
    Ok(Zeroizing::new(hmac.finalize().into_bytes().into()))
}

/// Never prints the key.
impl fmt::Debug for Gateway {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Gateway")
    }
}

/// Returns the number that names the key of a day. Keys that are accepted at the same time have
/// different ones.
fn key_id(day: i64) -> u8 {
    u8::try_from(day.rem_euclid(256)).unwrap_or_default()
}

#[cfg(test)]
#[path = "../tests/api/common/ohttp_client.rs"]
mod client;

#[cfg(test)]
mod tests {
    use super::{client::Client, *};

    const NOW: i64 = 20_000 * PERIOD + 5;

    fn gateway(digit: &str) -> Gateway {
        Gateway::new(&Secret::new(digit.repeat(64))).unwrap()
    }

    fn request(gateway: &Gateway, now: i64) -> (Vec<u8>, Client) {
        Client::encapsulate(&gateway.keys(now).0, b"request")
    }

    /// The crate `ohttp` 0.8 has written the key, the request and the response.
    #[test]
    fn the_gateway_agrees_with_another_implementation() {
        let keys = "00292000208cc5b7d61ffa9e91d8c042c81bf24013baa34f9f8e071613b6c0b3606b4fe03c000400010003";
        let request = "2000200001000392cbdd5c147e80c7427b30c5c6d701a819905aac470ea3ed42bd9ded2074e53b2f50c452dd52e9\
                       2536350e4a623048fcad7a7062fa3844";
        let response = "6c49943767d3af000843872977cba4c0b596c6d5a8948c0314f8d3ec69dd5289e1b431860caea9e6e8137eb9f1c1\
                        16c78ac6f7a07d5b65fc";
        let gateway = gateway("1");
        assert_eq!(hex::encode(gateway.keys(NOW).0), keys);
        let (inner, reply) = gateway.open(&hex::decode(request).unwrap(), NOW).unwrap();
        assert_eq!(inner, b"request");
        let response = hex::decode(response).unwrap();
        let nonce = response.first_chunk().unwrap();
        assert_eq!(reply.seal_with(nonce, b"response").unwrap(), response);
    }

    #[test]
    fn every_instance_answers_a_request_for_the_key_of_the_day_and_of_its_neighbours() {
        let (first, second) = (gateway("1"), gateway("1"));
        for now in [NOW - PERIOD, NOW, NOW + PERIOD] {
            let (request, client) = request(&first, now);
            let (inner, reply) = second.open(&request, NOW).unwrap();
            assert_eq!(inner, b"request");
            let sealed = reply.seal(b"response").unwrap();
            assert_eq!(client.decapsulate(&sealed), b"response");
        }
        for now in [NOW - 2 * PERIOD, NOW + 2 * PERIOD] {
            let (request, _) = request(&first, now);
            assert_eq!(second.open(&request, NOW).err(), Some(OhttpError::UnknownKey));
        }
        assert_eq!(first.keys(NOW).1, PERIOD - 5);
    }

    #[test]
    fn a_request_is_used_once_and_only_with_the_right_key() {
        let own = gateway("1");
        let (request, _) = request(&own, NOW);
        let error = |gateway: &Gateway, request: &[u8]| gateway.open(request, NOW).err();
        assert_eq!(error(&gateway("2"), &request), Some(OhttpError::Unreadable));
        for index in HEADER_BYTES..request.len() {
            let mut changed = request.clone();
            changed[index] ^= 1;
            assert_eq!(error(&own, &changed), Some(OhttpError::Unreadable), "{index}");
        }
        for index in 0..HEADER_BYTES {
            let mut changed = request.clone();
            changed[index] ^= 0x40;
            assert_eq!(error(&own, &changed), Some(OhttpError::UnknownKey), "{index}");
        }
        assert!(own.open(&request, NOW).is_ok());
        assert_eq!(error(&own, &request), Some(OhttpError::Used));
        for length in [0, 1, HEADER_BYTES, HEADER_BYTES + ENCAPSULATED_BYTES] {
            let cut = error(&own, &request[..length]);
            assert_eq!(cut, Some(OhttpError::Unreadable), "{length}");
        }
    }

    #[test]
    fn a_bounded_number_of_used_requests_is_remembered() {
        let mut used = Used::default();
        let key = |number: usize| {
            let mut key = [0; ENCAPSULATED_BYTES];
            key[..8].copy_from_slice(&number.to_be_bytes());
            key
        };
        for number in 0..2 * MAX_USED {
            assert!(used.add(key(number)), "{number}");
        }
        assert!(!used.add(key(0)) && !used.add(key(2 * MAX_USED - 1)));
        assert!(used.add(key(2 * MAX_USED)));
        assert!(
            !used.add(key(MAX_USED)) && used.add(key(0)),
            "the oldest are forgotten"
        );
        assert!(used.newest.len() + used.before.len() <= 2 * MAX_USED);
    }

    #[test]
    fn a_key_has_64_digits() {
        for text in ["", "0a", &"g".repeat(64), &"0".repeat(63)] {
            assert!(Gateway::new(&Secret::new((*text).to_owned())).is_err(), "{text}");
        }
    }
}

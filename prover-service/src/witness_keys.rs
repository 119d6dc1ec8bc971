//! Encryption of witnesses in the database. The keys are not in the database.
//!
//! A sealed witness consists of the length of the key's name (1 byte), the name, a nonce (24
//! bytes), and the ciphertext and tag of `XChaCha20-Poly1305`. The job's id is authenticated, so
//! that the witness of one row can't be moved to another row.
//!
//! Keys are in the configuration (`WITNESS_KEYS`), or in a file that instances share
//! (`WITNESS_KEY_RING`), or in both.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use bauta_service_common::Secret;
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use rand::{RngCore, rngs::OsRng};
use zeroize::Zeroizing;

use crate::key_ring::{KeyRing, KeyRingError};

/// Bytes of a nonce.
const NONCE_LENGTH: usize = 24;
/// Largest length of a key's name in bytes.
const MAX_NAME_LENGTH: usize = 32;
/// A witness is encrypted only with a copy of the key ring that is younger than this. So an old key
/// encrypts nothing soon after it was replaced.
pub const MAX_RING_AGE: Duration = Duration::from_secs(2);

/// The time for which a client's unknown key does not make the service read the key ring again.
const MISS_AGE: Duration = Duration::from_millis(100);

/// Why keys are refused, or a witness can't be decrypted. No variant contains a key or a witness.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    /// The setting isn't a list of keys.
    #[error(
        "key {number} of WITNESS_KEYS must be a name (1 to 32 letters, digits, - or _), a colon and 64 hexadecimal \
         digits; separate keys with commas"
    )]
    Malformed {
        /// Position of the key in the list, from 1.
        number: usize,
    },
    /// Two keys have the same name.
    #[error("key {number} of WITNESS_KEYS has the same name as an earlier key: use different names")]
    DuplicateName {
        /// Position of the second key in the list, from 1.
        number: usize,
    },
    /// The service doesn't have the key that encrypted the witness.
    #[error(
        "the witness was encrypted with the key {name}, which WITNESS_KEYS doesn't contain, and WITNESS_KEY_RING neither"
    )]
    UnknownKey {
        /// The key's name.
        name: String,
    },
    /// The bytes are not what was encrypted for this job.
    #[error("the encrypted witness is damaged, or belongs to another job")]
    Damaged,
    /// The key ring can't be read.
    #[error(transparent)]
    Ring(#[from] KeyRingError),
}

/// The bytes of a key.
type Key = Zeroizing<[u8; 32]>;

/// Keys for witnesses. The newest key of the ring encrypts, or the first key of the configuration
/// if there is no ring. All keys decrypt.
pub struct WitnessKeys {
    ring: Option<KeyRing>,
    configured: Vec<(String, Key)>,
    /// The last time that a client named a key that the ring does not have.
    missed: Mutex<Option<Instant>>,
}

impl WitnessKeys {
    /// Reads the keys of the configuration and of the key ring. `None` if there are neither.
    pub fn open(configured: Option<&Secret>, ring: Option<&PathBuf>) -> Result<Option<Self>, SealError> {
        if configured.is_none() && ring.is_none() {
            return Ok(None);
        }
        let configured = configured.map(Self::parse).transpose()?;
        Ok(Some(Self {
            ring: ring.map(|file| KeyRing::open(file)).transpose()?,
            configured: configured.map(|keys| keys.configured).unwrap_or_default(),
            missed: Mutex::default(),
        }))
    }

    /// Creates a random key for a process that stores no witnesses.
    pub fn random() -> Self {
        let (mut name, mut key) = ([0; 8], Key::default());
        OsRng.fill_bytes(&mut name);
        OsRng.fill_bytes(key.as_mut_slice());
        Self {
            ring: None,
            configured: vec![(hex::encode(name), key)],
            missed: Mutex::default(),
        }
    }

    /// Parses `name:hex,name:hex`.
    fn parse(setting: &Secret) -> Result<Self, SealError> {
        let mut keys: Vec<(String, Key)> = Vec::new();
        for (number, text) in (1..).zip(setting.expose().split(',')) {
            let malformed = SealError::Malformed { number };
            let Some((name, digits)) = text.trim().split_once(':') else {
                return Err(malformed);
            };
            let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            if !name.bytes().all(is_allowed) || !(1..=MAX_NAME_LENGTH).contains(&name.len()) {
                return Err(malformed);
            }
            let mut key = Key::default();
            hex::decode_to_slice(digits, key.as_mut_slice()).map_err(|_| malformed)?;
            if keys.iter().any(|(other, _)| other == name) {
                return Err(SealError::DuplicateName { number });
            }
            keys.push((name.to_owned(), key));
        }
        Ok(Self {
            ring: None,
            configured: keys,
            missed: Mutex::default(),
        })
    }

    /// Returns the file of the key ring.
    pub fn ring_file(&self) -> Option<&Path> {
        self.ring.as_ref().map(KeyRing::file)
    }

    /// Reads the key ring again.
    pub fn refresh(&self) -> Result<(), SealError> {
        if let Some(ring) = &self.ring {
            ring.keys(Duration::ZERO)?;
        }
        Ok(())
    }

    /// Returns the name and the bytes of the key that encrypts.
    pub fn newest(&self) -> Result<(String, Key), SealError> {
        match &self.ring {
            // A ring has at least one key.
            Some(ring) => {
                let newest = &ring.keys(MAX_RING_AGE)?[0];
                Ok((newest.name.clone(), newest.bytes()))
            }
            None => Ok(self.configured[0].clone()),
        }
    }

    /// Returns the bytes of a key. `None` if the service doesn't have it.
    pub fn find(&self, name: &[u8]) -> Result<Option<Key>, SealError> {
        // Another instance may have added the key a moment ago.
        self.find_within(name, &[MAX_RING_AGE, Duration::ZERO])
    }

    fn find_within(&self, name: &[u8], ring_ages: &[Duration]) -> Result<Option<Key>, SealError> {
        let configured = self.configured.iter();
        let mut configured = configured.filter(|(other, _)| other.as_bytes() == name);
        if let Some((_, key)) = configured.next() {
            return Ok(Some(key.clone()));
        }
        let Some(ring) = &self.ring else { return Ok(None) };
        for max_age in ring_ages {
            let keys = ring.keys(*max_age)?;
            if let Some(key) = keys.iter().find(|key| key.name.as_bytes() == name) {
                return Ok(Some(key.bytes()));
            }
        }
        Ok(None)
    }

    /// Returns the bytes of a key that a client has named. Reads the key ring for unknown names at
    /// most once in [`MISS_AGE`], because clients can send any name.
    pub fn find_of_client(&self, name: &[u8]) -> Result<Option<Key>, SealError> {
        let missed = || self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        if missed().is_some_and(|at| at.elapsed() < MISS_AGE) {
            return self.find_within(name, &[MAX_RING_AGE]);
        }
        let found = self.find(name)?;
        if found.is_none() {
            *missed() = Some(Instant::now());
        }
        Ok(found)
    }

    /// Encrypts the witness of a job.
    pub fn seal(&self, job: &str, witness: &[u8]) -> Result<Vec<u8>, SealError> {
        let (name, key) = self.newest()?;
        let mut nonce = [0; NONCE_LENGTH];
        OsRng.fill_bytes(&mut nonce);
        let payload = Payload {
            msg: witness,
            aad: job.as_bytes(),
        };
        let ciphertext = cipher(&key)
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| SealError::Damaged)?;
        let length = u8::try_from(name.len()).expect("a name has at most 32 bytes");
        Ok([&[length], name.as_bytes(), &nonce, &ciphertext].concat())
    }

    /// Decrypts the witness of a job.
    pub fn decrypt(&self, job: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (length, rest) = sealed.split_first().ok_or(SealError::Damaged)?;
        let (name, rest) = rest
            .split_at_checked((*length).into())
            .ok_or(SealError::Damaged)?;
        let (nonce, ciphertext) = rest
            .split_first_chunk::<NONCE_LENGTH>()
            .ok_or(SealError::Damaged)?;
        let Some(key) = self.find(name)? else {
            let name = String::from_utf8_lossy(name).into_owned();
            return Err(SealError::UnknownKey { name });
        };
        let payload = Payload {
            msg: ciphertext,
            aad: job.as_bytes(),
        };
        let witness = cipher(&key).decrypt(&XNonce::from(*nonce), payload);
        witness.map(Zeroizing::new).map_err(|_| SealError::Damaged)
    }
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&**key).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "old:0101010101010101010101010101010101010101010101010101010101010101";
    const NEW: &str = "new:0202020202020202020202020202020202020202020202020202020202020202";

    fn keys(text: &str) -> WitnessKeys {
        WitnessKeys::parse(&Secret::new(text.to_owned())).unwrap()
    }

    #[test]
    fn a_witness_can_be_decrypted_only_for_its_job() {
        let sealed = keys(NEW).seal("job", b"witness").unwrap();
        assert_eq!(keys(NEW).decrypt("job", &sealed).unwrap().as_slice(), b"witness");
        assert_eq!(
            keys(NEW).decrypt("another", &sealed).unwrap_err(),
            SealError::Damaged
        );
    }

    #[test]
    fn a_changed_or_truncated_witness_is_refused() {
        let sealed = keys(NEW).seal("job", b"witness").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(keys(NEW).decrypt("job", &changed).is_err(), "byte {at}");
            assert!(keys(NEW).decrypt("job", &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn after_a_rotation_the_old_key_decrypts_and_the_new_key_encrypts() {
        let sealed = keys(OLD).seal("job", b"witness").unwrap();
        let both = keys(&format!("{NEW}, {OLD}"));
        assert_eq!(both.decrypt("job", &sealed).unwrap().as_slice(), b"witness");
        let sealed_anew = both.seal("job", b"witness").unwrap();
        assert!(keys(NEW).decrypt("job", &sealed_anew).is_ok());
        let error = keys(NEW).decrypt("job", &sealed).unwrap_err();
        assert_eq!(
            error,
            SealError::UnknownKey {
                name: "old".to_owned()
            }
        );
    }

    #[test]
    fn two_encryptions_of_a_witness_differ() {
        let keys = keys(NEW);
        assert_ne!(keys.seal("job", b"witness"), keys.seal("job", b"witness"));
    }

    #[test]
    fn an_invalid_setting_is_refused_and_the_error_does_not_contain_it() {
        for text in [
            "",
            "name",
            "name:12",
            ":0101",
            &format!("{OLD},"),
            &format!("a b{}", &OLD[3..]),
        ] {
            let error = WitnessKeys::parse(&Secret::new(text.to_owned())).err().unwrap();
            assert!(matches!(error, SealError::Malformed { .. }), "{text}");
            assert!(!error.to_string().contains("0101"), "{error}");
        }
        let duplicate = WitnessKeys::parse(&Secret::new(format!("{OLD},{OLD}")))
            .err()
            .unwrap();
        assert_eq!(duplicate, SealError::DuplicateName { number: 2 });
    }
}

//! Witnesses at rest: encrypted with a key that is not where they lie.
//!
//! A sealed witness is: length of the key's name (1 byte), name, nonce (24), ciphertext and tag of `XChaCha20-Poly1305`.
//! The job's id is authenticated with it, so that a row's witness can't be put into another row.

use bauta_service_common::Secret;
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use rand::{RngCore, rngs::OsRng};
use zeroize::Zeroizing;

const NONCE: usize = 24;
const LONGEST_NAME: usize = 32;

/// Why keys are refused, or a witness can't be opened. Never has a key or a witness in it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    /// The setting isn't a list of keys.
    #[error(
        "key {number} of WITNESS_KEYS must be a name (1 to 32 letters, digits, - or _), a colon and 64 hexadecimal digits; keys \
         are separated by commas"
    )]
    Malformed {
        /// Which, from 1.
        number: usize,
    },
    /// Two keys of one name.
    #[error("WITNESS_KEYS has two keys with the name of key {number}: names must differ")]
    Twice {
        /// The second, from 1.
        number: usize,
    },
    /// The key that sealed it isn't there any more.
    #[error("the witness was encrypted with the key {name}, which WITNESS_KEYS doesn't have (any more)")]
    UnknownKey {
        /// Its name.
        name: String,
    },
    /// Not what was sealed.
    #[error("the encrypted witness is damaged, or belongs to another job")]
    Damaged,
}

/// Keys for witnesses. The first encrypts, all decrypt: to rotate, put a new one first, and drop the old one when the jobs
/// that it sealed have ended.
pub struct WitnessKeys(Vec<(String, XChaCha20Poly1305)>);

impl WitnessKeys {
    /// Reads `name:hex,name:hex`.
    pub fn parse(setting: &Secret) -> Result<Self, SealError> {
        let mut keys: Vec<(String, XChaCha20Poly1305)> = Vec::new();
        for (number, text) in (1..).zip(setting.expose().split(',')) {
            let malformed = SealError::Malformed { number };
            let Some((name, digits)) = text.trim().split_once(':') else {
                return Err(malformed);
            };
            let named = name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            if !named || !(1..=LONGEST_NAME).contains(&name.len()) {
                return Err(malformed);
            }
            let mut key = Zeroizing::new([0; 32]);
            hex::decode_to_slice(digits, key.as_mut_slice()).map_err(|_| malformed)?;
            if keys.iter().any(|(other, _)| other == name) {
                return Err(SealError::Twice { number });
            }
            keys.push((name.to_owned(), XChaCha20Poly1305::new((&*key).into())));
        }
        Ok(Self(keys))
    }

    /// Encrypts a job's witness.
    pub fn seal(&self, job: &str, witness: &[u8]) -> Result<Vec<u8>, SealError> {
        let (name, key) = &self.0[0];
        let mut nonce = [0; NONCE];
        OsRng.fill_bytes(&mut nonce);
        let payload = Payload {
            msg: witness,
            aad: job.as_bytes(),
        };
        let ciphertext = key
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| SealError::Damaged)?;
        let length = u8::try_from(name.len()).expect("a name has at most 32 bytes");
        Ok([&[length], name.as_bytes(), &nonce, &ciphertext].concat())
    }

    /// Decrypts a job's witness.
    pub fn open(&self, job: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (length, rest) = sealed.split_first().ok_or(SealError::Damaged)?;
        let (name, rest) = rest
            .split_at_checked((*length).into())
            .ok_or(SealError::Damaged)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE>().ok_or(SealError::Damaged)?;
        let mut keys = self.0.iter();
        let Some((_, key)) = keys.find(|(other, _)| other.as_bytes() == name) else {
            let name = String::from_utf8_lossy(name).into_owned();
            return Err(SealError::UnknownKey { name });
        };
        let payload = Payload {
            msg: ciphertext,
            aad: job.as_bytes(),
        };
        let witness = key.decrypt(&XNonce::from(*nonce), payload);
        witness.map(Zeroizing::new).map_err(|_| SealError::Damaged)
    }
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
    fn a_witness_opens_for_its_job_alone() {
        let sealed = keys(NEW).seal("job", b"witness").unwrap();
        assert_eq!(keys(NEW).open("job", &sealed).unwrap().as_slice(), b"witness");
        assert_eq!(
            keys(NEW).open("another", &sealed).unwrap_err(),
            SealError::Damaged
        );
    }

    #[test]
    fn every_change_and_every_cut_is_noticed() {
        let sealed = keys(NEW).seal("job", b"witness").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(keys(NEW).open("job", &changed).is_err(), "byte {at}");
            assert!(keys(NEW).open("job", &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn rotation_opens_what_the_old_key_sealed_and_seals_with_the_new_one() {
        let sealed = keys(OLD).seal("job", b"witness").unwrap();
        let both = keys(&format!("{NEW}, {OLD}"));
        assert_eq!(both.open("job", &sealed).unwrap().as_slice(), b"witness");
        let sealed_anew = both.seal("job", b"witness").unwrap();
        assert!(keys(NEW).open("job", &sealed_anew).is_ok());
        let gone = keys(NEW).open("job", &sealed).unwrap_err();
        assert_eq!(
            gone,
            SealError::UnknownKey {
                name: "old".to_owned()
            }
        );
    }

    #[test]
    fn the_same_witness_never_looks_the_same() {
        let keys = keys(NEW);
        assert_ne!(keys.seal("job", b"witness"), keys.seal("job", b"witness"));
    }

    #[test]
    fn a_setting_that_is_no_list_of_keys_is_refused_without_repeating_it() {
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
        let twice = WitnessKeys::parse(&Secret::new(format!("{OLD},{OLD}")))
            .err()
            .unwrap();
        assert_eq!(twice, SealError::Twice { number: 2 });
    }
}

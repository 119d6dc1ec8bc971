//! The file of an identity: a master secret that is encrypted under a passphrase.
//!
//! The form is that of a backup of `@bauta/sdk`, so that a browser can restore the file and this
//! command can read a backup.
//!
//! | bytes | content |
//! |---|---|
//! | 16 | salt of PBKDF2-HMAC-SHA-256 with 600,000 rounds, which derives the key |
//! | 12 | nonce of AES-256-GCM |
//! | 48 | the master secret, encrypted, and the tag |
//!
//! A backup can also have the registrations of the browser, after these bytes.

use std::{
    fs,
    io::{ErrorKind, Read},
    num::NonZeroU32,
    os::unix::fs::MetadataExt,
    path::Path,
};

use anyhow::{Context, Result, bail, ensure};
use rand::{RngCore, rngs::OsRng};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    pbkdf2::{PBKDF2_HMAC_SHA256, derive},
};
use zeroize::Zeroizing;

use crate::{
    failure::{Failure, Kind},
    new_file,
};

const ROUNDS: NonZeroU32 = NonZeroU32::new(600_000).expect("the number is not zero");
const SALT: usize = 16;
const NONCE: usize = 12;
const SECRET: usize = 32;
const TAG: usize = 16;
/// The length of the file in bytes.
pub const LENGTH: usize = SALT + NONCE + SECRET + TAG;

/// The length of the longest backup with registrations in bytes.
const LONGEST_BACKUP: u64 = 1 << 20;

/// The bytes of a master secret. They are wiped when the value is dropped.
pub type Secret = Zeroizing<[u8; SECRET]>;

/// Returns a new random master secret.
pub fn random() -> Secret {
    let mut secret = Zeroizing::new([0; SECRET]);
    OsRng.fill_bytes(&mut secret[..]);
    secret
}

/// Seals a master secret.
pub fn seal(secret: &Secret, passphrase: &str) -> Result<[u8; LENGTH]> {
    let mut sealed = [0; LENGTH];
    OsRng.fill_bytes(&mut sealed[..SALT + NONCE]);
    let (salt, nonce) = (array(&sealed[..SALT]), array(&sealed[SALT..SALT + NONCE]));
    let mut text = secret.clone();
    let nonce = Nonce::assume_unique_for_key(nonce);
    let tag = key(passphrase, &salt)?
        .seal_in_place_separate_tag(nonce, Aad::empty(), &mut text[..])
        .ok()
        .context("the master secret can't be encrypted")?;
    sealed[SALT + NONCE..LENGTH - TAG].copy_from_slice(&text[..]);
    sealed[LENGTH - TAG..].copy_from_slice(tag.as_ref());
    Ok(sealed)
}

/// Opens a sealed master secret.
pub fn open(sealed: &[u8; LENGTH], passphrase: &str) -> Result<Secret> {
    let (salt, nonce) = (array(&sealed[..SALT]), array(&sealed[SALT..SALT + NONCE]));
    let mut rest: Zeroizing<[u8; SECRET + TAG]> = Zeroizing::new(array(&sealed[SALT + NONCE..]));
    let nonce = Nonce::assume_unique_for_key(nonce);
    let opened = key(passphrase, &salt)?.open_in_place(nonce, Aad::empty(), &mut rest[..]);
    let Ok(opened) = opened else {
        let message = "the passphrase does not open the identity";
        return Err(Failure::new(Kind::Other, message)
            .next("check the passphrase, and that the file is the identity that it belongs to")
            .into());
    };
    let mut secret = Zeroizing::new([0; SECRET]);
    secret.copy_from_slice(opened);
    Ok(secret)
}

fn key(passphrase: &str, salt: &[u8; SALT]) -> Result<LessSafeKey> {
    let mut bytes = Zeroizing::new([0; 32]);
    derive(
        PBKDF2_HMAC_SHA256,
        ROUNDS,
        salt,
        passphrase.as_bytes(),
        &mut bytes[..],
    );
    let key = UnboundKey::new(&AES_256_GCM, &bytes[..]).ok();
    Ok(LessSafeKey::new(key.context("the key can't be derived")?))
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut copy = [0; N];
    copy.copy_from_slice(bytes);
    copy
}

/// Writes a new file that only its owner can read. Never replaces a file.
pub fn create(file: &Path, bytes: &[u8]) -> Result<()> {
    match new_file::create(file, bytes) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!(
                "{} exists and is never replaced: choose another file",
                file.display()
            )
        }
        created => created.with_context(|| format!("can't write {}", file.display())),
    }
}

/// Reads the file of an identity. In a backup of `@bauta/sdk`, the sealed registrations follow the
/// identity. They are not read.
pub fn read(file: &Path) -> Result<[u8; LENGTH]> {
    let context = || format!("can't read the identity {}", file.display());
    let found = fs::metadata(file).with_context(context)?;
    ensure!(
        (LENGTH as u64..=LONGEST_BACKUP).contains(&found.size()),
        "{} is not an identity: it has {} bytes, and an identity has {LENGTH}, or up to {LONGEST_BACKUP} with \
         registrations",
        file.display(),
        found.size()
    );
    let mut bytes = [0; LENGTH];
    let mut opened = fs::File::open(file).with_context(context)?;
    opened.read_exact(&mut bytes).with_context(context)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A backup that the Web Cryptography API made as `@bauta/sdk` does. The secret is the bytes 0
    /// to 31. The passphrase is "correct horse". All bytes of the salt are 1, and of the nonce 2.
    const BACKUP: &str = "01010101010101010101010101010101020202020202020202020202c187287748313626da7a32359f75908dce39c7d7ecc45a237c7c381b12c93ae50ca3c3f5a00fa748e169d8dac826379b";

    #[test]
    fn a_backup_of_the_browser_opens_and_a_wrong_passphrase_does_not() {
        let mut sealed = [0; LENGTH];
        hex::decode_to_slice(BACKUP, &mut sealed).unwrap();
        let expected: Vec<u8> = (0..32).collect();
        assert_eq!(open(&sealed, "correct horse").unwrap().as_slice(), expected);
        assert!(open(&sealed, "correct horse ").is_err());
        sealed[40] ^= 1;
        assert!(open(&sealed, "correct horse").is_err());
    }

    #[test]
    fn a_sealed_secret_opens_and_each_seal_differs() {
        let secret = random();
        let sealed = seal(&secret, "passphrase").unwrap();
        assert_eq!(*open(&sealed, "passphrase").unwrap(), *secret);
        assert_ne!(seal(&secret, "passphrase").unwrap(), sealed);
    }

    #[test]
    fn an_identity_is_never_replaced_and_a_backup_can_have_registrations() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("identity");
        create(&file, &[1; LENGTH]).unwrap();
        let error = create(&file, &[2; LENGTH]).unwrap_err().to_string();
        assert!(error.contains("never replaced"), "{error}");
        assert_eq!(read(&file).unwrap(), [1; LENGTH]);
        let long = folder.path().join("with registrations");
        create(&long, &[[1; LENGTH].as_slice(), &[2; 300]].concat()).unwrap();
        assert_eq!(read(&long).unwrap(), [1; LENGTH]);
        let short = folder.path().join("short");
        create(&short, &[1; 3]).unwrap();
        let error = read(&short).unwrap_err().to_string();
        assert!(error.contains("it has 3 bytes"), "{error}");
    }
}

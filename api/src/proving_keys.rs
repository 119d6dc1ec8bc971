//! Web keys. They are read from a folder at start, compared with
//! their digests, and served from memory.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};

/// Largest number of keys.
const MAX_KEYS: usize = 32;
/// Largest size of a key in bytes. The key of `ownership` at depth 10 has about 1.1 MB.
const MAX_KEY_BYTES: u64 = 16 << 20;

/// The SHA-256 of a web-key file.
pub type KeyDigest = [u8; 32];

/// Why the keys of a folder can't be served.
#[derive(Debug, thiserror::Error)]
pub enum ProvingKeyError {
    /// The folder or a file can't be read.
    #[error("can't read {}: {error}", path.display())]
    Unreadable {
        /// The folder or the file.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
    /// The digest of a file is not the one in its name.
    #[error("{} has the SHA-256 {digest}: its name must be its SHA-256; copy the file again", path.display())]
    OtherDigest {
        /// The file.
        path: PathBuf,
        /// The digest of its content.
        digest: String,
    },
    /// A file is too large.
    #[error("{} has more than {MAX_KEY_BYTES} bytes, which is the limit of a web key", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// There are too many keys.
    #[error("{} has more than {MAX_KEYS} keys, which is the limit; remove keys that no circuit uses", path.display())]
    TooMany {
        /// The folder.
        path: PathBuf,
    },
}

/// The web keys of a folder.
#[derive(Debug, Default)]
pub struct ProvingKeys(HashMap<KeyDigest, Arc<[u8]>>);

impl ProvingKeys {
    /// Reads the files of a folder whose names are 64 lower-case hexadecimal digits. Other files
    /// are left alone. Without a folder there are no keys.
    pub fn read(folder: Option<&Path>) -> Result<Self, ProvingKeyError> {
        let mut keys = HashMap::new();
        let Some(folder) = folder else {
            return Ok(Self(keys));
        };
        let unreadable = |path: &Path, error| ProvingKeyError::Unreadable {
            path: path.to_owned(),
            error,
        };
        for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
            let entry = entry.map_err(|error| unreadable(folder, error))?;
            let Some(digest) = entry.file_name().to_str().and_then(parse_digest) else {
                continue;
            };
            if keys.len() == MAX_KEYS {
                let path = folder.to_owned();
                return Err(ProvingKeyError::TooMany { path });
            }
            keys.insert(digest, read_key(&entry.path(), digest)?);
        }
        Ok(Self(keys))
    }

    /// Returns whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the key with this SHA-256.
    pub fn get(&self, digest: &KeyDigest) -> Option<Arc<[u8]>> {
        self.0.get(digest).cloned()
    }
}

/// Reads a digest: 64 lower-case hexadecimal digits, so that a key has one name.
pub fn parse_digest(text: &str) -> Option<KeyDigest> {
    let mut digest = [0; 32];
    let is_lower = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let decoded = is_lower.then(|| hex::decode_to_slice(text, &mut digest));
    decoded?.ok().map(|()| digest)
}

fn read_key(path: &Path, digest: KeyDigest) -> Result<Arc<[u8]>, ProvingKeyError> {
    let path = path.to_owned();
    let mut key = Vec::new();
    // The limit applies to what is read, because the file can grow.
    let read = File::open(&path).and_then(|file| file.take(MAX_KEY_BYTES + 1).read_to_end(&mut key));
    if let Err(error) = read {
        return Err(ProvingKeyError::Unreadable { path, error });
    }
    if key.len() as u64 > MAX_KEY_BYTES {
        return Err(ProvingKeyError::TooLarge { path });
    }
    let found: KeyDigest = Sha256::digest(&key).into();
    if found != digest {
        let digest = hex::encode(found);
        return Err(ProvingKeyError::OtherDigest { path, digest });
    }
    Ok(key.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_one_spelling() {
        let digits = "0a".repeat(32);
        assert_eq!(parse_digest(&digits), Some([10; 32]));
        for text in [
            "",
            "0a",
            &digits.to_uppercase(),
            &format!("0x{digits}"),
            &digits[1..],
            &format!("{}/.", &digits[2..]),
            &"é".repeat(32),
        ] {
            assert_eq!(parse_digest(text), None, "{text}");
        }
    }

    #[test]
    fn a_file_above_the_limit_and_a_file_too_many_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let read = || ProvingKeys::read(Some(folder.path()));
        for number in 0..MAX_KEYS {
            let content = number.to_le_bytes();
            fs::write(folder.path().join(hex::encode(Sha256::digest(content))), content).unwrap();
        }
        assert_eq!(read().unwrap().0.len(), MAX_KEYS);
        let last = folder.path().join("0a".repeat(32));
        File::create(&last).unwrap().set_len(MAX_KEY_BYTES + 1).unwrap();
        assert!(matches!(
            read(),
            Err(ProvingKeyError::TooMany { .. } | ProvingKeyError::TooLarge { .. })
        ));
        let only = tempfile::tempdir().unwrap();
        fs::rename(&last, only.path().join("0a".repeat(32))).unwrap();
        let error = ProvingKeys::read(Some(only.path())).unwrap_err();
        assert!(matches!(error, ProvingKeyError::TooLarge { .. }), "{error}");
        File::create(folder.path().join("0b".repeat(32))).unwrap();
        let error = read().unwrap_err();
        assert!(
            matches!(
                error,
                ProvingKeyError::TooMany { .. } | ProvingKeyError::OtherDigest { .. }
            ),
            "{error}"
        );
    }
}

//! The format of key files: a header, and then the key as a `.zkey` file. All integers are
//! big-endian.
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `BAUTAKEY` |
//! | 2 | version of this format: 1 |
//! | 1 | provenance: 0 development, 1 ceremony |
//! | 2 + n | only if development: length and text of the warning, for people who open the file |
//! | 32 | only if ceremony: transcript hash, which is SHA-256 of the 64-byte circuit hash followed by the 64-byte hash of each contribution |
//! | 1 + n | statement: length and name |
//! | 2 | version of the statement |
//! | 1 | depth |
//! | 2 | leaf format |
//! | 32 | hash of the constraint system |
//! | 32 | hash of the verifying key |
//! | 8 | length of the body |
//! | 32 | SHA-256 of the body |
//! | n | body: a `.zkey` file |

use bauta_iden3::ZKey;
use sha2::{Digest, Sha256};

use super::{
    DEVELOPMENT_WARNING, Key, KeyHeader, Provenance, development::is_from_published_seed, import::ceremony,
};
use crate::{
    CircuitsError,
    statement::{Statement, r1cs},
};

const MAGIC: &[u8; 8] = b"BAUTAKEY";
const FORMAT: u16 = 1;

impl<S: Statement> Key<S> {
    /// Reads a key file. Returns an error with the reason if
    ///
    /// * the file is damaged,
    /// * it belongs to another statement, version, depth, leaf format or constraint system,
    /// * anyone can forge proofs with the key, or its chain of contributions is broken,
    /// * the header says *ceremony* and the key comes from a development setup, or the header says
    ///   *development* and the key does not come from the published seed.
    ///
    /// Only [`import`](Self::import) compares the key's points with the powers of tau, because a
    /// key file does not contain them.
    pub fn from_bytes(statement: S, bytes: &[u8]) -> Result<Self, CircuitsError> {
        let (header, body_hash, body) = KeyHeader::read(bytes)?;
        if body_hash != <[u8; 32]>::from(Sha256::digest(body)) {
            return Err(CircuitsError::KeyFile(
                "the hash of its body differs from the hash in the header; the file is damaged",
            ));
        }
        let r1cs = r1cs(&statement);
        // First check that the file belongs to this circuit.
        KeyHeader::of(&statement, &r1cs, header.provenance, header.verifying_key_hash)
            .expect_same(&header)?;
        let zkey = ZKey::from_bytes(body)?;
        zkey.check_circuit(&r1cs)?;
        zkey.check_sound()?;
        // Anyone can write a header, so the provenance comes from the key.
        let provenance = match header.provenance {
            Provenance::Development => {
                zkey.verify_transcript()?;
                if !is_from_published_seed(&zkey, &r1cs) {
                    return Err(CircuitsError::KeyFile(
                        "its header says that it is a development key, but the key was not made from the \
                         published seed",
                    ));
                }
                Provenance::Development
            }
            Provenance::Ceremony { .. } => ceremony(&zkey, &r1cs)?,
        };
        let key = Self::assemble(statement, &r1cs, provenance, zkey)?;
        key.header.expect_same(&header)?;
        Ok(key)
    }

    /// Returns the contents of a key file.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CircuitsError> {
        let body = self.zkey.to_bytes()?;
        let mut bytes = self
            .header
            .write(body.len() as u64, &Sha256::digest(&body).into());
        bytes.extend(body);
        Ok(bytes)
    }
}

impl KeyHeader {
    fn write(&self, body_length: u64, body_hash: &[u8; 32]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(FORMAT.to_be_bytes());
        match &self.provenance {
            Provenance::Development => {
                let length = u16::try_from(DEVELOPMENT_WARNING.len())
                    .expect("the warning is shorter than 65,536 bytes");
                bytes.push(0);
                bytes.extend(length.to_be_bytes());
                bytes.extend(DEVELOPMENT_WARNING.as_bytes());
            }
            Provenance::Ceremony { transcript_hash } => {
                bytes.push(1);
                bytes.extend(transcript_hash);
            }
        }
        bytes.push(u8::try_from(self.statement.len()).expect("a statement's name has at most 32 bytes"));
        bytes.extend(self.statement.as_bytes());
        bytes.extend(self.version.to_be_bytes());
        bytes.push(self.depth);
        bytes.extend(self.leaf_format.to_be_bytes());
        bytes.extend(self.constraint_system_hash);
        bytes.extend(self.verifying_key_hash);
        bytes.extend(body_length.to_be_bytes());
        bytes.extend(body_hash);
        bytes
    }

    /// Reads the header, the hash of the body and the body. Checks that the length of the body is
    /// the one in the header.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, [u8; 32], &[u8]), CircuitsError> {
        let mut reader = Reader(bytes);
        if reader.take("magic", MAGIC.len())? != MAGIC {
            return Err(CircuitsError::KeyFile("it does not begin with BAUTAKEY"));
        }
        if u16::from_be_bytes(reader.array("format version")?) != FORMAT {
            return Err(CircuitsError::KeyFile(
                "its format version is not 1, the only supported version",
            ));
        }
        let [kind] = reader.array("provenance")?;
        let provenance = match kind {
            0 => {
                let length = u16::from_be_bytes(reader.array("warning")?);
                if reader.take("warning", length.into())? != DEVELOPMENT_WARNING.as_bytes() {
                    return Err(CircuitsError::KeyFile(
                        "a development key must contain the unchanged warning",
                    ));
                }
                Provenance::Development
            }
            1 => Provenance::Ceremony {
                transcript_hash: reader.array("transcript hash")?,
            },
            _ => {
                return Err(CircuitsError::KeyFile(
                    "its provenance is neither 0 (development) nor 1 (ceremony)",
                ));
            }
        };
        let [length] = reader.array("statement")?;
        let statement = std::str::from_utf8(reader.take("statement", length.into())?)
            .map_err(|_| CircuitsError::KeyFile("the statement's name is not UTF-8"))?
            .to_owned();
        let version = u16::from_be_bytes(reader.array("statement version")?);
        let [depth] = reader.array("depth")?;
        let leaf_format = u16::from_be_bytes(reader.array("leaf format")?);
        let constraint_system_hash = reader.array("hash of the constraint system")?;
        let verifying_key_hash = reader.array("hash of the verifying key")?;
        let header = Self {
            provenance,
            statement,
            version,
            depth,
            leaf_format,
            constraint_system_hash,
            verifying_key_hash,
        };
        let body_length = u64::from_be_bytes(reader.array("length of the body")?);
        let body_hash = reader.array("hash of the body")?;
        if reader.0.len() as u64 != body_length {
            return Err(CircuitsError::KeyFile(
                "its body is shorter or longer than the length in the header; the file may be truncated",
            ));
        }
        Ok((header, body_hash, reader.0))
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, part: &'static str, length: usize) -> Result<&'a [u8], CircuitsError> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(CircuitsError::KeyFileEnds { part })?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, part: &'static str) -> Result<[u8; N], CircuitsError> {
        let taken = self.take(part, N)?;
        Ok(taken
            .try_into()
            .expect("take returns the requested number of bytes"))
    }
}

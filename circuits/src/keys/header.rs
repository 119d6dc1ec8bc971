use std::fmt;

use bauta_iden3::R1cs;

use crate::{CircuitsError, statement::Statement};

/// The warning of every development key.
pub const DEVELOPMENT_WARNING: &str = "DEVELOPMENT KEY. Its secrets are published: ANYBODY CAN FORGE proofs for it. \
For tests and local chains only, never for anything of value.";

/// Where a key comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provenance {
    /// From published secrets.
    Development,
    /// From a ceremony.
    Ceremony {
        /// SHA-256 of the circuit hash and all contributions' transcript hashes, in order.
        transcript_hash: [u8; 32],
    },
}

impl Provenance {
    /// What everybody who loads this key has to be told.
    #[must_use]
    pub const fn warning(&self) -> Option<&'static str> {
        match self {
            Self::Development => Some(DEVELOPMENT_WARNING),
            Self::Ceremony { .. } => None,
        }
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Development => f.write_str("development"),
            Self::Ceremony { transcript_hash } => write!(f, "ceremony {}", hex::encode(transcript_hash)),
        }
    }
}

/// What a key file says about its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHeader {
    /// Where the key comes from.
    pub provenance: Provenance,
    /// The statement's name.
    pub statement: String,
    /// The statement's version.
    pub version: u16,
    /// Depth of the registry tree.
    pub depth: u8,
    /// Meaning of the leaf's attributes.
    pub leaf_format: u16,
    /// [`R1cs::hash`](bauta_iden3::R1cs::hash) of the statement.
    pub constraint_system_hash: [u8; 32],
    /// SHA-256 of the verifying key's 576 bytes.
    pub verifying_key_hash: [u8; 32],
}

impl KeyHeader {
    pub(super) fn of<S: Statement>(
        statement: &S,
        r1cs: &R1cs,
        provenance: Provenance,
        verifying_key_hash: [u8; 32],
    ) -> Self {
        Self {
            provenance,
            statement: S::NAME.to_owned(),
            version: S::VERSION,
            depth: statement.depth() as u8,
            leaf_format: S::LEAF_FORMAT,
            constraint_system_hash: r1cs.hash(),
            verifying_key_hash,
        }
    }

    /// Refuses a file's header that differs from this one, with the first difference.
    pub(super) fn expect_same(&self, file: &Self) -> Result<(), CircuitsError> {
        let hash = |hash: &[u8; 32]| hex::encode(hash);
        let fields = [
            ("statement", file.statement.clone(), self.statement.clone()),
            ("version", file.version.to_string(), self.version.to_string()),
            ("depth", file.depth.to_string(), self.depth.to_string()),
            (
                "leaf format",
                file.leaf_format.to_string(),
                self.leaf_format.to_string(),
            ),
            (
                "constraint system hash",
                hash(&file.constraint_system_hash),
                hash(&self.constraint_system_hash),
            ),
            (
                "provenance",
                file.provenance.to_string(),
                self.provenance.to_string(),
            ),
            (
                "verifying key hash",
                hash(&file.verifying_key_hash),
                hash(&self.verifying_key_hash),
            ),
        ];
        match fields.into_iter().find(|(_, found, expected)| found != expected) {
            None => Ok(()),
            Some((field, found, expected)) => Err(CircuitsError::KeyMismatch {
                field,
                found,
                expected,
            }),
        }
    }
}

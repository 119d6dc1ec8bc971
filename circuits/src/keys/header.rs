//! The header of a key file.

use std::fmt;

use bauta_iden3::R1cs;

use crate::{CircuitsError, statement::Statement};

/// The warning of every development key. Key files contain it, so its text must not change.
pub const DEVELOPMENT_WARNING: &str = "DEVELOPMENT KEY. Its secrets are published: ANYBODY CAN FORGE proofs for it. \
For tests and local chains only, never for anything of value.";

/// Whether a key is a development key or comes from a ceremony.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provenance {
    /// The key was made from published secrets.
    Development,
    /// The key was made in a ceremony.
    Ceremony {
        /// SHA-256 of the circuit hash followed by the hashes of all contributions, in order.
        transcript_hash: [u8; 32],
    },
}

impl Provenance {
    /// Returns the warning that must be shown to everyone who loads this key.
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

/// The header of a key file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHeader {
    /// The provenance of the key.
    pub provenance: Provenance,
    /// The name of the statement.
    pub statement: String,
    /// The version of the statement.
    pub version: u16,
    /// The depth of the registry tree.
    pub depth: u8,
    /// The leaf format, which defines the leaf's attributes.
    pub leaf_format: u16,
    /// The [`R1cs::hash`](bauta_iden3::R1cs::hash) of the statement.
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

    /// Compares a file's header with this one. The error names the first difference.
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

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

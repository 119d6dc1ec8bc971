//! What can go wrong.

use bauta_iden3::Unsatisfied;
use thiserror::Error;

/// Why there is no engine or no proof. Never carries witness values: they are secret.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProverError {
    /// The key's parts don't fit together.
    #[error("the proving key is malformed: {0}")]
    InvalidKey(&'static str),
    /// The key's file can't be read.
    #[cfg(feature = "files")]
    #[error("can't read the key {0}: {1}")]
    Read(std::path::PathBuf, #[source] std::io::Error),
    /// The key's file isn't a good key.
    #[error(transparent)]
    Key(#[from] bauta_iden3::Error),
    /// The tables don't fit.
    #[error(
        "the key's tables need at least {needed} bytes, the budget is {budget}; give a larger budget in \
         Options::table_budget"
    )]
    TableBudget {
        /// Bytes of the smallest tables that the engine makes for this key.
        needed: usize,
        /// Bytes allowed.
        budget: usize,
    },
    /// The chosen back end can't run here.
    #[error(
        "this machine can't run the back end {0}; choose BackEnd::Portable, or none for the fastest there is"
    )]
    BackEnd(&'static str),
    /// The witness is of another circuit.
    #[error("the witness has {found} values, the key is for {expected} wires: is it a witness for this key?")]
    WitnessLength {
        /// Wires of the key's circuit.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// The rows given along with the witness are of another circuit.
    #[error("the witness comes with {found} values of {matrix}·z, the key has {expected} constraints")]
    RowCount {
        /// A or B.
        matrix: char,
        /// Constraints of the key's circuit.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// Wire 0 of the witness isn't one.
    #[error("wire 0 of the witness isn't one; it is the constant one of every circuit")]
    ConstantOne,
    /// The witness doesn't satisfy the circuit.
    #[error(transparent)]
    Unsatisfied(#[from] Unsatisfied),
    /// Self-verification refused the proof.
    #[error(
        "the proof doesn't verify, so it was thrown away: the witness doesn't satisfy the circuit, or is of another \
         circuit with as many wires (Witness::check names the first constraint that doesn't hold)"
    )]
    VerificationFailed,
    /// A part of the proof is the point at infinity, which verifiers refuse. For a sound key this has a probability of
    /// about 2^-254.
    #[error("a part of the proof is the point at infinity; the key is degenerate")]
    Infinity,
    /// The number of public inputs is wrong.
    #[error("{found} public inputs given, the key has {expected}")]
    PublicInputs {
        /// Public inputs of the key's circuit.
        expected: usize,
        /// Values given.
        found: usize,
    },
}

//! The errors of the engine.

use bauta_iden3::Unsatisfied;
use thiserror::Error;

/// The reason why there is no engine or no proof. It never contains witness values, because they
/// are secret.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProverError {
    /// The parts of the key do not match each other.
    #[error("the proving key is malformed: {0}")]
    InvalidKey(&'static str),
    /// The key's file cannot be read.
    #[cfg(feature = "files")]
    #[error("can't read the key {0}: {1}")]
    Read(std::path::PathBuf, #[source] std::io::Error),
    /// The key's file is not a valid key.
    #[error(transparent)]
    Key(#[from] bauta_iden3::Error),
    /// The tables exceed the budget.
    #[error(
        "the key's tables need at least {needed} bytes, but the budget is {budget}; set a larger budget in \
         Options::table_budget"
    )]
    TableBudget {
        /// Size in bytes of the smallest tables that the engine can make for this key.
        needed: usize,
        /// Allowed size in bytes.
        budget: usize,
    },
    /// The chosen back end needs instructions that this machine does not have, or a larger circuit.
    #[error(
        "the back end {0} is not available for this machine and key; choose BackEnd::Portable, or none for the \
         fastest one"
    )]
    BackEnd(&'static str),
    /// The witness belongs to another circuit.
    #[error(
        "the witness has {found} values, but the key has {expected} wires; use a witness of the key's circuit"
    )]
    WitnessLength {
        /// Number of wires of the key's circuit.
        expected: usize,
        /// Number of values of the witness.
        found: usize,
    },
    /// The rows that were given with the witness belong to another circuit.
    #[error("the witness has {found} values of {matrix}·z, but the key has {expected} constraints")]
    RowCount {
        /// The name of the matrix: A or B.
        matrix: char,
        /// Number of constraints of the key's circuit.
        expected: usize,
        /// Number of values of the witness.
        found: usize,
    },
    /// The key has only points, so the witness must contain the values of A·z and B·z.
    #[error("the key has no matrices; create the witness with Witness::with_rows")]
    RowsMissing,
    /// Wire 0 of the witness is not one.
    #[error("wire 0 of the witness must be one, because it is the constant one of every circuit")]
    ConstantOne,
    /// The witness does not satisfy the circuit.
    #[error(transparent)]
    Unsatisfied(#[from] Unsatisfied),
    /// Self-verification found the proof to be invalid.
    #[error(
        "the proof does not verify, so it was discarded; the witness does not satisfy the circuit, or belongs to \
         another circuit with the same number of wires (Witness::check names the first unsatisfied constraint)"
    )]
    VerificationFailed,
    /// A part of the proof is the point at infinity, which verifiers refuse. For a sound key this
    /// happens with a probability of about 2^-254.
    #[error("a part of the proof is the point at infinity; the key is degenerate")]
    Infinity,
    /// The number of public inputs is wrong.
    #[error("{found} public inputs were given, but the key has {expected}")]
    PublicInputs {
        /// Number of public inputs of the key's circuit.
        expected: usize,
        /// Number of public inputs that were given.
        found: usize,
    },
}

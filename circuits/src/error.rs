//! The errors of this crate.

use bauta_primitives::{PrimitivesError, statements::InvalidValue};

/// The reason why inputs, a key or a proof are refused. It never contains a secret.
#[derive(Debug, thiserror::Error)]
pub enum CircuitsError {
    /// The index or the path does not fit the tree.
    #[error("the path does not fit the statement's tree: {0}")]
    Path(#[source] PrimitivesError),
    /// The path does not lead from the leaf to the root.
    #[error(
        "the path does not lead from the leaf to the root: the path or the root is outdated, or secret, entry id, \
         attributes or index are not those of the registered leaf"
    )]
    WrongRoot,
    /// The predicate does not allow the claim.
    #[error("the claim does not follow from the leaf's attributes: {rule}")]
    WrongClaim {
        /// The rule of the predicate.
        rule: &'static str,
    },
    /// The contents of the leaf do not give its attributes.
    #[error("attributes must be the hash of the leaf's contents")]
    WrongAttributes,
    /// A private input breaks a rule of the statement.
    #[error(transparent)]
    Private(#[from] InvalidValue),
    /// The address was revoked.
    #[error("the address was revoked: its handle is in the list of revocations")]
    Revoked,
    /// The path does not lead from the element of the list of revocations to the list's root.
    #[error(
        "the path does not lead from the element of the list of revocations to the auxiliary root: one of the three \
         is outdated"
    )]
    WrongAuxiliaryRoot,
    /// The proof is not valid for the verifying key and the digest.
    #[error("the proof is not valid for this verifying key and digest")]
    InvalidProof,
    /// The bytes are not a valid point of a proof or verifying key.
    #[error("point {name} of the proof {problem}")]
    Point {
        /// The name of the point.
        name: &'static str,
        /// The problem.
        problem: &'static str,
    },
    /// The key has a wrong number of public inputs.
    #[error("the key has {found} public inputs, but every statement has exactly one, the digest")]
    PublicInputs {
        /// The number of public inputs of the key.
        found: u32,
    },
    /// The file is not a valid key file.
    #[error("the key file is refused: {0}")]
    KeyFile(&'static str),
    /// The key file is truncated.
    #[error("the key file ends within its {part}")]
    KeyFileEnds {
        /// The part in which the file ends.
        part: &'static str,
    },
    /// The key file belongs to another circuit.
    #[error(
        "the key file is for another circuit: its {field} is {found}, but this statement's is {expected}"
    )]
    KeyMismatch {
        /// The field that differs.
        field: &'static str,
        /// The value in the file.
        found: String,
        /// The value of this statement.
        expected: String,
    },
    /// The inputs and the key belong to different statements.
    #[error("the inputs are for the statement {found}, but the key is for {expected}")]
    OtherStatement {
        /// The statement of the inputs.
        found: &'static str,
        /// The statement of the key.
        expected: &'static str,
    },
    /// The `.zkey` is damaged, unsound or belongs to another circuit.
    #[error("the zkey is refused: {0}")]
    ZKey(#[from] bauta_iden3::Error),
    /// A key from a development setup is presented as a ceremony's key.
    #[error(
        "the key comes from a development setup, whose maker can forge proofs, and cannot be a ceremony's key; a \
         ceremony begins with `snarkjs groth16 setup`"
    )]
    DevelopmentSetup,
    /// The inputs for the WebAssembly prover have a wrong length.
    #[error(
        "the inputs have {length} bytes; inputs for a tree of depth 10 have 1,192, and for one of depth 16 1,768"
    )]
    WebInputs {
        /// The length that was found.
        length: usize,
    },
    /// The proving engine refused the key or the witness.
    #[error("proving failed: {0}")]
    Proving(#[from] bauta_prover::ProverError),
}

impl From<PrimitivesError> for CircuitsError {
    /// Converts a [`PrimitivesError::WrongRoot`] to [`Self::WrongRoot`], which does not contain the
    /// roots. Services store and log these errors, and the root that leaf and path lead to can
    /// identify the member.
    fn from(error: PrimitivesError) -> Self {
        match error {
            PrimitivesError::WrongRoot { .. } => Self::WrongRoot,
            other => Self::Path(other),
        }
    }
}

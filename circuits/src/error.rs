use bauta_primitives::PrimitivesError;

/// What can be wrong with inputs, keys and proofs. Never carries a secret.
#[derive(Debug, thiserror::Error)]
pub enum CircuitsError {
    /// An index or path that doesn't fit the tree.
    #[error("the path doesn't fit the statement's tree: {0}")]
    Path(#[from] PrimitivesError),
    /// The leaf isn't under the root.
    #[error(
        "the path doesn't lead from the leaf to the root: the path or the root is stale, or secret, entry id, \
         attributes or index are not those of the registered leaf"
    )]
    WrongRoot,
    /// The claim isn't what the predicate shows.
    #[error("the claim doesn't follow from the leaf's attributes: {rule}")]
    WrongClaim {
        /// The predicate's rule.
        rule: &'static str,
    },
    /// The proof doesn't show the digest.
    #[error("the proof doesn't hold for this verifying key and digest")]
    InvalidProof,
    /// Bytes that are no point of a proof.
    #[error("point {name} of the proof {problem}")]
    Point {
        /// The point.
        name: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A key for another number of public inputs.
    #[error("the key has {found} public inputs; every statement has one, the digest")]
    PublicInputs {
        /// How many it has.
        found: u32,
    },
    /// A key file that isn't one.
    #[error("the key file is refused: {0}")]
    KeyFile(&'static str),
    /// A key file that is cut short.
    #[error("the key file ends within its {part}")]
    KeyFileEnds {
        /// Where it ends.
        part: &'static str,
    },
    /// A key file for something else.
    #[error("the key file is for another circuit: its {field} is {found}, this statement's is {expected}")]
    KeyMismatch {
        /// What differs.
        field: &'static str,
        /// The file's.
        found: String,
        /// This statement's.
        expected: String,
    },
    /// A `.zkey` that is damaged, unsound or another circuit's.
    #[error("the zkey is refused: {0}")]
    ZKey(#[from] bauta_iden3::Error),
    /// A development key that was handed in as a ceremony's.
    #[error(
        "the zkey has the contribution of a development setup: its maker can forge proofs; a ceremony starts from \
         `snarkjs groth16 setup`"
    )]
    DevelopmentContribution,
    /// The proving engine refused the key or the witness.
    #[error("proving failed: {0}")]
    Proving(#[from] bauta_prover::ProverError),
}

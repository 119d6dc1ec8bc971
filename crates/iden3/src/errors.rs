//! What can be wrong with a file, a key or a witness.

use thiserror::Error;

/// Why a witness doesn't satisfy a constraint system. Never carries witness values: they are secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unsatisfied {
    /// The witness has another number of wires than the constraint system.
    #[error("the witness has {found} values; the constraint system has {expected} wires")]
    Length {
        /// Wires of the constraint system.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// Wire 0 is not one.
    #[error("wire 0 of the witness isn't one; it is the constant one of every constraint system")]
    ConstantOne,
    /// The first constraint that doesn't hold.
    #[error("constraint {constraint} isn't satisfied: (A·z)·(B·z) differs from C·z")]
    Constraint {
        /// Index of the constraint, from zero.
        constraint: usize,
    },
}

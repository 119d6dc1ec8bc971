//! Poseidon over the BN254 scalar field with circomlib's parameters.
//!
//! `PoseidonN` of the protocol is [`hash`] of N inputs, where N is 1 to 6. It equals circomlib's
//! `Poseidon(N)`, light-poseidon's `new_circom` and Solana's `sol_poseidon` (BN254, x^5). The state
//! of the permutation has N + 1 elements. State element 0 starts at zero, and the others start as
//! the inputs. The result is state element 0 after the permutation.
//!
//! ```text
//! [0, inputs] -> 4 full rounds -> 56..63 partial rounds -> 4 full rounds -> state element 0
//!                x^5 on every     x^5 on state
//!                state element    element 0 only
//! ```
//!
//! [`Parameters`] holds the constants in a sparse form. A partial round needs one constant and 2t -
//! 1 multiplications, where the textbook form needs t and t². The circuits use the same form.
//!
//! ```
//! use ark_bn254::Fr;
//! let pair = [Fr::from(1u64), Fr::from(2u64)];
//! assert_eq!(bauta_poseidon::hash(&pair)?, bauta_poseidon::hash_array(&pair));
//! assert!(bauta_poseidon::hash(&[]).is_err());
//! # Ok::<(), bauta_poseidon::PoseidonError>(())
//! ```

mod batch;
mod grain;
mod parameters;
mod scalar;
mod tree;
#[cfg(target_arch = "x86_64")]
mod vectors;

pub use batch::Batch;
pub use parameters::{FULL_ROUNDS, HALF_FULL_ROUNDS, Parameters};
pub use scalar::{hash, hash_array};
pub use tree::tree_levels;

/// The largest number of inputs that [`hash`] accepts.
pub const MAX_INPUTS: usize = 6;

/// The reason why a hash cannot be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PoseidonError {
    /// The number of inputs is not in 1 to [`MAX_INPUTS`].
    #[error("Poseidon takes 1 to {MAX_INPUTS} inputs, got {0}")]
    InputCount(usize),
    /// A batch ends in the middle of a group.
    #[error(
        "{elements} elements can't be hashed in groups of {group}: their number must be a multiple of {group}"
    )]
    PartialGroup {
        /// The number of elements.
        elements: usize,
        /// The number of elements that are hashed together.
        group: usize,
    },
    /// There are more leaves than the tree can hold.
    #[error("{leaves} leaves do not fit into a 4-ary tree of depth {depth}, which has 4^{depth} leaves")]
    TooManyLeaves {
        /// The number of leaves.
        leaves: usize,
        /// The number of levels above the leaves.
        depth: u32,
    },
}

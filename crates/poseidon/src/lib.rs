//! Poseidon over the BN254 scalar field with circomlib's parameters.
//!
//! `PoseidonN` of the protocol is [`hash`] of N inputs, 1 to 6. It equals circomlib's `Poseidon(N)`,
//! light-poseidon's `new_circom` and Solana's `sol_poseidon` (BN254, x^5). The permutation has N + 1 lanes; lane 0
//! starts at zero, the inputs fill the others, and the result is lane 0 at the end.
//!
//! ```text
//! [0, inputs] -> 4 full rounds -> 56..63 partial rounds -> 4 full rounds -> lane 0
//!                x^5 on every lane  x^5 on lane 0 alone
//! ```
//!
//! [`Parameters`] holds the constants in a form that needs one constant and 2t - 1 multiplications per partial
//! round, where the textbook form needs t and t². The circuits use the same form.
//!
//! ```
//! use ark_bn254::Fr;
//! let pair = [Fr::from(1u64), Fr::from(2u64)];
//! assert_eq!(bauta_poseidon::hash(&pair)?, bauta_poseidon::hash_array(&pair));
//! assert!(bauta_poseidon::hash(&[]).is_err());
//! # Ok::<(), bauta_poseidon::PoseidonError>(())
//! ```

mod batch;
#[cfg(target_arch = "x86_64")]
mod batch_ifma;
mod parameters;
mod scalar;
mod tree;

pub use batch::Batch;
pub use parameters::{FULL_ROUNDS, HALF_FULL_ROUNDS, Parameters};
pub use scalar::{hash, hash_array};
pub use tree::tree_levels;

/// Most inputs that [`hash`] takes.
pub const MAX_INPUTS: usize = 6;

/// Why a hash can't be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PoseidonError {
    /// Poseidon is defined here for 1 to [`MAX_INPUTS`] inputs.
    #[error("Poseidon takes 1 to {MAX_INPUTS} inputs, got {0}")]
    InputCount(usize),
    /// A batch ends in the middle of a group.
    #[error(
        "{elements} elements can't be hashed in groups of {group}: the number has to be a multiple of it"
    )]
    PartialGroup {
        /// Elements given.
        elements: usize,
        /// Elements hashed together.
        group: usize,
    },
    /// The leaves don't fit into the tree.
    #[error("{leaves} leaves don't fit into a 4-ary tree of depth {depth}: it has 4^{depth}")]
    TooManyLeaves {
        /// Leaves given.
        leaves: usize,
        /// Levels above the leaves.
        depth: u32,
    },
}

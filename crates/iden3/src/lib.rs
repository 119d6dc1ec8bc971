//! Readers and writers of the iden3 file formats on arkworks types, for Groth16 over BN254 (iden3's name: bn128).
//!
//! ```text
//!   circuit --> R1cs --.r1cs--> snarkjs groth16 setup --.zkey--> ZKey --> prover
//!                |                 ^                             |
//!                |               .ptau                           +--> verification_key.json
//!   witness --> .wtns --> snarkjs groth16 prove --> proof.json, public.json
//! ```
//!
//! Everything read is checked before it is handed on: bounds and counts before anything is allocated, field
//! elements for being canonical, points for lying on the curve and in the subgroup. Bad input gives an
//! [`Error`] that says what is wrong, where, and the rule; it never panics.

mod errors;
mod r1cs;
mod zkey;

pub use errors::Unsatisfied;
pub use r1cs::{Constraint, Evaluations, LinearCombination, R1cs, evaluate};
pub use zkey::{Coefficient, Contribution, ContributionKind, Matrix, ZKey};

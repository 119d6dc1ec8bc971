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

mod ark;
mod checks;
mod container;
mod encoding;
mod errors;
pub mod json;
mod ptau;
mod r1cs;
mod random;
mod setup;
#[cfg(feature = "snarkjs")]
pub mod snarkjs;
mod transcript;
mod wtns;
mod zkey;

pub use ark::ArkMatrix;
pub use errors::{Error, Modulus, Place, Unsatisfied};
pub use ptau::PowersOfTau;
pub use r1cs::{Constraint, Evaluations, LinearCombination, R1cs, evaluate};
pub use setup::DEVELOPMENT;
pub use transcript::MAX_BEACON_ITERATIONS_EXP;
pub use wtns::Witness;
pub use zkey::{Coefficient, Contribution, ContributionKind, Matrix, ZKey};

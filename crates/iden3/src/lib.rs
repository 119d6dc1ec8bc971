//! Reads and writes the iden3 file formats for Groth16 over BN254 (which iden3 calls bn128), with
//! arkworks types.
//!
//! ```text
//!   circuit --> R1cs --.r1cs--> snarkjs groth16 setup --.zkey--> ZKey --> prover
//!                |                 ^                             |
//!                |               .ptau                           +--> verification_key.json
//!   witness --> .wtns --> snarkjs groth16 prove --> proof.json, public.json
//! ```
//!
//! | file | type |
//! |---|---|
//! | `.r1cs` | [`R1cs`] |
//! | `.wtns` | [`Witness`], secret |
//! | `.zkey` | [`ZKey`], with the transcript of its ceremony |
//! | `.ptau` | [`PowersOfTau`] |
//! | `verification_key.json`, `proof.json`, `public.json` | [`json`] |
//!
//! A key from an external source must pass these checks, in this order: [`ZKey::check_sound`],
//! [`ZKey::check_circuit`], [`ZKey::verify_transcript`] and, with the ceremony's powers of tau,
//! [`ZKey::check_powers`].
//!
//! ```
//! use bauta_iden3::{Constraint, R1cs, ZKey};
//! use ark_bn254::Fr;
//!
//! // x·x = y, with the public output y (wire 1) and the private input x (wire 2).
//! let one = Fr::from(1_u64);
//! let square = Constraint { a: vec![(2, one)], b: vec![(2, one)], c: vec![(1, one)] };
//! let system = R1cs {
//!     public_outputs: 1,
//!     public_inputs: 0,
//!     private_inputs: 1,
//!     wires: 3,
//!     constraints: vec![square],
//! };
//! system.is_satisfied(&[one, Fr::from(49_u64), Fr::from(7_u64)])?;
//!
//! let key = ZKey::development(&system, &mut rand::thread_rng())?;
//! let read = ZKey::from_bytes(&key.to_bytes()?)?;
//! read.check_sound()?;
//! read.check_circuit(&system)?;
//! read.verify_transcript()?;
//! # Ok::<(), bauta_iden3::Error>(())
//! ```
//!
//! All input is checked when it is read. Bounds and counts are checked before memory is allocated.
//! Field elements must be canonical. Points must be on the curve and in the subgroup. Invalid input
//! gives an [`Error`] with the problem, the position and the rule. Reading never panics.

mod arkworks;
mod checks;
mod circuit_hash;
mod container;
mod domain;
mod encoding;
mod error;
pub mod json;
mod pairing;
mod ptau;
mod r1cs;
mod random;
mod setup;
#[cfg(feature = "snarkjs")]
pub mod snarkjs;
mod subgroup;
mod transcript;
mod wtns;
mod zkey;

pub use arkworks::ArkMatrix;
pub use error::{Error, Location, Modulus, Unsatisfied};
pub use ptau::PowersOfTau;
pub use r1cs::{Constraint, Evaluations, LinearCombination, R1cs, evaluate};
pub use setup::DEVELOPMENT;
pub use transcript::MAX_BEACON_ITERATIONS_EXP;
pub use wtns::Witness;
pub use zkey::{Coefficient, Contribution, ContributionKind, Matrix, ZKey};

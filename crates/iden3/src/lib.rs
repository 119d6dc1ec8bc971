//! Readers and writers of the iden3 file formats on arkworks types, for Groth16 over BN254 (iden3's name: bn128).
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
//! A key that comes from elsewhere must pass, in this order, [`ZKey::check_sound`], [`ZKey::check_circuit`],
//! [`ZKey::verify_transcript`] and, with the ceremony's powers of tau, [`ZKey::check_powers`].
//!
//! ```
//! use bauta_iden3::{Constraint, R1cs, ZKey};
//! use ark_bn254::Fr;
//!
//! // x·x = y, for the public output y (wire 1) and the private input x (wire 2).
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

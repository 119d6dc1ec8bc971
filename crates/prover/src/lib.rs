//! The Groth16 proving engine over BN254: standard proofs, made fast for circuits of some thousand constraints.
//!
//! ```text
//!   ZKey --Engine::prepare--> tables of multiples of the key's points
//!                                              |
//!   Witness --rows of A, B--> coset transforms --> a·b - c --> C ---+
//!       |                                          |                |
//!       +-- z·r₁ --> B in G2    z/r₁ --> A in G1   z --> C          +--> Proof, re-randomised
//! ```
//!
//! `docs/prover.md` derives what is computed and why it is zero-knowledge. In short: A, B and C are three
//! multi-scalar multiplications by fixed points; there is no fourth one for B in G1, because the proof is
//! re-randomised with the two random factors that standard blinding would use otherwise. No unblinded A or B ever
//! exists.
//!
//! ```no_run
//! # fn example(key: &bauta_iden3::ZKey, wires: Vec<ark_bn254::Fr>) -> Result<(), bauta_prover::ProverError> {
//! use bauta_prover::{Engine, Witness};
//! let engine = Engine::prepare(key)?;
//! let proof = engine.prove(&Witness::new(wires), &mut ark_std::rand::rngs::OsRng)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Not constant time
//!
//! Proving reads table entries at places that depend on the witness, and takes longer for witnesses with more digits other than
//! zero. A and B are computed from scalars multiplied by a random factor, so only zeros show in them; C is not.
//! Whoever measures cache accesses or many precise timings on the proving machine can learn about witnesses.

mod engine;
mod erase;
mod error;
#[cfg(feature = "files")]
mod files;
mod key;
mod msm;
mod proof;
mod tables;
mod threads;
mod transform;
mod witness;

pub use engine::{BackEnd, Engine, Options};
pub use error::ProverError;
#[cfg(feature = "files")]
pub use files::{Refusal, Saved, TableSource};
pub use proof::Proof;
pub use witness::Witness;

//! A Groth16 proving engine over BN254. It makes standard proofs, and is optimised for circuits of
//! a few thousand constraints.
//!
//! ```text
//!   ZKey --Engine::prepare--> tables of multiples of the key's points
//!                                              |
//!   Witness --rows of A, B--> coset transforms --> a·b - c --> C ---+
//!       |                                          |                |
//!       +-- z·r₁ --> B in G2    z/r₁ --> A in G1   z --> C          +--> Proof, re-randomised
//! ```
//!
//! `docs/prover.md` derives the computation and its zero-knowledge property. In short: A, B and C
//! are three multi-scalar multiplications of fixed points. A fourth one, for B in G1, is not
//! needed, because the proof is re-randomised with the two random factors that standard blinding
//! would use. An unblinded A or B is never computed.
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
//! Proving reads table entries at addresses that depend on the witness. It takes longer for
//! witnesses with more nonzero digits. The scalars of A and B are multiplied by a random factor, so
//! A and B reveal only which scalars are zero. The scalars of C are not. An attacker who can
//! measure cache accesses or many precise timings on the proving machine can learn about witnesses.

mod compact;
mod engine;
mod error;
#[cfg(feature = "files")]
mod files;
mod key;
mod msm;
mod proof;
#[cfg(feature = "files")]
mod table_memory;
mod tables;
mod threads;
mod transform;
mod wipe;
mod witness;

pub use compact::{BlindedParts, CompactEngine, CompactKey, UnblindedC};
pub use engine::{BackEnd, Engine, Options};
pub use error::ProverError;
#[cfg(feature = "files")]
pub use files::{Refusal, Saved, TableSource};
pub use proof::{Proof, Verifier};
pub use witness::Witness;

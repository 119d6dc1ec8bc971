//! Statements, gadgets and keys.
//!
//! A statement consists of a shared core and one predicate. The core proves membership in a
//! registry and derives a nullifier from the same secret. The predicate derives a public claim from
//! the member's leaf. Every proof has one public input, the digest.
//!
//! ```text
//!   ProofInputs --evaluate in ordinary code--> Evaluation (nullifier, digest) or the violated rule
//!     |
//!     +--Statement, gadgets--> Assignment --+
//!                                           +--> Proof --verify--> digest
//!   Statement --> R1cs --setup, import--> Key
//! ```
//!
//! [`statements`] contains what can be proved, [`gadgets`] the parts of statements,
//! [`constraint_system`] the interface for which gadgets are written, `keys` (a feature, on by
//! default) the sources of proving keys, and [`web_inputs`] the inputs of the WebAssembly prover.

pub mod constraint_system;
mod error;
mod field;
pub mod figures;
pub mod gadgets;
#[cfg(feature = "keys")]
pub mod keys;
mod proof;
pub mod statement;
pub mod statements;
pub mod web_inputs;

pub use error::CircuitsError;
#[cfg(feature = "keys")]
pub use keys::{AnyInputs, AnyKey, Key, load_or_setup_development};
pub use proof::{PreparedVerifyingKey, Proof, VerifyingKey, public_to_snarkjs};
pub use statement::{Evaluation, Statement};
pub use statements::{Address, Ownership, Reputation};

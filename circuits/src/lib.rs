//! Statements, gadgets and keys.
//!
//! A statement is the shared core (a member of a registry, a nullifier from the same secret) and one predicate that
//! turns the leaf's attributes into a public claim. Every proof has one public input, the digest.
//!
//! ```text
//!   Inputs --evaluate, in plain code--> Evaluation (nullifier, digest) or what is wrong with them
//!     |
//!     +--Statement, gadgets--> Assignment --+
//!                                           +--> Proof --verify--> digest
//!   Statement --> R1cs --setup, import--> Key
//! ```
//!
//! [`statements`] has what can be proved, [`gadgets`] what statements are built of, [`constraint_system`] what
//! gadgets are written against, [`keys`] where proving keys come from.

pub mod constraint_system;
mod error;
mod field;
pub mod figures;
pub mod gadgets;
pub mod keys;
mod proof;
pub mod statement;
pub mod statements;

pub use error::CircuitsError;
pub use keys::{Key, load_or_setup_development};
pub use proof::{PreparedVerifyingKey, Proof, VerifyingKey, public_to_snarkjs};
pub use statement::{Evaluation, Inputs, Statement};
pub use statements::{Ownership, OwnershipInputs};

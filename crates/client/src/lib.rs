//! The Rust client of the Bauta program.
//!
//! It builds instructions, decodes accounts, events, return data and errors, and keeps a reference
//! tree. It does not connect to a node.
//!
//! ```text
//!   parameters --instructions--> Instruction --(a wallet, a node)--> chain
//!                                                                      |
//!   state    <--decode_account-- account data  <-----------------------+
//!   scope    <--decode_scope, with the pinned cluster tag  <-----------+
//!   root     <--root_to_prove-- registry account  <--------------------+
//!   Event    <--decode_event---- inner instructions  <-----------------+
//!   Verification, ProgramError  <-- return data, custom code  <--------+
//!
//!   events --> ReferenceTree --path--> ProofInputs --(a prover)--> proof --> instructions::Verify
//! ```

mod accounts;
pub mod addresses;
pub mod eligibility;
mod error;
mod events;
pub mod instructions;
mod program_error;
mod revocations;
mod roots;
mod scope;
mod tree;
mod verification;

pub use accounts::decode_account;
pub use error::ClientError;
pub use events::{Event, decode_event};
pub use program_error::ProgramError;
pub use revocations::{Revocation, RevocationList, RevocationListError};
pub use roots::root_to_prove;
pub use scope::{ClusterTag, decode_scope};
pub use tree::{ON_CHAIN_LEVELS, ReferenceTree};
pub use verification::Verification;

//! Rust SDK: instructions, account and event decoding, reference tree.
//!
//! ```text
//!   parameters --instructions--> Instruction --(a wallet, a node)--> chain
//!                                                                      |
//!   state    <--decode_account-- account data  <-----------------------+
//!   Event    <--decode_event---- inner instructions  <-----------------+
//!   Verification, ProgramError  <-- return data, custom code  <--------+
//!
//!   events --> ReferenceTree --path--> OwnershipProofRequest --(a prover)--> proof --> instructions::Verify
//! ```

mod accounts;
pub mod addresses;
mod error;
mod events;
pub mod instructions;
mod proof;
mod refusal;
mod tree;
mod verification;

pub use accounts::decode_account;
pub use error::ClientError;
pub use events::{Event, decode_event};
pub use proof::{MembershipPath, OwnershipProofRequest};
pub use refusal::ProgramError;
pub use tree::{ON_CHAIN_LEVELS, ReferenceTree};
pub use verification::Verification;
